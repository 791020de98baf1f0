"""Joining and splitting arrays, and spreading them over grids: functions composed of shaping and indexing."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, dtype_of, shape_of
from autograd_cnn.errors import ArgumentError
from autograd_cnn.ops.elementwise import astype
from autograd_cnn.ops.indexing import getitem, split, take
from autograd_cnn.ops.shaping import broadcast_to, concatenate, expand_dims, flip, moveaxis, reshape, stack, swapaxes
from autograd_cnn.parameters import Axes, Count, Flag, OneAxis, Sections

__all__ = [
    "append",
    "apply_along_axis",
    "apply_over_axes",
    "array_split",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block",
    "broadcast_arrays",
    "column_stack",
    "delete",
    "dsplit",
    "dstack",
    "fliplr",
    "flipud",
    "hsplit",
    "hstack",
    "insert",
    "matrix_transpose",
    "meshgrid",
    "ravel",
    "resize",
    "rollaxis",
    "rot90",
    "unstack",
    "vsplit",
    "vstack",
]

# --- joining ----------------------------------------------------------------------------------


@composite
def atleast_1d(*arrays: Array) -> Any:
    """The arrays, with scalars as 1-D arrays; a single one is returned without a tuple.

    Examples
    --------
    >>> atleast_1d(2.0)
    array([2.])
    """
    return _each(lambda x: x if shape_of(x) else reshape(x, shape=1), arrays)


@composite
def atleast_2d(*arrays: Array) -> Any:
    """The arrays, with 1-D arrays as rows; a single one is returned without a tuple.

    Examples
    --------
    >>> atleast_2d([1.0, 2.0])
    array([[1., 2.]])
    """
    return _each(lambda x: reshape(x, shape=(1,) * (2 - len(shape_of(x))) + shape_of(x)), arrays)


@composite
def atleast_3d(*arrays: Array) -> Any:
    """The arrays with at least three axes: (N,) as (1, N, 1), (M, N) as (M, N, 1); a single one is returned without a tuple.

    Examples
    --------
    >>> atleast_3d(np.zeros((2, 3))).shape
    (2, 3, 1)
    """
    return _each(_with_depth, arrays)


def _with_depth(x: Array) -> Array:
    shape = shape_of(x)
    return reshape(x, shape=((1, *shape, 1) if len(shape) == 1 else (*shape, 1, 1, 1))[: max(3, len(shape))])


def _each(function: Callable[[Array], Array], arrays: Sequence[Array]) -> Any:
    found = tuple(map(function, arrays))
    return found[0] if len(found) == 1 else found


@composite
def hstack(arrays: Sequence[Array]) -> Array:
    """Join arrays side by side: along axis 1, or 0 where they are 1-D.

    Examples
    --------
    >>> hstack([[1.0, 2.0], 3.0])
    array([1., 2., 3.])
    """
    arrays = [atleast_1d(x) for x in arrays]
    return concatenate(arrays, axis=0 if arrays and len(shape_of(arrays[0])) == 1 else 1)


@composite
def vstack(arrays: Sequence[Array]) -> Array:
    """Join arrays vertically: along axis 0, with 1-D ones as rows.

    Examples
    --------
    >>> vstack([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [3., 4.]])
    """
    return concatenate([atleast_2d(x) for x in arrays], axis=0)


@composite
def dstack(arrays: Sequence[Array]) -> Array:
    """Join arrays in depth: along axis 2, as `atleast_3d` returns them.

    Examples
    --------
    >>> dstack([[1.0, 2.0], [3.0, 4.0]])
    array([[[1., 3.],
            [2., 4.]]])
    """
    return concatenate([atleast_3d(x) for x in arrays], axis=2)


@composite
def column_stack(arrays: Sequence[Array]) -> Array:
    """Join arrays side by side, with 1-D ones as columns.

    Examples
    --------
    >>> column_stack([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    return concatenate([x if len(shape_of(x)) > 1 else reshape(x, shape=(-1, 1)) for x in arrays], axis=1)


@composite
def block(arrays: Any) -> Array:
    """Join nested lists of blocks: the innermost along the last axis, the next along the one before, and so on.

    Examples
    --------
    >>> block([[np.ones((1, 1)), np.zeros((1, 2))], [np.zeros((1, 3))]])
    array([[1., 0., 0.],
           [0., 0., 0.]])
    """
    depth = _depth(arrays)
    rank = max(depth, *(len(shape_of(x)) for x in _leaves(arrays)))
    return _block(arrays, -depth, rank)


def _block(arrays: Any, axis: int, rank: int) -> Array:
    if isinstance(arrays, list):
        return concatenate([_block(each, axis + 1, rank) for each in arrays], axis=axis)
    shape = shape_of(arrays)
    return reshape(arrays, shape=(1,) * (rank - len(shape)) + shape)


def _depth(arrays: Any) -> int:
    depths = {_depth(each) for each in arrays} if isinstance(arrays, list) else {-1}
    if len(depths) != 1:
        problem = "the lists are not nested alike"
        got = ", ".join(map(str, sorted(depths))) or "an empty list"
        raise ArgumentError("block", problem, expected="lists of blocks at one depth, none empty", got=got)
    return depths.pop() + 1


def _leaves(arrays: Any) -> Iterable[Array]:
    return chain.from_iterable(map(_leaves, arrays)) if isinstance(arrays, list) else [arrays]


@composite
def append(x: Array, values: Array, axis: OneAxis = None) -> Array:
    """``x`` with values appended along ``axis``; by default, both flattened.

    Examples
    --------
    >>> append([1.0, 2.0], 3.0)
    array([1., 2., 3.])
    """
    return concatenate([x, values], axis=axis)


# --- by rearranging indices -------------------------------------------------------------------


def rearranged(function: Callable[..., Any], *arrays: Array) -> Array:
    """Gather elements of arrays in the order in which a NumPy function arranges their indices."""
    flat = [reshape(x, shape=-1) for x in arrays]
    ends = np.cumsum([0, *(shape_of(x)[0] for x in flat)])
    positions = [np.arange(a, b).reshape(shape_of(x)) for a, b, x in zip(ends, ends[1:], arrays, strict=False)]
    return take(flat[0] if len(flat) == 1 else concatenate(flat), function(*positions))


@composite
def insert(x: Array, obj: Any, values: Array, axis: OneAxis = None) -> Array:
    """``x`` with values inserted before the positions ``obj`` along ``axis``; by default, of the flattened ``x``.

    Examples
    --------
    >>> insert([1.0, 2.0], 1, 9.0)
    array([1., 9., 2.])
    """
    values = astype(values, dtype=dtype_of(x))
    return rearranged(lambda positions, added: np.insert(positions, obj, added, axis), x, values)


@composite
def delete(x: Array, obj: Any, axis: OneAxis = None) -> Array:
    """``x`` without the positions ``obj`` along ``axis``; by default, of the flattened ``x``.

    Examples
    --------
    >>> delete([1.0, 9.0, 2.0], 1)
    array([1., 2.])
    """
    length = shape_of(x)[axis] if axis is not None else int(np.prod(shape_of(x), dtype=int))
    return take(x, np.delete(np.arange(length), obj), axis=axis)


@composite
def resize(x: Array, new_shape: Axes) -> Array:
    """The elements of ``x``, repeated to fill a shape.

    Examples
    --------
    >>> resize([1.0, 2.0, 3.0], (2, 2))
    array([[1., 2.],
           [3., 1.]])
    """
    return rearranged(lambda positions: np.resize(positions, new_shape), x)


# --- splitting --------------------------------------------------------------------------------


@composite
def array_split(x: Array, indices_or_sections: Sections, axis: Count = 0) -> list[Array]:
    """``x`` split along ``axis`` into sections whose lengths differ by at most one, or before the given indices.

    Examples
    --------
    >>> array_split([1.0, 2.0, 3.0], 2)
    [array([1., 2.]), array([3.])]
    """
    shape = shape_of(x)
    if isinstance(indices_or_sections, int):
        parts = np.array_split(np.arange(shape[normalize_axis_index(axis, len(shape))]), indices_or_sections)
        indices_or_sections = np.cumsum([len(part) for part in parts])[:-1]
    return split(x, indices_or_sections, axis=axis)


@composite
def hsplit(x: Array, indices_or_sections: Sections) -> list[Array]:
    """``x`` split along axis 1, or 0 where it is 1-D; see `split`.

    Examples
    --------
    >>> hsplit([1.0, 2.0], 2)
    [array([1.]), array([2.])]
    """
    return split(x, indices_or_sections, axis=0 if len(shape_of(x)) == 1 else 1)


@composite
def vsplit(x: Array, indices_or_sections: Sections) -> list[Array]:
    """``x`` split along axis 0 of two or more; see `split`.

    Examples
    --------
    >>> vsplit([[1.0], [2.0]], 2)
    [array([[1.]]), array([[2.]])]
    """
    _check_rank("vsplit", x, 2)
    return split(x, indices_or_sections, axis=0)


@composite
def dsplit(x: Array, indices_or_sections: Sections) -> list[Array]:
    """``x`` split along axis 2 of three or more; see `split`.

    Examples
    --------
    >>> dsplit([[[1.0, 2.0]]], 2)
    [array([[[1.]]]), array([[[2.]]])]
    """
    _check_rank("dsplit", x, 3)
    return split(x, indices_or_sections, axis=2)


def _check_rank(where: str, x: Array, rank: int) -> None:
    if len(shape_of(x)) < rank:
        raise ArgumentError(where, "x has too few axes", expected=f"at least {rank}", got=shape_of(x))


@composite
def unstack(x: Array, axis: Count = 0) -> tuple[Array, ...]:
    """The slices of ``x`` along ``axis``: the inverse of `stack`.

    Examples
    --------
    >>> unstack([[1.0, 2.0], [3.0, 4.0]], axis=1)
    (array([1., 3.]), array([2., 4.]))
    """
    shape = shape_of(x)
    lead = (slice(None),) * normalize_axis_index(axis, len(shape))
    return tuple(getitem(x, index=(*lead, i)) for i in range(shape[len(lead)]))


# --- flipping and rotating --------------------------------------------------------------------


@composite
def ravel(x: Array, order: str = "C") -> Array:
    """``x`` flattened to one axis, row by row.

    Examples
    --------
    >>> ravel([[1.0, 2.0], [3.0, 4.0]])
    array([1., 2., 3., 4.])
    """
    if order not in ("C", "A", "K"):  # NumPy's "A" and "K" are about the memory layout, which a tensor does not have
        raise ArgumentError("ravel", "order is unknown", expected="'C'", got=repr(order))
    return reshape(x, shape=-1)


@composite
def fliplr(x: Array) -> Array:
    """``x`` with its columns in reverse order: `flip` along axis 1.

    Examples
    --------
    >>> fliplr([[1.0, 2.0]])
    array([[2., 1.]])
    """
    return flip(x, axis=1)


@composite
def flipud(x: Array) -> Array:
    """``x`` with its rows in reverse order: `flip` along axis 0.

    Examples
    --------
    >>> flipud([[1.0], [2.0]])
    array([[2.],
           [1.]])
    """
    return flip(x, axis=0)


@composite
def rot90(x: Array, k: Count = 1, axes: Axes = (0, 1)) -> Array:
    """``x`` rotated ``k`` times by 90° in the plane of two axes, from the first towards the second.

    Examples
    --------
    >>> rot90([[1.0, 2.0], [3.0, 4.0]])
    array([[2., 4.],
           [1., 3.]])
    """
    first, second = (normalize_axis_index(a, len(shape_of(x))) for a in axes)  # type: ignore[union-attr]  # a pair
    if first == second:
        raise ArgumentError("rot90", "axes are the same", expected="two", got=axes)
    if k % 2 == 0:
        return flip(x, axis=(first, second) if k % 4 else ())
    turned = swapaxes(x, first, second)
    return flip(turned, axis=first if k % 4 == 1 else second)


@composite
def matrix_transpose(x: Array) -> Array:
    """``x`` with its last two axes exchanged.

    Examples
    --------
    >>> matrix_transpose(np.zeros((2, 3, 4))).shape
    (2, 4, 3)
    """
    _check_rank("matrix_transpose", x, 2)
    return swapaxes(x, -1, -2)


@composite
def rollaxis(x: Array, axis: Count, start: Count = 0) -> Array:
    """``x`` with an axis moved before the axis ``start``; `moveaxis` is easier to read.

    Examples
    --------
    >>> rollaxis(np.zeros((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    rank = len(shape_of(x))
    axis = normalize_axis_index(axis, rank)
    start = start if start == rank else normalize_axis_index(start, rank)
    return moveaxis(x, axis, start - (axis < start))


# --- over grids -------------------------------------------------------------------------------


@composite
def broadcast_arrays(*arrays: Array) -> tuple[Array, ...]:
    """The arrays, each broadcast to their common shape.

    Examples
    --------
    >>> broadcast_arrays(1.0, [2.0, 3.0])
    (array([1., 1.]), array([2., 3.]))
    """
    shape = np.broadcast_shapes(*map(shape_of, arrays))
    return tuple(broadcast_to(x, shape=shape) for x in arrays)


@composite
def meshgrid(
    *arrays: Array, indexing: Literal["xy", "ij"] = "xy", sparse: Flag = False, copy: Flag = True
) -> tuple[Array, ...]:
    """The coordinates of a grid: each 1-D array along its own axis, the first two swapped in ``"xy"`` order.

    Without ``sparse`` each is repeated over the whole grid.

    Examples
    --------
    >>> meshgrid([1.0, 2.0], [3.0])
    (array([[1., 2.]]), array([[3., 3.]]))
    """
    rank = len(arrays)
    axes = [1, 0, *range(2, rank)] if indexing == "xy" and rank > 1 else list(range(rank))
    lines = [reshape(x, shape=(1,) * a + (-1,) + (1,) * (rank - a - 1)) for x, a in zip(arrays, axes, strict=True)]
    return tuple(lines) if sparse else broadcast_arrays(*lines)


@composite
def apply_along_axis(func1d: Callable[..., Array], axis: Count, x: Array, *args: Any, **options: Any) -> Array:
    """The result of a function for each line of ``x`` along ``axis``.

    A function that takes whole arrays along an axis is much faster.

    Examples
    --------
    >>> apply_along_axis(lambda line: line[-1] - line[0], 1, np.array([[1.0, 5.0], [2.0, 3.0]]))
    array([4., 1.])
    """
    shape = shape_of(x)
    axis = normalize_axis_index(axis, len(shape))
    rest = shape[:axis] + shape[axis + 1 :]
    lines = reshape(moveaxis(x, axis, -1), shape=(int(np.prod(rest, dtype=int)), shape[axis]))
    found = stack([func1d(getitem(lines, index=i), *args, **options) for i in range(shape_of(lines)[0])])
    inner: Shape = shape_of(found)[1:]
    whole = reshape(found, shape=(*rest, *inner))
    last = range(len(rest), len(rest) + len(inner))
    return moveaxis(whole, tuple(last), tuple(range(axis, axis + len(inner))))


@composite
def apply_over_axes(func: Callable[..., Array], x: Array, axes: Axes) -> Array:
    """The result of reducing along one axis after another, each kept with length 1.

    Examples
    --------
    >>> apply_over_axes(np.sum, np.ones((2, 3)), [0, 1])
    array([[6.]])
    """
    rank = len(shape_of(x))
    for axis in axes if isinstance(axes, Iterable) else (axes,):
        y = func(x, normalize_axis_index(axis, rank))
        x = y if len(shape_of(y)) == rank else expand_dims(y, normalize_axis_index(axis, rank))
    return x
