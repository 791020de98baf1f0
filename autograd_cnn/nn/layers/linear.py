"""The fully connected layer, and layers that reshape its input."""

import math

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ShapeError
from autograd_cnn.nn import init
from autograd_cnn.nn.layers.function import layer
from autograd_cnn.nn.module import Module, Parameterless, in_dtype_of
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Bool, Count, FloatDType, Lengths, Size, integers

__all__ = ["Flatten", "Identity", "Linear", "Unflatten"]


class Linear(Module):
    """``y = x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features : int
        Lengths of the last axis before and after.
    bias : bool
        Whether to add one.
    rng : Generator, int or None
        Draws the initial values; see `autograd_cnn.nn.init`.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter, (out_features, in_features)
    bias : Parameter, (out_features,), or None

    Raises
    ------
    ArgumentError
        For a size below 1.
    OperandError
        If ``bias`` is not a bool.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Linear(3, 2, rng=0)(np.ones((5, 3), np.float32)).shape
    (5, 2)
    """

    bias: Parameter | None

    @composite
    def __init__(
        self,
        in_features: Size,
        out_features: Size,
        bias: Bool = True,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        self.in_features = in_features
        self.out_features = out_features
        self.weight, self.bias = init.weight_and_bias((out_features, in_features), out_features, bias, rng, dtype)

    def forward(self, x: Array) -> Array:
        """Return (..., out_features) for ``x`` (..., in_features)."""
        shape = shape_of(x)
        if shape[-1:] != (self.in_features,):
            raise ShapeError("Linear", "x has the wrong shape", expected=f"(..., {self.in_features})", got=shape)
        weight = self.weight
        return ops.linear(in_dtype_of(weight, x), weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.in_features}, {self.out_features}" + ("" if self.bias is not None else ", bias=False")


@layer
class Flatten(Module):
    """Join the axes from ``start_dim`` to ``end_dim`` into one.

    Parameters
    ----------
    start_dim, end_dim : int
        The first axis to join, and the last; 1 and -1 keep the images of a batch apart.

    Raises
    ------
    ArgumentError
        If one is not an int.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Flatten()(np.ones((5, 3, 2, 2))).shape
    (5, 12)
    """

    _shown = ("start_dim", ("end_dim", -1))
    start_dim: Count = 1
    end_dim: Count = -1

    def forward(self, x: Array) -> Array:
        """Return (N, C·H·W) for ``x`` (N, C, H, W)."""
        shape = shape_of(x)
        if not -len(shape) <= self.start_dim < len(shape):
            expected = f"an axis {self.start_dim}"
            raise ShapeError("Flatten", "x has too few axes", expected=expected, got=f"shape {shape}")
        first, last = self.start_dim % len(shape), self.end_dim % len(shape)
        if not -len(shape) <= self.end_dim < len(shape) or last < first:
            expected = f"axes {self.start_dim} to {self.end_dim}"
            raise ShapeError("Flatten", "x has no such axes", expected=expected, got=f"shape {shape}")
        joined = math.prod(shape[first : last + 1])
        return ops.reshape(x, shape=(*shape[:first], joined, *shape[last + 1 :]))


class Unflatten(Module):
    """Split the axis ``dim`` into axes of lengths ``unflattened_size``.

    Parameters
    ----------
    dim : int
    unflattened_size : tuple of int
        One length may be -1; it follows from the others.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Unflatten(1, (3, 2, 2))(np.ones((5, 12))).shape
    (5, 3, 2, 2)
    """

    _shown = ("dim", "unflattened_size")

    @composite
    def __init__(self, dim: Count, unflattened_size: Lengths) -> None:
        self.dim = dim
        self.unflattened_size = integers("Unflatten", "unflattened_size", unflattened_size, -1)

    def forward(self, x: Array) -> Array:
        """Return ``x`` with more axes."""
        shape, known = shape_of(x), math.prod(n for n in self.unflattened_size if n >= 0)
        length = shape[self.dim] if -len(shape) <= self.dim < len(shape) else None
        open_ones = self.unflattened_size.count(-1)
        fits = length is not None and (length == known if not open_ones else known > 0 and length % known == 0)
        if not fits or open_ones > 1:
            expected = f"axis {self.dim} of {self.unflattened_size}"
            raise ShapeError("Unflatten", "x does not divide up so", expected=expected, got=f"shape {shape}")
        first = self.dim % len(shape)
        return ops.reshape(x, shape=(*shape[:first], *self.unflattened_size, *shape[first + 1 :]))


class Identity(Parameterless):
    """Return the input as it is.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Identity()(3.0)
    3.0
    """

    def forward(self, x: Array) -> Array:
        """Return ``x``."""
        return x
