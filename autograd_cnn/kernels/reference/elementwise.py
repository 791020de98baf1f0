"""Elementwise functions for which NumPy needs several passes, or is slow."""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.windows import Array

__all__ = [
    "absolute",
    "absolute_wrt_x",
    "add",
    "clip",
    "concatenate",
    "copyto",
    "damped",
    "divide",
    "divide_wrt_x2",
    "elu",
    "elu_wrt_x",
    "exp",
    "exp2",
    "hardsigmoid",
    "hardsigmoid_wrt_x",
    "hardswish",
    "hardswish_wrt_x",
    "hardtanh",
    "leaky_relu",
    "logaddexp",
    "masked",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "relu",
    "scatter_add",
    "shrink",
    "sign",
    "sqrt",
    "sqrt_wrt_x",
    "square_wrt_x",
    "subtract",
    "where",
]

_BITS: Final[dict[Any, np.dtype[Any]]] = {
    np.dtype(np.float32): np.dtype(np.int32),
    np.dtype(np.float64): np.dtype(np.int64),
}


add, subtract, multiply, divide, negative = np.add, np.subtract, np.multiply, np.divide, np.negative
absolute, exp, exp2, logaddexp, sqrt = np.absolute, np.exp, np.exp2, np.logaddexp, np.sqrt
maximum, minimum, sign, where = np.maximum, np.minimum, np.sign, np.where
concatenate, copyto = np.concatenate, np.copyto


def divide_wrt_x2(g: Array, y: Array, x2: Array) -> Array:
    """Return -g · y / x2."""
    return -g * y / x2


def absolute_wrt_x(g: Array, x: Array) -> Array:
    """Return g times the sign of x."""
    return g * np.sign(x)


def sqrt_wrt_x(g: Array, y: Array) -> Array:
    """Return g / 2y."""
    return g * 0.5 / y


def square_wrt_x(g: Array, x: Array) -> Array:
    """Return g · 2x."""
    return g * (x * 2)


def relu(x: Array) -> tuple[Array, Array]:
    """Return x where it is positive, else 0, and the mask of where x passes; a NaN passes."""
    y = np.maximum(x, 0)
    return y, np.not_equal(y, 0)


def masked(x: Array, mask: Array) -> Array:
    """Return x where the mask is set, else 0, even in place of infinity or NaN."""
    bits = _BITS.get(x.dtype)
    if bits is None:
        return np.where(mask, x, x.dtype.type(0))
    all_ones = np.negative(mask.view(np.int8), dtype=bits, casting="safe")  # -1 has every bit set
    return (np.asarray(x, order="C").view(bits) & all_ones).view(x.dtype)  # several times faster than where()


def leaky_relu(x: Array, slope: float) -> tuple[Array, Array]:
    """Return x where it is positive, elsewhere x times the slope, and the mask of where it is positive."""
    mask = np.greater(x, 0)
    return np.where(mask, x, x * slope), mask


def hardtanh(x: Array, least: float, most: float) -> tuple[Array, Array]:
    """Return x limited to a range, and the mask of where it is strictly inside, or NaN."""
    return np.clip(x, least, most), ~(np.less_equal(x, least) | np.greater_equal(x, most))


def hardsigmoid(x: Array) -> Array:
    """Return x + 3 limited to [0, 6], divided by 6."""
    y: Array = np.clip(x + 3.0, 0.0, 6.0) * (1 / 6)
    return y


def hardsigmoid_wrt_x(g: Array, x: Array) -> Array:
    """Return g times the derivative of `hardsigmoid`, which is 0 at the ends."""
    return np.where((x <= -3) | (x >= 3), 0, g * (1 / 6))


def shrink(x: Array, lambd: float, bias: float) -> tuple[Array, Array]:
    """Return x moved towards 0 by the bias, or 0 from -lambd to lambd, and the mask of where it is outside, or NaN."""
    within = np.less_equal(np.abs(x), lambd)
    return np.where(within, 0, np.where(np.greater(x, 0), x - bias, x + bias)), ~within


def hardswish(x: Array) -> Array:
    """Return x times its `hardsigmoid`."""
    return x * hardsigmoid(x)


def hardswish_wrt_x(g: Array, x: Array) -> Array:
    """Return g times the derivative of `hardswish`."""
    return g * np.where(x <= -3, 0, np.where(x >= 3, 1, x / 3 + 0.5)).astype(x.dtype, copy=False)


def clip(x: Array, least: float | None, most: float | None) -> tuple[Array, Array]:
    """Return x limited to a range, and the mask of where it is inside, ends included, or NaN."""
    below = False if least is None else np.less(x, least)
    return np.clip(x, least, most), ~np.logical_or(below, False if most is None else np.greater(x, most))


def damped(x: Array, mask: Array, factor: float) -> Array:
    """Return x where the mask is set, elsewhere x times the factor."""
    return np.where(mask, x, x * factor)


def elu(x: Array, alpha: float) -> Array:
    """Return x where it is positive, else alpha · (exp(x) - 1)."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)) * alpha)


def elu_wrt_x(g: Array, x: Array, alpha: float) -> Array:
    """Return g where x is positive, else g · alpha · exp(x)."""
    return np.where(x > 0, g, g * np.exp(np.minimum(x, 0)) * alpha)


def scatter_add(x: Array, index: Array, length: int) -> Array:
    """Return zeros (A, length, D) to which x (A, n, D) is added at an index (n,)."""
    total = np.zeros((x.shape[0], length, x.shape[2]), x.dtype)
    order = np.argsort(index, kind="stable")  # NumPy's `add.at` adds single elements, much slower
    starts = np.flatnonzero(np.diff(index[order], prepend=-1))
    if len(starts):
        total[:, index[order][starts]] = np.add.reduceat(x[:, order], starts, axis=1)
    return total
