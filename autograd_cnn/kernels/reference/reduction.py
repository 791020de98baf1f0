"""Sums and extrema along axes."""

import numpy as np

from autograd_cnn.kernels.windows import Array


def sum(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:  # noqa: A001  # NumPy's name
    """Return the sum along ``axis``."""
    return np.sum(x, axis=axis, keepdims=keepdims)


def max(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:  # noqa: A001  # NumPy's name
    """Return the largest along ``axis``."""
    return np.max(x, axis=axis, keepdims=keepdims)


def min(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:  # noqa: A001  # NumPy's name
    """Return the smallest along ``axis``."""
    return np.min(x, axis=axis, keepdims=keepdims)
