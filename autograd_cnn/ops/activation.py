"""Activation functions.

Functions that saturate are accurate to 4 units in the last place over the whole range of float32 and float64 (`gelu` to
5), and so are their rules: no tail is computed as 1 minus something. Where the slopes of `silu` and `gelu` cross 0, the
units are those of the larger of their two terms.
"""

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.node import Array, Floats
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError
from autograd_cnn.ops.elementwise import square
from autograd_cnn.ops.selection import _damped, clip, greater, greater_equal, masked, where
from autograd_cnn.parameters import Number

__all__ = [
    "elu",
    "erf",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "relu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
]

_FAR = 1e3
"""Beyond it, tails are 0 in any dtype. Arguments are clipped to it, because a tail of 0 times infinity would be NaN."""


@primitive(residuals=("mask",), static=True)
def relu(x: Array) -> tuple[Array, Array]:
    """``max(x, 0)``; the derivative at 0 counts as 0.

    Examples
    --------
    >>> relu([-1.0, 2.0])
    array([0., 2.])
    """
    return kernels.relu(np.asarray(x))


@relu.vjp("x")
def relu_vjp_x(g: Array, *, mask: Array) -> Array:
    return masked(g, mask=mask)


@primitive(residuals=("mask",), static=True)
def leaky_relu(x: Array, negative_slope: Number = 0.01) -> tuple[Array, Array]:
    """``x`` where it is positive, else ``negative_slope * x``; the derivative at 0 counts as ``negative_slope``.

    Examples
    --------
    >>> leaky_relu([-1.0, 2.0], 0.1)
    array([-0.1,  2. ])
    """
    return kernels.leaky_relu(x, negative_slope)


@leaky_relu.vjp("x")
def leaky_relu_vjp_x(g: Array, *, mask: Array, negative_slope: float) -> Array:
    return _damped(g, mask=mask, factor=negative_slope)


@primitive(residuals=("mask",), static=True)
def hardtanh(x: Array, min_val: Number = -1.0, max_val: Number = 1.0) -> tuple[Array, Array]:
    """``x`` limited to the range from ``min_val`` to ``max_val``; the derivative at both counts as 0.

    For `clip` it counts as 1 there.

    Raises
    ------
    ArgumentError
        If ``min_val`` is above ``max_val``.

    Examples
    --------
    >>> hardtanh([-2.0, 0.5, 2.0])
    array([-1. ,  0.5,  1. ])
    """
    check_range("hardtanh", min_val, max_val)
    return kernels.hardtanh(x, min_val, max_val)


def check_range(where: str, least: float, most: float) -> None:
    """Raise `ArgumentError` if the range is empty."""
    if least > most:
        raise ArgumentError(where, "the range is empty", expected="min_val <= max_val", got=f"{least}, {most}")


@hardtanh.vjp("x")
def hardtanh_vjp_x(g: Array, *, mask: Array) -> Array:
    return masked(g, mask=mask)


@primitive(residuals=("mask",), static=True)
def _shrink(x: Array, lambd: Number = 0.5, bias: Number = 0.0) -> tuple[Array, Array]:
    """``x`` moved towards 0 by ``bias``, but 0 from ``-lambd`` to ``lambd``, where its derivative is 0, too."""
    return kernels.shrink(x, lambd, bias)


@_shrink.vjp("x")
def shrink_vjp_x(g: Array, *, mask: Array) -> Array:
    return masked(g, mask=mask)


@primitive(static=True)
def hardsigmoid(x: Floats) -> Array:
    """``min(max(x + 3, 0), 6) / 6``, a piecewise linear sigmoid (Howard et al. 2019); its slope at ±3 counts as 0.

    Examples
    --------
    >>> hardsigmoid([-4.0, 0.0, 1.5])
    array([0.  , 0.5 , 0.75])
    """
    return kernels.hardsigmoid(x)


@hardsigmoid.vjp("x")
def hardsigmoid_vjp_x(g: Array, *, x: Array) -> Array:
    return _hardsigmoid_backward(g, x)


@primitive(static=True)
def _hardsigmoid_backward(g: Floats, x: Floats) -> Array:
    """``g`` times the derivative of `hardsigmoid`, in one pass."""
    return kernels.hardsigmoid_wrt_x(g, x)


@_hardsigmoid_backward.vjp("g")
def hardsigmoid_backward_vjp_g(h: Array, *, x: Array) -> Array:
    return _hardsigmoid_backward(h, x)


@_hardsigmoid_backward.vjp("x")
def hardsigmoid_backward_vjp_x(h: Array, *, x: Array) -> Array:
    return h * 0


@primitive(static=True)
def hardswish(x: Floats) -> Array:
    """``x`` times its `hardsigmoid`, approximating `silu` (Howard et al. 2019); its slope is 0 at -3 and 1 at 3.

    Examples
    --------
    >>> hardswish([-4.0, 1.5, 4.0])
    array([-0.   ,  1.125,  4.   ])
    """
    return kernels.hardswish(x)


@hardswish.vjp("x")
def hardswish_vjp_x(g: Array, *, x: Array) -> Array:
    return _hardswish_backward(g, x)


@primitive(static=True)
def _hardswish_backward(g: Floats, x: Floats) -> Array:
    """``g`` times the derivative of `hardswish`, in one pass."""
    return kernels.hardswish_wrt_x(g, x)


@_hardswish_backward.vjp("g")
def hardswish_backward_vjp_g(h: Array, *, x: Array) -> Array:
    return _hardswish_backward(h, x)


@_hardswish_backward.vjp("x")
def hardswish_backward_vjp_x(h: Array, *, g: Array, x: Array) -> Array:
    return where(greater_equal(abs(x), 3.0), 0, h * g / 3)


@primitive(static=True)
def elu(x: Floats, alpha: Number = 1.0) -> Array:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2016).

    Examples
    --------
    >>> elu([-1.0, 2.0]).round(3)
    array([-0.632,  2.   ])
    """
    return kernels.elu(x, alpha)


@elu.vjp("x")
def elu_vjp_x(g: Array, *, x: Array, alpha: float) -> Array:
    return _elu_backward(g, x, alpha=alpha)


@primitive(static=True)
def _elu_backward(g: Floats, x: Floats, alpha: Number = 1.0) -> Array:
    """``g`` times the derivative of `elu`, in one pass; at 0 it counts as ``alpha``."""
    return kernels.elu_wrt_x(g, x, alpha)


@_elu_backward.vjp("g")
def elu_backward_vjp_g(h: Array, *, x: Array, alpha: float) -> Array:
    return _elu_backward(h, x, alpha=alpha)


@_elu_backward.vjp("x")
def elu_backward_vjp_x(h: Array, *, g: Array, x: Array, alpha: float) -> Array:
    return where(greater(x, 0), 0, _elu_backward(h * g, x, alpha=alpha))


# --- the logistic function and its relatives --------------------------------------------------


@primitive(static=True)
def sigmoid(x: Floats) -> Array:
    """``1 / (1 + exp(-x))``, without overflow.

    Examples
    --------
    >>> sigmoid([0.0, 800.0])
    array([0.5, 1. ])
    >>> print(f"{sigmoid(-50.0):.5g}")
    1.9287e-22
    """
    return kernels.sigmoid(x)


@sigmoid.vjp("x")
def sigmoid_vjp_x(g: Array, *, x: Array) -> Array:
    return _sigmoid_backward(g, x)


@primitive(static=True)
def _sigmoid_backward(g: Floats, x: Floats) -> Array:
    """``g`` times the derivative of `sigmoid`, in one pass."""
    return kernels.sigmoid_wrt_x(g, x)


@_sigmoid_backward.vjp("g")
def sigmoid_backward_vjp_g(h: Array, *, x: Array) -> Array:
    return _sigmoid_backward(h, x)


@_sigmoid_backward.vjp("x")
def sigmoid_backward_vjp_x(h: Array, *, y: Array, x: Array) -> Array:
    return -h * y * tanh(x * 0.5)


@primitive(static=True)
def _sigmoid_slope(x: Floats) -> Array:
    """``sigmoid(x) · sigmoid(-x)``, the derivative of `sigmoid`."""
    return kernels.sigmoid_slope(x)


@_sigmoid_slope.vjp("x")
def sigmoid_slope_vjp_x(g: Array, *, x: Array, y: Array) -> Array:
    return -g * y * tanh(x * 0.5)


@primitive
def tanh(x: Floats) -> Array:
    """The hyperbolic tangent.

    Examples
    --------
    >>> tanh([0.0, 1.0]).round(3)
    array([0.   , 0.762])
    """
    return np.tanh(x)


@tanh.vjp("x")
def tanh_vjp_x(g: Array, *, x: Array) -> Array:
    return _tanh_backward(g, x)


@primitive(static=True)
def _tanh_backward(g: Floats, x: Floats) -> Array:
    """``g`` times the derivative of `tanh`, in one pass."""
    return kernels.tanh_wrt_x(g, x)


@_tanh_backward.vjp("g")
def tanh_backward_vjp_g(h: Array, *, x: Array) -> Array:
    return _tanh_backward(h, x)


@_tanh_backward.vjp("x")
def tanh_backward_vjp_x(h: Array, *, y: Array, x: Array) -> Array:
    return -2 * h * y * tanh(x)


@primitive(static=True)
def softplus(x: Floats) -> Array:
    """``log(1 + exp(x))``, a smooth ReLU, without overflow.

    Examples
    --------
    >>> softplus([0.0, 800.0]).round(3)
    array([6.93e-01, 8.00e+02])
    """
    return kernels.softplus(x)


@softplus.vjp("x")
def softplus_vjp_x(g: Array, *, x: Array) -> Array:
    return g * sigmoid(x)


@primitive(static=True)
def silu(x: Floats) -> Array:
    """``x * sigmoid(x)``, also known as swish (Elfwing et al. 2018).

    Examples
    --------
    >>> silu([0.0, 1.0]).round(3)
    array([0.   , 0.731])
    """
    return kernels.silu(x)


@silu.vjp("x")
def silu_vjp_x(g: Array, *, x: Array) -> Array:
    return _silu_backward(g, x)


@primitive(static=True)
def _silu_backward(g: Floats, x: Floats) -> Array:
    """``g`` times the derivative of `silu`, in one pass."""
    return kernels.silu_wrt_x(g, x)


@_silu_backward.vjp("g")
def silu_backward_vjp_g(h: Array, *, x: Array) -> Array:
    return _silu_backward(h, x)


@_silu_backward.vjp("x")
def silu_backward_vjp_x(h: Array, *, g: Array, x: Array) -> Array:
    near = clip(x, min=-_FAR, max=_FAR)
    return h * g * _sigmoid_slope(x) * (2 - near * tanh(near * 0.5))


# --- the normal distribution and its relatives ------------------------------------------------


@primitive(static=True)
def erf(x: Floats) -> Array:
    """The error function, 2/√π times the integral of exp(-t²) from 0 to x.

    Examples
    --------
    >>> erf([0.0, 1.0]).round(3)
    array([0.   , 0.843])
    """
    return kernels.erf(x)


@erf.vjp("x")
def erf_vjp_x(g: Array, *, x: Array) -> Array:
    return g * (_gaussian(x) * (2 / np.pi**0.5))


@primitive(static=True)
def _gaussian(x: Floats, factor: Number = 1.0) -> Array:
    """``exp(-factor·x²)`` for a factor that is a power of 2."""
    return kernels.gaussian(x, factor)


@_gaussian.vjp("x")
def gaussian_vjp_x(g: Array, *, x: Array, y: Array, factor: float) -> Array:
    return g * (clip(x, min=-_FAR, max=_FAR) * y * (-2 * factor))


@primitive(static=True)
def gelu(x: Floats) -> Array:
    """``x`` times the normal distribution function Φ(x), exact (Hendrycks & Gimpel 2016).

    Examples
    --------
    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(3)
    array([-0.159,  0.   ,  0.841])
    """
    return kernels.gelu(x)


@gelu.vjp("x")
def gelu_vjp_x(g: Array, *, x: Array) -> Array:
    return _gelu_backward(g, x)


@primitive(static=True)
def _gelu_backward(g: Floats, x: Floats) -> Array:
    """``g`` times the derivative of `gelu`, in one pass."""
    return kernels.gelu_wrt_x(g, x)


@_gelu_backward.vjp("g")
def gelu_backward_vjp_g(h: Array, *, x: Array) -> Array:
    return _gelu_backward(h, x)


@_gelu_backward.vjp("x")
def gelu_backward_vjp_x(h: Array, *, g: Array, x: Array) -> Array:
    density = _gaussian(x, factor=0.5) * (2 * np.pi) ** -0.5
    return h * g * density * (2 - square(clip(x, min=-_FAR, max=_FAR)))


@primitive(static=True)
def _gelu_tanh(x: Floats) -> Array:
    """``x·(1 + tanh(sqrt(2 / π)·(x + 0.044715·x³))) / 2``, near `gelu`; of (1 + tanh(u)) / 2 it is sigmoid(2·u).

    Examples
    --------
    >>> _gelu_tanh(np.array([-1.0, 0.0, 1.0])).round(3)
    array([-0.159,  0.   ,  0.841])
    """
    return kernels.gelu_tanh(x)


@_gelu_tanh.vjp("x")
def gelu_tanh_vjp_x(g: Array, *, x: Array) -> Array:
    return _gelu_tanh_backward(g, x)


@primitive(static=True)
def _gelu_tanh_backward(g: Floats, x: Floats) -> Array:
    """``g`` times the derivative of `_gelu_tanh`, in one pass."""
    return kernels.gelu_tanh_wrt_x(g, x)


@_gelu_tanh_backward.vjp("g")
def gelu_tanh_backward_vjp_g(h: Array, *, x: Array) -> Array:
    return _gelu_tanh_backward(h, x)


@_gelu_tanh_backward.vjp("x")
def gelu_tanh_backward_vjp_x(h: Array, *, g: Array, x: Array) -> Array:
    """With u = b·x³ + a·x and s the slope of the sigmoid at u, whose own is -s·tanh(u / 2)."""
    a, b = (8 / np.pi) ** 0.5, (8 / np.pi) ** 0.5 * 0.044715
    near = clip(x, min=-50.0, max=50.0)
    u, slope = near * (square(near) * b + a), square(near) * (3 * b) + a
    return h * g * _sigmoid_slope(u) * (2 * slope + near * (near * (6 * b) - tanh(u * 0.5) * square(slope)))
