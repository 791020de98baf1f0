"""Training with modules and optimisers, for the libraries that spell these as PyTorch does."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.tasks import (
    Array,
    Arrays,
    BatchNorm,
    Chain,
    Conv,
    Flatten,
    GlobalMeanPool,
    Job,
    Layer,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
)


def build(layers: Layers, nn: Any) -> Any:
    """Return the layers as a ``Sequential`` of the library whose modules are in ``nn``."""
    return nn.Sequential(*(_module(layer, nn) for layer in layers))


def _module(layer: Layer, nn: Any) -> Any:
    match layer:
        case Conv(c, f, size, stride, padding, bias):
            module = nn.Conv2d(c, f, size, stride=stride, padding=padding, bias=bias)
        case Linear(inputs, outputs):
            module = nn.Linear(inputs, outputs)
        case BatchNorm(channels):
            module = nn.BatchNorm2d(channels)
        case Relu():
            module = nn.ReLU()
        case MaxPool(size):
            module = nn.MaxPool2d(size)
        case GlobalMeanPool():
            module = nn.AdaptiveAvgPool2d(1)
        case Flatten():
            module = nn.Flatten()
        case Residual(body, shortcut):
            module = _residual(build(body, nn), build(shortcut, nn), nn)
    return module


def _residual(body: Any, shortcut: Any, nn: Any) -> Any:
    class Residual(nn.Module):  # type: ignore[misc]  # whose Module this is shows only when it runs
        def __init__(self) -> None:
            super().__init__()
            self.body = body
            self.shortcut = shortcut
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.body(x) + self.shortcut(x))

    return Residual()


def training(model: Any, optimizer: Any, loss_of_batch: Callable[[], Any], as_array: Callable[[Any], Array]) -> Job:
    """Return the job of training ``model`` on one batch."""

    def backward() -> Any:
        optimizer.zero_grad()
        loss = loss_of_batch()
        loss.backward()
        return loss

    def run() -> None:
        backward()
        optimizer.step()

    def check() -> Arrays:
        loss = as_array(backward())
        return {"loss": loss, **{name: as_array(p.grad) for name, p in model.named_parameters()}}

    return Job(run, check)


def scalars(
    task: Chain, leaf: Callable[[float], Any], number: Callable[[Any], float] = lambda scalar: scalar.item()
) -> Job:
    """Return the job of a chain of scalars that know ``backward`` and keep their ``grad``.

    Parameters
    ----------
    leaf
        Makes a scalar with a gradient.
    number
        Makes a number of a result or a gradient.
    """

    def run() -> tuple[Any, list[Any]]:
        leaves = [leaf(value) for value in task.values]
        y = task.record(*leaves)
        y.backward()
        return y, leaves

    def check() -> Arrays:
        y, leaves = run()
        # A single operation leaves b without a gradient.
        found = {name: 0.0 if x.grad is None else number(x.grad) for name, x in zip("yab", leaves, strict=True)}
        gradients = {name: np.array(gradient) for name, gradient in found.items()}
        return {"value": np.array(number(y)), **gradients}

    return Job(run, check)
