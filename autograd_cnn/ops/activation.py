"""Activation functions."""

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.ops.elementwise import exp
from autograd_cnn.ops.selection import greater, masked, where
from autograd_cnn.primitive import primitive
from autograd_cnn.tape import Array


@primitive(residuals=("mask",))
def relu(x: Array) -> tuple[Array, Array]:
    """``max(x, 0)``; the derivative at 0 counts as 0.

    Examples
    --------
    >>> relu([-1.0, 2.0])
    array([0., 2.])
    """
    return kernels.relu(np.asarray(x))


@relu.vjp("x")
def relu_wrt_x(g: Array, *, mask: Array) -> Array:
    return masked(g, mask=mask)


@primitive
def leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Array:
    """``x`` where it is positive, else ``negative_slope * x``; at 0 the slope counts as the negative one.

    Examples
    --------
    >>> leaky_relu([-1.0, 2.0], 0.1)
    array([-0.1,  2. ])
    """
    return np.where(x > 0, x, x * negative_slope)


@leaky_relu.vjp("x")
def leaky_relu_wrt_x(g: Array, *, x: Array, negative_slope: float) -> Array:
    return where(greater(x, 0), g, g * negative_slope)


@primitive
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2016).

    Examples
    --------
    >>> elu([-1.0, 2.0]).round(3)
    array([-0.632,  2.   ])
    """
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)) * alpha)


@elu.vjp("x")
def elu_wrt_x(g: Array, *, x: Array, alpha: float) -> Array:
    positive = greater(x, 0)
    return where(positive, g, g * exp(where(positive, 0, x)) * alpha)


@primitive
def tanh(x: Array) -> Array:
    """The hyperbolic tangent.

    Examples
    --------
    >>> tanh([0.0, 1.0]).round(3)
    array([0.   , 0.762])
    """
    return np.tanh(x)


@tanh.vjp("x")
def tanh_wrt_x(g: Array, *, y: Array) -> Array:
    return g * (1 - y * y)


@primitive
def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``, without overflow.

    Examples
    --------
    >>> sigmoid([0.0, 800.0])
    array([0.5, 1. ])
    """
    return (np.tanh(x * 0.5) + 1) * 0.5


@sigmoid.vjp("x")
def sigmoid_wrt_x(g: Array, *, y: Array) -> Array:
    return g * y * (1 - y)


@primitive
def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``, a smooth ReLU, without overflow.

    Examples
    --------
    >>> softplus([0.0, 800.0]).round(3)
    array([6.93e-01, 8.00e+02])
    """
    return np.logaddexp(x, 0)


@softplus.vjp("x")
def softplus_wrt_x(g: Array, *, x: Array) -> Array:
    return g * sigmoid(x)


@primitive
def silu(x: Array) -> Array:
    """``x * sigmoid(x)``, also known as swish (Elfwing et al. 2018).

    Examples
    --------
    >>> silu([0.0, 1.0]).round(3)
    array([0.   , 0.731])
    """
    return x * sigmoid(x)


@silu.vjp("x")
def silu_wrt_x(g: Array, *, x: Array) -> Array:
    s = sigmoid(x)
    return g * s * (1 + x * (1 - s))


@primitive
def erf(x: Array) -> Array:
    """The error function, 2/√π times the integral of exp(-t²) from 0 to x.

    Examples
    --------
    >>> erf([0.0, 1.0]).round(3)
    array([0.   , 0.843])
    """
    return kernels.erf(x)


@erf.vjp("x")
def erf_wrt_x(g: Array, *, x: Array) -> Array:
    return g * exp(-x * x) * (2 / np.pi**0.5)


def gelu(x: Array) -> Array:
    """``x`` times the normal distribution's Φ(x), exact (Hendrycks & Gimpel 2016).

    Examples
    --------
    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(3)
    array([-0.159,  0.   ,  0.841])
    """
    return x * (erf(x * 0.5**0.5) + 1) * 0.5
