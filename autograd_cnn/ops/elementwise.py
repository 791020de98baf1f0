"""Elementwise primitives: arithmetic, powers and roots, exponentials and logarithms.

Broadcasting follows NumPy; the engine sums it out of the gradients, so no rule mentions it.
"""

from math import log as log_of
from typing import Final

import numpy as np
from numpy import ndarray

from autograd_cnn import kernels
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Floats, dtype_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.kernels import RECORDING
from autograd_cnn.ops.logic import isnan, signbit
from autograd_cnn.ops.selection import equal, where
from autograd_cnn.parameters import DType, Flag, Number

__all__ = [
    "abs",
    "absolute",
    "add",
    "astype",
    "cbrt",
    "copysign",
    "divide",
    "exp",
    "exp2",
    "expm1",
    "float_power",
    "ldexp",
    "log",
    "log1p",
    "log2",
    "log10",
    "multiply",
    "nan_to_num",
    "negative",
    "nextafter",
    "positive",
    "power",
    "reciprocal",
    "sign",
    "sqrt",
    "square",
    "subtract",
]

_LARGE: Final = 1 << 14
"""The number of elements below which NumPy is faster than a look-up of another backend."""

_LN2: Final = log_of(2)
_LN10: Final = log_of(10)

# --- arithmetic -------------------------------------------------------------------------------


@primitive(static=True)
def add(x1: Array, x2: Array) -> Array:
    """``x1 + x2``, element by element, with NumPy's broadcasting.

    Examples
    --------
    >>> add([1.0, 2.0], 10.0)
    array([11., 12.])
    """
    return kernels.add(x1, x2) if type(x1) is ndarray and (x1.size >= _LARGE or RECORDING) else x1 + x2


@add.vjp("x1")
def add_vjp_x1(g: Array) -> Array:
    return g


@add.vjp("x2")
def add_vjp_x2(g: Array) -> Array:
    return g


@primitive(static=True)
def subtract(x1: Array, x2: Array) -> Array:
    """``x1 - x2``, element by element.

    Examples
    --------
    >>> subtract([1.0, 2.0], 10.0)
    array([-9., -8.])
    """
    return kernels.subtract(x1, x2) if type(x1) is ndarray and (x1.size >= _LARGE or RECORDING) else x1 - x2


@subtract.vjp("x1")
def subtract_vjp_x1(g: Array) -> Array:
    return g


@subtract.vjp("x2")
def subtract_vjp_x2(g: Array) -> Array:
    return -g


@primitive(static=True)
def multiply(x1: Array, x2: Array) -> Array:
    """``x1 * x2``, element by element.

    Examples
    --------
    >>> multiply([1.0, 2.0], 10.0)
    array([10., 20.])
    """
    return kernels.multiply(x1, x2) if type(x1) is ndarray and (x1.size >= _LARGE or RECORDING) else x1 * x2


@multiply.vjp("x1")
def multiply_vjp_x1(g: Array, *, x2: Array) -> Array:
    return kernels.multiply(g, x2) if type(g) is ndarray and (g.size >= _LARGE or RECORDING) else g * x2


@multiply.vjp("x2")
def multiply_vjp_x2(g: Array, *, x1: Array) -> Array:
    return kernels.multiply(g, x1) if type(g) is ndarray and (g.size >= _LARGE or RECORDING) else g * x1


@primitive(static=True)
def divide(x1: Array, x2: Array) -> Array:
    """``x1 / x2``, element by element.

    Examples
    --------
    >>> divide([1.0, 2.0], 4.0)
    array([0.25, 0.5 ])
    """
    return kernels.divide(x1, x2) if type(x1) is ndarray and (x1.size >= _LARGE or RECORDING) else x1 / x2


@divide.vjp("x1")
def divide_vjp_x1(g: Array, *, x2: Array) -> Array:
    return kernels.divide(g, x2) if type(g) is ndarray and g.size >= _LARGE else g / x2


@divide.vjp("x2")
def divide_vjp_x2(g: Array, *, y: Array, x2: Array) -> Array:
    return kernels.divide_wrt_x2(g, y, x2) if type(g) is ndarray and g.size >= _LARGE else -g * y / x2


@primitive(static=True)
def negative(x: Array) -> Array:
    """``-x``.

    Examples
    --------
    >>> negative([1.0, -2.0])
    array([-1.,  2.])
    """
    return kernels.negative(x) if type(x) is ndarray and (x.size >= _LARGE or RECORDING) else -x


@negative.vjp("x")
def negative_vjp_x(g: Array) -> Array:
    return -g


@primitive
def positive(x: Array) -> Array:
    """``+x``: a copy with its own node on the tape.

    Examples
    --------
    >>> positive([1.0, -2.0])
    array([ 1., -2.])
    """
    return x.copy() if x.dtype.kind == "b" else np.positive(x)


@positive.vjp("x")
def positive_vjp_x(g: Array) -> Array:
    return g


@primitive
def astype(x: Array, dtype: DType) -> Array:
    """``x`` with another dtype; the gradient comes back in the dtype of ``x``.

    Examples
    --------
    >>> astype([1.5, -2.5], np.float32)
    array([ 1.5, -2.5], dtype=float32)
    """
    return np.array(x, dtype)


@astype.vjp("x")
def astype_vjp_x(g: Array) -> Array:
    return g


@primitive(static=True)
def absolute(x: Array) -> Array:
    """``|x|``; the derivative at 0 counts as 0.

    Examples
    --------
    >>> absolute([1.0, -2.0])
    array([1., 2.])
    """
    return kernels.absolute(x) if type(x) is ndarray and (x.size >= _LARGE or RECORDING) else np.abs(x)


@absolute.vjp("x")
def absolute_vjp_x(g: Array, *, x: Array) -> Array:
    return kernels.absolute_wrt_x(g, x) if type(g) is ndarray and g.size >= _LARGE else g * sign(x)


abs = absolute
"""Under both names, as in NumPy."""


@primitive
def copysign(x1: Floats, x2: Floats) -> Array:
    """``|x1|`` with the sign of ``x2``, even of zero or NaN; the gradient of ``x2`` is 0.

    Examples
    --------
    >>> copysign([1.0, -2.0], -0.0)
    array([-1., -2.])
    """
    return np.copysign(x1, x2)


@copysign.vjp("x1")
def copysign_vjp_x1(g: Array, *, x1: Array, x2: Array) -> Array:
    return where(equal(signbit(x1), signbit(x2)), g, -g)


@copysign.vjp("x2")
def copysign_vjp_x2(g: Array, *, x2: Array) -> Array:
    return g * 0


@primitive
def nextafter(x1: Floats, x2: Floats) -> Array:
    """The next number after ``x1`` in the direction of ``x2``; the gradient goes to ``x1``.

    Examples
    --------
    >>> float(nextafter(1.0, 2.0))
    1.0000000000000002
    """
    return np.nextafter(x1, x2)


@nextafter.vjp("x1")
def nextafter_vjp_x1(g: Array, *, y: Array) -> Array:  # asks for y, since it is not linear in x1
    return g


@nextafter.vjp("x2")
def nextafter_vjp_x2(g: Array, *, y: Array) -> Array:
    return g * 0


@composite
def reciprocal(x: Array) -> Array:
    """``1 / x``, a float also for integers, where NumPy's result is an integer.

    Examples
    --------
    >>> reciprocal([2, 4])
    array([0.5 , 0.25])
    """
    return divide(1, x)


@primitive
def ldexp(x1: Floats, x2: Array) -> Array:
    """``x1 * 2 ** x2`` for integers ``x2``, in the dtype of ``x1``.

    Examples
    --------
    >>> ldexp([0.5, 0.75], [1, 4])
    array([ 1., 12.])
    """
    return np.ldexp(x1, x2)


@ldexp.vjp("x1")
def ldexp_vjp_x1(g: Array, *, x2: Array) -> Array:
    return ldexp(g, x2)


@composite
def nan_to_num(
    x: Array, copy: Flag = True, nan: Number = 0.0, posinf: Number | None = None, neginf: Number | None = None
) -> Array:
    """``x`` with NaN and infinities replaced by numbers, by default 0 and the largest and smallest float.

    Replaced elements have no gradient. The result is always a copy.

    Examples
    --------
    >>> nan_to_num([1.0, np.nan, np.inf], posinf=9.0)
    array([1., 0., 9.])
    """
    dtype = dtype_of(x)
    if dtype.kind != "f":
        return positive(x)
    largest = float(np.finfo(dtype).max)
    x = where(isnan(x), nan, x)
    x = where(equal(x, np.inf), largest if posinf is None else posinf, x)
    return where(equal(x, -np.inf), -largest if neginf is None else neginf, x)


@primitive(constant=True)
def sign(x: Array) -> Array:
    """-1, 0 or 1; its derivative is 0 wherever it exists.

    Examples
    --------
    >>> sign([-3.0, 0.0, 2.0])
    array([-1.,  0.,  1.])
    """
    return kernels.sign(x)


# --- powers, exponentials, logarithms ---------------------------------------------------------


@primitive
def power(x1: Array, x2: Array) -> Array:
    """``x1 ** x2``. Where the exponent is 0, the derivative with respect to ``x1`` is 0, even at ``x1 = 0``.

    The derivative with respect to ``x2`` needs ``x1 > 0``; at ``x1 = 0`` it counts as 0.

    Examples
    --------
    >>> power([1.0, 2.0, 3.0], 2)
    array([1., 4., 9.])
    """
    return x1**x2


@power.vjp("x1")
def power_vjp_x1(g: Array, *, x1: Array, x2: Array) -> Array:
    return g * (x2 * x1 ** (x2 - (x2 != 0)))


@power.vjp("x2")
def power_vjp_x2(g: Array, *, x1: Array, y: Array) -> Array:
    return g * y * log(where(equal(x1, 0), 1, x1))


@composite
def float_power(x1: Array, x2: Array) -> Array:
    """``x1 ** x2`` in float64, whatever the operands' dtypes.

    Examples
    --------
    >>> float_power([1, 2, 4], -1)
    array([1.  , 0.5 , 0.25])
    """
    return power(astype(x1, dtype=np.float64), astype(x2, dtype=np.float64))


@primitive(static=True)
def square(x: Array) -> Array:
    """``x * x``.

    Examples
    --------
    >>> square([1.0, -3.0])
    array([1., 9.])
    """
    return kernels.multiply(x, x) if type(x) is ndarray and (x.size >= _LARGE or RECORDING) else np.square(x)


@square.vjp("x")
def square_vjp_x(g: Array, *, x: Array) -> Array:
    return kernels.square_wrt_x(g, x) if type(g) is ndarray and g.size >= _LARGE else g * (x * 2)


@primitive(static=True)
def sqrt(x: Floats) -> Array:
    """The square root; its derivative at 0 is infinite.

    Examples
    --------
    >>> sqrt([4.0, 9.0])
    array([2., 3.])
    """
    return kernels.sqrt(x) if type(x) is ndarray and (x.size >= _LARGE or RECORDING) else np.sqrt(x)


@sqrt.vjp("x")
def sqrt_vjp_x(g: Array, *, y: Array) -> Array:
    return kernels.sqrt_wrt_x(g, y) if type(g) is ndarray and g.size >= _LARGE else g * 0.5 / y


@primitive
def cbrt(x: Floats) -> Array:
    """The cube root, also of negative numbers; its derivative at 0 is infinite.

    Examples
    --------
    >>> cbrt([-8.0, 27.0])
    array([-2.,  3.])
    """
    return np.cbrt(x)


@cbrt.vjp("x")
def cbrt_vjp_x(g: Array, *, y: Array) -> Array:
    return g / (square(y) * 3)


@primitive(static=True)
def exp(x: Floats) -> Array:
    """``e ** x``.

    Examples
    --------
    >>> exp([0.0, 1.0]).round(3)
    array([1.   , 2.718])
    """
    return kernels.exp(x) if type(x) is ndarray and x.size >= _LARGE else np.exp(x)


@exp.vjp("x")
def exp_vjp_x(g: Array, *, y: Array) -> Array:
    return multiply_vjp_x1(g, x2=y)


@primitive(static=True)
def exp2(x: Floats) -> Array:
    """``2 ** x``.

    Examples
    --------
    >>> exp2([-1.0, 3.0])
    array([0.5, 8. ])
    """
    return kernels.exp2(x) if type(x) is ndarray and x.size >= _LARGE else np.exp2(x)


@exp2.vjp("x")
def exp2_vjp_x(g: Array, *, y: Array) -> Array:
    return multiply_vjp_x1(multiply_vjp_x1(g, x2=y), x2=_LN2)


@primitive
def expm1(x: Floats) -> Array:
    """``e ** x - 1`` without cancellation near 0.

    Examples
    --------
    >>> float(expm1(1e-12))
    1.0000000000005e-12
    """
    return np.expm1(x)


@expm1.vjp("x")
def expm1_vjp_x(g: Array, *, x: Array) -> Array:
    return g * exp(x)  # y + 1 would lose small values


@primitive
def log(x: Floats) -> Array:
    """The natural logarithm.

    Examples
    --------
    >>> log([1.0, 10.0]).round(3)
    array([0.   , 2.303])
    """
    return np.log(x)


@log.vjp("x")
def log_vjp_x(g: Array, *, x: Array) -> Array:
    return divide_vjp_x1(g, x2=x)


@primitive
def log2(x: Floats) -> Array:
    """The logarithm to base 2.

    Examples
    --------
    >>> log2([0.5, 8.0])
    array([-1.,  3.])
    """
    return np.log2(x)


@log2.vjp("x")
def log2_vjp_x(g: Array, *, x: Array) -> Array:
    return g / (x * _LN2)


@primitive
def log10(x: Floats) -> Array:
    """The logarithm to base 10.

    Examples
    --------
    >>> log10([0.1, 1000.0])
    array([-1.,  3.])
    """
    return np.log10(x)


@log10.vjp("x")
def log10_vjp_x(g: Array, *, x: Array) -> Array:
    return g / (x * _LN10)


@primitive
def log1p(x: Floats) -> Array:
    """``log(1 + x)`` without cancellation near 0.

    Examples
    --------
    >>> float(log1p(1e-12))
    9.999999999995e-13
    """
    return np.log1p(x)


@log1p.vjp("x")
def log1p_vjp_x(g: Array, *, x: Array) -> Array:
    return g / (x + 1)
