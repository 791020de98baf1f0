"""Reading and replacing parts of arrays.

`getitem` and `scatter_add` are each other's adjoints, so derivatives of every order stay within
the pair.
"""

from itertools import pairwise
from types import EllipsisType, NoneType
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_cnn.errors import ArgumentError, ShapeError, sentence
from autograd_cnn.ops.shaping import broadcast_to, expand_dims, reshape
from autograd_cnn.primitive import primitive
from autograd_cnn.spelling import spelled
from autograd_cnn.tape import Array, Shape, shape_of

Index: TypeAlias = Any
"""What NumPy takes between the brackets: ints, slices, None, Ellipsis, arrays, or a tuple of them."""


def _is_basic(index: Index) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(p, (int, np.integer, slice, EllipsisType, NoneType)) for p in parts)


@primitive
def getitem(x: Array, *, index: Index) -> Array:
    """``x[index]``, basic or advanced.

    Examples
    --------
    >>> getitem([1.0, 2.0, 3.0], [0, 0, 2])
    array([1., 1., 3.])
    """
    return np.asarray(x)[index]


@getitem.vjp("x")
def getitem_wrt_x(g: Array, *, x_shape: Shape, index: Index) -> Array:
    return scatter_add(g, index=index, shape=x_shape)


@primitive
def scatter_add(x: Array, *, index: Index, shape: Shape) -> Array:
    """Zeros of ``shape`` with ``x`` added at ``index``; what is named twice is added twice.

    Examples
    --------
    >>> scatter_add([1.0, 10.0, 5.0], [0, 0, 2], (4,))
    array([11.,  0.,  5.,  0.])
    """
    total = np.zeros(shape, np.asarray(x).dtype)
    if _is_basic(index):
        total[index] = x
    else:
        np.add.at(total, index, x)
    return total


@scatter_add.vjp("x")
def scatter_add_wrt_x(g: Array, *, index: Index) -> Array:
    return getitem(g, index=index)


@primitive
def set_at(x: Array, values: Array, *, index: Index) -> Array:
    """A copy of ``x`` with ``values`` at ``index``; where a place is named twice, the last value stays.

    Examples
    --------
    >>> set_at([1.0, 2.0, 3.0], 0.0, 1)
    array([1., 0., 3.])
    """
    changed = np.array(x)
    changed[index] = values
    return changed


@set_at.vjp("x")
def set_at_wrt_x(g: Array, *, index: Index) -> Array:
    return set_at(g, 0, index=index)


@set_at.vjp("values")
def set_at_wrt_values(g: Array, *, x_shape: Shape, index: Index) -> Array:
    read = getitem(g, index=index)
    return read if _is_basic(index) else read * _stayed(x_shape, index)


def _stayed(shape: Shape, index: Index) -> Array:
    """Return which of the elements written at ``index`` no later one has overwritten."""
    writer = np.empty(shape, int)
    count = writer[index].size
    order = np.arange(count).reshape(writer[index].shape)
    writer[index] = order
    return writer[index] == order


# --- made of these ----------------------------------------------------------------------------


@spelled
def take(x: Array, indices: Any, axis: int | None = None) -> Array:
    """The slices of ``x`` that ``indices`` name along ``axis``, by default of the flattened ``x``.

    Examples
    --------
    >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 1], axis=0)
    array([[3., 4.],
           [3., 4.]])
    """
    if axis is None:
        return getitem(reshape(x, shape=-1), index=np.asarray(indices))
    lead = (slice(None),) * normalize_axis_index(axis, len(shape_of(x)))
    return getitem(x, index=(*lead, np.asarray(indices)))


@spelled
def take_along_axis(x: Array, indices: Any, axis: int = -1) -> Array:
    """From each line of ``x`` along ``axis`` the elements that the same line of ``indices`` names.

    Examples
    --------
    >>> take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]], axis=1)
    array([[2.],
           [3.]])
    """
    shape = shape_of(x)
    indices = np.asarray(indices)
    if indices.ndim != len(shape):
        raise ShapeError(
            sentence("take_along_axis", "indices and x differ in rank", expected=f"{len(shape)} axes",
                     got=f"shape {indices.shape}")
        )  # fmt: skip
    places = list(np.ogrid[tuple(slice(n) for n in shape)])
    places[normalize_axis_index(axis, len(shape))] = indices
    return getitem(x, index=tuple(places))


@spelled
def split(x: Array, indices_or_sections: int | list[int], axis: int = 0) -> list[Array]:
    """``x`` cut along ``axis`` into equal sections, or before the given indices.

    Examples
    --------
    >>> split([1.0, 2.0, 3.0, 4.0], 2)
    [array([1., 2.]), array([3., 4.])]
    """
    shape = shape_of(x)
    lead = (slice(None),) * normalize_axis_index(axis, len(shape))
    cuts = np.split(np.arange(shape[axis]), indices_or_sections)
    starts = np.cumsum([0] + [len(cut) for cut in cuts])
    return [getitem(x, index=(*lead, slice(int(a), int(b)))) for a, b in pairwise(starts)]


@spelled
def repeat(x: Array, repeats: Any, axis: int | None = None) -> Array:
    """``x`` with each element repeated in place along ``axis``, by default of the flattened ``x``.

    Examples
    --------
    >>> repeat([1.0, 2.0], 2)
    array([1., 1., 2., 2.])
    """
    if axis is None:
        x, axis = reshape(x, shape=-1), 0
    shape = shape_of(x)
    axis = normalize_axis_index(axis, len(shape))
    if np.ndim(repeats):
        return take(x, np.repeat(np.arange(shape[axis]), repeats), axis)
    times = int(repeats)
    laid = broadcast_to(expand_dims(x, axis + 1), shape=(*shape[: axis + 1], times, *shape[axis + 1 :]))
    return reshape(laid, shape=(*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))


# --- padding ----------------------------------------------------------------------------------


@primitive
def _pad(x: Array, *, pad_width: tuple[tuple[int, int], ...], constant_values: float = 0) -> Array:
    return np.pad(x, pad_width, constant_values=constant_values)


@_pad.vjp("x")
def pad_wrt_x(g: Array, *, x_shape: Shape, pad_width: tuple[tuple[int, int], ...]) -> Array:
    return g[tuple(slice(before, before + n) for (before, _), n in zip(pad_width, x_shape, strict=True))]


def pad(x: Array, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Array:
    """``x`` with elements added before and after, along each axis.

    Parameters
    ----------
    x : array
        What to pad.
    pad_width : int, pair, or sequence of pairs
        How many before and after, for all axes or for each.
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
    widths = tuple((int(b), int(a)) for b, a in np.broadcast_to(np.asarray(pad_width), (len(shape), 2)))
    if mode == "constant":
        return _pad(x, pad_width=widths, constant_values=constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise ArgumentError(
            sentence("pad", "unknown mode", expected="constant, edge, reflect, symmetric or wrap", got=repr(mode))
        )
    picked = [np.pad(np.arange(n), width, mode=mode) for n, width in zip(shape, widths, strict=True)]  # type: ignore[call-overload]  # one of four literals
    return getitem(x, index=np.ix_(*picked))
