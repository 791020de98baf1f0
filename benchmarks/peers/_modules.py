"""Training with modules and optimisers, for the libraries that spell these as PyTorch does."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.layers import (
    Attention,
    BatchNorm,
    Beside,
    Conv,
    Flatten,
    Gelu,
    GlobalMeanPool,
    Layer,
    LayerNorm,
    Layers,
    Linear,
    Lstm,
    MaxPool,
    Relu,
    Relu6,
    Residual,
    Upsample,
)
from benchmarks.tasks import Array, Arrays, Chain, Job, Operation


def build(layers: Layers, nn: Any, concatenate: Callable[[Sequence[Any], int], Any]) -> Any:
    """Return the layers as a ``Sequential`` of the library whose modules are in ``nn``."""
    made = []
    for layer in layers:
        match layer:
            case Residual(body, shortcut, rectified):
                branches = (build(inner, nn, concatenate) for inner in (body, shortcut))
                made.append(_residual(*branches, nn.ReLU() if rectified else nn.Identity(), nn))
            case Beside(body):
                made.append(_beside(build(body, nn, concatenate), nn, concatenate))
            case _:
                made.append(_module(layer, nn))
    return nn.Sequential(*made)


def _module(layer: Layer, nn: Any) -> Any:
    """Return a layer that holds no others."""
    match layer:
        case Conv(c, f, size, stride, padding, bias, groups, dilation):
            return nn.Conv2d(c, f, size, stride, padding, dilation, groups, bias)
        case Upsample(c, f, size):
            return nn.ConvTranspose2d(c, f, size, size)
        case Linear(inputs, outputs):
            return nn.Linear(inputs, outputs)
        case BatchNorm(channels):
            return nn.BatchNorm2d(channels)
        case LayerNorm(features):
            return nn.LayerNorm(features)
        case MaxPool(size, padding=padding):
            return nn.MaxPool2d(size, layer.step, padding)
        case Lstm(inputs, hidden):
            return _last_of_lstm(inputs, hidden, nn)
        case Attention(features, heads):
            return _self_attention(features, heads, nn)
    return {
        Relu: nn.ReLU,
        Relu6: nn.ReLU6,
        Gelu: nn.GELU,
        GlobalMeanPool: lambda: nn.AdaptiveAvgPool2d(1),
        Flatten: nn.Flatten,
    }[type(layer)]()


def _residual(body: Any, shortcut: Any, activation: Any, nn: Any) -> Any:
    class Residual(nn.Module):  # type: ignore[misc]  # whose Module this is shows only when it runs
        def __init__(self) -> None:
            super().__init__()
            self.body = body
            self.shortcut = shortcut
            self.activation = activation

        def forward(self, x: Any) -> Any:
            return self.activation(self.body(x) + self.shortcut(x))

    return Residual()


def _beside(body: Any, nn: Any, concatenate: Callable[[Sequence[Any], int], Any]) -> Any:
    class Beside(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = body

        def forward(self, x: Any) -> Any:
            return concatenate([x, self.body(x)], 1)

    return Beside()


def _last_of_lstm(inputs: int, hidden: int, nn: Any) -> Any:
    class LastOutput(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(inputs, hidden, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.lstm(x)[0][:, -1]

    return LastOutput()


def _self_attention(features: int, heads: int, nn: Any) -> Any:
    class SelfAttention(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(features, heads, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.attention(x, x, x, need_weights=False)[0]

    return SelfAttention()


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


def forward_and_backward(
    task: Operation,
    function: Callable[..., Any],
    leaves: Sequence[Any],
    cotangent: Any,
    as_array: Callable[[Any], Array],
) -> Job:
    """Return the job of one operation and its gradient; ``cotangent`` makes one of the library's own of an array."""
    g = cotangent(task.cotangent(as_array(function(*leaves)).shape))

    def run() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y = function(*leaves)
        y.backward(g)
        return y

    def check() -> Arrays:
        found = {"result": as_array(run())}
        return found | {f"gradient {i}": as_array(x.grad) for i, x in enumerate(leaves) if x.grad is not None}

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
