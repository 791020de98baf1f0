"""What a peer can be asked to do, in terms that belong to no peer.

A task is plain data with seeded inputs, so that every peer makes the same arrays for itself. Its
class says which function of a peer's module takes it, by ``asks``: a `Network` goes to ``network``,
and so on. Its ``tolerance`` is how far the peers' arrays may be apart.
Names and layouts of weights are those of PyTorch's ``Sequential``: ``"0.weight"`` is the first
layer's, (F, C, KH, KW) for a convolution and (out, in) for a linear layer.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.layers import Conv, Layers, Linear, Lstm, Shape, forward_flops, parameters

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = dict[str, Array]
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


# --- networks ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Network:
    """A step of plain gradient descent on one batch: forward, backward, update.

    Rounding tips the decision of a rectifier or a pooling window here and there. A share ε of tipped
    decisions moves a gradient whose terms nearly cancel by √ε, hence the tolerance.

    Attributes
    ----------
    layers
        From inputs to the scores of each example, or of each of its pixels.
    image
        The shape of one input: C, H and W of an image, T and I of a sequence, or the length of a vector.
    batch
        How many inputs.
    rate
        The learning rate: small enough that a few steps do not blow up what rounding has made different.
    """

    layers: Layers
    image: Shape
    batch: int
    rate: float = 0.1
    classes: int = 10
    dtype: str = "float32"
    asks: ClassVar[str] = "network"
    tolerance: ClassVar[float] = 1e-2

    @property
    def flops(self) -> int:
        """Operations of a step: three products per layer, but no gradient of the inputs."""
        counts, _ = forward_flops(self.layers, (self.batch, *self.image))
        return 3 * sum(counts) - (counts[0] if isinstance(self.layers[0], Conv | Linear | Lstm) else 0)

    def weights(self) -> Arrays:
        """Return fresh first weights: uniform within ±1/√inputs; ones for a normalisation."""
        rng = np.random.default_rng(1)
        drawn = {}
        for name, shape in parameters(self.layers):
            if len(shape) > 1:
                bound = 1 / math.sqrt(math.prod(shape[1:]))
                drawn[name] = rng.uniform(-bound, bound, shape).astype(self.dtype)
            else:
                drawn[name] = np.full(shape, float(name.endswith("weight")), self.dtype)
        return drawn

    def data(self) -> tuple[Array, Array]:
        """Return inputs (N, ...) from 0 to 1, and their labels (N,), or (N, H, W) for pixels."""
        rng = np.random.default_rng(2)
        inputs = rng.random((self.batch, *self.image), np.float32).astype(self.dtype)
        _, (_, _, *pixels) = forward_flops(self.layers, inputs.shape)
        return inputs, rng.integers(self.classes, size=(self.batch, *pixels))


@dataclass(frozen=True)
class Inference(Network):
    """The scores of one batch, with nothing recorded, and normalised by running statistics."""

    asks: ClassVar[str] = "inference"
    tolerance: ClassVar[float] = 1e-4

    @property
    def flops(self) -> int:
        """Operations of the forward pass."""
        return sum(forward_flops(self.layers, (self.batch, *self.image))[0])


# --- one operation ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """One operation and its gradient.

    Attributes
    ----------
    name
        Under which the peers know it.
    shapes
        Of its operands, which are normally distributed.
    labels
        The shape of class indices that come as a last operand, which has no gradient; None without any.
    classes
        How many classes there are.
    """

    name: str
    shapes: tuple[Shape, ...]
    labels: Shape | None = None
    classes: int = 0
    asks: ClassVar[str] = "operation"
    tolerance: ClassVar[float] = 1e-4
    flops: ClassVar[int] = 0

    def operands(self) -> list[Array]:
        """Return what has a gradient."""
        rng = np.random.default_rng(4)
        return [rng.standard_normal(shape, np.float32) for shape in self.shapes]

    def indices(self) -> list[Array]:
        """Return the class indices, or nothing."""
        return [] if self.labels is None else [np.random.default_rng(5).integers(self.classes, size=self.labels)]

    def cotangent(self, shape: Shape) -> Array:
        """Return what goes back from a result of this shape."""
        return np.asarray(np.random.default_rng(6).standard_normal(shape, np.float32))


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
        w = (layer.out_channels, layer.in_channels // layer.groups, layer.size, layer.size)
        return x, w, forward_flops((layer,), x)[1]

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
    """A program that each peer has for itself: the module of the peer's name in ``package``.

    Attributes
    ----------
    empty_cache
        Whether each run finds nothing that was compiled before.
    """

    package: str
    empty_cache: bool = False
    asks: ClassVar[str] = "script"
    tolerance: ClassVar[float] = 1e-3
    flops: ClassVar[int] = 0


Task: TypeAlias = Network | Operation | Convolution | Chain | Script
