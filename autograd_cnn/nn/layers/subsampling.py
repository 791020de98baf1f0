"""Pooling with parameters, as in the first convolutional networks."""

import math

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ShapeError, sentence
from autograd_cnn.nn.module import Module, in_dtype_of
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import FloatDType, IntOrPair, Size, pair

__all__ = ["Subsample2d"]


class Subsample2d(Module):
    """``weight · (sum of every window) + bias``, with a gain and a bias for each map (LeCun et al. 1998, section II).

    Layers S2 and S4 of LeNet-5 are this and a squashing function. It starts as the plain mean: all
    gains are 1 over the window's number of pixels, and all biases are 0.

    Parameters
    ----------
    num_features : int
        C.
    kernel_size : int or pair
        Height and width of the windows.
    stride : int or pair, optional
        By default the window's size, so that none overlap.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight, bias : Parameter, (C,)
        The gains β and the biases b.

    Raises
    ------
    ArgumentError
        For a size below 1.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Subsample2d(1, 2)
    >>> layer(np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]
    >>> sum(p.size for p in Subsample2d(6, 2).parameters())
    12
    """

    @composite
    def __init__(
        self,
        num_features: Size,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        *,
        dtype: FloatDType = np.float32,
    ) -> None:
        self.num_features = num_features
        self.kernel_size = pair("Subsample2d", "kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else pair("Subsample2d", "stride", stride, 1)
        self.weight = Parameter(np.full(num_features, 1 / math.prod(self.kernel_size), dtype))
        self.bias = Parameter(np.zeros(num_features, dtype))

    def forward(self, x: Array) -> Array:
        """Return (N, C, OH, OW) for ``x`` (N, C, H, W), or the same without N."""
        shape = shape_of(x)
        if len(shape) not in (3, 4) or shape[-3] != self.num_features:
            channels = self.num_features
            expected = f"(N, {channels}, H, W) or ({channels}, H, W)"
            raise ShapeError(sentence("Subsample2d", "x has the wrong shape", expected=expected, got=shape))
        x = in_dtype_of(self.weight, x)
        sums = ops.mean_pool(x, window=self.kernel_size, stride=self.stride) * math.prod(self.kernel_size)
        return sums * _maps(self.weight) + _maps(self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        stride = "" if self.stride == self.kernel_size else f", stride={self.stride}"
        return f"{self.num_features}, kernel_size={self.kernel_size}{stride}"


def _maps(values: Array) -> Array:
    """Reshape one value per channel to broadcast with (N, C, H, W)."""
    return ops.reshape(values, shape=(-1, 1, 1))
