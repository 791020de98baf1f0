r"""Softmax and its logarithm, stable for scores of any size.

The largest score is taken off first, and its exponential, which is 1, out of the sum: what is left is the whole of the
others, however small. A difference ``d`` of two scores is rounded, so a small probability is right to 4 + \|d\| units
in the last place.
"""

import numpy as np

from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array, Floats, Shape
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import exp
from autograd_cnn.ops.indexing import take_along_axis
from autograd_cnn.ops.reduction import argmax, axes_of, reduced_shape, spread
from autograd_cnn.parameters import Axis, Flag

__all__ = ["log_softmax", "logsumexp", "softmax"]


def shifted(x: Array, axis: Axis) -> tuple[Array, Array]:
    """Return the scores less the largest, and that; it counts as 0 where it is infinite, so that nothing overflows."""
    top = x.max(axis=axis, keepdims=True, initial=-np.inf)
    finite = np.isfinite(top)
    top = top if finite.all() else np.where(finite, top, 0)
    return x - top, top


def log_of_sum(shifted: Array, axis: Axis) -> Array:
    """Return ``log(sum(exp(shifted)))`` of scores whose largest is 0, without adding the others to its 1."""
    largest = shifted == 0
    powers = np.where(largest, shifted.dtype.type(0), np.exp(shifted))
    others = powers.sum(axis=axis, keepdims=True) + (largest.sum(axis=axis, keepdims=True, dtype=powers.dtype) - 1)
    with np.errstate(divide="ignore"):  # of nothing, or where every score is -inf
        return np.log1p(others)


@primitive
def logsumexp(x: Floats, axis: Axis = None, keepdims: Flag = False) -> Array:
    """``log(sum(exp(x)))`` along ``axis``, a smooth maximum; of nothing it is -inf.

    Examples
    --------
    >>> round(float(logsumexp([1000.0, 1000.0])), 3)
    1000.693
    """
    x = np.asarray(x)
    less, top = shifted(x, axis)
    y = log_of_sum(less, axis) + top
    return y if keepdims else np.squeeze(y, axis=axis if x.ndim else None)


@logsumexp.shape
def logsumexp_shape(x: AbstractArray, *, axis: Axis, keepdims: bool) -> Shape:
    return reduced_shape(x.shape, axis, keepdims)


@logsumexp.vjp("x")
def logsumexp_vjp_x(g: Array, *, x: Array, y: Array, axis: Axis) -> Array:
    return spread(g, x.shape, axis) * exp(x - spread(y, x.shape, axis))


@primitive
def softmax(x: Floats, axis: Axis = -1) -> Array:
    """``exp(x) / sum(exp(x))`` along ``axis``: positive numbers that add up to 1.

    Examples
    --------
    >>> softmax([1.0, 1.0, 1000.0])
    array([0., 0., 1.])
    """
    powers = np.exp(shifted(np.asarray(x), axis)[0])
    return powers / powers.sum(axis=axis, keepdims=True)


@softmax.shape
def softmax_shape(x: AbstractArray, *, axis: Axis) -> Shape:
    axes_of(x.shape, axis)  # that there is such an axis
    return x.shape


@softmax.vjp("x")
def softmax_vjp_x(g: Array, *, y: Array, axis: Axis) -> Array:
    if isinstance(axis, int) and y.shape and y.shape[axis]:
        # The rows of the Jacobian add up to 0. Less the winner's cotangent, its own 1 leaves the sum.
        g = g - take_along_axis(g, argmax(y, axis=axis, keepdims=True), axis)
    return y * (g - reduction.sum(g * y, axis=axis, keepdims=True))


@primitive
def log_softmax(x: Floats, axis: Axis = -1) -> Array:
    """The logarithm of `softmax`: ``x - logsumexp(x)``.

    Examples
    --------
    >>> log_softmax([0.0, 0.0]).round(3)
    array([-0.693, -0.693])
    """
    less, _ = shifted(np.asarray(x), axis)
    return less - log_of_sum(less, axis)


log_softmax.shape(softmax_shape)


@log_softmax.vjp("x")
def log_softmax_vjp_x(g: Array, *, y: Array, axis: Axis) -> Array:
    return g - exp(y) * reduction.sum(g, axis=axis, keepdims=True)
