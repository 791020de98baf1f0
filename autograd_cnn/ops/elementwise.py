"""Elementwise primitives: arithmetic, powers and roots, comparisons, selection.

Broadcasting follows NumPy; the engine sums it out of the gradients, so no rule mentions it.
"""

from typing import Any

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.primitive import primitive
from autograd_cnn.tape import Array

# --- arithmetic -------------------------------------------------------------------------------


@primitive
def add(x1: Array, x2: Array) -> Array:
    """``x1 + x2``, element by element, with NumPy's broadcasting.

    Examples
    --------
    >>> add([1.0, 2.0], 10.0)
    array([11., 12.])
    """
    return x1 + x2


@add.vjp("x1")
def add_wrt_x1(g: Array) -> Array:
    return g


@add.vjp("x2")
def add_wrt_x2(g: Array) -> Array:
    return g


@primitive
def subtract(x1: Array, x2: Array) -> Array:
    """``x1 - x2``, element by element.

    Examples
    --------
    >>> subtract([1.0, 2.0], 10.0)
    array([-9., -8.])
    """
    return x1 - x2


@subtract.vjp("x1")
def subtract_wrt_x1(g: Array) -> Array:
    return g


@subtract.vjp("x2")
def subtract_wrt_x2(g: Array) -> Array:
    return -g


@primitive
def multiply(x1: Array, x2: Array) -> Array:
    """``x1 * x2``, element by element.

    Examples
    --------
    >>> multiply([1.0, 2.0], 10.0)
    array([10., 20.])
    """
    return x1 * x2


@multiply.vjp("x1")
def multiply_wrt_x1(g: Array, *, x2: Array) -> Array:
    return g * x2


@multiply.vjp("x2")
def multiply_wrt_x2(g: Array, *, x1: Array) -> Array:
    return g * x1


@primitive
def divide(x1: Array, x2: Array) -> Array:
    """``x1 / x2``, element by element.

    Examples
    --------
    >>> divide([1.0, 2.0], 4.0)
    array([0.25, 0.5 ])
    """
    return x1 / x2


@divide.vjp("x1")
def divide_wrt_x1(g: Array, *, x2: Array) -> Array:
    return g / x2


@divide.vjp("x2")
def divide_wrt_x2(g: Array, *, y: Array, x2: Array) -> Array:
    return -g * y / x2


@primitive
def negative(x: Array) -> Array:
    """``-x``.

    Examples
    --------
    >>> negative([1.0, -2.0])
    array([-1.,  2.])
    """
    return -x


@negative.vjp("x")
def negative_wrt_x(g: Array) -> Array:
    return -g


@primitive
def positive(x: Array) -> Array:
    """``+x``: a copy that is a place of its own on the tape.

    Examples
    --------
    >>> positive([1.0, -2.0])
    array([ 1., -2.])
    """
    return np.positive(x)


@positive.vjp("x")
def positive_wrt_x(g: Array) -> Array:
    return g


@primitive
def astype(x: Array, *, dtype: Any) -> Array:
    """``x`` with another dtype; the gradient comes back in the dtype of ``x``.

    Examples
    --------
    >>> astype([1.5, -2.5], np.float32)
    array([ 1.5, -2.5], dtype=float32)
    """
    return np.array(x, dtype)


@astype.vjp("x")
def astype_wrt_x(g: Array) -> Array:
    return g


@primitive
def absolute(x: Array) -> Array:
    """``|x|``; at 0 the derivative counts as 0.

    Examples
    --------
    >>> absolute([1.0, -2.0])
    array([1., 2.])
    """
    return np.abs(x)


@absolute.vjp("x")
def absolute_wrt_x(g: Array, *, x: Array) -> Array:
    return g * sign(x)


@primitive(constant=True)
def sign(x: Array) -> Array:
    """-1, 0 or 1; its derivative is zero wherever it exists.

    Examples
    --------
    >>> sign([-3.0, 0.0, 2.0])
    array([-1.,  0.,  1.])
    """
    return np.sign(x)


# --- powers, exponentials, logarithms ---------------------------------------------------------


@primitive
def power(x1: Array, x2: Array) -> Array:
    """``x1 ** x2``. With a zero exponent the derivative in ``x1`` is 0, at ``x1 = 0`` too.

    The derivative in ``x2`` needs ``x1 > 0``; at ``x1 = 0`` it counts as 0.

    Examples
    --------
    >>> power([1.0, 2.0, 3.0], 2)
    array([1., 4., 9.])
    """
    return x1**x2


@power.vjp("x1")
def power_wrt_x1(g: Array, *, x1: Array, x2: Array) -> Array:
    return g * (x2 * x1 ** (x2 - (x2 != 0)))


@power.vjp("x2")
def power_wrt_x2(g: Array, *, x1: Array, y: Array) -> Array:
    return g * y * log(where(equal(x1, 0), 1, x1))


@primitive
def square(x: Array) -> Array:
    """``x * x``.

    Examples
    --------
    >>> square([1.0, -3.0])
    array([1., 9.])
    """
    return np.square(x)


@square.vjp("x")
def square_wrt_x(g: Array, *, x: Array) -> Array:
    return g * (x * 2)


@primitive
def sqrt(x: Array) -> Array:
    """The square root; its derivative at 0 is infinite.

    Examples
    --------
    >>> sqrt([4.0, 9.0])
    array([2., 3.])
    """
    return np.sqrt(x)


@sqrt.vjp("x")
def sqrt_wrt_x(g: Array, *, y: Array) -> Array:
    return g * 0.5 / y


@primitive
def exp(x: Array) -> Array:
    """``e ** x``.

    Examples
    --------
    >>> exp([0.0, 1.0]).round(3)
    array([1.   , 2.718])
    """
    return np.exp(x)


@exp.vjp("x")
def exp_wrt_x(g: Array, *, y: Array) -> Array:
    return g * y


@primitive
def expm1(x: Array) -> Array:
    """``e ** x - 1`` without cancellation near 0.

    Examples
    --------
    >>> float(expm1(1e-12))
    1.0000000000005e-12
    """
    return np.expm1(x)


@expm1.vjp("x")
def expm1_wrt_x(g: Array, *, y: Array) -> Array:
    return g * (y + 1)


@primitive
def log(x: Array) -> Array:
    """The natural logarithm.

    Examples
    --------
    >>> log([1.0, 10.0]).round(3)
    array([0.   , 2.303])
    """
    return np.log(x)


@log.vjp("x")
def log_wrt_x(g: Array, *, x: Array) -> Array:
    return g / x


@primitive
def log1p(x: Array) -> Array:
    """``log(1 + x)`` without cancellation near 0.

    Examples
    --------
    >>> float(log1p(1e-12))
    9.999999999995e-13
    """
    return np.log1p(x)


@log1p.vjp("x")
def log1p_wrt_x(g: Array, *, x: Array) -> Array:
    return g / (x + 1)


@primitive
def sin(x: Array) -> Array:
    """The sine of an angle in radians.

    Examples
    --------
    >>> sin([0.0, np.pi / 2])
    array([0., 1.])
    """
    return np.sin(x)


@sin.vjp("x")
def sin_wrt_x(g: Array, *, x: Array) -> Array:
    return g * cos(x)


@primitive
def cos(x: Array) -> Array:
    """The cosine of an angle in radians.

    Examples
    --------
    >>> cos([0.0, np.pi])
    array([ 1., -1.])
    """
    return np.cos(x)


@cos.vjp("x")
def cos_wrt_x(g: Array, *, x: Array) -> Array:
    return -g * sin(x)


# --- selection --------------------------------------------------------------------------------


@primitive
def maximum(x1: Array, x2: Array) -> Array:
    """The larger of two, element by element; where they tie each takes half of the gradient.

    Examples
    --------
    >>> maximum([1.0, 5.0], 3.0)
    array([3., 5.])
    """
    return np.maximum(x1, x2)


@maximum.vjp("x1")
def maximum_wrt_x1(g: Array, *, x1: Array, x2: Array) -> Array:
    return _where_larger(x1, x2, g)


@maximum.vjp("x2")
def maximum_wrt_x2(g: Array, *, x1: Array, x2: Array) -> Array:
    return _where_larger(x2, x1, g)


@primitive
def minimum(x1: Array, x2: Array) -> Array:
    """The smaller of two, element by element; where they tie each takes half of the gradient.

    Examples
    --------
    >>> minimum([1.0, 5.0], 3.0)
    array([1., 3.])
    """
    return np.minimum(x1, x2)


@minimum.vjp("x1")
def minimum_wrt_x1(g: Array, *, x1: Array, x2: Array) -> Array:
    return _where_larger(x2, x1, g)


@minimum.vjp("x2")
def minimum_wrt_x2(g: Array, *, x1: Array, x2: Array) -> Array:
    return _where_larger(x1, x2, g)


def _where_larger(a: Array, b: Array, g: Array) -> Array:
    """Return ``g`` where ``a`` is larger than ``b``, half of it where they tie, else 0."""
    return where(greater(a, b), g, where(equal(a, b), g * 0.5, 0))


@primitive(constant=True)
def heaviside(x1: Array, x2: Array) -> Array:
    """The step: 0 where ``x1 < 0``, ``x2`` where it is 0, else 1; no gradient.

    Examples
    --------
    >>> heaviside([-2.0, 0.0, 3.0], 0.5)
    array([0. , 0.5, 1. ])
    """
    return np.heaviside(x1, x2)


@primitive
def clip(x: Array, *, min: float | None = None, max: float | None = None) -> Array:
    """``x`` limited to the range from ``min`` to ``max``; outside of it the derivative is 0.

    Examples
    --------
    >>> clip([-2.0, 0.5, 2.0], -1, 1)
    array([-1. ,  0.5,  1. ])
    """
    return np.clip(x, min, max)


@clip.vjp("x")
def clip_wrt_x(g: Array, *, x: Array, min: float | None, max: float | None) -> Array:
    if min is not None:
        g = where(greater_equal(x, min), g, 0)
    if max is not None:
        g = where(less_equal(x, max), g, 0)
    return g


@primitive
def where(condition: Array, x1: Array, x2: Array) -> Array:
    """``x1`` where the condition holds, ``x2`` elsewhere. The condition has no gradient.

    Examples
    --------
    >>> where([True, False], [1.0, 2.0], 0.0)
    array([1., 0.])
    """
    return np.where(condition, x1, x2)


@where.vjp("x1")
def where_wrt_x1(g: Array, *, condition: Array) -> Array:
    return where(condition, g, 0)


@where.vjp("x2")
def where_wrt_x2(g: Array, *, condition: Array) -> Array:
    return where(condition, 0, g)


@primitive
def masked(x: Array, *, mask: Array) -> Array:
    """``x`` where the mask is set, else 0: its own adjoint.

    Examples
    --------
    >>> masked([1.0, 2.0], np.array([True, False]))
    array([1., 0.])
    """
    return kernels.masked(np.asarray(x), mask)


@masked.vjp("x")
def masked_wrt_x(g: Array, *, mask: Array) -> Array:
    return masked(g, mask=mask)


# --- comparisons ------------------------------------------------------------------------------


@primitive(constant=True)
def equal(x1: Array, x2: Array) -> Array:
    """Whether ``x1 == x2``, element by element; no gradient."""
    return np.equal(x1, x2)


@primitive(constant=True)
def not_equal(x1: Array, x2: Array) -> Array:
    """Whether ``x1 != x2``, element by element; no gradient."""
    return np.not_equal(x1, x2)


@primitive(constant=True)
def less(x1: Array, x2: Array) -> Array:
    """Whether ``x1 < x2``, element by element; no gradient."""
    return np.less(x1, x2)


@primitive(constant=True)
def less_equal(x1: Array, x2: Array) -> Array:
    """Whether ``x1 <= x2``, element by element; no gradient."""
    return np.less_equal(x1, x2)


@primitive(constant=True)
def greater(x1: Array, x2: Array) -> Array:
    """Whether ``x1 > x2``, element by element; no gradient."""
    return np.greater(x1, x2)


@primitive(constant=True)
def greater_equal(x1: Array, x2: Array) -> Array:
    """Whether ``x1 >= x2``, element by element; no gradient."""
    return np.greater_equal(x1, x2)
