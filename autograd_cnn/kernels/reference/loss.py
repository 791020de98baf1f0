"""Losses of single numbers, and their adjoints."""

import numpy as np

from autograd_cnn.kernels.reference.special import sigmoid, softplus
from autograd_cnn.kernels.windows import Array

__all__ = ["huber", "huber_wrt_x", "logistic_loss", "logistic_loss_wrt_x"]


def huber(x: Array, delta: float) -> Array:
    """Return half the square of x up to delta, and straight on from there."""
    size = np.abs(x)
    bent = np.minimum(size, delta)
    return bent * (size - bent * 0.5)


def huber_wrt_x(g: Array, x: Array, delta: float) -> Array:
    """Return g times x, which is limited to delta."""
    return g * np.clip(x, -delta, delta)


def logistic_loss(x: Array, t: Array) -> Array:
    """Return ``t·softplus(-x) + (1 - t)·softplus(x)``."""
    return t * softplus(-x) + (1 - t) * softplus(x)


def logistic_loss_wrt_x(g: Array, x: Array, t: Array) -> Array:
    """Return g times ``(1 - t)·sigmoid(x) - t·sigmoid(-x)``, without a difference to 1."""
    return g * ((1 - t) * sigmoid(x) - t * sigmoid(-x))
