"""Elementwise primitives: arithmetic, powers and roots, exponentials and logarithms.

Broadcasting follows NumPy; the engine sums it out of the gradients, so no rule mentions it.
"""

from typing import Final

import numpy as np
from numpy import ndarray

from autograd_cnn import kernels
from autograd_cnn.engine.node import Array, Floats
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.ops.selection import equal, where
from autograd_cnn.parameters import DType

__all__ = [
    "abs",
    "absolute",
    "add",
    "astype",
    "cos",
    "divide",
    "exp",
    "expm1",
    "log",
    "log1p",
    "multiply",
    "negative",
    "positive",
    "power",
    "sign",
    "sin",
    "sqrt",
    "square",
    "subtract",
]

_LARGE: Final = 1 << 14
"""Elements; NumPy is done with fewer before it would pay to ask for another backend."""

# --- arithmetic -------------------------------------------------------------------------------


@primitive
def add(x1: Array, x2: Array) -> Array:
    """``x1 + x2``, element by element, with NumPy's broadcasting.

    Examples
    --------
    >>> add([1.0, 2.0], 10.0)
    array([11., 12.])
    """
    return kernels.add(x1, x2) if type(x1) is ndarray and x1.size >= _LARGE else x1 + x2


@add.vjp("x1")
def add_vjp_x1(g: Array) -> Array:
    return g


@add.vjp("x2")
def add_vjp_x2(g: Array) -> Array:
    return g


@primitive
def subtract(x1: Array, x2: Array) -> Array:
    """``x1 - x2``, element by element.

    Examples
    --------
    >>> subtract([1.0, 2.0], 10.0)
    array([-9., -8.])
    """
    return kernels.subtract(x1, x2) if type(x1) is ndarray and x1.size >= _LARGE else x1 - x2


@subtract.vjp("x1")
def subtract_vjp_x1(g: Array) -> Array:
    return g


@subtract.vjp("x2")
def subtract_vjp_x2(g: Array) -> Array:
    return -g


@primitive
def multiply(x1: Array, x2: Array) -> Array:
    """``x1 * x2``, element by element.

    Examples
    --------
    >>> multiply([1.0, 2.0], 10.0)
    array([10., 20.])
    """
    return kernels.multiply(x1, x2) if type(x1) is ndarray and x1.size >= _LARGE else x1 * x2


@multiply.vjp("x1")
def multiply_vjp_x1(g: Array, *, x2: Array) -> Array:
    return kernels.multiply(g, x2) if type(g) is ndarray and g.size >= _LARGE else g * x2


@multiply.vjp("x2")
def multiply_vjp_x2(g: Array, *, x1: Array) -> Array:
    return kernels.multiply(g, x1) if type(g) is ndarray and g.size >= _LARGE else g * x1


@primitive
def divide(x1: Array, x2: Array) -> Array:
    """``x1 / x2``, element by element.

    Examples
    --------
    >>> divide([1.0, 2.0], 4.0)
    array([0.25, 0.5 ])
    """
    return kernels.divide(x1, x2) if type(x1) is ndarray and x1.size >= _LARGE else x1 / x2


@divide.vjp("x1")
def divide_vjp_x1(g: Array, *, x2: Array) -> Array:
    return g / x2


@divide.vjp("x2")
def divide_vjp_x2(g: Array, *, y: Array, x2: Array) -> Array:
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
    return np.positive(x)


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


@primitive
def absolute(x: Array) -> Array:
    """``|x|``; the derivative at 0 counts as 0.

    Examples
    --------
    >>> absolute([1.0, -2.0])
    array([1., 2.])
    """
    return np.abs(x)


@absolute.vjp("x")
def absolute_vjp_x(g: Array, *, x: Array) -> Array:
    return g * sign(x)


abs = absolute
"""As NumPy has it, under both names."""


@primitive(constant=True)
def sign(x: Array) -> Array:
    """-1, 0 or 1; its derivative is zero wherever it exists.

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
def square_vjp_x(g: Array, *, x: Array) -> Array:
    return g * (x * 2)


@primitive
def sqrt(x: Floats) -> Array:
    """The square root; its derivative at 0 is infinite.

    Examples
    --------
    >>> sqrt([4.0, 9.0])
    array([2., 3.])
    """
    return np.sqrt(x)


@sqrt.vjp("x")
def sqrt_vjp_x(g: Array, *, y: Array) -> Array:
    return g * 0.5 / y


@primitive
def exp(x: Floats) -> Array:
    """``e ** x``.

    Examples
    --------
    >>> exp([0.0, 1.0]).round(3)
    array([1.   , 2.718])
    """
    return np.exp(x)


@exp.vjp("x")
def exp_vjp_x(g: Array, *, y: Array) -> Array:
    return g * y


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
    return g / x


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
