"""Standardised maps, and what gradients pass back through them.

Shapes: x, y and g (N, C, H, W); a number for each channel (C,).
"""

import numpy as np

from autograd_cnn.kernels.windows import Array


def moments(x: Array) -> tuple[Array, Array]:
    """Return mean and variance of each channel."""
    return x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))


def standardize(x: Array, scale: Array, shift: Array, eps: float) -> Array:
    """Return (x - mean) / sqrt(var + eps) · scale + shift."""
    mean, var = moments(x)
    return (x - _maps(mean)) * _maps(scale / np.sqrt(var + eps)) + _maps(shift)


def standardized_dot(g: Array, x: Array, eps: float) -> Array:
    """Return for each channel the sum of g times the standardised x."""
    mean, var = moments(x)
    return (g * (x - _maps(mean))).sum(axis=(0, 2, 3)) / np.sqrt(var + eps)


def standardize_wrt_input(g: Array, x: Array, scale: Array, eps: float) -> Array:
    """Return r · scale · (g - mean(g) - z · mean(g · z)), z being (x - mean) · r and r being 1 / sqrt(var + eps)."""
    (mean, var), count = moments(x), x[:, :1].size
    r, centred = 1 / np.sqrt(var + eps), x - _maps(mean)
    along = (g * centred).sum(axis=(0, 2, 3)) * r * r / count
    return (g - _maps(g.mean(axis=(0, 2, 3))) - centred * _maps(along)) * _maps(r * scale)


def _maps(values: Array) -> Array:
    """Line up a number for each channel with the maps."""
    return values[:, None, None]
