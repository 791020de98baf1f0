"""MyGrad, with its own layers."""

from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet import layers, losses

from benchmarks.peers._functional import EPSILON, Blocks, scores
from benchmarks.peers._modules import scalars
from benchmarks.tasks import Arrays, Chain, Job, LackingError, Network

PACKAGE = "mygrad"


def _conv(x: Any, w: Any, stride: int, padding: int) -> Any:
    if (x.shape[2] + 2 * padding - w.shape[2]) % stride:
        raise LackingError("a stride that leaves pixels over")
    return layers.conv_nd(x, w, stride=stride, padding=padding)


def _max_pool(x: Any, size: int) -> Any:
    return layers.max_pool(x, (size, size), size)


def _batch_norm(x: Any, scale: Any, shift: Any) -> Any:
    return layers.batchnorm(x, gamma=scale, beta=shift, eps=EPSILON)


BLOCKS = Blocks(_conv, mg.nnet.relu, _max_pool, _batch_norm)


def network(task: Network) -> Job:
    """Prepare a training step."""
    weights = {name: mg.tensor(value) for name, value in task.weights().items()}
    images, labels = task.data()

    def backward() -> Any:
        loss = losses.softmax_crossentropy(scores(task.layers, BLOCKS, weights, images), labels)
        loss.backward()
        return loss

    def run() -> None:
        backward()
        for weight in weights.values():
            weight.data -= task.rate * weight.grad

    def check() -> Arrays:
        loss = backward()
        return {"loss": loss.data, **{name: np.asarray(weight.grad) for name, weight in weights.items()}}

    return Job(run, check)


def chain(task: Chain) -> Job:
    """Prepare a chain of scalars."""
    return scalars(task, lambda value: mg.tensor(np.float32(value)))
