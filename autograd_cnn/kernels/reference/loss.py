"""Losses of single numbers, and their adjoints."""

import math

import numpy as np

from autograd_cnn.kernels.reference.special import sigmoid, softplus
from autograd_cnn.kernels.windows import Array

__all__ = ["huber", "huber_wrt_x", "logistic_loss", "logistic_loss_wrt_x", "total_huber"]


def huber(x: Array, t: Array, delta: float, scale: float) -> Array:
    """Return half the square of x - t up to delta, and linear from there, times the scale."""
    size = np.abs(x - t)
    if math.isinf(delta):
        return size * (size * 0.5) * scale
    bent = np.minimum(size, delta)
    return bent * (size - bent * 0.5) * scale


def total_huber(x: Array, t: Array, delta: float, scale: float) -> Array:
    """Return the sum of `huber`."""
    return huber(x, t, delta, 1).sum() * x.dtype.type(scale)


def huber_wrt_x(g: Array, x: Array, t: Array, delta: float, scale: float) -> Array:
    """Return g times the scale times x - t, which is limited to delta."""
    return g * scale * np.clip(x - t, -delta, delta)


def logistic_loss(x: Array, t: Array) -> Array:
    """Return ``t·softplus(-x) + (1 - t)·softplus(x)``."""
    return np.where(x < 0, t, 1 - t) * np.abs(x) + softplus(-np.abs(x))  # targets of 0 and 1 lack the common term


def logistic_loss_wrt_x(g: Array, x: Array, t: Array) -> Array:
    """Return g times ``(1 - t)·sigmoid(x) - t·sigmoid(-x)``, without a difference to 1."""
    return g * ((1 - t) * sigmoid(x) - t * sigmoid(-x))
