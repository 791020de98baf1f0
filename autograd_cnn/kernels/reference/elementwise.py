"""Elementwise work that NumPy does in more than one pass, or slowly."""

import numpy as np

from autograd_cnn.kernels.windows import Array


def relu(x: Array) -> tuple[Array, Array]:
    """Return x where it is positive, else 0, and where that is; a NaN passes."""
    y = np.maximum(x, 0)
    return y, np.not_equal(y, 0)


def masked(x: Array, mask: Array) -> Array:
    """Return x where the mask is set, else 0; an infinite or NaN element behind the mask is 0, too."""
    if x.dtype not in (np.float32, np.float64):
        return np.where(mask, x, x.dtype.type(0))
    bits = np.dtype(f"i{x.dtype.itemsize}")
    all_ones = np.negative(mask.view(np.int8), dtype=bits, casting="safe")  # -1 has every bit set
    return (np.asarray(x, order="C").view(bits) & all_ones).view(x.dtype)  # several times faster than where()
