r"""Softmax and its logarithm, stable for scores of any size.

The largest score is subtracted first, and its exponential, which is 1, is left out of the sum. So the others are added
with full precision, however small they are. The difference ``d`` of two scores is rounded, so a small probability is
accurate to 4 + \|d\| units in the last place.
"""

from math import log
from typing import Final

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Floats, Shape
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import divide, exp, multiply
from autograd_cnn.ops.indexing import take_along_axis
from autograd_cnn.ops.reduction import argmax, axes_of, reduced_shape, spread
from autograd_cnn.ops.selection import equal, where
from autograd_cnn.parameters import Axis, Flag

__all__ = ["log_softmax", "logaddexp", "logaddexp2", "logsumexp", "softmax"]

_LN2: Final = log(2)


@primitive
def logsumexp(x: Floats, axis: Axis = None, keepdims: Flag = False) -> Array:
    """``log(sum(exp(x)))`` along ``axis``, a smooth maximum; without any scores it is -inf.

    Examples
    --------
    >>> round(float(logsumexp([1000.0, 1000.0])), 3)
    1000.693
    """
    x = np.asarray(x)
    y = kernels.logsumexp(x, axis)
    return y if keepdims else np.squeeze(y, axis=axis if x.ndim else None)


@logsumexp.shape
def logsumexp_shape(x: AbstractArray, *, axis: Axis, keepdims: bool) -> Shape:
    return reduced_shape(x.shape, axis, keepdims)


@logsumexp.vjp("x")
def logsumexp_vjp_x(g: Array, *, x: Array, y: Array, axis: Axis) -> Array:
    return spread(g, x.shape, axis) * exp(x - spread(y, x.shape, axis))


@primitive
def logaddexp(x1: Floats, x2: Floats) -> Array:
    """``log(exp(x1) + exp(x2))`` without overflow, element by element.

    Examples
    --------
    >>> logaddexp([0.0, 1000.0], [0.0, 1000.0]).round(3)
    array([6.930000e-01, 1.000693e+03])
    """
    return kernels.logaddexp(x1, x2)


@logaddexp.vjp("x1")
def logaddexp_vjp_x1(g: Array, *, x1: Array, y: Array) -> Array:
    return g * _share(x1, y)


@logaddexp.vjp("x2")
def logaddexp_vjp_x2(g: Array, *, x2: Array, y: Array) -> Array:
    return g * _share(x2, y)


def _share(x: Array, y: Array) -> Array:
    """Return ``exp(x - y)``, and 1 where both are the same infinity."""
    same = equal(x, y)
    return exp(where(same, 0, x) - where(same, 0, y))


@composite
def logaddexp2(x1: Array, x2: Array) -> Array:
    """``log2(2 ** x1 + 2 ** x2)`` without overflow, element by element.

    Examples
    --------
    >>> logaddexp2([1.0, 2000.0], [1.0, 2000.0])
    array([2.000e+00, 2.001e+03])
    """
    scaled = (x * _LN2 if type(x) in {int, float} else multiply(x, _LN2) for x in (x1, x2))  # numbers stay numbers
    return divide(logaddexp(*scaled), _LN2)


@primitive
def softmax(x: Floats, axis: Axis = -1) -> Array:
    """``exp(x) / sum(exp(x))`` along ``axis``: positive numbers that add up to 1.

    Examples
    --------
    >>> softmax([1.0, 1.0, 1000.0])
    array([0., 0., 1.])
    """
    return kernels.softmax(np.asarray(x), axis)


@softmax.shape
def softmax_shape(x: AbstractArray, *, axis: Axis) -> Shape:
    axes_of(x.shape, axis)  # raises if there is no such axis
    return x.shape


@softmax.vjp("x")
def softmax_vjp_x(g: Array, *, y: Array, axis: Axis) -> Array:
    return _softmax_backward(g, y, axis=axis)


@primitive
def _softmax_backward(g: Floats, p: Floats, axis: Axis) -> Array:
    """``p·(g - sum(g·p))``, for the cotangent ``g`` of the `softmax` ``p``, whose sums are 1."""
    return kernels.softmax_wrt_x(np.asarray(g), np.asarray(p), axis)


@_softmax_backward.shape
def softmax_backward_shape(g: AbstractArray, p: AbstractArray, *, axis: Axis) -> Shape:
    axes_of(p.shape, axis)
    return np.broadcast_shapes(g.shape, p.shape)


@_softmax_backward.vjp("g")
def softmax_backward_vjp_g(h: Array, *, p: Array, axis: Axis) -> Array:
    return _softmax_backward(h, p, axis=axis)


@_softmax_backward.vjp("p")
def softmax_backward_vjp_p(h: Array, *, g: Array, p: Array, axis: Axis) -> Array:
    if isinstance(axis, int) and p.shape and p.shape[axis]:
        g = g - take_along_axis(g, argmax(p, axis=axis, keepdims=True), axis)  # as the kernels do
    return h * (g - reduction.sum(g * p, axis=axis, keepdims=True)) - g * reduction.sum(h * p, axis=axis, keepdims=True)


@primitive
def log_softmax(x: Floats, axis: Axis = -1) -> Array:
    """The logarithm of `softmax`: ``x - logsumexp(x)``.

    Examples
    --------
    >>> log_softmax([0.0, 0.0]).round(3)
    array([-0.693, -0.693])
    """
    return kernels.log_softmax(np.asarray(x), axis)


log_softmax.shape(softmax_shape)


@log_softmax.vjp("x")
def log_softmax_vjp_x(g: Array, *, y: Array, axis: Axis) -> Array:
    return _log_softmax_backward(g, y, axis=axis)


@primitive
def _log_softmax_backward(g: Floats, log_p: Floats, axis: Axis) -> Array:
    """``g - exp(log_p)·sum(g)``, for the cotangent ``g`` of the `log_softmax` ``log_p``."""
    return kernels.log_softmax_wrt_x(np.asarray(g), np.asarray(log_p), axis)


@_log_softmax_backward.shape
def log_softmax_backward_shape(g: AbstractArray, log_p: AbstractArray, *, axis: Axis) -> Shape:
    axes_of(g.shape, axis)
    return np.broadcast_shapes(g.shape, log_p.shape)


@_log_softmax_backward.vjp("g")
def log_softmax_backward_vjp_g(h: Array, *, log_p: Array, axis: Axis) -> Array:
    return h - reduction.sum(h * exp(log_p), axis=axis, keepdims=True)


@_log_softmax_backward.vjp("log_p")
def log_softmax_backward_vjp_log_p(h: Array, *, g: Array, log_p: Array, axis: Axis) -> Array:
    return -h * exp(log_p) * reduction.sum(g, axis=axis, keepdims=True)
