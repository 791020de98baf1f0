"""The fully connected layer, and what stands before it."""

import math

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ShapeError, sentence
from autograd_cnn.nn import init
from autograd_cnn.nn.module import Module, Parameter, Parameterless, computed_in
from autograd_cnn.parameters import Bool, Count, FloatDType, Size


class Linear(Module):
    """``y = x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features : int
        Lengths of the last axis before and after.
    bias : bool
        Whether to add one.
    rng : Generator, int or None
        Where the first values come from; see `autograd_cnn.nn.init`.
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
            raise ShapeError(
                sentence("Linear", "x has the wrong shape", expected=f"(..., {self.in_features})", got=shape)
            )
        return ops.linear(computed_in(x, self.weight.dtype), self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.in_features}, {self.out_features}" + ("" if self.bias is not None else ", bias=False")


class Flatten(Module):
    """Join all axes from ``start_dim`` on into one.

    Parameters
    ----------
    start_dim : int
        The first axis to join; 1 keeps the images of a batch apart.

    Raises
    ------
    ArgumentError
        If ``start_dim`` is not an int.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Flatten()(np.ones((5, 3, 2, 2))).shape
    (5, 12)
    """

    @composite
    def __init__(self, start_dim: Count = 1) -> None:
        self.start_dim = start_dim

    def forward(self, x: Array) -> Array:
        """Return (N, C·H·W) for ``x`` (N, C, H, W)."""
        shape = shape_of(x)
        if not -len(shape) <= self.start_dim < len(shape):
            raise ShapeError(
                sentence("Flatten", "x has too few axes", expected=f"an axis {self.start_dim}", got=f"shape {shape}")
            )
        kept = shape[: self.start_dim]
        return ops.reshape(x, shape=(*kept, math.prod(shape[len(kept) :])))

    def extra_repr(self) -> str:
        """Return the first axis."""
        return f"start_dim={self.start_dim}"


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
