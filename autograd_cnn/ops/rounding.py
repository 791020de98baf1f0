"""Rounding, integer quotients and their remainders.

Rounded numbers have no gradient: they are constant except for jumps. A remainder has gradients as if the integer
quotient were constant.
"""

import numpy as np

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Floats
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.ops.elementwise import ldexp, subtract
from autograd_cnn.ops.logic import isinf
from autograd_cnn.ops.selection import where
from autograd_cnn.parameters import Count

__all__ = ["ceil", "divmod", "floor", "floor_divide", "fmod", "frexp", "modf", "remainder", "rint", "round", "trunc"]

# --- to integers ----- ------------------------------------------------------------------------


@primitive(constant=True)
def floor(x: Array) -> Array:
    """The largest integer that is not above ``x``; no gradient.

    Examples
    --------
    >>> floor([-1.5, 1.5])
    array([-2.,  1.])
    """
    return np.floor(x)


@primitive(constant=True)
def ceil(x: Array) -> Array:
    """The smallest integer that is not below ``x``; no gradient.

    Examples
    --------
    >>> ceil([-1.5, 1.5])
    array([-1.,  2.])
    """
    return np.ceil(x)


@primitive(constant=True)
def trunc(x: Array) -> Array:
    """``x`` without its fractional part; no gradient.

    Examples
    --------
    >>> trunc([-1.5, 1.5])
    array([-1.,  1.])
    """
    return np.trunc(x)


@primitive(constant=True)
def rint(x: Floats) -> Array:
    """The nearest integer, the even one in a tie; no gradient.

    Examples
    --------
    >>> rint([0.5, 1.5, -1.7])
    array([ 0.,  2., -2.])
    """
    return np.rint(x)


@primitive(constant=True)
def round(x: Array, decimals: Count = 0) -> Array:
    """``x`` rounded to a number of decimals, to even in a tie; no gradient.

    Examples
    --------
    >>> round([0.25, 1.26], 1)
    array([0.2, 1.3])
    """
    return np.round(x, decimals)


# --- quotients and remainders -----------------------------------------------------------------


@primitive(constant=True)
def floor_divide(x1: Array, x2: Array) -> Array:
    """``x1 // x2``: the largest integer that is not above the quotient; no gradient.

    Examples
    --------
    >>> floor_divide([7.0, -7.0], 2.0)
    array([ 3., -4.])
    """
    return np.floor_divide(x1, x2)


@primitive
def remainder(x1: Array, x2: Array) -> Array:
    """``x1 % x2``: the remainder ``x1 - x1 // x2 * x2``, with the sign of ``x2``.

    Examples
    --------
    >>> remainder([7.0, -7.0], 3.0)
    array([1., 2.])
    """
    return np.remainder(x1, x2)


@remainder.vjp("x1")
def remainder_vjp_x1(g: Array, *, y: Array) -> Array:  # asks for y, since it is not linear in x1
    return g


@remainder.vjp("x2")
def remainder_vjp_x2(g: Array, *, x1: Array, x2: Array) -> Array:
    return -g * floor_divide(x1, x2)


@primitive
def fmod(x1: Array, x2: Array) -> Array:
    """The remainder of the quotient truncated to an integer, with the sign of ``x1``.

    Examples
    --------
    >>> fmod([7.0, -7.0], 3.0)
    array([ 1., -1.])
    """
    return np.fmod(x1, x2)


@fmod.vjp("x1")
def fmod_vjp_x1(g: Array, *, y: Array) -> Array:  # as for `remainder`
    return g


@fmod.vjp("x2")
def fmod_vjp_x2(g: Array, *, x1: Array, x2: Array, y: Array) -> Array:
    return -g * rint((x1 - y) / x2)


@composite
def divmod(x1: Array, x2: Array) -> tuple[Array, Array]:
    """``x1 // x2`` and ``x1 % x2``.

    Examples
    --------
    >>> divmod([7.0], 3.0)
    (array([2.]), array([1.]))
    """
    return floor_divide(x1, x2), remainder(x1, x2)


@composite
def modf(x: Array) -> tuple[Array, Array]:
    """The fractional and the integral part of ``x``, both with its sign.

    Examples
    --------
    >>> modf([1.5, -2.25])
    (array([ 0.5 , -0.25]), array([ 1., -2.]))
    """
    whole = trunc(x)
    endless = isinf(x)
    return subtract(where(endless, 0, x), where(endless, 0, whole)), whole


@primitive(constant=True)
def _exponent(x: Floats) -> Array:
    """The power of 2 by which `frexp` divides."""
    return np.frexp(x)[1]


@composite
def frexp(x: Array) -> tuple[Array, Array]:
    """The mantissa, from 0.5 to 1 with the sign of ``x``, and the exponent of 2, a constant.

    Examples
    --------
    >>> frexp([12.0, -0.5])
    (array([ 0.75, -0.5 ]), array([4, 0], dtype=int32))
    """
    exponent = _exponent(x)
    return ldexp(x, -exponent), exponent
