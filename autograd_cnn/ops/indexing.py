"""Reading and replacing parts of arrays.

`getitem` and `scatter_add` are each other's adjoints, so derivatives of every order stay within
this pair.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from types import EllipsisType, NoneType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray, placeholder
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, dtype_of, shape_of, values_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.engine.trace import reading
from autograd_cnn.errors import OperandError, ShapeError
from autograd_cnn.ops.shaping import broadcast_to, expand_dims, reshape
from autograd_cnn.parameters import Count, Counts, Index, Indices, Lengths, Number, OneAxis, PadWidth, Sections, Widths

__all__ = [
    "bincount",
    "getitem",
    "pad",
    "piecewise",
    "repeat",
    "scatter_add",
    "set_at",
    "split",
    "take",
    "take_along_axis",
]


def _is_basic(index: Index) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(p, (int, slice, EllipsisType, NoneType)) and not isinstance(p, bool) for p in parts)


@primitive(static=True)
def getitem(x: Array, index: Index) -> Array:
    """``x[index]``, with basic or advanced indexing.

    Examples
    --------
    >>> getitem([1.0, 2.0, 3.0], [0, 0, 2])
    array([1., 1., 3.])
    """
    return np.asarray(x)[index]


@getitem.shape
def getitem_shape(x: AbstractArray, *, index: Index) -> Shape:
    return placeholder(x.shape)[index].shape


@getitem.vjp("x")
def getitem_vjp_x(g: Array, *, x_shape: Shape, index: Index) -> Array:
    return scatter_add(g, index=index, shape=x_shape)


@primitive(static=True)
def scatter_add(x: Array, index: Index, shape: Lengths) -> Array:
    """Add ``x`` at ``index`` to zeros of ``shape``; a position that occurs twice is added to twice.

    Examples
    --------
    >>> scatter_add([1.0, 10.0, 5.0], [0, 0, 2], (4,))
    array([11.,  0.,  5.,  0.])
    """
    x = np.asarray(x)
    total = np.zeros(shape, x.dtype)
    if _is_basic(index):
        part = total[index]
        if np.shape(part) == x.shape and isinstance(part, np.ndarray):
            kernels.copyto(part, x)
        else:
            total[index] = x
    elif (rows := _rows_of(index, total.shape)) is not None and x.shape == rows.taken:
        x = x.reshape(rows.before, rows.index.size, rows.after)
        return kernels.scatter_add(x, rows.index.reshape(-1), rows.length).reshape(total.shape)
    else:
        np.add.at(total, index, x)
    return total


class _Rows(NamedTuple):
    """An index into the middle one of three axes: the length of the first, and that of the middle one."""

    before: int
    index: Array
    length: int
    after: int
    taken: Shape  # of the result


def _rows_of(index: Index, shape: Shape) -> _Rows | None:
    """Return the index for adjacent axes that are indexed by integer arrays, merged into one axis.

    None for any other index, or one that is out of range.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    while parts and _is_whole(parts[-1]):
        parts.pop()
    first = next((i for i, part in enumerate(parts) if not _is_whole(part)), len(parts))
    arrays, flat = parts[first:], np.zeros((), np.int64)
    if not arrays or not all(isinstance(part, np.ndarray) and part.dtype.kind in "iu" for part in arrays):
        return None
    for part, n in zip(arrays, shape[first:], strict=False):
        least, most = (part.min(), part.max()) if part.size else (0, 0)
        if least < -n or most >= n:
            return None
        positions = part.astype(np.int64, copy=False)
        positions = np.where(positions < 0, positions + n, positions) if least < 0 else positions
        flat = flat * n + positions
    last = first + len(arrays)
    before, length, after = map(math.prod, (shape[:first], shape[first:last], shape[last:]))
    return _Rows(before, flat, length, after, (*shape[:first], *flat.shape, *shape[last:]))


def _is_whole(part: Any) -> bool:
    return isinstance(part, slice) and part == slice(None)


@scatter_add.shape
def scatter_add_shape(x: AbstractArray, *, index: Index, shape: Lengths) -> Shape:
    whole = AbstractArray((shape,) if isinstance(shape, int) else shape)
    _check_fits(x.shape, getitem_shape(whole, index=index))
    return whole.shape


@scatter_add.vjp("x")
def scatter_add_vjp_x(g: Array, *, index: Index) -> Array:
    return getitem(g, index=index)


@primitive
def set_at(x: Array, values: Array, index: Index) -> Array:
    """A copy of ``x`` with ``values`` at ``index``; if a position occurs twice, the last value is kept.

    Raises
    ------
    OperandError
        If the dtype of ``x`` can't hold the values, for example integers for floats.

    Examples
    --------
    >>> set_at([1.0, 2.0, 3.0], 0.0, 1)
    array([1., 0., 3.])
    """
    changed = np.array(x)
    _check_holds("set_at", changed.dtype, values)
    changed[index] = values
    return changed


def _first_dtype(x: AbstractArray, values: AbstractArray) -> np.dtype[Any]:  # which x has to hold
    return x.dtype


@set_at.shape(dtype=_first_dtype)
def set_at_shape(x: AbstractArray, values: AbstractArray, *, index: Index) -> Shape:
    if {x.dtype.kind, values.dtype.kind} - set("biu"):  # whether integers fit depends on their values
        _check_kind("set_at", x.dtype, values.dtype)
    _check_fits(values.shape, getitem_shape(x, index=index))
    return x.shape


def _check_fits(values: Shape, target: Shape) -> None:
    """Raise NumPy's error unless values of this shape can be assigned to a target of that shape."""
    added = max(len(values) - len(target), 0)  # NumPy drops leading axes of length 1
    fits = all(n in (1, m) for n, m in zip(reversed(values[added:]), reversed(target), strict=False))
    if not fits or set(values[:added]) - {1}:
        raise ValueError(f"could not broadcast input array from shape {values} into shape {target}")


def _check_holds(where: str, dtype: np.dtype[Any], values: Any) -> None:
    if dtype.kind in "biu" and np.result_type(values).kind in "iu" and np.size(values):
        least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        if least <= np.min(values) and np.max(values) <= most:
            return
        raise OperandError(where, "x can't hold the values", expected=f"{least} to {most}",
                           got=f"{np.min(values)} to {np.max(values)}", hint="convert x with .astype first")  # fmt: skip
    _check_kind(where, dtype, np.result_type(values))


def _check_kind(where: str, dtype: np.dtype[Any], values: np.dtype[Any]) -> None:
    if not np.can_cast(values, dtype, "same_kind"):
        problem = "x can't hold the values"
        expected = f"values of the kind of {dtype}"
        raise OperandError(where, problem, expected=expected, got=values, hint="convert x with .astype first")


@set_at.vjp("x")
def set_at_vjp_x(g: Array, *, index: Index) -> Array:
    return set_at(g, 0, index=index)


@set_at.vjp("values")
def set_at_vjp_values(g: Array, *, x_shape: Shape, values_shape: Shape, index: Index) -> Array:
    read = getitem(g, index=index)
    if len(values_shape) > len(read.shape):  # NumPy drops leading axes of length 1
        read = reshape(read, shape=(1,) * (len(values_shape) - len(read.shape)) + read.shape)
    return read if _is_basic(index) else read * _stayed(x_shape, index)


def _stayed(shape: Shape, index: Index) -> Array:
    """Return which of the elements written at ``index`` were not overwritten by a later one."""
    writer = np.empty(shape, int)
    count = writer[index].size
    order = np.arange(count).reshape(writer[index].shape)
    writer[index] = order
    return writer[index] == order


# --- functions made of these ------------------------------------------------------------------


@composite
def take(x: Array, indices: Indices, axis: OneAxis = None) -> Array:
    """The slices of ``x`` at ``indices`` along ``axis``; by default, elements of the flattened ``x``.

    Examples
    --------
    >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 1], axis=0)
    array([[3., 4.],
           [3., 4.]])
    """
    if axis is None or not shape_of(x):  # NumPy treats a scalar as a row of one
        x, axis = reshape(x, shape=-1), axis or 0
    lead = (slice(None),) * normalize_axis_index(axis, len(shape_of(x)))
    return getitem(x, index=(*lead, indices))


@composite
def take_along_axis(x: Array, indices: Indices, axis: OneAxis = -1) -> Array:
    """From each line of ``x`` along ``axis``, the elements at the positions given by the same line of ``indices``.

    If ``axis`` is None, ``x`` is flattened first.

    Examples
    --------
    >>> take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]], axis=1)
    array([[2.],
           [3.]])
    """
    if axis is None:
        x, axis = reshape(x, shape=-1), 0
    shape = shape_of(x)
    if indices.ndim != len(shape):
        problem = "indices and x differ in rank"
        raise ShapeError("take_along_axis", problem, expected=f"{len(shape)} axes", got=f"shape {indices.shape}")
    positions = list(np.ogrid[tuple(slice(n) for n in shape)])
    positions[normalize_axis_index(axis, len(shape))] = indices
    return getitem(x, index=tuple(positions))


@composite
def split(x: Array, indices_or_sections: Sections, axis: Count = 0) -> list[Array]:
    """``x`` split along ``axis`` into equal sections, or before the given indices.

    Examples
    --------
    >>> split([1.0, 2.0, 3.0, 4.0], 2)
    [array([1., 2.]), array([3., 4.])]
    """
    shape = shape_of(x)
    axis = normalize_axis_index(axis, len(shape))
    lead = (slice(None),) * axis
    cuts = np.split(np.arange(shape[axis]), indices_or_sections)
    starts = np.cumsum([0] + [len(cut) for cut in cuts])
    return [getitem(x, index=(*lead, slice(int(a), int(b)))) for a, b in pairwise(starts)]


@composite
def repeat(x: Array, repeats: Counts, axis: OneAxis = None) -> Array:
    """``x`` with each element repeated along ``axis``; by default, the flattened ``x``.

    Examples
    --------
    >>> repeat([1.0, 2.0], 2)
    array([1., 1., 2., 2.])
    """
    if axis is None or not shape_of(x):  # NumPy treats a scalar as a row of one
        x, axis = reshape(x, shape=-1), 0 if axis is None else axis
    shape = shape_of(x)
    axis = normalize_axis_index(axis, len(shape))
    if not isinstance(repeats, int):
        return take(x, np.repeat(np.arange(shape[axis]), repeats), axis)
    laid = broadcast_to(expand_dims(x, axis + 1), shape=(*shape[: axis + 1], repeats, *shape[axis + 1 :]))
    return reshape(laid, shape=(*shape[:axis], shape[axis] * repeats, *shape[axis + 1 :]))


@composite
def bincount(x: Indices, weights: Array | None = None, minlength: Count = 0) -> Array:
    """The count of each integer from 0 on in ``x``, or the sum of its weights.

    Examples
    --------
    >>> bincount([0, 2, 2], [1.0, 10.0, 5.0])
    array([ 1.,  0., 15.])
    """
    counts = np.bincount(x, minlength=minlength)
    if weights is None:
        return counts
    if shape_of(weights) != x.shape:
        raise ShapeError("bincount", "weights do not fit x", expected=x.shape, got=shape_of(weights))
    return scatter_add(weights, index=x, shape=counts.shape)


@composite
def piecewise(x: Array, condlist: Any, funclist: Sequence[Any], *args: Any, **options: Any) -> Array:
    """The results of functions, or numbers, where their conditions hold; each function gets only those elements.

    If several conditions hold, the last one counts. An additional last function is for all other elements; without it,
    these are 0. The functions also get ``args`` and ``options``.

    Examples
    --------
    >>> piecewise(np.array([-2.0, 3.0]), [np.array([True, False])], [np.negative, 7.0])
    array([2., 7.])
    """
    masks = condlist if isinstance(condlist, list) else [condlist]
    masks = [np.broadcast_to(_known("piecewise", mask), shape_of(x)) for mask in masks]
    if len(funclist) == len(masks) + 1:
        masks.append(~np.logical_or.reduce(masks))
    y: Array = np.zeros(shape_of(x), dtype_of(x))
    for mask, function in zip(masks, funclist, strict=True):
        if mask.any():
            y = set_at(
                y, function(getitem(x, index=mask), *args, **options) if callable(function) else function, index=mask
            )
    return y


def _known(where: str, x: Array) -> Array:
    """Return the values that determine shapes; a compiled step can't know them."""
    reading(where, x)
    return values_of(x)


# --- padding ----------------------------------------------------------------------------------


@primitive(static=True)
def _pad(x: Array, pad_width: Widths, constant_values: Number = 0) -> Array:
    x = np.asarray(x)
    shape = pad_shape(x, pad_width=pad_width, constant_values=constant_values)
    y = np.full(shape, constant_values, x.dtype) if constant_values else np.zeros(shape, x.dtype)  # which is faster
    kernels.copyto(y[_inside(x.shape, pad_width)], x)
    return y


@_pad.shape
def pad_shape(x: AbstractArray, *, pad_width: Widths, constant_values: Number) -> Shape:
    _check_holds("pad", x.dtype, constant_values)
    return tuple(before + n + after for n, (before, after) in zip(x.shape, pad_width, strict=True))


@_pad.vjp("x")
def pad_vjp_x(g: Array, *, x_shape: Shape, pad_width: Widths) -> Array:
    return g[_inside(x_shape, pad_width)]


def _inside(shape: Shape, pad_width: Widths) -> tuple[slice, ...]:
    return tuple([slice(before, before + n) for n, (before, _) in zip(shape, pad_width, strict=True)])


@composite
def pad(
    x: Array, pad_width: PadWidth, mode: Literal["constant", "edge", "reflect", "symmetric", "wrap"] = "constant",
    constant_values: Number = 0,
) -> Array:  # fmt: skip
    """``x`` with elements added before and after, along each axis.

    Parameters
    ----------
    x : array
        What to pad.
    pad_width : int, pair, or sequence of pairs
        The number of elements before and after, for all axes or for each axis.
    mode : str
        ``"constant"``, or a mode of `numpy.pad` that repeats elements of ``x``: ``"edge"``,
        ``"reflect"``, ``"symmetric"``, ``"wrap"``.
    constant_values : float
        The value in the constant mode.

    Examples
    --------
    >>> pad([1.0, 2.0], 1)
    array([0., 1., 2., 0.])
    >>> pad([1.0, 2.0, 3.0], (0, 2), mode="reflect")
    array([1., 2., 3., 2., 1.])
    """
    shape = shape_of(x)
    if not shape:  # a scalar has no sides
        return reshape(x, shape=())
    widths = tuple(map(tuple, np.broadcast_to(pad_width, (len(shape), 2)).tolist()))
    if mode == "constant":
        return _pad(x, pad_width=widths, constant_values=constant_values)
    picked = [np.pad(np.arange(n), width, mode=mode) for n, width in zip(shape, widths, strict=True)]
    return getitem(x, index=np.ix_(*picked))
