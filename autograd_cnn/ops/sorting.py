"""Sorting, and picking elements by their order or by their values.

Gradients of picked elements go back to the elements' positions. The positions themselves have no gradient.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError
from autograd_cnn.ops.indexing import _known, getitem, take, take_along_axis
from autograd_cnn.ops.precision import index_dtype
from autograd_cnn.ops.shaping import reshape
from autograd_cnn.parameters import Counts, Flag, Indices, OneAxis

__all__ = [
    "argpartition",
    "argsort",
    "compress",
    "extract",
    "partition",
    "searchsorted",
    "sort",
    "trim_zeros",
    "unique",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]


def _line_shape(x: AbstractArray, *, axis: int | None) -> Shape:
    if axis is None:
        return (x.size,)
    normalize_axis_index(axis, x.ndim)
    return x.shape


@primitive(constant=True)
def argsort(x: Array, axis: OneAxis = -1, stable: Flag = True) -> Array:
    """The positions that sort ``x`` along ``axis``, by default along the last; no gradient.

    Examples
    --------
    >>> argsort([3.0, 1.0, 2.0])
    array([1, 2, 0])
    """
    return np.argsort(x, axis=axis, kind="stable")


argsort.shape(_line_shape, dtype=index_dtype)


@primitive(residuals=("order",))
def _sort(x: Array, axis: OneAxis) -> tuple[Array, Array]:
    """``x`` in increasing order along ``axis``."""
    order = np.argsort(x, axis=axis, kind="stable")
    return np.take_along_axis(np.asarray(x), order, axis=axis), order


_sort.shape(_line_shape)


@_sort.vjp("x")
def sort_vjp_x(g: Array, *, order: Array, axis: int) -> Array:
    return take_along_axis(g, argsort(order, axis=axis), axis=axis)


@composite
def sort(x: Array, axis: OneAxis = -1, stable: Flag = True) -> Array:
    """``x`` in increasing order along ``axis``, or flattened if it is None; NaNs come last.

    Equal elements keep their order, so each gets its own gradient.

    Examples
    --------
    >>> sort([[3.0, 1.0], [0.0, 2.0]])
    array([[1., 3.],
           [0., 2.]])
    """
    if axis is None:
        x, axis = reshape(x, shape=-1), 0
    return _sort(x, axis=axis)


@composite
def partition(x: Array, kth: Counts, axis: OneAxis = -1) -> Array:
    """``x`` with the element ``kth`` along ``axis`` at its sorted position, with no larger one before and no smaller one after.

    This implementation sorts everything.

    Examples
    --------
    >>> partition([3.0, 1.0, 2.0], 1)
    array([1., 2., 3.])
    """
    _check_kth("partition", x, kth, axis)
    return sort(x, axis=axis)


@composite
def argpartition(x: Array, kth: Counts, axis: OneAxis = -1) -> Array:
    """The positions of `partition`; no gradient.

    Examples
    --------
    >>> argpartition([3.0, 1.0, 2.0], 1)
    array([1, 2, 0])
    """
    _check_kth("argpartition", x, kth, axis)
    return argsort(x, axis=axis)


def _check_kth(where: str, x: Array, kth: Any, axis: int | None) -> None:
    length = int(np.prod(shape_of(x), dtype=int)) if axis is None else shape_of(x)[axis]
    if max(np.ravel(kth), default=0) >= length:
        raise ArgumentError(where, "kth is out of range", expected=f"less than {length}", got=kth)


@composite
def searchsorted(x: Array, v: Array, side: Literal["left", "right"] = "left", sorter: Indices | None = None) -> Array:
    """Where each ``v`` belongs in the sorted ``x``: before equal elements, or after them (``"right"``); no gradient.

    With ``sorter``, positions as `argsort` gives them, ``x`` need not be sorted.

    Examples
    --------
    >>> searchsorted([1.0, 2.0, 3.0], [0.5, 2.0])
    array([0, 1])
    """
    return _searchsorted(x if sorter is None else take(x, sorter), v, right=side == "right")


@primitive(constant=True)
def _searchsorted(x: Array, v: Array, right: Flag) -> Array:
    return np.searchsorted(x, v, "right" if right else "left")


@_searchsorted.shape(dtype=index_dtype)
def searchsorted_shape(x: AbstractArray, v: AbstractArray) -> Shape:
    if x.ndim != 1:
        raise ValueError("object of too small depth for desired array")  # NumPy's message
    return v.shape


# --- by values --------------------------------------------------------------------------------


@composite
def compress(condition: Array, x: Array, axis: OneAxis = None) -> Array:
    """The slices of ``x`` along ``axis`` for which the 1-D condition holds; by default, elements of the flattened ``x``.

    Examples
    --------
    >>> compress([True, False], [[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([[1., 2.]])
    """
    return take(x, np.flatnonzero(_known("compress", condition)), axis=axis)


@composite
def extract(condition: Array, x: Array) -> Array:
    """The elements of the flattened ``x`` at which the flattened condition holds.

    Examples
    --------
    >>> extract([[True, False], [False, True]], [[1.0, 2.0], [3.0, 4.0]])
    array([1., 4.])
    """
    return compress(np.ravel(_known("extract", condition)), x)


@composite
def trim_zeros(x: Array, trim: str = "fb") -> Array:
    """A 1-D ``x`` without the zeros at its front (``"f"``), its back (``"b"``), or both.

    Examples
    --------
    >>> trim_zeros([0.0, 1.0, 0.0, 2.0, 0.0])
    array([1., 0., 2.])
    """
    (found,) = np.nonzero(_known("trim_zeros", x))
    first, last = (found[0], found[-1] + 1) if found.size else (0, 0)
    return getitem(x, index=slice(first if "f" in trim.lower() else None, last if "b" in trim.lower() else None))


@composite
def unique(
    x: Array,
    return_index: Flag = False,
    return_inverse: Flag = False,
    return_counts: Flag = False,
    axis: OneAxis = None,
    equal_nan: Flag = True,
) -> Any:
    """The distinct elements, or slices along ``axis``, in increasing order; on request with positions and counts.

    The first of equal elements gets the gradient. Positions and counts are plain arrays.

    Examples
    --------
    >>> unique([2.0, 1.0, 2.0])
    array([1., 2.])
    """
    asked = {"return_inverse": return_inverse, "return_counts": return_counts, "axis": axis, "equal_nan": equal_nan}
    numpys: Any = np.unique  # which is typed only for literals
    _, first, *others = numpys(_known("unique", x), return_index=True, **asked)
    found = take(x, first, axis=axis)
    extras = [first, *others] if return_index else others
    return (found, *extras) if extras else found


class UniqueAllResult(NamedTuple):
    """What `unique_all` returns."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCountsResult(NamedTuple):
    """What `unique_counts` returns."""

    values: Array
    counts: Array


class UniqueInverseResult(NamedTuple):
    """What `unique_inverse` returns."""

    values: Array
    inverse_indices: Array


@composite
def unique_all(x: Array) -> UniqueAllResult:
    """The distinct elements, their first positions, the index among them of every element, and their counts.

    Each NaN counts as distinct.

    Examples
    --------
    >>> unique_all([2.0, 1.0, 2.0]).counts
    array([1, 2])
    """
    asked: dict[str, Any] = {"return_index": True, "return_inverse": True, "return_counts": True}
    return UniqueAllResult(*unique(x, **asked, equal_nan=False))


@composite
def unique_counts(x: Array) -> UniqueCountsResult:
    """The distinct elements, and their counts; see `unique_all`.

    Examples
    --------
    >>> unique_counts([2.0, 1.0, 2.0])
    UniqueCountsResult(values=array([1., 2.]), counts=array([1, 2]))
    """
    return UniqueCountsResult(*unique(x, return_counts=True, equal_nan=False))


@composite
def unique_inverse(x: Array) -> UniqueInverseResult:
    """The distinct elements, and the index among them of every element; see `unique_all`.

    Examples
    --------
    >>> unique_inverse([2.0, 1.0, 2.0]).inverse_indices
    array([1, 0, 1])
    """
    return UniqueInverseResult(*unique(x, return_inverse=True, equal_nan=False))


@composite
def unique_values(x: Array) -> Array:
    """The distinct elements in increasing order; see `unique_all`.

    Examples
    --------
    >>> unique_values([2.0, 1.0, 2.0])
    array([1., 2.])
    """
    return unique(x, equal_nan=False)
