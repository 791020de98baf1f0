"""Training a classifier: the loop that all the rest is for."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import nn, optim
from autograd_cnn.data import Dataset, Loader, Split, random_shift
from autograd_cnn.engine.recording import no_grad
from autograd_cnn.errors import DivergedError
from autograd_cnn.tensor import Tensor


@dataclass(slots=True)
class Tally:
    """What a pass over the images has come to so far."""

    images: int = 0
    right: int = 0
    total_loss: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    def add(self, loss: float, scores: NDArray[np.floating], labels: NDArray[np.int64]) -> None:
        """Count a batch: its mean loss, its scores (N, K) and its labels (N,)."""
        self.images += len(labels)
        self.right += int(np.count_nonzero(scores.argmax(axis=1) == labels))
        self.total_loss += loss * len(labels)

    @property
    def loss(self) -> float:
        """The mean over the images so far."""
        return self.total_loss / self.images

    @property
    def accuracy(self) -> float:
        """The share of the images so far whose label had the highest score."""
        return self.right / self.images

    @property
    def seconds(self) -> float:
        """Since the pass began."""
        return time.perf_counter() - self.began


Watcher: TypeAlias = Callable[[int, Tally], None]
"""Is told the number of the epoch, and its tally after every batch."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to; ``test_…`` on the images held out, after it."""

    epoch: int
    loss: float
    accuracy: float
    test_loss: float
    test_accuracy: float
    learning_rate: float
    images_per_second: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, in what steps and from what seed to train."""

    epochs: int
    batch_size: int
    lr: float
    seed: int


def fit(model: nn.Module, dataset: Dataset, plan: Plan, watch: Watcher) -> Iterator[Epoch]:
    """Train ``model`` with AdamW, and yield what each epoch came to.

    The learning rate falls to 0 along half a cosine. Images are shifted by up to a pixel at
    random, so that the network never sees quite the same one twice.

    Raises
    ------
    DivergedError
        If the loss is no longer a finite number. The weights are then of no use.
    """
    loader = Loader(*dataset.train, batch_size=plan.batch_size, seed=plan.seed, transform=random_shift)
    optimizer = optim.AdamW(model.parameters(), lr=plan.lr)
    schedule = optim.CosineAnnealingLR(optimizer, T_max=plan.epochs * len(loader))
    for number in range(1, plan.epochs + 1):
        [rate] = schedule.get_last_lr()
        learned = train_epoch(model, loader, optimizer, schedule, watch)
        seconds = learned.seconds
        tested = evaluate(model, dataset.test)
        if not math.isfinite(tested.loss):
            raise diverged(tested.loss, number, len(loader))
        yield Epoch(
            number,
            learned.loss,
            learned.accuracy,
            tested.loss,
            tested.accuracy,
            rate,
            learned.images / seconds,
            seconds,
        )


def train_epoch(
    model: nn.Module, loader: Loader, optimizer: optim.Optimizer, schedule: optim.Schedule, watch: Watcher
) -> Tally:
    """Go through all images once, and take a step down the gradient of each batch's loss."""
    model.train()
    tally = Tally()
    for step, (images, labels) in enumerate(loader, 1):
        scores: Tensor = model(images)
        loss: Tensor = nn.cross_entropy(scores, labels)
        if not math.isfinite(loss.item()):
            raise diverged(loss.item(), loader.epoch, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        tally.add(loss.item(), scores.numpy(), labels)
        watch(loader.epoch, tally)
    return tally


@no_grad()
def evaluate(model: nn.Module, split: Split, batch_size: int = 256) -> Tally:
    """Return how ``model`` does on images that it does not learn from."""
    model.eval()
    tally = Tally()
    for images, labels in Loader(*split, batch_size=batch_size, shuffle=False):
        scores: Tensor = model(images)
        tally.add(nn.cross_entropy(scores, labels).item(), scores.numpy(), labels)
    return tally


def diverged(loss: float, epoch: int, step: int) -> DivergedError:
    """Return the error that says where the loss stopped being a number."""
    return DivergedError(f"the loss became {loss} in epoch {epoch}, step {step}")
