"""Matrix products, by NumPy's BLAS library."""

import numpy as np

from autograd_cnn.kernels.windows import Array


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
