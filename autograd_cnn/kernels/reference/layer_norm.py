"""Standardised rows and their adjoints.

Shapes: x, y and g (R, D); weight and bias (Q, E), for the first Q rows, the next Q and so on, each number for D / E
neighbours; moments (2, R), the mean and r = 1 / sqrt(var + eps) of each row; sums (2, Q, E), those of g·z and
of g, z being (x - mean) · r.
"""

import numpy as np

from autograd_cnn.kernels.windows import Array

__all__ = ["layer_norm", "layer_norm_wrt"]


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array]:
    """Return z · weight + bias, and the moments."""
    mean, var = x.mean(axis=1), x.var(axis=1)
    moments = np.stack([mean, 1 / np.sqrt(var + x.dtype.type(eps))])
    y = _standardized(x, moments).reshape(-1, *weight.shape, x.shape[1] // weight.shape[1])
    return (y * weight[..., None] + bias[..., None]).reshape(x.shape), moments


def layer_norm_wrt(g: Array, x: Array, moments: Array, weight: Array, of: str) -> tuple[Array | None, Array | None]:
    """Return r · (h - mean(h) - z · mean(h·z)) with h = g · weight, and the sums of g·z and of g over all elements with the same weight.

    ``of`` names the requested results, ``"x"``, ``"weight"`` or ``"x, weight"``; others are None.
    """
    z, shape = _standardized(x, moments), (-1, *weight.shape, x.shape[1] // weight.shape[1])
    dx = sums = None
    if "x" in of:
        h = (g.reshape(shape) * weight[..., None]).reshape(x.shape)
        dx = (h - _mean(h) - z * _mean(h * z)) * moments[1][:, None]
    if "weight" in of:
        sums = np.stack([each.reshape(shape).sum(axis=(0, 3)) for each in (g * z, g)])
    return dx, sums


def _standardized(x: Array, moments: Array) -> Array:
    mean, r = moments[:, :, None]
    z: Array = (x - mean) * r
    return z


def _mean(values: Array) -> Array:
    mean: Array = values.mean(axis=1, keepdims=True)
    return mean
