"""HIPS autograd, with the convolution that it brings."""

from typing import Any

import autograd.numpy as np
from autograd import grad, value_and_grad
from autograd.scipy.signal import convolve

from benchmarks.peers._functional import Blocks, scores
from benchmarks.tasks import Arrays, Chain, Job, LackingError, Network

PACKAGE = "autograd"


def _conv(x: Any, w: Any, stride: int, padding: int) -> Any:
    if stride != 1:
        raise LackingError("a convolution with a stride")
    if padding:
        x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="constant")
    return convolve(x, w[:, :, ::-1, ::-1], axes=([2, 3], [2, 3]), dot_axes=([1], [1]), mode="valid")


def _max_pool(x: Any, size: int) -> Any:
    n, c, height, width = x.shape
    return np.max(x.reshape((n, c, height // size, size, width // size, size)), axis=(3, 5))


def _relu(x: Any) -> Any:
    return np.maximum(x, 0)


def network(task: Network) -> Job:
    """Prepare a training step."""
    weights = task.weights()
    images, labels = task.data()
    rows = np.arange(len(labels))
    blocks = Blocks(_conv, _relu, _max_pool)

    def loss(weights: Any) -> Any:
        found = scores(task.layers, blocks, weights, images)
        shifted = found - np.max(found, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - shifted[rows, labels])

    both, gradient = value_and_grad(loss), grad(loss)

    def run() -> None:
        nonlocal weights
        gradients = gradient(weights)
        weights = {name: value - task.rate * gradients[name] for name, value in weights.items()}

    def check() -> Arrays:
        value, gradients = both(weights)
        return {"loss": np.asarray(value), **gradients}

    return Job(run, check)


def chain(task: Chain) -> Job:
    """Prepare a chain of scalars."""
    both = value_and_grad(lambda leaves: task.record(*leaves))

    def check() -> Arrays:
        value, gradients = both(task.values)
        return {"value": np.asarray(value), **{n: np.asarray(g) for n, g in zip("yab", gradients, strict=True)}}

    return Job(lambda: both(task.values), check)
