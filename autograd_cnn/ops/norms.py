"""Norms of vectors and matrices, and condition numbers."""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, dtype_of, shape_of
from autograd_cnn.errors import ArgumentError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.decomposition import svdvals
from autograd_cnn.ops.elementwise import absolute, divide, multiply, power, square
from autograd_cnn.ops.indexing import getitem
from autograd_cnn.ops.inverse import inv
from autograd_cnn.ops.selection import not_equal
from autograd_cnn.ops.shaping import moveaxis, reshape
from autograd_cnn.parameters import Axis, Flag

__all__ = ["cond", "matrix_norm", "norm", "vector_norm"]


@composite
def norm(x: Array, ord: Any = None, axis: Axis = None, keepdims: Flag = False) -> Array:
    """The length of vectors, or the size of matrices; at 0 its gradient counts as 0.

    Parameters
    ----------
    x : array
    ord : number, "fro" or "nuc", optional
        For vectors, 2 is the Euclidean length, 1 the sum of absolute values, ±inf the largest or smallest of these, 0
        the number of nonzero elements, and any other ``p`` the root ``sum(|x|ᵖ) ** (1/p)``. For matrices, ``"fro"`` is
        the root of the sum of squares, ``"nuc"`` the sum of the singular values, ±2 the largest or smallest of them,
        and ±1 and ±inf the largest or smallest sum of absolute values in a column or row. None is 2, or ``"fro"``, for
        any shape.
    axis : int or pair of int, optional
        The axes of the vectors, or of the matrices; by default all of ``x`` is one vector or matrix.
    keepdims : bool

    Examples
    --------
    >>> float(norm([3.0, 4.0]))
    5.0
    """
    shape = shape_of(x)
    if axis is None and ord is None:
        y = reduction.root(reduction.sum(square(x)))
        return reshape(y, shape=(1,) * len(shape)) if keepdims else y
    axes = normalize_axis_tuple(range(len(shape)) if axis is None else axis, len(shape))
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes, keepdims)
    if len(axes) != 2:
        raise ArgumentError("norm", "neither vectors nor matrices", expected="one axis or two", got=axes)
    return _matrix_norm(x, "fro" if ord is None else ord, axes, keepdims)


@composite
def vector_norm(x: Array, *, axis: Axis = None, keepdims: Flag = False, ord: Any = 2) -> Array:
    """The length of vectors along any axes, by default of all elements; see `norm`.

    Examples
    --------
    >>> float(vector_norm([[3.0], [4.0]]))
    5.0
    """
    return _vector_norm(x, ord, reduction.axes_of(shape_of(x), axis), keepdims)


@composite
def matrix_norm(x: Array, *, keepdims: Flag = False, ord: Any = "fro") -> Array:
    """The size of the matrices in the last two axes; see `norm`.

    Examples
    --------
    >>> float(matrix_norm([[3.0, 0.0], [4.0, 0.0]]))
    5.0
    """
    if len(shape_of(x)) < 2:
        raise ArgumentError("matrix_norm", "x has too few axes", expected="at least 2", got=shape_of(x))
    return _matrix_norm(x, ord, (-2, -1), keepdims)


def _vector_norm(x: Array, order: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    how: dict[str, Any] = {"axis": axes, "keepdims": keepdims}
    if order == 2:
        return reduction.root(reduction.sum(square(x), **how))
    if order in (np.inf, -np.inf):
        return (reduction.max if order > 0 else reduction.min)(absolute(x), **how)
    if order == 0:
        return reduction.sum(multiply(not_equal(x, 0), np.ones((), np.result_type(dtype_of(x), 1.0))), **how)
    if isinstance(order, str):
        raise ArgumentError("norm", "unknown norm of vectors", expected="a number", got=repr(order))
    return reduction.root(reduction.sum(power(absolute(x), order), **how), order)


def _matrix_norm(x: Array, order: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    if order == "fro":
        return reduction.root(reduction.sum(square(x), axis=axes, keepdims=keepdims))
    last = moveaxis(x, axes, (-2, -1))
    extremum = reduction.max if order in (1, 2, np.inf) else reduction.min
    if order in ("nuc", 2, -2):
        s = svdvals(last)
        y = reduction.sum(s, axis=-1) if order == "nuc" else extremum(s, axis=-1)
    elif order in (1, -1, np.inf, -np.inf):
        y = extremum(reduction.sum(absolute(last), axis=-2 if abs(order) == 1 else -1), axis=-1)
    else:
        expected = "'fro', 'nuc', ±1, ±2 or ±inf"
        raise ArgumentError("norm", "unknown norm of matrices", expected=expected, got=repr(order))
    return reshape(y, shape=reduction.reduced_shape(shape_of(x), axes, keepdims=True)) if keepdims else y


@composite
def cond(x: Array, p: Any = None) -> Array:
    """The condition number of matrices: the norm times the inverse's norm; see `norm` for ``p``, by default 2.

    Examples
    --------
    >>> float(cond([[4.0, 0.0], [0.0, 2.0]]))
    2.0
    """
    if p in (None, 2, -2):
        s = svdvals(x)
        largest, smallest = getitem(s, index=(..., 0)), getitem(s, index=(..., -1))
        return divide(smallest, largest) if p == -2 else divide(largest, smallest)
    return multiply(_matrix_norm(x, p, (-2, -1), keepdims=False), _matrix_norm(inv(x), p, (-2, -1), keepdims=False))
