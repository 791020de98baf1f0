"""Diagonals and triangles of matrices."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ArgumentError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import power
from autograd_cnn.ops.indexing import getitem, scatter_add
from autograd_cnn.ops.selection import where
from autograd_cnn.ops.shaping import expand_dims, moveaxis, reshape
from autograd_cnn.parameters import Count, Flag, Whole

__all__ = ["diag", "diagflat", "diagonal", "trace", "tril", "triu", "vander"]


@composite
def diagonal(x: Array, offset: Count = 0, axis1: Count = 0, axis2: Count = 1) -> Array:
    """The diagonal of the matrices in two axes, ``offset`` above the main one, as the last axis.

    Examples
    --------
    >>> diagonal([[1.0, 2.0], [3.0, 4.0]])
    array([1., 4.])
    """
    shape = shape_of(x)
    first, second = (normalize_axis_index(a, len(shape)) for a in (axis1, axis2))
    if first == second:
        raise ArgumentError("diagonal", "axis1 and axis2 are the same", expected="two axes", got=axis1)
    rows = np.arange(max(0, -offset), max(0, -offset, min(shape[first], shape[second] - offset)))
    return getitem(moveaxis(x, (first, second), (-2, -1)), index=(..., rows, rows + offset))


@composite
def trace(x: Array, offset: Count = 0, axis1: Count = 0, axis2: Count = 1) -> Array:
    """The sum along a diagonal; see `diagonal`.

    Examples
    --------
    >>> float(trace([[1.0, 2.0], [3.0, 4.0]]))
    5.0
    """
    return reduction.sum(diagonal(x, offset, axis1, axis2), axis=-1)


@composite
def diag(x: Array, k: Count = 0) -> Array:
    """The matrix with a 1-D ``x`` on its diagonal, or the diagonal of a matrix, ``k`` above the main one.

    Examples
    --------
    >>> diag([1.0, 2.0])
    array([[1., 0.],
           [0., 2.]])
    >>> diag([[1.0, 2.0], [3.0, 4.0]], k=1)
    array([2.])
    """
    shape = shape_of(x)
    if len(shape) == 2:
        return diagonal(x, k)
    if len(shape) != 1:
        raise ArgumentError("diag", "x has other axes", expected="one or two", got=shape)
    length = shape[0] + abs(k)
    rows = np.arange(shape[0]) + max(0, -k)
    return scatter_add(x, index=(rows, rows + k), shape=(length, length))


@composite
def diagflat(x: Array, k: Count = 0) -> Array:
    """The matrix with the flattened ``x`` on its diagonal, ``k`` above the main one.

    Examples
    --------
    >>> diagflat([[1.0], [2.0]])
    array([[1., 0.],
           [0., 2.]])
    """
    return diag(reshape(x, shape=-1), k)


@composite
def tril(x: Array, k: Count = 0) -> Array:
    """``x`` with zeros above the diagonal, ``k`` above the main one, of the matrices in its last two axes.

    Examples
    --------
    >>> tril([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 0.],
           [3., 4.]])
    """
    return where(np.tri(*_matrix_shape("tril", x), k, dtype=bool), x, 0)


@composite
def triu(x: Array, k: Count = 0) -> Array:
    """``x`` with zeros below the diagonal, ``k`` above the main one, of the matrices in its last two axes.

    Examples
    --------
    >>> triu([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [0., 4.]])
    """
    return where(np.tri(*_matrix_shape("triu", x), k - 1, dtype=bool), 0, x)


def _matrix_shape(where_: str, x: Array) -> tuple[int, int]:
    shape = shape_of(x)
    if not shape:
        raise ArgumentError(where_, "x is a number", expected="a matrix", got=shape)
    return (shape * 2)[-2], shape[-1]  # NumPy repeats a row


@composite
def vander(x: Array, N: Whole | None = None, increasing: Flag = False) -> Array:  # noqa: N803  # NumPy's name
    """The matrix of the powers of ``x``, highest first: one row per element, N columns.

    Examples
    --------
    >>> vander([1.0, 2.0, 3.0])
    array([[1., 1., 1.],
           [4., 2., 1.],
           [9., 3., 1.]])
    """
    if len(shape_of(x)) != 1:
        raise ArgumentError("vander", "x is not 1-D", expected="one axis", got=shape_of(x))
    powers = np.arange(shape_of(x)[0] if N is None else N)
    return power(expand_dims(x, 1), powers if increasing else powers[::-1])
