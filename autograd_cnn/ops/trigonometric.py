"""Trigonometric and hyperbolic functions, their inverses, and lengths and angles of pairs.

Angles are in radians. At the ends of an inverse function's domain, where its derivative is infinite, so is the
gradient.
"""

import numpy as np

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Floats
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.ops.elementwise import multiply, sqrt, square
from autograd_cnn.ops.selection import equal, where
from autograd_cnn.parameters import Whole

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sin",
    "sinc",
    "sinh",
    "tan",
]

# --- of an angle ------------------------------------------------------------------------------


@primitive
def sin(x: Floats) -> Array:
    """The sine of an angle in radians.

    Examples
    --------
    >>> sin([0.0, np.pi / 2])
    array([0., 1.])
    """
    return np.sin(x)


@sin.vjp("x")
def sin_vjp_x(g: Array, *, x: Array) -> Array:
    return g * cos(x)


@primitive
def cos(x: Floats) -> Array:
    """The cosine of an angle in radians.

    Examples
    --------
    >>> cos([0.0, np.pi])
    array([ 1., -1.])
    """
    return np.cos(x)


@cos.vjp("x")
def cos_vjp_x(g: Array, *, x: Array) -> Array:
    return -g * sin(x)


@primitive
def tan(x: Floats) -> Array:
    """The tangent of an angle in radians.

    Examples
    --------
    >>> tan([0.0, np.pi / 4]).round(12)
    array([0., 1.])
    """
    return np.tan(x)


@tan.vjp("x")
def tan_vjp_x(g: Array, *, y: Array) -> Array:
    return g * (square(y) + 1)


@composite
def sinc(x: Array) -> Array:
    """``sin(πx) / πx``, and 1 at 0; exact there in every order of derivative.

    Examples
    --------
    >>> sinc([0.0, 0.5]).round(3)
    array([1.   , 0.637])
    """
    return _sinc(multiply(x, np.pi), order=0)


@primitive
def _sinc(x: Floats, order: Whole) -> Array:
    """The derivative of ``sin(x) / x`` of a given order.

    Differentiating ``x · f(x) = sin(x)`` n times gives ``x · fₙ(x) = sin(x + nπ/2) - n · fₙ₋₁(x)``, which cancels near 0;
    there the power series ``Σ (-1)ᵏ x²ᵏ / (2k + 1)!`` is differentiated term by term.
    """
    x = np.asarray(x)
    near = np.abs(x) < order + 1
    small, large = np.where(near, x, 0), np.where(near, 1, x)
    by_recursion = np.sin(large) / large
    for n in range(1, order + 1):
        by_recursion = (np.sin(large + n * np.pi / 2) - n * by_recursion) / large
    k = (order + 1) // 2  # the first term that is left, (-1)ᵏ x^(2k - n) / ((2k + 1)(2k - n)!)
    power = small if order % 2 else np.ones_like(small)
    by_series = np.zeros_like(small)
    for k in range(k, k + 12 + order):  # noqa: B020  # on from the first
        by_series += power * x.dtype.type((-1) ** k / (2 * k + 1))
        power = power * small * small * x.dtype.type(1 / ((2 * k + 1 - order) * (2 * k + 2 - order)))
    return np.where(near, by_series, by_recursion)


@_sinc.vjp("x")
def sinc_vjp_x(g: Array, *, x: Array, order: int) -> Array:
    return g * _sinc(x, order=order + 1)


@composite
def deg2rad(x: Array) -> Array:
    """Degrees as radians.

    Examples
    --------
    >>> float(deg2rad(180.0)) == np.pi
    True
    """
    return multiply(x, np.pi / 180)


@composite
def rad2deg(x: Array) -> Array:
    """Radians as degrees.

    Examples
    --------
    >>> float(rad2deg(np.pi))
    180.0
    """
    return multiply(x, 180 / np.pi)


# --- to an angle ------------------------------------------------------------------------------


@primitive
def arcsin(x: Floats) -> Array:
    """The angle from -π/2 to π/2 whose sine is ``x``.

    Examples
    --------
    >>> float(arcsin(1.0)) == np.pi / 2
    True
    """
    return np.arcsin(x)


@arcsin.vjp("x")
def arcsin_vjp_x(g: Array, *, x: Array) -> Array:
    return g / sqrt((1 - x) * (x + 1))


@primitive
def arccos(x: Floats) -> Array:
    """The angle from 0 to π whose cosine is ``x``.

    Examples
    --------
    >>> float(arccos(-1.0)) == np.pi
    True
    """
    return np.arccos(x)


@arccos.vjp("x")
def arccos_vjp_x(g: Array, *, x: Array) -> Array:
    return -g / sqrt((1 - x) * (x + 1))


@primitive
def arctan(x: Floats) -> Array:
    """The angle from -π/2 to π/2 whose tangent is ``x``.

    Examples
    --------
    >>> float(arctan(np.inf)) == np.pi / 2
    True
    """
    return np.arctan(x)


@arctan.vjp("x")
def arctan_vjp_x(g: Array, *, x: Array) -> Array:
    return g / (square(x) + 1)


@primitive
def arctan2(x1: Floats, x2: Floats) -> Array:
    """The angle from -π to π of the point with ordinate ``x1`` and abscissa ``x2``; at the origin its gradient is 0.

    Examples
    --------
    >>> arctan2([1.0, -1.0], [-1.0, -1.0]) / np.pi
    array([ 0.75, -0.75])
    """
    return np.arctan2(x1, x2)


@arctan2.vjp("x1")
def arctan2_vjp_x1(g: Array, *, x1: Array, x2: Array) -> Array:
    length = _length(x1, x2)
    return g * (x2 / length) / length


@arctan2.vjp("x2")
def arctan2_vjp_x2(g: Array, *, x1: Array, x2: Array) -> Array:
    length = _length(x1, x2)
    return -g * (x1 / length) / length


@primitive
def hypot(x1: Floats, x2: Floats) -> Array:
    """``sqrt(x1² + x2²)`` without overflow; at the origin its gradient counts as 0.

    Examples
    --------
    >>> hypot([3.0, 3e200], [4.0, 4e200])
    array([5.e+000, 5.e+200])
    """
    return np.hypot(x1, x2)


@hypot.vjp("x1")
def hypot_vjp_x1(g: Array, *, x1: Array, y: Array) -> Array:
    return g * (x1 / where(equal(y, 0), 1, y))


@hypot.vjp("x2")
def hypot_vjp_x2(g: Array, *, x2: Array, y: Array) -> Array:
    return g * (x2 / where(equal(y, 0), 1, y))


def _length(x1: Array, x2: Array) -> Array:
    length = hypot(x1, x2)
    return where(equal(length, 0), 1, length)


# --- hyperbolic -------------------------------------------------------------------------------


@primitive
def sinh(x: Floats) -> Array:
    """The hyperbolic sine, ``(exp(x) - exp(-x)) / 2``.

    Examples
    --------
    >>> sinh([0.0, 1.0]).round(3)
    array([0.   , 1.175])
    """
    return np.sinh(x)


@sinh.vjp("x")
def sinh_vjp_x(g: Array, *, x: Array) -> Array:
    return g * cosh(x)


@primitive
def cosh(x: Floats) -> Array:
    """The hyperbolic cosine, ``(exp(x) + exp(-x)) / 2``.

    Examples
    --------
    >>> cosh([0.0, 1.0]).round(3)
    array([1.   , 1.543])
    """
    return np.cosh(x)


@cosh.vjp("x")
def cosh_vjp_x(g: Array, *, x: Array) -> Array:
    return g * sinh(x)


@primitive
def arcsinh(x: Floats) -> Array:
    """The number whose hyperbolic sine is ``x``.

    Examples
    --------
    >>> float(arcsinh(np.sinh(2.0)))
    2.0
    """
    return np.arcsinh(x)


@arcsinh.vjp("x")
def arcsinh_vjp_x(g: Array, *, x: Array) -> Array:
    return g / hypot(x, 1)


@primitive
def arccosh(x: Floats) -> Array:
    """The nonnegative number whose hyperbolic cosine is ``x``.

    Examples
    --------
    >>> float(arccosh(np.cosh(2.0)))
    2.0
    """
    return np.arccosh(x)


@arccosh.vjp("x")
def arccosh_vjp_x(g: Array, *, x: Array) -> Array:
    return g / (sqrt(x - 1) * sqrt(x + 1))


@primitive
def arctanh(x: Floats) -> Array:
    """The number whose hyperbolic tangent is ``x``.

    Examples
    --------
    >>> arctanh([0.0, 0.5]).round(3)
    array([0.   , 0.549])
    """
    return np.arctanh(x)


@arctanh.vjp("x")
def arctanh_vjp_x(g: Array, *, x: Array) -> Array:
    return g / ((1 - x) * (x + 1))
