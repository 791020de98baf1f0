"""What a peer can be asked to do, in terms that belong to no peer.

A task is plain data with seeded inputs, so that every peer makes the same arrays for itself. Its
class says which function of a peer's module takes it, by ``asks``: a `Network` goes to ``network``,
and so on. Its ``tolerance`` is how far the peers' arrays may be apart.
Names and layouts of weights are those of PyTorch's ``Sequential``: ``"0.weight"`` is the first
layer's, (F, C, KH, KW) for a convolution and (out, in) for a linear layer.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = dict[str, Array]
Shape: TypeAlias = tuple[int, ...]
Side: TypeAlias = Literal["forward", "wrt_input", "wrt_weight"]


class LackingError(Exception):
    """Raised by a peer for a task that it has no means for."""


@dataclass(frozen=True)
class Job:
    """A task as one peer has prepared it.

    Attributes
    ----------
    run
        Do it once; when it returns, the work is done.
    check
        Return what is to agree among the peers, by name, and change nothing.
    """

    run: Callable[[], object]
    check: Callable[[], Arrays]


# --- the training step of a network -----------------------------------------------------------


@dataclass(frozen=True)
class Conv:
    """A convolution with square filters."""

    in_channels: int
    out_channels: int
    size: int
    stride: int = 1
    padding: int = 0
    bias: bool = True


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
class Relu:
    """The positive part."""


@dataclass(frozen=True)
class MaxPool:
    """The largest value of windows that do not overlap."""

    size: int = 2


@dataclass(frozen=True)
class GlobalMeanPool:
    """The mean of every map, (N, C, 1, 1)."""


@dataclass(frozen=True)
class Flatten:
    """Images to vectors."""


@dataclass(frozen=True)
class Residual:
    """The positive part of the sum of two branches; a shortcut without layers passes its input on."""

    body: "Layers"
    shortcut: "Layers" = ()


Layer: TypeAlias = Conv | Linear | BatchNorm | Relu | MaxPool | GlobalMeanPool | Flatten | Residual
Layers: TypeAlias = tuple[Layer, ...]


def parameters(layers: Layers, prefix: str = "") -> Iterator[tuple[str, Shape]]:
    """Yield the name and the shape of each weight."""
    for index, layer in enumerate(layers):
        path = f"{prefix}{index}."
        match layer:
            case Conv(c, f, size, bias=bias):
                yield f"{path}weight", (f, c, size, size)
                if bias:
                    yield f"{path}bias", (f,)
            case Linear(inputs, outputs):
                yield f"{path}weight", (outputs, inputs)
                yield f"{path}bias", (outputs,)
            case BatchNorm(channels):
                yield f"{path}weight", (channels,)
                yield f"{path}bias", (channels,)
            case Residual(body, shortcut):
                yield from parameters(body, f"{path}body.")
                yield from parameters(shortcut, f"{path}shortcut.")


def forward_flops(layers: Layers, shape: Shape) -> tuple[list[int], Shape]:
    """Return the operations of each convolution and linear layer on an input (N, ...), and the output's shape.

    A multiplication and an addition count as two; what is done to single elements is left out.
    """
    counts: list[int] = []
    for layer in layers:
        n, c, *image = shape
        match layer:
            case Conv(c, f, size, stride, padding):
                image = [(length + 2 * padding - size) // stride + 1 for length in image]
                shape = (n, f, *image)
                counts.append(2 * math.prod(shape) * c * size**2)
            case Linear(inputs, outputs):
                shape = (n, outputs)
                counts.append(2 * n * inputs * outputs)
            case MaxPool(size):
                shape = (n, c, *(length // size for length in image))
            case GlobalMeanPool():
                shape = (n, c, 1, 1)
            case Flatten():
                shape = (n, math.prod(shape[1:]))
            case Residual(body, shortcut):
                inside, after = forward_flops(body, shape)
                counts += inside + forward_flops(shortcut, shape)[0]
                shape = after
    return counts, shape


@dataclass(frozen=True)
class Network:
    """A step of plain gradient descent on one batch: forward, backward, update.

    Rounding tips the decision of a rectifier or a pooling window here and there. A share ε of tipped
    decisions moves a gradient whose terms nearly cancel by √ε, hence the tolerance.

    Attributes
    ----------
    layers
        From images to scores.
    image
        C, H and W.
    batch
        How many images.
    rate
        The learning rate.
    """

    layers: Layers
    image: Shape
    batch: int
    rate: float = 0.1
    classes: int = 10
    asks: ClassVar[str] = "network"
    tolerance: ClassVar[float] = 1e-2

    @property
    def flops(self) -> int:
        """Operations of a step: three products per layer, but no gradient of the images."""
        counts, _ = forward_flops(self.layers, (self.batch, *self.image))
        return 3 * sum(counts) - counts[0]

    def weights(self) -> Arrays:
        """Return fresh first weights: uniform within ±1/√inputs; ones for a normalisation."""
        rng = np.random.default_rng(1)
        drawn = {}
        for name, shape in parameters(self.layers):
            if len(shape) > 1:
                bound = 1 / math.sqrt(math.prod(shape[1:]))
                drawn[name] = rng.uniform(-bound, bound, shape).astype(np.float32)
            else:
                drawn[name] = np.full(shape, float(name.endswith("weight")), np.float32)
        return drawn

    def data(self) -> tuple[Array, Array]:
        """Return images (N, C, H, W) from 0 to 1, and their labels (N,)."""
        rng = np.random.default_rng(2)
        images = rng.random((self.batch, *self.image), np.float32)
        return images, rng.integers(self.classes, size=self.batch)


# --- one convolution --------------------------------------------------------------------------


@dataclass(frozen=True)
class Convolution:
    """One side of one convolution: the map itself, or its adjoint in the input or in the filters."""

    layer: Conv
    image: int
    batch: int
    side: Side
    asks: ClassVar[str] = "convolution"
    tolerance: ClassVar[float] = 1e-4

    @property
    def shapes(self) -> tuple[Shape, Shape, Shape]:
        """Of the images (N, C, H, W), of the filters (F, C, KH, KW) and of the result (N, F, OH, OW)."""
        layer = self.layer
        x = (self.batch, layer.in_channels, self.image, self.image)
        return x, (layer.out_channels, layer.in_channels, layer.size, layer.size), forward_flops((layer,), x)[1]

    @property
    def flops(self) -> int:
        """Operations, the same for all three sides."""
        return forward_flops((self.layer,), self.shapes[0])[0][0]

    def arrays(self) -> tuple[Array, Array, Array]:
        """Return images, filters and sensitivities."""
        rng = np.random.default_rng(3)
        x, w, g = (rng.standard_normal(shape, np.float32) for shape in self.shapes)
        return x, w, g


# --- scalars ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chain:
    """A chain of scalar multiplications and additions, forward and backward: the cost of the tape.

    Its numbers are such that no result is rounded, in any precision.
    """

    nodes: int
    asks: ClassVar[str] = "chain"
    tolerance: ClassVar[float] = 1e-6
    flops: ClassVar[int] = 0
    values: ClassVar[tuple[float, float, float]] = (1.0, -1.0, 0.5)

    def record(self, y: Any, a: Any, b: Any) -> Any:
        """Return ``y·a + b``, applied again and again until there are ``nodes`` operations."""
        for _ in range(self.nodes // 2):
            y = y * a + b
        return y * a if self.nodes % 2 else y


@dataclass(frozen=True)
class Script:
    """A program that each peer has for itself: the module of the peer's name in ``package``."""

    package: str
    asks: ClassVar[str] = "script"
    tolerance: ClassVar[float] = 1e-3
    flops: ClassVar[int] = 0


Task: TypeAlias = Network | Convolution | Chain | Script
