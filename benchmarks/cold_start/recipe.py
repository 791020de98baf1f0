"""Data, first weights, batches and rates, made by NumPy, the same for every program.

The rates fall along half a cosine over a number of epochs that is just enough for the target, so
every program does the same steps.
"""

import json
import math
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

TARGET = 0.98
EPOCHS = 12
BATCH = 32
RATE = 0.05
MOMENTUM = 0.9
HELD_OUT = 360
BLACK = 16

SHAPES = {
    "conv1": (16, 1, 3, 3),
    "conv2": (32, 16, 3, 3),
    "fc1": (64, 512),
    "fc2": (10, 64),
}


def digits() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return images (N, 1, 8, 8) from 0 to 1 and labels (N,): those to learn from, and those held out."""
    package = find_spec("autograd_cnn")
    if package is None or package.origin is None:
        raise FileNotFoundError("the digits come with autograd_cnn, which is not installed")
    with np.load(Path(package.origin).parent / "data" / "digits.npz") as archive:
        images, labels, order = archive["images"], archive["labels"], archive["order"]
    images, labels = images[order, None].astype(np.float32) / BLACK, labels[order].astype(np.int64)
    return (images[:-HELD_OUT], labels[:-HELD_OUT]), (images[-HELD_OUT:], labels[-HELD_OUT:])


def weights() -> dict[str, Array]:
    """Return the first weights, uniform within ±1/√inputs; the biases are 0."""
    rng = np.random.default_rng(0)
    state = {}
    for name, shape in SHAPES.items():
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        state[f"{name}.weight"] = rng.uniform(-bound, bound, shape).astype(np.float32)
        state[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    return state


def train(step: Callable[[Array, Array, float], Any], scores: Callable[[Array], Array]) -> None:
    """Train for all epochs, then print a line of JSON with what has to be the same everywhere.

    Parameters
    ----------
    step
        Learn from a batch of images and labels at a learning rate, and return the loss.
    scores
        Return the scores of images.

    Raises
    ------
    RuntimeError
        If the target is not met.
    """
    learn, (images, labels) = digits()
    losses = []
    for epoch in range(EPOCHS):
        rate = RATE * (1 + math.cos(math.pi * epoch / EPOCHS)) / 2
        losses += [step(*batch, rate) for batch in _batches(*learn, epoch)]
    accuracy = float((scores(images).argmax(axis=1) == labels).mean())
    if accuracy < TARGET:
        raise RuntimeError(f"only {accuracy:.3f} after {EPOCHS} epochs")
    print(json.dumps({"first loss": losses[0].item(), "steps": len(losses)}))


def _batches(images: Array, labels: Array, epoch: int) -> Iterator[tuple[Array, Array]]:
    """Yield the batches of an epoch, each image moved by up to one pixel in either direction."""
    rng = np.random.default_rng(epoch)
    order = rng.permutation(len(images))
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    places = sliding_window_view(padded, images.shape[2:], axis=(2, 3))  # (N, 1, 3, 3, 8, 8)
    down, right = rng.integers(3, size=(2, len(images)))
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        yield places[chosen, :, down[chosen], right[chosen]], labels[chosen]
