"""The predictions of a trained classifier, and their confusion matrix."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn import nn
from autograd_cnn.data import Split
from autograd_cnn.data.dataset import Images, rows
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.recording import no_grad
from autograd_cnn.nn.modes import check_network, evaluating
from autograd_cnn.ops import softmax
from autograd_cnn.parameters import Size, of_kind
from autograd_cnn.table import aligned
from autograd_cnn.tensor import Tensor


def scores_of(where: str, model: nn.Module, images: Any) -> Tensor:
    """Return the output of ``model`` for ``images``; an array, which has left the tape, is an error of ``where``."""
    scores = model(images)
    of_kind(where, "what the model returns", scores, Tensor, "scores (N, K)")
    return scores


@composite
def predict(model: nn.Module, images: Images, batch_size: Size = 256) -> NDArray[np.floating]:
    """Return the probability of each class for each image.

    The model runs in eval mode and records nothing; its modes are restored at the end.

    Parameters
    ----------
    model : Module
        Maps images to scores (N, K).
    images : (N, C, H, W)
    batch_size : int
        Images per forward pass.

    Returns
    -------
    (N, K)
        The softmax of the scores: each row sums to 1.

    Raises
    ------
    OperandError
        If ``model`` is not a `Module` that returns tensors, or ``images`` are not an array.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> predict(model, ag.data.digits().test.images).shape
    (360, 10)
    """
    check_network("predict", model)
    images = images if hasattr(images, "shape") else rows("predict", "images", images, "pass its .images")
    parts = []
    with evaluating(model), no_grad():
        for start in range(0, max(len(images), 1), batch_size):
            scores = scores_of("predict", model, Tensor.wrap(images[start : start + batch_size]))
            parts.append(softmax(scores, axis=1).numpy())
    return np.concatenate(parts)


@dataclass(frozen=True)
class Confusion:
    """How often each class was predicted as each class.

    Attributes
    ----------
    counts : (K, K) of int
        ``counts[i, j]`` images of class i were predicted as class j.
    classes : tuple of str
        Their names.

    Examples
    --------
    >>> confusion = Confusion(np.array([[3, 1], [0, 4]]), ("cat", "dog"))
    >>> confusion.accuracy
    0.875
    >>> confusion.recall.tolist(), confusion.precision.tolist(), confusion.f1.round(3).tolist()
    ([0.75, 1.0], [1.0, 0.8], [0.857, 0.889])
    >>> confusion.iou.tolist()
    [0.75, 0.8]
    >>> print(confusion)
           cat  dog  recall  precision     F1
    cat      3    1   0.750      1.000  0.857
    dog      0    4   1.000      0.800  0.889
    """

    counts: NDArray[np.int64]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, labels: ArrayLike, taken_for: ArrayLike, classes: tuple[str, ...]) -> "Confusion":
        """Count true ``labels`` (N,) against predictions ``taken_for`` (N,), as class numbers; or pixels, (N, H, W)."""
        counts = np.zeros((len(classes), len(classes)), np.int64)
        np.add.at(counts, (np.asarray(labels), np.asarray(taken_for)), 1)
        return cls(counts, classes)

    @property
    def accuracy(self) -> float:
        """The share of images that were predicted correctly; NaN if there are none."""
        return float(_share(np.trace(self.counts), self.counts.sum()))

    @property
    def recall(self) -> NDArray[np.float64]:
        """The share of each class's images that were recognised; NaN if it has none."""
        return _share(np.diag(self.counts), self.counts.sum(axis=1))

    @property
    def precision(self) -> NDArray[np.float64]:
        """The share of the images predicted as each class that belong to it; NaN if there are none."""
        return _share(np.diag(self.counts), self.counts.sum(axis=0))

    @property
    def f1(self) -> NDArray[np.float64]:
        """The harmonic mean of each class's recall and precision; NaN if both are undefined."""
        return _share(2 * np.diag(self.counts), self.counts.sum(axis=0) + self.counts.sum(axis=1))

    @property
    def iou(self) -> NDArray[np.float64]:
        """Each class's intersection over union of true and predicted examples; NaN if there are none."""
        both = np.diag(self.counts)
        return _share(both, self.counts.sum(axis=0) + self.counts.sum(axis=1) - both)

    def __repr__(self) -> str:
        figures = [*zip(self.recall, self.precision, self.f1, strict=True)]
        rows = [["", *self.classes, "recall", "precision", "F1"]]
        rows += [
            [name, *map(str, counts), *(f"{figure:.3f}" for figure in own)]
            for name, counts, own in zip(self.classes, self.counts.tolist(), figures, strict=True)
        ]
        return "\n".join(aligned(rows, range(1, len(rows[0]))))


@composite
def confusion(model: nn.Module, split: Split, classes: tuple[str, ...], batch_size: Size = 256) -> Confusion:
    """Run a classifier on images with labels, and count its predictions.

    Parameters
    ----------
    model : Module
        Maps images to scores (N, K).
    split : Split
        Images and labels.
    classes : tuple of str
        The K names.
    batch_size : int
        Images per forward pass.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> digits = ag.data.digits()
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> confusion(model, digits.test, digits.classes).counts.sum()
    np.int64(360)
    """
    of_kind("confusion", "split", split, Split, "data.Split(images, labels)")
    return Confusion.of(split.labels, predict(model, split.images, batch_size).argmax(axis=1), classes)


def _share(part: NDArray[np.int64] | np.int64, whole: NDArray[np.int64] | np.int64) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.true_divide(part, whole)
