"""Weighted sums of a few rows and columns of maps."""

import numpy as np

from autograd_cnn.kernels.taps import Array, Taps

__all__ = ["resample"]


def resample(x: Array, rows: Taps, columns: Taps) -> Array:
    """Return the products of maps (..., H, W) with sparse matrices on both sides."""
    across = _sums(np.swapaxes(x, -1, -2), columns)
    return _sums(np.swapaxes(across, -1, -2), rows)


def _sums(x: Array, taps: Taps) -> Array:
    """Return the sums of rows of maps, tap by tap."""
    y = np.zeros((*x.shape[:-2], taps.count, x.shape[-1]), x.dtype)
    counts, (places, weights) = np.diff(taps.starts), map(np.array, (taps.places, taps.weights))
    for tap in range(counts.max(initial=0)):
        has = np.flatnonzero(counts > tap)
        at = np.array(taps.starts)[has] + tap
        y[..., has, :] += weights[at, None].astype(x.dtype) * x[..., places[at], :]
    return y
