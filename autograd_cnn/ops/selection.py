"""Choosing between values: larger and smaller of two, limits, masks, and comparisons.

Broadcasting follows NumPy; the engine sums it out of the gradients, so no rule mentions it.
"""

from collections.abc import Sequence

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Floats, Shape
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.ops.logic import isnan
from autograd_cnn.ops.precision import joined
from autograd_cnn.parameters import Indices, Mask, Number

__all__ = [
    "choose",
    "clip",
    "equal",
    "fmax",
    "fmin",
    "greater",
    "greater_equal",
    "heaviside",
    "less",
    "less_equal",
    "masked",
    "maximum",
    "minimum",
    "not_equal",
    "select",
    "where",
]

# --- selection --------------------------------------------------------------------------------


@primitive
def maximum(x1: Array, x2: Array) -> Array:
    """The larger of two, element by element; where they are equal, each gets half of the gradient.

    Where one is NaN, so is the result, and both get the gradient, so that none is lost.

    Examples
    --------
    >>> maximum([1.0, 5.0], 3.0)
    array([3., 5.])
    """
    return kernels.maximum(x1, x2) if isinstance(x1, np.ndarray) else np.maximum(x1, x2)


@maximum.vjp("x1")
def maximum_vjp_x1(g: Array, *, x1: Array, x2: Array) -> Array:
    return _where_larger(x1, x2, g)


@maximum.vjp("x2")
def maximum_vjp_x2(g: Array, *, x1: Array, x2: Array) -> Array:
    return _where_larger(x2, x1, g)


@primitive
def minimum(x1: Array, x2: Array) -> Array:
    """The smaller of two, element by element; where they are equal, each gets half of the gradient.

    Where one is NaN, so is the result, and both get the gradient, so that none is lost.

    Examples
    --------
    >>> minimum([1.0, 5.0], 3.0)
    array([1., 3.])
    """
    return kernels.minimum(x1, x2) if isinstance(x1, np.ndarray) else np.minimum(x1, x2)


@minimum.vjp("x1")
def minimum_vjp_x1(g: Array, *, x1: Array, x2: Array) -> Array:
    return _where_larger(x2, x1, g)


@minimum.vjp("x2")
def minimum_vjp_x2(g: Array, *, x1: Array, x2: Array) -> Array:
    return _where_larger(x1, x2, g)


def _where_larger(a: Array, b: Array, g: Array) -> Array:
    """Return ``g`` where ``a`` is larger than ``b`` or one is NaN, half of it where they are equal, else 0."""
    return where(less(a, b), 0, where(equal(a, b), g * 0.5, g))


@composite
def fmax(x1: Array, x2: Array) -> Array:
    """The larger of two, or the one that is not NaN; where they are equal, each gets half of the gradient.

    Examples
    --------
    >>> fmax([1.0, np.nan], 3.0)
    array([3., 3.])
    """
    return maximum(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


@composite
def fmin(x1: Array, x2: Array) -> Array:
    """The smaller of two, or the one that is not NaN; where they are equal, each gets half of the gradient.

    Examples
    --------
    >>> fmin([1.0, np.nan], 3.0)
    array([1., 3.])
    """
    return minimum(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


@primitive(constant=True)
def heaviside(x1: Floats, x2: Floats) -> Array:
    """The step function: 0 where ``x1 < 0``, ``x2`` where ``x1`` is 0, else 1; no gradient.

    Examples
    --------
    >>> heaviside([-2.0, 0.0, 3.0], 0.5)
    array([0. , 0.5, 1. ])
    """
    return np.heaviside(x1, x2)


@primitive(residuals=("mask",), static=True)
def clip(x: Array, min: Number | None = None, max: Number | None = None) -> tuple[Array, Array]:
    """``x`` limited to the range from ``min`` to ``max``; the derivative outside this range is 0.

    Examples
    --------
    >>> clip([-2.0, 0.5, 2.0], -1, 1)
    array([-1. ,  0.5,  1. ])
    """
    return kernels.clip(x, min, max)


@clip.vjp("x")
def clip_vjp_x(g: Array, *, mask: Array) -> Array:
    return masked(g, mask=mask)


@primitive
def where(condition: Array, x1: Array, x2: Array) -> Array:
    """``x1`` where the condition holds, ``x2`` elsewhere. The condition has no gradient.

    Examples
    --------
    >>> where([True, False], [1.0, 2.0], 0.0)
    array([1., 0.])
    """
    return kernels.where(condition, x1, x2)


@where.vjp("x1")
def where_vjp_x1(g: Array, *, condition: Array) -> Array:
    return where(condition, g, 0)


@where.vjp("x2")
def where_vjp_x2(g: Array, *, condition: Array) -> Array:
    return where(condition, 0, g)


@composite
def select(condlist: Sequence[Array], choicelist: Sequence[Array], default: Array = 0) -> Array:
    """For each element, the choice of the first condition that holds, else ``default``.

    Examples
    --------
    >>> select([[True, False, False], [True, True, False]], [[1.0, 1.0, 1.0], 2.0], 3.0)
    array([1., 2., 3.])
    """
    y = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = where(condition, choice, y)
    return y


@composite
def choose(a: Indices, choices: Sequence[Array], mode: str = "raise") -> Array:
    """For each element, the choice with the index ``a``; an index out of range is an error.

    With the mode ``"wrap"`` such an index wraps around; with ``"clip"`` it is clipped to the range.

    Examples
    --------
    >>> choose([1, 0, 1], [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    array([10.,  2., 30.])
    """
    count = len(choices)
    if mode == "raise" and not np.all((a >= 0) & (a < count)):
        raise ArgumentError("choose", "a is out of range", expected=f"from 0 to {count - 1}", got=a)
    position = np.mod(a, count) if mode == "wrap" else np.clip(a, 0, count - 1)
    y = choices[0]
    for i in range(1, count):
        y = where(position == i, choices[i], y)
    return where(position == 0, choices[0], y)


@primitive(static=True)
def masked(x: Array, mask: Mask) -> Array:
    """``x`` where the mask is True, else 0; it is its own adjoint.

    Parameters
    ----------
    x : array
    mask : array of bools
        With the shape of ``x``, or one that broadcasts to it.

    Raises
    ------
    OperandError
        If the mask is not an array of bools.
    ShapeError
        If the mask does not broadcast to the shape of ``x``.

    Examples
    --------
    >>> masked([1.0, 2.0], np.array([True, False]))
    array([1., 0.])
    """
    (x,) = joined("masked", x=np.asarray(x))
    return kernels.masked(x, _fitted("masked", mask, x.shape))


@masked.shape
def masked_shape(x: AbstractArray, *, mask: Array) -> Shape:
    return np.shape(_fitted("masked", mask, x.shape))


@masked.vjp("x")
def masked_vjp_x(g: Array, *, mask: Array) -> Array:
    return masked(g, mask=mask)


@primitive(static=True)
def _damped(x: Array, mask: Mask, factor: Number) -> Array:
    """``x`` where the mask is True, else ``factor * x``; it is its own adjoint.

    Raises
    ------
    OperandError, ShapeError
        As `masked` does.

    Examples
    --------
    >>> _damped([1.0, 2.0], mask=np.array([True, False]), factor=0.5)
    array([1., 1.])
    """
    (x,) = joined("damped", x=np.asarray(x))
    return kernels.damped(x, _fitted("damped", mask, x.shape), factor)


@_damped.vjp("x")
def damped_vjp_x(g: Array, *, mask: Array, factor: float) -> Array:
    return _damped(g, mask=mask, factor=factor)


@_damped.shape(dtype=lambda x: np.result_type(x.dtype, 1.0))
def damped_shape(x: AbstractArray, *, mask: Array) -> Shape:
    return np.shape(_fitted("damped", mask, x.shape))


def _fitted(where: str, mask: Array, shape: Shape) -> Array:
    """Return a mask in a shape."""
    if mask.shape == shape:
        return mask
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        expected = f"what broadcasts to {shape}"
        raise ShapeError(where, "mask has the wrong shape", expected=expected, got=mask.shape) from None


# --- comparisons ------------------------------------------------------------------------------


@primitive(constant=True)
def equal(x1: Array, x2: Array) -> Array:
    """Whether ``x1 == x2``, element by element; no gradient.

    Examples
    --------
    >>> equal([1.0, 2.0, 3.0], 2.0)
    array([False,  True, False])
    """
    return np.equal(x1, x2)


@primitive(constant=True)
def not_equal(x1: Array, x2: Array) -> Array:
    """Whether ``x1 != x2``, element by element; no gradient.

    Examples
    --------
    >>> not_equal([1.0, 2.0, 3.0], 2.0)
    array([ True, False,  True])
    """
    return np.not_equal(x1, x2)


@primitive(constant=True)
def less(x1: Array, x2: Array) -> Array:
    """Whether ``x1 < x2``, element by element; no gradient.

    Examples
    --------
    >>> less([1.0, 2.0, 3.0], 2.0)
    array([ True, False, False])
    """
    return np.less(x1, x2)


@primitive(constant=True)
def less_equal(x1: Array, x2: Array) -> Array:
    """Whether ``x1 <= x2``, element by element; no gradient.

    Examples
    --------
    >>> less_equal([1.0, 2.0, 3.0], 2.0)
    array([ True,  True, False])
    """
    return np.less_equal(x1, x2)


@primitive(constant=True)
def greater(x1: Array, x2: Array) -> Array:
    """Whether ``x1 > x2``, element by element; no gradient.

    Examples
    --------
    >>> greater([1.0, 2.0, 3.0], 2.0)
    array([False, False,  True])
    """
    return np.greater(x1, x2)


@primitive(constant=True)
def greater_equal(x1: Array, x2: Array) -> Array:
    """Whether ``x1 >= x2``, element by element; no gradient.

    Examples
    --------
    >>> greater_equal([1.0, 2.0, 3.0], 2.0)
    array([False,  True,  True])
    """
    return np.greater_equal(x1, x2)
