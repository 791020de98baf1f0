"""The metrics of training: loss and accuracy over a pass, and those of an epoch."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn.distributed import ProcessGroup
from autograd_cnn.errors import ShapeError
from autograd_cnn.parameters import integer


@dataclass(slots=True)
class Metrics:
    """The mean loss and the accuracy over the examples so far.

    Attributes
    ----------
    count : int
        The examples so far.
    correct : int
        Those whose label had the highest score.
    total_loss : float
        The sum of their losses.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.update(0.5, np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    >>> metrics.update(2.0, np.array([[0.6, 0.4]]), np.array([0]))
    >>> metrics.count, metrics.loss, round(metrics.accuracy, 3)
    (3, 1.0, 0.667)
    """

    count: int = 0
    correct: int = 0
    total_loss: float = 0.0
    start: float = field(default_factory=time.perf_counter, repr=False)

    def update(self, loss: float, scores: NDArray[np.floating], labels: NDArray[Any]) -> None:
        """Add a batch: its mean loss, its scores (N, K) and its labels (N,), or shares of classes (N, K)."""
        if labels.shape == scores.shape:
            labels = labels.argmax(axis=1)
        self.count += len(labels)
        self.correct += int(np.count_nonzero(scores.argmax(axis=1) == labels))
        self.total_loss += loss * len(labels)

    def add(self, others: "Metrics") -> None:
        """Add the examples of other metrics."""
        self.count += others.count
        self.correct += others.correct
        self.total_loss += others.total_loss

    def over(self, group: ProcessGroup | None) -> "Metrics":
        """Return the metrics over the examples of all processes of a group."""
        if group is None:
            return self
        count, correct, total = group.sum([self.count, self.correct, self.total_loss]).tolist()
        return Metrics(int(count), int(correct), total, self.start)

    @property
    def loss(self) -> float:
        """The mean over the examples so far; NaN before the first."""
        return self.total_loss / self.count if self.count else math.nan

    @property
    def accuracy(self) -> float:
        """The share of the examples so far whose label had the highest score; NaN before the first."""
        return self.correct / self.count if self.count else math.nan

    @property
    def seconds(self) -> float:
        """The time since the pass began."""
        return time.perf_counter() - self.start


def top_k(scores: ArrayLike, labels: ArrayLike, k: int = 5) -> float:
    """Return the share of examples whose label is among the ``k`` highest scores.

    Parameters
    ----------
    scores : (N, K)
        Or probabilities, such as `predict` returns.
    labels : (N,)
    k : int
        If it is larger than the number of classes, all are correct.

    Raises
    ------
    ShapeError
        If the shapes do not match.
    ArgumentError
        If ``k`` is not an int of at least 1.

    Examples
    --------
    >>> top_k([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]], [2, 1], k=2)
    0.5
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape[:1]:
        problem = "scores and labels do not go together"
        raise ShapeError("top_k", problem, expected="(N, K) and (N,)", got=f"{scores.shape} and {labels.shape}")
    best = np.argsort(-scores, axis=1, kind="stable")[:, : integer("top_k", "k", k, 1)]
    return float(np.mean((best == labels[:, None]).any(axis=1))) if len(labels) else math.nan


@dataclass(frozen=True, slots=True)
class EpochMetrics:
    """The metrics of one epoch.

    Attributes
    ----------
    epoch : int
        Its number, from 1.
    loss, accuracy : float
        Over the training images, each at the time of its step.
    test_loss, test_accuracy : float
        Over the test images, after the epoch.
    learning_rate : float
        Of the first parameter group, at the start of the epoch.
    images_per_second, seconds : float
        The speed and duration of the training part.
    backend : str
        The backend that computed it: ``"reference"`` or ``"jit"``.
    gradients : dict of str to float
        For each layer with parameters, the norm of the loss's gradient after the epoch, if watched and finite.
    dead : dict of str to float
        For each ReLU, the share of its units that were 0 for all watched images.
    """

    epoch: int
    loss: float
    accuracy: float
    test_loss: float
    test_accuracy: float
    learning_rate: float
    images_per_second: float
    seconds: float
    backend: str
    gradients: dict[str, float] = field(default_factory=dict)
    dead: dict[str, float] = field(default_factory=dict)
