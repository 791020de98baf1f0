"""Standardised maps and their adjoints.

Shapes: x, y and g (N, C, H, W); weight and bias (C,); moments (2, C), the mean and the variance of each channel; sums
(2, C), those of g·z and of g, where z = (x - mean) · r and r = 1 / sqrt(var + eps).
"""

import numpy as np

from autograd_cnn.kernels.reference.elementwise import relu
from autograd_cnn.kernels.windows import Array

__all__ = [
    "given_moments",
    "moments",
    "standardize",
    "standardize_rectified",
    "standardize_wrt_input",
    "standardized_sums",
]

_ALL_BUT_CHANNELS = (0, 2, 3)


def moments(x: Array) -> Array:
    """Return mean and variance of each channel, in float64."""
    return np.stack([x.mean(axis=_ALL_BUT_CHANNELS), x.var(axis=_ALL_BUT_CHANNELS)]).astype(np.float64)


def given_moments(mean: Array, var: Array) -> Array:
    """Return a mean and a variance for each channel in the format of `moments`."""
    return np.array([mean, var], np.float64)


def standardize(x: Array, moments: Array, weight: Array, bias: Array, eps: float) -> Array:
    """Return z · weight + bias."""
    mean, r = _mean_and_r(x, moments, eps)
    return (x - _maps(mean)) * _maps(r * weight) + _maps(bias)


def standardize_rectified(
    x: Array, moments: Array, weight: Array, bias: Array, eps: float, other: Array | None
) -> tuple[Array, Array]:
    """Return relu(z · weight + bias + other), and the mask of where it is positive; ``other`` may be None."""
    y = standardize(x, moments, weight, bias, eps)
    return relu(y if other is None else y + other)


def standardized_sums(g: Array, x: Array, moments: Array, eps: float) -> Array:
    """Return for each channel the sums of g·z and of g."""
    mean, r = _mean_and_r(x, moments, eps)
    products = (g * (x - _maps(mean))).sum(axis=_ALL_BUT_CHANNELS) * r
    return np.stack([products, g.sum(axis=_ALL_BUT_CHANNELS)])


def standardize_wrt_input(g: Array, x: Array, moments: Array, sums: Array, weight: Array, eps: float) -> Array:
    """Return r · weight · (g - mean(g) - z · mean(g·z))."""
    mean, r = _mean_and_r(x, moments, eps)
    along, total = sums.astype(x.dtype) / x.dtype.type(x[:, :1].size)
    return (g - _maps(total) - (x - _maps(mean)) * _maps(along * r)) * _maps(r * weight)


def _mean_and_r(x: Array, moments: Array, eps: float) -> tuple[Array, Array]:
    mean, var = moments
    return mean.astype(x.dtype), (1 / np.sqrt(var + eps)).astype(x.dtype)


def _maps(values: Array) -> Array:
    """Reshape a number for each channel to broadcast over the maps."""
    return values[:, None, None]
