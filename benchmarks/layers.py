"""The layers of a network, in terms that belong to no peer, and what follows from them alone."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Conv:
    """A convolution with square filters."""

    in_channels: int
    out_channels: int
    size: int
    stride: int = 1
    padding: int = 0
    bias: bool = True
    groups: int = 1
    dilation: int = 1


@dataclass(frozen=True)
class Upsample:
    """A transposed convolution whose windows do not overlap."""

    in_channels: int
    out_channels: int
    size: int = 2


@dataclass(frozen=True)
class Linear:
    """An affine map of vectors."""

    inputs: int
    outputs: int


@dataclass(frozen=True)
class BatchNorm:
    """Normalisation by the statistics of the batch (Ioffe & Szegedy 2015)."""

    channels: int


@dataclass(frozen=True)
class LayerNorm:
    """Normalisation of each vector by its own statistics (Ba et al. 2016)."""

    features: int


@dataclass(frozen=True)
class Relu:
    """The positive part."""


@dataclass(frozen=True)
class Relu6:
    """The positive part, 6 at most."""


@dataclass(frozen=True)
class Gelu:
    """The input times the normal distribution's share below it (Hendrycks & Gimpel 2016)."""


@dataclass(frozen=True)
class MaxPool:
    """The largest value of each window; without a stride, windows do not overlap."""

    size: int = 2
    stride: int = 0
    padding: int = 0

    @property
    def step(self) -> int:
        """Pixels between neighbouring windows."""
        return self.stride or self.size


@dataclass(frozen=True)
class GlobalMeanPool:
    """The mean of every map, (N, C, 1, 1)."""


@dataclass(frozen=True)
class Flatten:
    """Images to vectors."""


@dataclass(frozen=True)
class Lstm:
    """Long short-term memory (Hochreiter & Schmidhuber 1997): sequences (N, T, I) to the last output (N, H)."""

    inputs: int
    hidden: int


@dataclass(frozen=True)
class Attention:
    """Self-attention with several heads (Vaswani et al. 2017) over sequences (N, T, D)."""

    features: int
    heads: int


@dataclass(frozen=True)
class Residual:
    """The sum of two branches, rectified or not; a shortcut without layers passes its input on."""

    body: "Layers"
    shortcut: "Layers" = ()
    rectified: bool = True


@dataclass(frozen=True)
class Beside:
    """The input, and after its channels those that the layers make of it."""

    body: "Layers"


Layer: TypeAlias = (
    Conv
    | Upsample
    | Linear
    | BatchNorm
    | LayerNorm
    | Relu
    | Relu6
    | Gelu
    | MaxPool
    | GlobalMeanPool
    | Flatten
    | Lstm
    | Attention
    | Residual
    | Beside
)
Layers: TypeAlias = tuple[Layer, ...]


def parameters(layers: Layers, prefix: str = "") -> Iterator[tuple[str, Shape]]:
    """Yield the name and the shape of each weight."""
    for index, layer in enumerate(layers):
        path = f"{prefix}{index}."
        match layer:
            case Residual(body, shortcut):
                yield from parameters(body, f"{path}body.")
                yield from parameters(shortcut, f"{path}shortcut.")
            case Beside(body):
                yield from parameters(body, f"{path}body.")
            case _:
                yield from ((f"{path}{name}", shape) for name, shape in _own_parameters(layer))


def _own_parameters(layer: Layer) -> list[tuple[str, Shape]]:
    """Return name and shape of each weight of a layer that holds no others."""
    match layer:
        case Conv(c, f, size, bias=bias, groups=groups):
            return [("weight", (f, c // groups, size, size)), *([("bias", (f,))] if bias else [])]
        case Upsample(c, f, size):
            return [("weight", (c, f, size, size)), ("bias", (f,))]
        case Linear(inputs, outputs):
            return [("weight", (outputs, inputs)), ("bias", (outputs,))]
        case BatchNorm(channels) | LayerNorm(channels):
            return [("weight", (channels,)), ("bias", (channels,))]
        case Lstm(inputs, hidden):
            rows = 4 * hidden
            shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, hidden), "bias_ih": (rows,), "bias_hh": (rows,)}
            return [(f"lstm.{name}_l0", shape) for name, shape in shapes.items()]
        case Attention(d):
            shapes = {
                "in_proj_weight": (3 * d, d),
                "in_proj_bias": (3 * d,),
                "out_proj.weight": (d, d),
                "out_proj.bias": (d,),
            }
            return [(f"attention.{name}", shape) for name, shape in shapes.items()]
    return []


def forward_flops(layers: Layers, shape: Shape) -> tuple[list[int], Shape]:
    """Return the operations of each layer with products on an input (N, ...), and the output's shape.

    A multiplication and an addition count as two; what is done to single elements is left out.
    """
    counts: list[int] = []
    for layer in layers:
        match layer:
            case Residual(body, shortcut):
                inside, after = forward_flops(body, shape)
                counts += inside + forward_flops(shortcut, shape)[0]
                shape = after
            case Beside(body):
                inside, after = forward_flops(body, shape)
                counts += inside
                shape = (shape[0], shape[1] + after[1], *shape[2:])
            case _:
                own, shape = _own_flops(layer, shape)
                counts += own
    return counts, shape


def _own_flops(layer: Layer, shape: Shape) -> tuple[list[int], Shape]:
    """Return the same of a layer that holds no others."""
    n, c, *image = shape
    match layer:
        case Conv(_, f, size, stride, padding, groups=groups, dilation=dilation):
            image = [(length + 2 * padding - dilation * (size - 1) - 1) // stride + 1 for length in image]
            shape = (n, f, *image)
            return [2 * math.prod(shape) * c // groups * size**2], shape
        case Upsample(_, f, size):
            shape = (n, f, *(length * size for length in image))
            return [2 * math.prod(shape) * c], shape
        case Linear(inputs, outputs):
            shape = (*shape[:-1], outputs)
            return [2 * math.prod(shape) * inputs], shape
        case MaxPool(size, padding=padding):
            return [], (n, c, *((length + 2 * padding - size) // layer.step + 1 for length in image))
        case GlobalMeanPool():
            return [], (n, c, 1, 1)
        case Flatten():
            return [], (n, math.prod(shape[1:]))
        case Lstm(inputs, hidden):
            return [2 * n * c * 4 * hidden * size for size in (inputs, hidden)], (n, hidden)
        case Attention(features):
            return [2 * n * c * features * (4 * features + 2 * c)], shape
    return [], shape
