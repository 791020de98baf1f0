"""Batch normalisation as a form ⟨g, w · z(x) + b⟩, differentiated in each argument.

For each channel let z = (x - mean(x)) · r with r = 1 / sqrt(var(x) + eps), over all images and pixels. The form is
linear in g, and in w and b. Its gradient in g is the forward pass, its gradients in w and b are the sums of g · z and
of g, and its gradient in x,

    A(g) = w · r · (g - mean(g) - z · mean(g · z)),

is its own adjoint: ⟨u, A(g)⟩ = ⟨A(u), g⟩. So the three are each other's rules, except for the second derivative in x.

All three need the moments of x, and the rules need the same sums of g. An ordinary backward pass hands on what has been
computed; rules of higher order recompute it from the operands.

Shapes: x, g and y (N, C, H, W), weight and bias (C,).
"""

import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array, Shape, Traced, values_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ShapeError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import sqrt
from autograd_cnn.ops.precision import joined, mean_dtype
from autograd_cnn.ops.shaping import reshape
from autograd_cnn.parameters import NotNegative

__all__ = ["batch_norm", "batch_norm_inference", "batch_norm_wrt_affine", "batch_norm_wrt_input"]

_ALL_BUT_CHANNELS = (0, 2, 3)


def _check(where: str, x: Array, **numbers: Array | None) -> None:
    """Raise `ShapeError` unless ``x`` is a batch of maps with one number for each channel."""
    if np.ndim(x) != 4:
        raise ShapeError(where, "x has the wrong shape", expected="(N, C, H, W)", got=np.shape(x))
    for name, values in numbers.items():
        if values is not None and np.shape(values) != np.shape(x)[1:2]:
            raise ShapeError(where, f"{name} has the wrong shape", expected=f"one number for each channel, "
                             f"{np.shape(x)[1:2]}", got=np.shape(values))  # fmt: skip


def _check_counted(where: str, x: Array, **numbers: Array | None) -> None:
    """Raise `ShapeError` also if x is empty, so that it has no moments."""
    if np.ndim(x) != 4 or not np.size(x):
        raise ShapeError(where, "x has the wrong shape", expected="(N, C, H, W), not empty", got=np.shape(x))
    _check(where, x, **numbers)


def _check_alike(where: str, g: Array, x: Array) -> None:
    if np.shape(g) != np.shape(x):
        raise ShapeError(where, "g has the wrong shape", expected=np.shape(x), got=np.shape(g))


def _or(values: Array | None, x: Array, default: float) -> Array:
    return np.full(x.shape[1], default, x.dtype) if values is None else values


@primitive(residuals=("moments",), static=True)
def batch_norm(
    x: Array, weight: Array | None = None, bias: Array | None = None, eps: NotNegative = 1e-5
) -> tuple[Array, Array]:
    """``(x - mean) / sqrt(var + eps) · weight + bias``, with the moments of each channel (Ioffe & Szegedy 2015).

    Parameters
    ----------
    x : (N, C, H, W)
    weight, bias : (C,), optional
        By default 1 and 0.
    eps : float
        Keeps the division away from 0.

    Returns
    -------
    y : (N, C, H, W)

    Raises
    ------
    ShapeError
        If the shapes do not match, or x is empty.

    Examples
    --------
    >>> batch_norm(np.array([1.0, 3.0]).reshape(2, 1, 1, 1), eps=0.0).ravel()
    array([-1.,  1.])
    """
    _check_counted("batch_norm", x, weight=weight, bias=bias)
    x, weight, bias = joined("batch_norm", mean_dtype, x=x, weight=weight, bias=bias)
    moments = kernels.moments(x)
    return kernels.standardize(x, moments, _or(weight, x, 1), _or(bias, x, 0), eps), moments


@batch_norm.shape(dtype=mean_dtype)
def batch_norm_shape(x: AbstractArray, weight: AbstractArray | None, bias: AbstractArray | None) -> Shape:
    _check_counted("batch_norm", x, weight=weight, bias=bias)
    return x.shape


@batch_norm.vjp("x")
def batch_norm_vjp_x(g: Array, *, x: Array, weight: Array | None, eps: float, moments: Array) -> Array:
    recorded, compiled = isinstance(g, Traced), isinstance(moments, Traced)
    if recorded and not compiled:
        return batch_norm_wrt_input(g, x, weight, eps=eps)
    sums = _counted.count(g, x, values_of(moments), eps=eps)
    return batch_norm_wrt_input(g, x, weight, eps=eps, moments=values_of(moments), sums=values_of(sums))


@batch_norm.vjp("weight")
def batch_norm_vjp_weight(g: Array, *, x: Array, eps: float) -> Array:
    return _counted.sums(g, x, eps=eps)[0]


@batch_norm.vjp("bias")
def batch_norm_vjp_bias(g: Array) -> Array:
    total = _counted.total(g)
    return reduction.sum(g, axis=_ALL_BUT_CHANNELS) if total is None else total


class Counted(threading.local):
    """The latest sums: a node's rules run one after the other, and need the same ones.

    They are looked up by the identity of their operands, because cotangents are not modified, and dropped together with
    them.
    """

    def __init__(self, primitive: Callable[..., Array]) -> None:
        self._primitive = primitive
        self._latest: tuple[weakref.ref[Array], weakref.ref[Array], dict[str, Any], Array] | None = None

    def count(self, g: Array, x: Array, moments: Array | None = None, **params: Any) -> Array:
        """Return the sums of ``g · z`` and of ``g``; the rule of x, which runs first, recomputes them in each pass."""
        return self.keep(self._primitive(g, x, **params, moments=moments), g, x, **params)

    def keep(self, sums: Array, g: Array, x: Array, **params: Any) -> Array:
        """Keep the sums for the next rules."""
        self._latest = weakref.ref(g, self._forget), weakref.ref(x), params, sums
        return sums

    def sums(self, g: Array, x: Array, **params: Any) -> Array:
        """Return the sums that have just been computed, or compute them."""
        latest = self._latest
        if latest is not None and latest[0]() is g and latest[1]() is x and latest[2] == params:
            return latest[3]
        return self.count(g, x, **params)

    def total(self, g: Array) -> Array | None:
        """Return the sum of ``g``, if it has just been computed."""
        latest = self._latest
        return latest[3][1] if latest is not None and latest[0]() is g else None

    def _forget(self, _: weakref.ref[Array]) -> None:
        self._latest = None


@primitive(static=True)
def batch_norm_wrt_input(
    g: Array,
    x: Array,
    weight: Array | None = None,
    eps: NotNegative = 1e-5,
    *,
    moments: Array | None = None,
    sums: Array | None = None,
) -> Array:
    """The form's gradient in x: ``weight · r · (g - mean(g) - z · mean(g · z))``.

    Parameters
    ----------
    g, x : (N, C, H, W)
        Sensitivities of the output, and the input.
    weight, eps
        As for `batch_norm`.
    moments, sums : (2, C), optional
        Mean and variance of each channel, and the result of `batch_norm_wrt_affine`, if they are already known.

    Returns
    -------
    dx : (N, C, H, W)

    Raises
    ------
    ShapeError
        If the shapes do not match, or x is empty.

    Examples
    --------
    >>> g, x = (np.array(values).reshape(3, 1, 1, 1) for values in ([1.0, 0.0, 0.0], [0.0, 1.0, 2.0]))
    >>> (batch_norm_wrt_input(g, x, eps=0.0).ravel() + 0.0).round(3)
    array([ 0.204, -0.408,  0.204])
    """
    _check_counted("batch_norm_wrt_input", x, weight=weight)
    _check_alike("batch_norm_wrt_input", g, x)
    g, x, weight = joined("batch_norm_wrt_input", mean_dtype, g=g, x=x, weight=weight)
    moments = kernels.moments(x) if moments is None else moments
    sums = kernels.standardized_sums(g, x, moments, eps) if sums is None else sums
    return kernels.standardize_wrt_input(g, x, moments, sums, _or(weight, x, 1), eps)


@batch_norm_wrt_input.shape(dtype=mean_dtype)
def batch_norm_wrt_input_shape(g: AbstractArray, x: AbstractArray, weight: AbstractArray | None) -> Shape:
    _check_counted("batch_norm_wrt_input", x, weight=weight)
    _check_alike("batch_norm_wrt_input", g, x)
    return x.shape


@batch_norm_wrt_input.vjp("g")
def batch_norm_wrt_input_vjp_g(u: Array, *, x: Array, weight: Array | None, eps: float) -> Array:
    return batch_norm_wrt_input(u, x, weight, eps=eps)


@batch_norm_wrt_input.vjp("x")
def batch_norm_wrt_input_vjp_x(u: Array, *, g: Array, x: Array, weight: Array | None, eps: float) -> Array:
    """With S = mean(u·g) - mean(u)·mean(g) - mean(u·z)·mean(g·z), the count times w·r·S is ⟨u, A(g)⟩; dr = -r²·z."""
    z, r = batch_norm(x, eps=eps), 1 / sqrt(reduction.var(x, axis=_ALL_BUT_CHANNELS, keepdims=True) + eps)
    gz, uz = _mean(g * z), _mean(u * z)
    s = _mean(u * g) - _mean(u) * _mean(g) - uz * gz
    dx = -(batch_norm_wrt_input(r * (u * gz + g * uz), x, eps=eps) + r * r * z * s)
    return dx if weight is None else dx * reshape(weight, shape=(-1, 1, 1))


@batch_norm_wrt_input.vjp("weight")
def batch_norm_wrt_input_vjp_weight(u: Array, *, g: Array, x: Array, eps: float) -> Array:
    return reduction.sum(u * batch_norm_wrt_input(g, x, eps=eps), axis=_ALL_BUT_CHANNELS)


def _mean(values: Array) -> Array:
    return reduction.mean(values, axis=_ALL_BUT_CHANNELS, keepdims=True)


@primitive(static=True)
def batch_norm_wrt_affine(g: Array, x: Array, eps: NotNegative = 1e-5, *, moments: Array | None = None) -> Array:
    """The form's gradients in the weight and in the bias: each channel's sums of ``g · z`` and of ``g``.

    Parameters
    ----------
    g, x : (N, C, H, W)
        Sensitivities of the output, and the input.
    eps : float
        As for `batch_norm`.
    moments : (2, C), optional
        Mean and variance of each channel, if they are already known.

    Returns
    -------
    dweight_and_dbias : (2, C)

    Raises
    ------
    ShapeError
        If the shapes differ, or x is empty.

    Examples
    --------
    >>> g, x = (np.array(values).reshape(2, 1, 1, 1) for values in ([0.0, 5.0], [1.0, 3.0]))
    >>> batch_norm_wrt_affine(g, x, eps=0.0)
    array([[5.],
           [5.]])
    """
    _check_counted("batch_norm_wrt_affine", x)
    _check_alike("batch_norm_wrt_affine", g, x)
    g, x = joined("batch_norm_wrt_affine", mean_dtype, g=g, x=x)
    return kernels.standardized_sums(g, x, kernels.moments(x) if moments is None else moments, eps)


@batch_norm_wrt_affine.shape(dtype=mean_dtype)
def batch_norm_wrt_affine_shape(g: AbstractArray, x: AbstractArray) -> Shape:
    _check_counted("batch_norm_wrt_affine", x)
    _check_alike("batch_norm_wrt_affine", g, x)
    return 2, *x.shape[1:2]


@batch_norm_wrt_affine.vjp("g")
def batch_norm_wrt_affine_vjp_g(u: Array, *, x: Array, eps: float) -> Array:
    return batch_norm(x, u[0], u[1], eps=eps)


@batch_norm_wrt_affine.vjp("x")
def batch_norm_wrt_affine_vjp_x(u: Array, *, g: Array, x: Array, eps: float) -> Array:
    return batch_norm_wrt_input(g, x, u[0], eps=eps)


_counted = Counted(batch_norm_wrt_affine)

# --- with given moments ---------------- ------------------------------------------------------


@primitive(static=True)
def batch_norm_inference(
    x: Array, mean: Array, var: Array, weight: Array | None = None, bias: Array | None = None, eps: NotNegative = 1e-5
) -> Array:
    """``(x - mean) / sqrt(var + eps) · weight + bias``, with given moments of each channel, in one pass.

    Parameters
    ----------
    x : (N, C, H, W)
    mean, var : (C,)
        For example the running ones.
    weight, bias : (C,), optional
        By default 1 and 0.
    eps : float
        Keeps the division away from 0.

    Returns
    -------
    y : (N, C, H, W)

    Raises
    ------
    ShapeError
        If the shapes do not match.

    Examples
    --------
    >>> batch_norm_inference(np.array([1.0, 3.0]).reshape(2, 1, 1, 1), np.ones(1), np.full(1, 4.0), eps=0.0).ravel()
    array([0., 1.])
    """
    _check("batch_norm_inference", x, mean=mean, var=var, weight=weight, bias=bias)
    arrays = {"x": x, "mean": mean, "var": var, "weight": weight, "bias": bias}
    x, mean, var, weight, bias = joined("batch_norm_inference", mean_dtype, **arrays)
    moments = kernels.given_moments(mean, var)
    return kernels.standardize(x, moments, _or(weight, x, 1), _or(bias, x, 0), eps)


@batch_norm_inference.shape(dtype=mean_dtype)
def batch_norm_inference_shape(
    x: AbstractArray, mean: AbstractArray, var: AbstractArray, weight: AbstractArray | None, bias: AbstractArray | None
) -> Shape:
    _check("batch_norm_inference", x, mean=mean, var=var, weight=weight, bias=bias)
    return x.shape


@batch_norm_inference.vjp("x")
def batch_norm_inference_vjp_x(g: Array, *, var: Array, weight: Array | None, eps: float) -> Array:
    return batch_norm_inference(g, np.zeros(var.shape, var.dtype), var, weight, eps=eps)


@batch_norm_inference.vjp("mean")
def batch_norm_inference_vjp_mean(g: Array, *, var: Array, weight: Array | None, eps: float) -> Array:
    dx = batch_norm_inference(g, np.zeros(var.shape, var.dtype), var, weight, eps=eps)
    return -reduction.sum(dx, axis=_ALL_BUT_CHANNELS)


@batch_norm_inference.vjp("var")
def batch_norm_inference_vjp_var(
    g: Array, *, x: Array, mean: Array, var: Array, weight: Array | None, eps: float
) -> Array:
    z = batch_norm_inference(x, mean, var, weight, eps=eps)
    return reduction.sum(g * z, axis=_ALL_BUT_CHANNELS) / ((var + eps) * -2)


@batch_norm_inference.vjp("weight")
def batch_norm_inference_vjp_weight(g: Array, *, x: Array, mean: Array, var: Array, eps: float) -> Array:
    return reduction.sum(g * batch_norm_inference(x, mean, var, eps=eps), axis=_ALL_BUT_CHANNELS)


@batch_norm_inference.vjp("bias")
def batch_norm_inference_vjp_bias(g: Array) -> Array:
    return reduction.sum(g, axis=_ALL_BUT_CHANNELS)
