"""Reductions: sums, moments, extrema, products and running sums.

``axis`` is an int, a tuple of ints, or None for all axes, as in NumPy.
"""

from math import prod as product
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, Traced, dtype_of, shape_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.ops.elementwise import power, sqrt, subtract
from autograd_cnn.ops.precision import index_dtype, mean_dtype, sum_dtype
from autograd_cnn.ops.selection import equal, where
from autograd_cnn.ops.shaping import broadcast_to, concatenate, flip, moveaxis, reshape
from autograd_cnn.parameters import Axis, Flag, Number, OneAxis

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "mean",
    "min",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
]


def count(shape: Shape, axis: Axis) -> int:
    """Return the number of elements that a reduction of ``shape`` along ``axis`` combines into one."""
    return product(shape[a] for a in axes_of(shape, axis))


def axes_of(shape: Shape, axis: Axis) -> tuple[int, ...]:
    """Return the axes that a reduction of ``shape`` along ``axis`` removes, counted from the front."""
    if axis is None or not shape:  # NumPy allows a scalar to be reduced along axis 0
        return tuple(range(len(shape)))
    return normalize_axis_tuple(axis, len(shape))


def reduced_shape(shape: Shape, axis: Axis, keepdims: bool) -> Shape:
    """Return the shape of a reduction of ``shape`` along ``axis``."""
    axes = axes_of(shape, axis)
    return tuple(1 if a in axes else n for a, n in enumerate(shape) if keepdims or a not in axes)


def spread(g: Array, shape: Shape, axis: Axis) -> Array:
    """Repeat ``g`` along the axes that a reduction of ``shape`` has removed."""
    if axis is None and not shape_of(g):
        return broadcast_to(g, shape=shape)
    return broadcast_to(reshape(g, shape=reduced_shape(shape, axis, keepdims=True)), shape=shape)


# --- sums and moments -------------------------------------------------------------------------


@primitive(static=True)
def sum(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The sum along ``axis``.

    Examples
    --------
    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([4., 6.])
    """
    return kernels.sum(np.asarray(x), axis, keepdims)


@sum.shape(dtype=sum_dtype)
def sum_shape(x: AbstractArray, *, axis: Axis, keepdims: bool) -> Shape:
    return reduced_shape(x.shape, axis, keepdims)


@sum.vjp("x")
def sum_vjp_x(g: Array, *, x_shape: Shape, axis: Axis) -> Array:
    return spread(g, x_shape, axis)


@primitive(static=True)
def mean(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The mean along ``axis``.

    Examples
    --------
    >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([2., 3.])
    """
    x = np.asarray(x)
    if x.dtype not in (np.float32, np.float64) or not x.size:
        return np.mean(x, axis=axis, keepdims=keepdims)
    total, number = kernels.sum(x, axis, keepdims), x.dtype.type(count(x.shape, axis))
    return kernels.divide(total, number) if type(total) is np.ndarray else total / number


mean.shape(sum_shape, dtype=mean_dtype)


@mean.vjp("x")
def mean_vjp_x(g: Array, *, x_shape: Shape, axis: Axis) -> Array:
    return spread(g / (count(x_shape, axis) or np.nan), x_shape, axis)


@primitive
def var(x: Array, axis: Axis = None, ddof: Number = 0, keepdims: Flag = False) -> Array:
    """The variance along ``axis``: the sum of squared deviations, divided by the count minus ``ddof``.

    Examples
    --------
    >>> float(var([1.0, 2.0, 3.0, 4.0]))
    1.25
    """
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


var.shape(sum_shape, dtype=mean_dtype)


@var.vjp("x")
def var_vjp_x(g: Array, *, x: Array, axis: Axis, ddof: float) -> Array:
    deviation = x - mean(x, axis=axis, keepdims=True)
    freedom = count(x.shape, axis) - ddof
    return spread(g, x.shape, axis) * deviation * (2 / freedom if freedom > 0 else np.nan)


@composite
def std(x: Array, axis: Axis = None, ddof: Number = 0, keepdims: Flag = False) -> Array:
    """The standard deviation, the square root of `var`; where it is 0, its gradient counts as 0.

    Examples
    --------
    >>> float(std([1.0, 1.0, 3.0, 3.0]))
    1.0
    """
    return root(var(x, axis=axis, ddof=ddof, keepdims=keepdims))


def root(squares: Array, degree: float = 2) -> Array:
    """Return a root of a sum of squares, or of other powers; where it is 0, its gradient counts as 0."""
    nothing = equal(squares, 0)
    safe = where(nothing, 1, squares)
    return where(nothing, 0.0, sqrt(safe) if degree == 2 else power(safe, 1 / degree))


# --- extrema ----------------------------------------------------------------------------------


@primitive
def max(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The largest element along ``axis``; if several are equal, they share the gradient evenly.

    Examples
    --------
    >>> max([[1.0, 5.0], [3.0, 4.0]], axis=1)
    array([5., 4.])
    """
    return kernels.max(np.asarray(x), axis, keepdims)


@max.shape
def max_shape(x: AbstractArray, *, axis: Axis, keepdims: bool) -> Shape:
    return _extremum_shape("maximum", x.shape, axis, keepdims)


@max.vjp("x")
def max_vjp_x(g: Array, *, x: Array, y: Array, axis: Axis) -> Array:
    return _among_extrema(g, x, y, axis, least=False)


@primitive
def min(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The smallest element along ``axis``; if several are equal, they share the gradient evenly.

    Examples
    --------
    >>> min([[1.0, 5.0], [3.0, 4.0]], axis=1)
    array([1., 3.])
    """
    return kernels.min(np.asarray(x), axis, keepdims)


@min.shape
def min_shape(x: AbstractArray, *, axis: Axis, keepdims: bool) -> Shape:
    return _extremum_shape("minimum", x.shape, axis, keepdims)


@min.vjp("x")
def min_vjp_x(g: Array, *, x: Array, y: Array, axis: Axis) -> Array:
    return _among_extrema(g, x, y, axis, least=True)


@composite
def ptp(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The largest element along ``axis`` minus the smallest, "peak to peak".

    Examples
    --------
    >>> ptp([[1.0, 5.0], [3.0, 4.0]], axis=1)
    array([4., 1.])
    """
    return subtract(max(x, axis=axis, keepdims=keepdims), min(x, axis=axis, keepdims=keepdims))


def _extremum_shape(name: str, shape: Shape, axis: Axis, keepdims: bool) -> Shape:
    if not count(shape, axis):
        raise ValueError(f"zero-size array to reduction operation {name} which has no identity")  # NumPy's message
    return reduced_shape(shape, axis, keepdims)


def _among_extrema(g: Array, x: Array, y: Array, axis: Axis, least: bool) -> Array:
    kept = reduced_shape(x.shape, axis, keepdims=True)
    known = None if isinstance(g, Traced) else np.reshape(y, kept)
    return _extremum_backward(reshape(g, shape=kept), x, axis=axis, least=least, extremum=known)


@primitive(static=True)
def _extremum_backward(
    g: Array, x: Array, axis: Axis = None, *, least: Flag = False, extremum: Array | None = None
) -> Array:
    """``g``, shared evenly among the extrema along ``axis``, where a NaN counts as one; these axes have length 1 in ``g``.

    The ``extremum`` can be passed if it is known.
    """
    g, x = np.asarray(g), np.asarray(x)
    _check_kept(g.shape, x.shape, axis)
    if extremum is None:
        extremum = (kernels.min if least else kernels.max)(x, axis, True)  # noqa: FBT003  # keepdims
    return kernels.extremum_wrt_x(g, x, np.asarray(extremum), axis)


@_extremum_backward.shape
def extremum_backward_shape(g: AbstractArray, x: AbstractArray, *, axis: Axis) -> Shape:
    _check_kept(g.shape, x.shape, axis)
    return x.shape


def _check_kept(found: Shape, shape: Shape, axis: Axis) -> None:
    expected = reduced_shape(shape, axis, keepdims=True)
    if found != expected:
        raise ShapeError("extremum_backward", "g has the wrong shape", expected=expected, got=found)


@_extremum_backward.vjp("g")
def extremum_backward_vjp_g(h: Array, *, x: Array, axis: Axis, least: bool) -> Array:
    ones = np.ones(reduced_shape(x.shape, axis, keepdims=True), x.dtype)
    return sum(h * _extremum_backward(ones, x, axis=axis, least=least), axis=axis, keepdims=True)


@_extremum_backward.vjp("x")
def extremum_backward_vjp_x(h: Array, *, x: Array) -> Array:
    return h * 0


@primitive(constant=True)
def argmax(x: Array, axis: OneAxis = None, keepdims: Flag = False) -> Array:
    """The index of the largest element, the first of several; it has no gradient.

    Examples
    --------
    >>> argmax([[1.0, 5.0], [3.0, 2.0]], axis=1)
    array([1, 0])
    """
    return np.argmax(x, axis=axis, keepdims=keepdims)


@argmax.shape(dtype=index_dtype)
def argmax_shape(x: AbstractArray, *, axis: int | None, keepdims: bool) -> Shape:
    if not count(x.shape, axis):
        raise ValueError("attempt to get argmax of an empty sequence")  # NumPy's message
    return reduced_shape(x.shape, axis, keepdims)


@primitive(constant=True)
def argmin(x: Array, axis: OneAxis = None, keepdims: Flag = False) -> Array:
    """The index of the smallest element, the first of several; it has no gradient.

    Examples
    --------
    >>> argmin([[1.0, 5.0], [3.0, 2.0]], axis=1)
    array([0, 1])
    """
    return np.argmin(x, axis=axis, keepdims=keepdims)


@argmin.shape(dtype=index_dtype)
def argmin_shape(x: AbstractArray, *, axis: int | None, keepdims: bool) -> Shape:
    if not count(x.shape, axis):
        raise ValueError("attempt to get argmin of an empty sequence")  # NumPy's message
    return reduced_shape(x.shape, axis, keepdims)


# --- predicates -------------------------------------------------------------------------------


def _bool_dtype(x: AbstractArray) -> np.dtype[Any]:  # of a predicate
    return np.dtype(np.bool_)


@primitive(constant=True)
def any(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """Whether any element along ``axis`` is not 0; no gradient.

    Examples
    --------
    >>> any([[0.0, 5.0], [0.0, 0.0]], axis=1)
    array([ True, False])
    """
    return np.any(x, axis=axis, keepdims=keepdims)


any.shape(sum_shape, dtype=_bool_dtype)


@primitive(constant=True)
def all(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """Whether no element along ``axis`` is 0; no gradient.

    Examples
    --------
    >>> all([[1.0, 5.0], [0.0, 2.0]], axis=1)
    array([ True, False])
    """
    return np.all(x, axis=axis, keepdims=keepdims)


all.shape(sum_shape, dtype=_bool_dtype)


@primitive(constant=True)
def count_nonzero(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The number of elements along ``axis`` that are not 0; no gradient.

    Examples
    --------
    >>> count_nonzero([[0.0, 5.0], [3.0, 4.0]], axis=1)
    array([1, 2])
    """
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims))[()]  # an int before NumPy 2.3


count_nonzero.shape(sum_shape, dtype=index_dtype)


# --- products and running sums ----------------------------------------------------------------


@primitive
def prod(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The product along ``axis``; its derivative is exact even where elements are 0.

    Examples
    --------
    >>> prod([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([ 2., 12.])
    """
    return np.prod(x, axis=axis, keepdims=keepdims)


prod.shape(sum_shape, dtype=sum_dtype)


@prod.vjp("x")
def prod_vjp_x(g: Array, *, x: Array, axis: Axis) -> Array:
    axes = axes_of(x.shape, axis)
    last = tuple(range(-len(axes), 0))
    lines = moveaxis(x, axes, last)
    flat = reshape(lines, shape=(*lines.shape[: x.ndim - len(axes)], count(x.shape, axis)))
    others = _product_before(flat) * flip(_product_before(flip(flat, axis=-1)), axis=-1)
    return spread(g, x.shape, axis) * moveaxis(reshape(others, shape=lines.shape), last, axes)


def _product_before(x: Array) -> Array:
    """Return, for each element, the product of the elements before it in its line, by doubling strides."""
    running = concatenate([np.ones((*x.shape[:-1], 1), x.dtype), x], axis=-1)[..., :-1]
    step = 1
    while step < x.shape[-1]:
        running = concatenate([running[..., :step], running[..., step:] * running[..., :-step]], axis=-1)
        step *= 2
    return running


@primitive
def cumsum(x: Array, axis: OneAxis = None) -> Array:
    """The running sum along ``axis``, by default of the flattened ``x``.

    Examples
    --------
    >>> cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return np.cumsum(x, axis=axis)


@cumsum.shape(dtype=sum_dtype)
def cumsum_shape(x: AbstractArray, *, axis: int | None) -> Shape:
    axes_of(x.shape, axis)
    return (x.size,) if axis is None else x.shape or (1,)


@cumsum.vjp("x")
def cumsum_vjp_x(g: Array, *, x_shape: Shape, axis: int | None) -> Array:
    return reshape(flip(cumsum(flip(g, axis=axis), axis=axis), axis=axis), shape=x_shape)


@primitive
def cumprod(x: Array, axis: OneAxis = None) -> Array:
    """The running product along ``axis``, by default of the flattened ``x``; its derivative is exact even at zeros.

    Examples
    --------
    >>> cumprod([1.0, 2.0, 3.0])
    array([1., 2., 6.])
    """
    return np.cumprod(x, axis=axis)


cumprod.shape(cumsum_shape, dtype=sum_dtype)


@cumprod.vjp("x")
def cumprod_vjp_x(g: Array, *, x: Array, axis: int | None) -> Array:
    """The product before an element, times ``sᵢ = gᵢ + xᵢ₊₁ · sᵢ₊₁``, which sums the cotangents of the products after it."""
    if axis is None or not x.shape:
        return reshape(cumprod_vjp_x(g, x=reshape(x, shape=-1), axis=0), shape=x.shape)
    line, total = moveaxis(x, axis, -1), moveaxis(g, axis, -1)
    following, step = _ahead(line, 1), 1
    while step < line.shape[-1]:  # by doubling strides
        total = total + following * _ahead(total, step)
        following = following * _ahead(following, step)
        step *= 2
    return moveaxis(_product_before(line) * total, -1, axis)


def _ahead(x: Array, step: int) -> Array:
    """Return for each element the one that many steps ahead in its line, or 0 if there is none."""
    return concatenate([x[..., step:], np.zeros((*x.shape[:-1], step), x.dtype)], axis=-1)


@composite
def cumulative_sum(x: Array, axis: OneAxis = None, include_initial: Flag = False) -> Array:
    """The running sum along ``axis``, which is optional for 1-D arrays; ``include_initial`` adds a 0 in front.

    Examples
    --------
    >>> cumulative_sum([1.0, 2.0, 3.0], include_initial=True)
    array([0., 1., 3., 6.])
    """
    return _accumulated("cumulative_sum", cumsum, 0, x, axis, include_initial)


@composite
def cumulative_prod(x: Array, axis: OneAxis = None, include_initial: Flag = False) -> Array:
    """The running product along ``axis``, which is optional for 1-D arrays; ``include_initial`` adds a 1 in front.

    Examples
    --------
    >>> cumulative_prod([1.0, 2.0, 3.0], include_initial=True)
    array([1., 1., 2., 6.])
    """
    return _accumulated("cumulative_prod", cumprod, 1, x, axis, include_initial)


def _accumulated(where: str, running: Any, initial: int, x: Array, axis: int | None, include_initial: bool) -> Array:
    shape = shape_of(x)
    if axis is None and len(shape) != 1:
        raise ArgumentError(where, "axis is missing", expected="an axis for arrays of more than one", got=None)
    axis = normalize_axis_tuple(axis or 0, len(shape))[0]
    y = running(x, axis=axis)
    if not include_initial:
        return y
    before = np.full((*shape[:axis], 1, *shape[axis + 1 :]), initial, dtype_of(y))
    return concatenate([before, y], axis=axis)
