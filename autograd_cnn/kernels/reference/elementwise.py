"""Elementwise work that NumPy does in more than one pass, or slowly."""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.windows import Array

_BITS: Final[dict[Any, np.dtype[Any]]] = {
    np.dtype(np.float32): np.dtype(np.int32),
    np.dtype(np.float64): np.dtype(np.int64),
}


add, subtract, multiply, divide = np.add, np.subtract, np.multiply, np.divide
maximum, minimum, sign, where = np.maximum, np.minimum, np.sign, np.where


def relu(x: Array) -> tuple[Array, Array]:
    """Return x where it is positive, else 0, and where that is; a NaN passes."""
    y = np.maximum(x, 0)
    return y, np.not_equal(y, 0)


def masked(x: Array, mask: Array) -> Array:
    """Return x where the mask is set, else 0; an infinite or NaN element that is masked is 0, too."""
    bits = _BITS.get(x.dtype)
    if bits is None:
        return np.where(mask, x, x.dtype.type(0))
    all_ones = np.negative(mask.view(np.int8), dtype=bits, casting="safe")  # -1 has every bit set
    return (np.asarray(x, order="C").view(bits) & all_ones).view(x.dtype)  # several times faster than where()


def leaky_relu(x: Array, slope: float) -> tuple[Array, Array]:
    """Return x where it is positive, elsewhere x times the slope, and where it is."""
    mask = np.greater(x, 0)
    return np.where(mask, x, x * slope), mask


def damped(x: Array, mask: Array, factor: float) -> Array:
    """Return x where the mask is set, elsewhere x times the factor."""
    return np.where(mask, x, x * factor)


def elu(x: Array, alpha: float) -> Array:
    """Return x where it is positive, else alpha · (exp(x) - 1)."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)) * alpha)


def elu_wrt_x(g: Array, x: Array, alpha: float) -> Array:
    """Return g where x is positive, else g · alpha · exp(x)."""
    return np.where(x > 0, g, g * np.exp(np.minimum(x, 0)) * alpha)
