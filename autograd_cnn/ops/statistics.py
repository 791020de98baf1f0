"""Averages, quantiles and covariances; and the reductions that ignore NaNs."""

from typing import Any, Final, Literal, TypeAlias

import numpy as np

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, dtype_of, shape_of
from autograd_cnn.errors import ArgumentError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import add, astype, divide, multiply, sqrt, square, subtract
from autograd_cnn.ops.indexing import getitem, take_along_axis
from autograd_cnn.ops.linalg import matmul
from autograd_cnn.ops.logic import isnan, logical_not
from autograd_cnn.ops.reduction import axes_of, reduced_shape
from autograd_cnn.ops.rounding import ceil, floor, rint
from autograd_cnn.ops.selection import clip, equal, maximum, where
from autograd_cnn.ops.shaping import broadcast_to, concatenate, expand_dims, moveaxis, reshape, transpose
from autograd_cnn.ops.sorting import sort
from autograd_cnn.parameters import Axis, Count, Flag, Number, OneAxis

__all__ = [
    "average",
    "corrcoef",
    "cov",
    "median",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanpercentile",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
    "percentile",
    "quantile",
]

# --- averages and covariances -----------------------------------------------------------------


@composite
def average(
    x: Array, axis: Axis = None, weights: Array | None = None, returned: Flag = False, keepdims: Flag = False
) -> Any:
    """The mean along ``axis``, weighted if there are weights; if ``returned``, also the sum of the weights.

    Weights have the shape of ``x``, or are one number for each element along ``axis``.

    Examples
    --------
    >>> float(average([1.0, 4.0], weights=[2.0, 1.0]))
    2.0
    """
    shape = shape_of(x)
    if weights is None:
        mean = reduction.mean(x, axis=axis, keepdims=keepdims)
        total: Any = np.full(shape_of(mean), reduction.count(shape, axis), dtype_of(mean))
    else:
        axes = axes_of(shape, axis)
        if shape_of(weights) != shape:
            if shape_of(weights) != tuple(shape[a] for a in axes):
                problem = "weights do not fit"
                expected = f"shape {shape}, or the length of the axis"
                raise ArgumentError("average", problem, expected=expected, got=f"shape {shape_of(weights)}")
            order = tuple(np.argsort(axes).tolist())
            kept = tuple(n if a in axes else 1 for a, n in enumerate(shape))
            weights = broadcast_to(reshape(transpose(weights, axes=order), shape=kept), shape=shape)
        total = reduction.sum(weights, axis=axis, keepdims=keepdims)
        mean = divide(reduction.sum(multiply(x, weights), axis=axis, keepdims=keepdims), total)
    return (mean, total) if returned else mean


@composite
def cov(
    x: Array,
    y: Array | None = None,
    rowvar: Flag = True,
    bias: Flag = False,
    ddof: Count | None = None,
    fweights: Array | None = None,
    aweights: Array | None = None,
) -> Array:
    """The covariance matrix of variables, which are the rows of ``x`` and ``y``, or the columns if ``rowvar`` is False.

    Parameters are those of `numpy.cov`. The weights of observations have gradients, except ``fweights``, which are
    counts.

    Examples
    --------
    >>> cov([[0.0, 2.0], [2.0, 0.0]])
    array([[ 2., -2.],
           [-2.,  2.]])
    """
    rows = _variables(x, rowvar)
    if y is not None:
        rows = concatenate([rows, _variables(y, rowvar)], axis=0)
    count = shape_of(rows)[1]
    ddof = (0 if bias else 1) if ddof is None else ddof
    if fweights is None and aweights is None:
        deviation = subtract(rows, reduction.mean(rows, axis=1, keepdims=True))
        covariance = divide(matmul(deviation, transpose(deviation)), count - ddof)
    else:
        weights = multiply(1.0 if fweights is None else fweights, 1.0 if aweights is None else aweights)
        weights = broadcast_to(weights, shape=(count,))
        total = reduction.sum(weights)
        deviation = subtract(rows, expand_dims(divide(matmul(rows, weights), total), 1))
        squares = reduction.sum(weights if aweights is None else multiply(weights, aweights))
        freedom = subtract(total, multiply(ddof, divide(squares, total)))
        covariance = divide(matmul(deviation, transpose(multiply(deviation, weights))), freedom)
    shape = shape_of(covariance)
    return reshape(covariance, shape=()) if shape == (1, 1) else covariance


def _variables(x: Array, rowvar: bool) -> Array:
    shape = shape_of(x)
    if len(shape) > 2:
        raise ArgumentError("cov", "has more than two axes", expected="variables and observations", got=shape)
    if len(shape) < 2:
        return reshape(x, shape=(1, -1))
    return x if rowvar or shape[0] == 1 else transpose(x)


@composite
def corrcoef(x: Array, y: Array | None = None, rowvar: Flag = True) -> Array:
    """The correlation coefficients of variables: `cov`, divided by the standard deviations of both.

    Examples
    --------
    >>> corrcoef([[0.0, 2.0], [2.0, 0.0]]).round(12)
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    covariance = cov(x, y, rowvar)
    if not shape_of(covariance):
        return divide(covariance, covariance)
    diagonal = np.arange(shape_of(covariance)[0])
    deviation = sqrt(getitem(covariance, index=(diagonal, diagonal)))
    return clip(divide(divide(covariance, expand_dims(deviation, 1)), expand_dims(deviation, 0)), min=-1, max=1)


# --- quantiles --------------------------------------------------------------------------------

Method: TypeAlias = Literal["linear", "lower", "higher", "nearest", "midpoint"]

_NEIGHBOURS: Final = {"linear": None, "lower": floor, "higher": ceil, "nearest": rint, "midpoint": None}
"""How to compute a quantile between two elements."""


@composite
def quantile(x: Array, q: Any, axis: Axis = None, method: Method = "linear", keepdims: Flag = False) -> Array:
    """The number below which a fraction ``q`` of the elements along ``axis`` lie.

    Parameters
    ----------
    x : array
    q : number or array of numbers from 0 to 1
        Its axes come first in the result. It has no gradient.
    axis : int, tuple of int, optional
    method : str
        The result between two elements: ``"linear"``, ``"lower"``, ``"higher"``, ``"nearest"`` or
        ``"midpoint"``, as in `numpy.quantile`.
    keepdims : bool

    Examples
    --------
    >>> quantile([1.0, 2.0, 3.0, 4.0], [0.0, 0.5])
    array([1. , 2.5])
    """
    return _quantile("quantile", x, q, axis, method, keepdims, of_numbers=False)


@composite
def nanquantile(x: Array, q: Any, axis: Axis = None, method: Method = "linear", keepdims: Flag = False) -> Array:
    """`quantile` of the elements that are not NaN.

    Examples
    --------
    >>> float(nanquantile([1.0, np.nan, 4.0], 0.5))
    2.5
    """
    return _quantile("nanquantile", x, q, axis, method, keepdims, of_numbers=True)


@composite
def percentile(x: Array, q: Any, axis: Axis = None, method: Method = "linear", keepdims: Flag = False) -> Array:
    """`quantile` with ``q`` in percent.

    Examples
    --------
    >>> float(percentile([1.0, 2.0, 3.0, 4.0], 50))
    2.5
    """
    return _quantile("percentile", x, np.divide(q, 100), axis, method, keepdims, of_numbers=False)


@composite
def nanpercentile(x: Array, q: Any, axis: Axis = None, method: Method = "linear", keepdims: Flag = False) -> Array:
    """`percentile` of the elements that are not NaN.

    Examples
    --------
    >>> float(nanpercentile([1.0, np.nan, 4.0], 50))
    2.5
    """
    return _quantile("nanpercentile", x, np.divide(q, 100), axis, method, keepdims, of_numbers=True)


@composite
def median(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The middle element along ``axis``, or the mean of the two in the middle.

    Examples
    --------
    >>> float(median([4.0, 1.0, 3.0, 2.0]))
    2.5
    """
    return _quantile("median", x, 0.5, axis, "midpoint", keepdims, of_numbers=False)


@composite
def nanmedian(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """`median` of the elements that are not NaN.

    Examples
    --------
    >>> float(nanmedian([4.0, 1.0, np.nan]))
    2.5
    """
    return _quantile("nanmedian", x, 0.5, axis, "midpoint", keepdims, of_numbers=True)


def _quantile(where_: str, x: Array, q: Any, axis: Axis, method: str, keepdims: bool, *, of_numbers: bool) -> Array:
    q = np.asarray(q, float)
    if not np.all((q >= 0) & (q <= 1)):
        raise ArgumentError(where_, "q is out of range", expected="from 0 to 1, or 100 %", got=q)
    if dtype_of(x).kind != "f":
        x = astype(x, dtype=np.float64)
    shape = shape_of(x)
    axes = axes_of(shape, axis)
    last = tuple(range(-len(axes), 0))
    count = reduction.count(shape, axis)
    if not count:
        raise ArgumentError(where_, "there is nothing to take it of", expected="elements", got=f"shape {shape}")
    rest = reduced_shape(shape, axis, keepdims=False)
    lines = sort(reshape(moveaxis(x, axes, last), shape=(*rest, count)), axis=-1)  # NaNs are last
    numbers = reduction.sum(logical_not(isnan(lines)), axis=-1, keepdims=True) if of_numbers else count
    position = multiply(q.reshape(-1), maximum(subtract(numbers, 1), 0))  # (..., Q)
    found = _between(lines, broadcast_to(position, shape=(*rest, q.size)), method)
    if not of_numbers:
        found = where(isnan(getitem(lines, index=(..., slice(-1, None)))), np.nan, found)
    kept = reduced_shape(shape, axis, keepdims)
    return reshape(moveaxis(found, -1, 0), shape=(*q.shape, *kept))


def _between(lines: Array, position: Array, method: str) -> Array:
    """Return the value at a position, in elements, of sorted lines."""
    rounding = _NEIGHBOURS[method]
    if rounding is not None:
        return take_along_axis(lines, astype(rounding(position), dtype=np.intp), axis=-1)
    below, above = (astype(whole, dtype=np.intp) for whole in (floor(position), ceil(position)))
    first, second = take_along_axis(lines, below, axis=-1), take_along_axis(lines, above, axis=-1)
    if method == "midpoint":
        return divide(add(first, second), 2)
    share = astype(subtract(position, below), dtype=dtype_of(lines))
    return where(equal(below, above), first, add(multiply(first, subtract(1, share)), multiply(second, share)))


# --- without NaNs -----------------------------------------------------------------------------


@composite
def nansum(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The sum along ``axis`` of the elements that are not NaN.

    Examples
    --------
    >>> float(nansum([1.0, np.nan, 2.0]))
    3.0
    """
    return reduction.sum(where(isnan(x), 0, x), axis=axis, keepdims=keepdims)


@composite
def nanprod(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The product along ``axis`` of the elements that are not NaN.

    Examples
    --------
    >>> float(nanprod([3.0, np.nan, 2.0]))
    6.0
    """
    return reduction.prod(where(isnan(x), 1, x), axis=axis, keepdims=keepdims)


@composite
def nancumsum(x: Array, axis: OneAxis = None) -> Array:
    """The running sum along ``axis``, with NaNs as 0.

    Examples
    --------
    >>> nancumsum([1.0, np.nan, 2.0])
    array([1., 1., 3.])
    """
    return reduction.cumsum(where(isnan(x), 0, x), axis=axis)


@composite
def nancumprod(x: Array, axis: OneAxis = None) -> Array:
    """The running product along ``axis``, with NaNs as 1.

    Examples
    --------
    >>> nancumprod([3.0, np.nan, 2.0])
    array([3., 3., 6.])
    """
    return reduction.cumprod(where(isnan(x), 1, x), axis=axis)


@composite
def nanmean(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The mean along ``axis`` of the elements that are not NaN.

    Examples
    --------
    >>> float(nanmean([1.0, np.nan, 3.0]))
    2.0
    """
    return divide(nansum(x, axis, keepdims), _numbers(x, axis, keepdims))


@composite
def nanvar(x: Array, axis: Axis = None, ddof: Number = 0, keepdims: Flag = False) -> Array:
    """The variance along ``axis`` of the elements that are not NaN.

    Examples
    --------
    >>> float(nanvar([1.0, np.nan, 3.0]))
    1.0
    """
    deviation = where(isnan(x), 0, subtract(x, nanmean(x, axis, keepdims=True)))
    squares = reduction.sum(square(deviation), axis=axis, keepdims=keepdims)
    return divide(squares, subtract(_numbers(x, axis, keepdims), ddof))


@composite
def nanstd(x: Array, axis: Axis = None, ddof: Number = 0, keepdims: Flag = False) -> Array:
    """The standard deviation along ``axis`` of the elements that are not NaN.

    Examples
    --------
    >>> float(nanstd([1.0, np.nan, 3.0]))
    1.0
    """
    return sqrt(nanvar(x, axis, ddof, keepdims))


@composite
def nanmax(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The largest element along ``axis`` that is not NaN.

    Examples
    --------
    >>> float(nanmax([1.0, np.nan, 3.0]))
    3.0
    """
    found = reduction.max(where(isnan(x), -np.inf, x), axis=axis, keepdims=keepdims)
    return where(reduction.all(isnan(x), axis=axis, keepdims=keepdims), np.nan, found)


@composite
def nanmin(x: Array, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The smallest element along ``axis`` that is not NaN.

    Examples
    --------
    >>> float(nanmin([1.0, np.nan, 3.0]))
    1.0
    """
    found = reduction.min(where(isnan(x), np.inf, x), axis=axis, keepdims=keepdims)
    return where(reduction.all(isnan(x), axis=axis, keepdims=keepdims), np.nan, found)


def _numbers(x: Array, axis: Axis, keepdims: bool) -> Array:
    """Return the number of elements along ``axis`` that are not NaN, in the dtype of ``x``."""
    count = reduction.sum(logical_not(isnan(x)), axis=axis, keepdims=keepdims)
    return astype(count, dtype=dtype_of(x)) if dtype_of(x).kind == "f" else count
