"""Losses of single numbers, and their adjoints, each in one pass."""

from autograd_cnn.kernels.compiled.activation import decay
from autograd_cnn.kernels.compiled.lanes import Lanes, at_least, at_most, log1p, where
from autograd_cnn.kernels.compiled.map import binary, ternary, with_scalar


@with_scalar
def huber(delta: Lanes, x: Lanes) -> Lanes:
    """Return half the square of x up to delta, and straight on from there."""
    size = abs(x)
    bent = at_most(size, delta)
    return bent * (size - bent * 0.5)


@with_scalar
def huber_wrt_x(delta: Lanes, g: Lanes, x: Lanes) -> Lanes:
    """Return g times x, which is limited to delta."""
    return g * at_least(at_most(x, delta), 0.0 - delta)


@binary
def logistic_loss(x: Lanes, t: Lanes) -> Lanes:
    """Return ``t·softplus(-x) + (1 - t)·softplus(x)``: what both have in common is what 0 and 1 lack."""
    return where(x < 0.0, t, 1.0 - t) * abs(x) + log1p(decay(x).value)


@ternary
def logistic_loss_wrt_x(g: Lanes, x: Lanes, t: Lanes) -> Lanes:
    """Return g times ``(1 - t)·sigmoid(x) - t·sigmoid(-x)``, without a difference to 1."""
    e = decay(x).value
    rest = 1.0 - t
    return g * (where(x < 0.0, rest * e - t, rest - t * e) / (e + 1.0))
