"""tinygrad on the CPU, with the whole step recorded by its JIT; it needs clang."""

import os
from typing import Any

os.environ.setdefault("DEV", "CPU")

from tinygrad import Context, Device, Tensor, TinyJit
from tinygrad.nn.optim import SGD

from benchmarks.peers._functional import EPSILON, Blocks, scores
from benchmarks.tasks import Arrays, Job, Network

PACKAGE = "tinygrad"


def _conv(x: Any, w: Any, stride: int, padding: int) -> Any:
    return x.conv2d(w, stride=stride, padding=padding)


def _max_pool(x: Any, size: int) -> Any:
    return x.max_pool2d((size, size))


def _batch_norm(x: Any, scale: Any, shift: Any) -> Any:
    centred = x - x.mean(axis=(0, 2, 3), keepdim=True)
    inverse = ((centred * centred).mean(axis=(0, 2, 3)) + EPSILON).rsqrt()
    return centred * (scale * inverse).reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)


BLOCKS = Blocks(_conv, Tensor.relu, _max_pool, _batch_norm)


def network(task: Network) -> Job:
    """Prepare a training step."""
    weights = {name: Tensor(value).realize() for name, value in task.weights().items()}
    images, labels = (Tensor(array).realize() for array in task.data())
    optimizer = SGD(list(weights.values()), lr=task.rate)

    def backward() -> Any:
        optimizer.zero_grad()
        loss = scores(task.layers, BLOCKS, weights, images).sparse_categorical_crossentropy(labels)
        return loss.backward()

    @TinyJit
    def step() -> Any:
        with Context(TRAINING=1):
            return backward().realize(*optimizer.schedule_step())

    def run() -> None:
        step()
        Device[Device.DEFAULT].synchronize()

    def check() -> Arrays:
        loss = backward()
        return {"loss": loss.numpy(), **{name: weight.grad.numpy() for name, weight in weights.items()}}

    return Job(run, check)
