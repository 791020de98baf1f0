"""Predicates and logic: functions whose results have no gradient.

On the tape they are constants: computations with them are recorded as if they were plain arrays.
"""

import numpy as np

from autograd_cnn.engine.node import Array, Floats
from autograd_cnn.engine.primitive import primitive

__all__ = [
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "left_shift",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "right_shift",
    "signbit",
]

# --- predicates -------------------------------------------------------------------------------


@primitive(constant=True)
def isnan(x: Array) -> Array:
    """Whether ``x`` is not a number; no gradient.

    Examples
    --------
    >>> isnan([1.0, np.nan])
    array([False,  True])
    """
    return np.isnan(x)


@primitive(constant=True)
def isinf(x: Array) -> Array:
    """Whether ``x`` is infinite; no gradient.

    Examples
    --------
    >>> isinf([1.0, -np.inf])
    array([False,  True])
    """
    return np.isinf(x)


@primitive(constant=True)
def isfinite(x: Array) -> Array:
    """Whether ``x`` is neither infinite nor NaN; no gradient.

    Examples
    --------
    >>> isfinite([1.0, np.nan, np.inf])
    array([ True, False, False])
    """
    return np.isfinite(x)


@primitive(constant=True)
def signbit(x: Floats) -> Array:
    """Whether ``x`` is below 0, or is negative zero; no gradient.

    Examples
    --------
    >>> signbit([1.0, -0.0])
    array([False,  True])
    """
    return np.signbit(x)


# --- logic ------------------------------------------------------------------------------------


@primitive(constant=True)
def logical_not(x: Array) -> Array:
    """Whether ``x`` is 0; no gradient.

    Examples
    --------
    >>> logical_not([0.0, 2.0])
    array([ True, False])
    """
    return np.logical_not(x)


@primitive(constant=True)
def logical_and(x1: Array, x2: Array) -> Array:
    """Whether neither is 0; no gradient.

    Examples
    --------
    >>> logical_and([0.0, 2.0], 1.0)
    array([False,  True])
    """
    return np.logical_and(x1, x2)


@primitive(constant=True)
def logical_or(x1: Array, x2: Array) -> Array:
    """Whether at least one is not 0; no gradient.

    Examples
    --------
    >>> logical_or([0.0, 2.0], 0.0)
    array([False,  True])
    """
    return np.logical_or(x1, x2)


@primitive(constant=True)
def logical_xor(x1: Array, x2: Array) -> Array:
    """Whether exactly one is 0; no gradient.

    Examples
    --------
    >>> logical_xor([0.0, 2.0], 1.0)
    array([ True, False])
    """
    return np.logical_xor(x1, x2)


@primitive(constant=True)
def invert(x: Array) -> Array:
    """``~x`` of bools or integers, bit by bit; no gradient.

    Examples
    --------
    >>> invert([True, False])
    array([False,  True])
    """
    return np.invert(x)


@primitive(constant=True)
def bitwise_and(x1: Array, x2: Array) -> Array:
    """``x1 & x2`` of bools or integers, bit by bit; no gradient.

    Examples
    --------
    >>> bitwise_and([True, False], True)
    array([ True, False])
    """
    return np.bitwise_and(x1, x2)


@primitive(constant=True)
def bitwise_or(x1: Array, x2: Array) -> Array:
    """``x1 | x2`` of bools or integers, bit by bit; no gradient.

    Examples
    --------
    >>> bitwise_or([5, 4], 2)
    array([7, 6])
    """
    return np.bitwise_or(x1, x2)


@primitive(constant=True)
def bitwise_xor(x1: Array, x2: Array) -> Array:
    """``x1 ^ x2`` of bools or integers, bit by bit; no gradient.

    Examples
    --------
    >>> bitwise_xor([5, 4], 4)
    array([1, 0])
    """
    return np.bitwise_xor(x1, x2)


@primitive(constant=True)
def left_shift(x1: Array, x2: Array) -> Array:
    """``x1 << x2`` of integers: shifted left, with ``x2`` zeros appended; no gradient.

    Examples
    --------
    >>> left_shift([1, 5], 2)
    array([ 4, 20])
    """
    return np.left_shift(x1, x2)


@primitive(constant=True)
def right_shift(x1: Array, x2: Array) -> Array:
    """``x1 >> x2`` of integers: shifted right, without the last ``x2`` bits; no gradient.

    Examples
    --------
    >>> right_shift([4, 21], 2)
    array([1, 5])
    """
    return np.right_shift(x1, x2)
