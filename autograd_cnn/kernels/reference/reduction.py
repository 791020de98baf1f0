"""Matrix products by NumPy's BLAS library, and sums and extrema along axes."""

import numpy as np

from autograd_cnn.kernels.windows import Array

__all__ = ["extremum_wrt_x", "linear", "matmul", "max", "min", "sum"]


def matmul(a: Array, b: Array) -> Array:
    """Return the matrix product, with NumPy's broadcasting of stacks and vectors."""
    product: Array = np.matmul(a, b)
    return product


def linear(x: Array, w: Array, bias: Array | None) -> Array:
    """Return x · wᵀ + bias for x (..., D) and w (F, D)."""
    y: Array = np.matmul(x, w.T)  # (..., F)
    if bias is None:
        return y
    return np.add(y, bias, out=y if y.dtype == np.result_type(y, bias) else None)


def sum(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:  # noqa: A001  # NumPy's name
    """Return the sum along ``axis``."""
    total: Array = x.sum(axis=axis, keepdims=keepdims)  # in half the time of np.sum
    return total


def max(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:  # noqa: A001  # NumPy's name
    """Return the largest along ``axis``."""
    return np.max(x, axis=axis, keepdims=keepdims)


def min(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:  # noqa: A001  # NumPy's name
    """Return the smallest along ``axis``."""
    return np.min(x, axis=axis, keepdims=keepdims)


def extremum_wrt_x(g: Array, x: Array, extremum: Array, axis: int | tuple[int, ...] | None) -> Array:
    """Return g, shared evenly among the extrema along ``axis``, where a NaN counts as one; these axes have length 1 in g."""
    shares = np.where(np.equal(x, x), np.equal(x, extremum), 1).astype(x.dtype)
    shares /= shares.sum(axis=axis, keepdims=True)
    return g * shares
