"""Softmax and its logarithm, stable for scores of any size."""

import numpy as np

from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import exp
from autograd_cnn.ops.reduction import spread
from autograd_cnn.parameters import Axis
from autograd_cnn.primitive import primitive
from autograd_cnn.tape import Array


def _shift(x: Array, axis: Axis) -> Array:
    """Return the largest score, or 0 where that is infinite, so that nothing overflows."""
    top = np.asarray(x).max(axis=axis, keepdims=True)
    finite = np.isfinite(top)
    return top if finite.all() else np.where(finite, top, 0)


@primitive
def logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """``log(sum(exp(x)))`` along ``axis``, a smooth maximum.

    Examples
    --------
    >>> round(float(logsumexp([1000.0, 1000.0])), 3)
    1000.693
    """
    top = _shift(x, axis)
    y = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)


@logsumexp.vjp("x")
def logsumexp_wrt_x(g: Array, *, x: Array, y: Array, axis: Axis) -> Array:
    return spread(g, x.shape, axis) * exp(x - spread(y, x.shape, axis))


@primitive
def softmax(x: Array, *, axis: Axis = -1) -> Array:
    """``exp(x) / sum(exp(x))`` along ``axis``: positive numbers that add up to 1.

    Examples
    --------
    >>> softmax([1.0, 1.0, 1000.0])
    array([0., 0., 1.])
    """
    powers = np.exp(x - _shift(x, axis))
    return powers / powers.sum(axis=axis, keepdims=True)


@softmax.vjp("x")
def softmax_wrt_x(g: Array, *, y: Array, axis: Axis) -> Array:
    return y * (g - reduction.sum(g * y, axis=axis, keepdims=True))


@primitive
def log_softmax(x: Array, *, axis: Axis = -1) -> Array:
    """The logarithm of `softmax`: ``x - logsumexp(x)``.

    Examples
    --------
    >>> log_softmax([0.0, 0.0]).round(3)
    array([-0.693, -0.693])
    """
    shifted = x - _shift(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@log_softmax.vjp("x")
def log_softmax_wrt_x(g: Array, *, y: Array, axis: Axis) -> Array:
    return g - exp(y) * reduction.sum(g, axis=axis, keepdims=True)
