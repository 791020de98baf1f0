"""Networks as functions of their weights, for the libraries without modules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.layers import (
    BatchNorm,
    Conv,
    Flatten,
    GlobalMeanPool,
    Layer,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Residual,
)
from benchmarks.tasks import LackingError

EPSILON = 1e-5
"""What a normalisation adds to the variance."""


def _no_batch_norm(*_: Any) -> Any:
    raise LackingError("batch normalisation")


@dataclass(frozen=True)
class Blocks:
    """What a library has to provide; the rest is arithmetic that arrays of every library know.

    Attributes
    ----------
    conv
        Of images, filters, stride and padding.
    max_pool
        Of images and the side of a window.
    batch_norm
        Of images, scale and shift.
    """

    conv: Callable[[Any, Any, int, int], Any]
    relu: Callable[[Any], Any]
    max_pool: Callable[[Any, int], Any]
    batch_norm: Callable[[Any, Any, Any], Any] = _no_batch_norm


def scores(layers: Layers, blocks: Blocks, weights: Mapping[str, Any], x: Any, prefix: str = "") -> Any:
    """Run the layers on ``x``."""
    for index, layer in enumerate(layers):
        x = _apply(layer, blocks, weights, x, f"{prefix}{index}.")
    return x


def _apply(layer: Layer, blocks: Blocks, weights: Mapping[str, Any], x: Any, path: str) -> Any:
    match layer:
        case Conv(stride=stride, padding=padding, bias=bias, groups=1, dilation=1):
            y = blocks.conv(x, weights[f"{path}weight"], stride, padding)
            if bias:
                y = y + weights[f"{path}bias"].reshape((1, -1, 1, 1))
        case Linear():
            y = x @ weights[f"{path}weight"].T + weights[f"{path}bias"]
        case BatchNorm():
            y = blocks.batch_norm(x, weights[f"{path}weight"], weights[f"{path}bias"])
        case Relu():
            y = blocks.relu(x)
        case MaxPool(size, padding=0) if layer.step == size:
            y = blocks.max_pool(x, size)
        case GlobalMeanPool():
            y = x.mean(axis=(2, 3))
        case Flatten():
            y = x.reshape((x.shape[0], -1))
        case Residual(body, shortcut, rectified):
            left = scores(body, blocks, weights, x, f"{path}body.")
            y = left + scores(shortcut, blocks, weights, x, f"{path}shortcut.")
            y = blocks.relu(y) if rectified else y
        case _:
            raise LackingError(type(layer).__name__)
    return y
