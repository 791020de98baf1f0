"""Sums along axes."""

import numpy as np

from autograd_cnn.kernels.windows import Array


def sum(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:  # noqa: A001  # NumPy's name
    """Return the sum along ``axis``."""
    return np.sum(x, axis=axis, keepdims=keepdims)
