"""Inverses and determinants of the matrices in the last two axes.

The rules are those of Giles, "Collected matrix derivative results" (2008), and of Golub & Pereyra (1973) for the
pseudo-inverse. A matrix with NaN or infinity has an inverse of NaN.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_cnn.engine.abstract import AbstractArray, broadcast
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Floats, Shape, dtype_of, shape_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ShapeError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import multiply
from autograd_cnn.ops.linalg import matmul
from autograd_cnn.ops.shaping import expand_dims, reshape, squeeze, swapaxes, transpose
from autograd_cnn.parameters import Axes, Count, Number

__all__ = ["det", "inv", "matrix_power", "pinv", "slogdet", "solve", "tensorinv", "tensorsolve"]


def _transposed(x: Array) -> Array:
    return swapaxes(x, -1, -2)


def _matrix(where_: str, x: Array, *, square: bool = True) -> Shape:
    """Return the shape, if it is that of a stack of matrices."""
    shape = shape_of(x)
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        expected = "square matrices in the last two axes" if square else "matrices in the last two axes"
        raise ShapeError(where_, "x has the wrong shape", expected=expected, got=shape)
    return shape


def _if_finite(function: Callable[[Array], Array], x: Array) -> Array:
    """Return the result of a LAPACK function for each matrix, and NaN for those with NaN or infinity."""
    x = np.asarray(x)
    finite = np.isfinite(x).all(axis=(-2, -1), keepdims=True)
    if finite.all():
        return function(x)
    y = function(np.where(finite, x, np.eye(*x.shape[-2:], dtype=x.dtype)))
    return np.where(finite.reshape(finite.shape[: y.ndim]), y, y.dtype.type(np.nan))


# --- inverses ---------------------------------------------------------------------------------


@primitive
def inv(x: Floats) -> Array:
    """The inverse of square matrices.

    Raises
    ------
    ArgumentError
        If a matrix is singular.

    Examples
    --------
    >>> inv([[2.0, 0.0], [0.0, 4.0]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    _matrix("inv", x)
    return _if_finite(np.linalg.inv, x)


@inv.shape
def inv_shape(x: AbstractArray) -> Shape:
    return _matrix("inv", x)


@inv.vjp("x")
def inv_vjp_x(g: Array, *, y: Array) -> Array:
    transposed = _transposed(y)
    return -matmul(matmul(transposed, g), transposed)


@primitive
def solve(a: Floats, b: Floats) -> Array:
    """The ``x`` for which ``a @ x`` is ``b``: for a vector if ``b`` is 1-D, else for the columns of matrices.

    Raises
    ------
    ArgumentError
        If a matrix ``a`` is singular.

    Examples
    --------
    >>> solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
    array([0.5 , 0.25])
    """
    solve_shape(a, b)
    a, b = np.asarray(a), np.asarray(b)
    finite = np.isfinite(a).all(axis=(-2, -1), keepdims=True)
    if finite.all():
        return np.linalg.solve(a, b)
    y = np.linalg.solve(np.where(finite, a, np.eye(a.shape[-1], dtype=a.dtype)), b)
    return np.where(finite if b.ndim > 1 else finite[..., 0], y, y.dtype.type(np.nan))


@solve.shape
def solve_shape(a: AbstractArray, b: AbstractArray) -> Shape:
    shape, others = _matrix("solve", a), shape_of(b)
    if not others or shape[-1] != (others[-1] if len(others) == 1 else others[-2]):
        raise ShapeError("solve", "a and b do not go together", expected="a (..., N, N) with b (N,) or (..., N, K)",
                         got=f"a={shape}, b={others}")  # fmt: skip
    return shape[:-1] if len(others) == 1 else (*broadcast(shape[:-2], others[:-2]), *others[-2:])


@solve.vjp("a")
def solve_vjp_a(g: Array, *, a: Array, b_shape: Shape, y: Array) -> Array:
    share = _solved_transposed(a, g, vector=len(b_shape) == 1)
    if len(b_shape) == 1:
        return -expand_dims(share, -1) * expand_dims(y, -2)
    return -matmul(share, _transposed(y))


@solve.vjp("b")
def solve_vjp_b(g: Array, *, a: Array, b_shape: Shape) -> Array:
    return _solved_transposed(a, g, vector=len(b_shape) == 1)


def _solved_transposed(a: Array, g: Array, *, vector: bool) -> Array:
    if vector:  # one for each matrix
        return squeeze(solve(_transposed(a), expand_dims(g, -1)), -1)
    return solve(_transposed(a), g)


@primitive
def _pinv(x: Floats, rcond: Number | None) -> Array:
    """The pseudo-inverse of matrices."""
    return _if_finite(lambda a: np.linalg.pinv(a, rcond), x)


@_pinv.shape
def pinv_shape(x: AbstractArray) -> Shape:
    shape = _matrix("pinv", x, square=False)
    return (*shape[:-2], shape[-1], shape[-2])


@_pinv.vjp("x")
def pinv_vjp_x(g: Array, *, x: Array, y: Array) -> Array:
    transposed, turned = _transposed(y), _transposed(g)
    off_range = turned - matmul(x, matmul(y, turned))  # (I - x y) gᵀ
    off_rows = turned - matmul(matmul(turned, y), x)  # gᵀ (I - y x)
    return (
        matmul(matmul(off_range, y), transposed)
        + matmul(transposed, matmul(y, off_rows))
        - matmul(matmul(transposed, g), transposed)
    )


@composite
def pinv(x: Array, rcond: Number | None = None, *, rtol: Number | None = None) -> Array:
    """The Moore-Penrose pseudo-inverse of matrices; its gradient holds among matrices of the same rank.

    Parameters
    ----------
    x : (..., M, N)
    rcond, rtol : float, optional
        Singular values below this fraction of the largest count as 0; pass one or the other.

    Examples
    --------
    >>> pinv([[3.0], [4.0]])
    array([[0.12, 0.16]])
    """
    _matrix("pinv", x, square=False)
    return _pinv(x, rcond=rtol if rcond is None else rcond)


@composite
def tensorinv(x: Array, ind: Count = 2) -> Array:
    """The inverse of ``x`` as a map from its axes ``ind`` and later to the axes before.

    Examples
    --------
    >>> tensorinv(np.eye(6).reshape(2, 3, 6), ind=2).shape
    (6, 2, 3)
    """
    shape = shape_of(x)
    length = int(np.prod(shape[ind:], dtype=int))
    return reshape(inv(reshape(x, shape=(-1, length))), shape=(*shape[ind:], *shape[:ind]))


@composite
def tensorsolve(a: Array, b: Array, axes: Axes | None = None) -> Array:
    """The ``x`` for which ``tensordot(a, x, x.ndim)`` is ``b``; the ``axes`` of ``a`` are first moved to its end.

    Examples
    --------
    >>> tensorsolve(np.eye(6).reshape(2, 3, 6), np.ones((2, 3))).shape
    (6,)
    """
    if axes is not None:
        rank = len(shape_of(a))
        last = normalize_axis_tuple(axes, rank)
        a = transpose(a, axes=(*(i for i in range(rank) if i not in last), *last))
    rest = shape_of(a)[len(shape_of(b)) :]
    length = int(np.prod(rest, dtype=int))
    return reshape(solve(reshape(a, shape=(-1, length)), reshape(b, shape=-1)), shape=rest)


@composite
def matrix_power(x: Array, n: Count) -> Array:
    """The square matrix ``x`` to the power ``n``; if ``n`` is negative, a power of its inverse.

    Examples
    --------
    >>> matrix_power([[1.0, 1.0], [0.0, 1.0]], 3)
    array([[1., 3.],
           [0., 1.]])
    """
    shape = _matrix("matrix_power", x)
    if n == 0:
        return multiply(x, 0) + np.eye(shape[-1], dtype=dtype_of(x))
    factor = inv(x) if n < 0 else x
    product: Array = None
    for bit in reversed(f"{abs(n):b}"):  # by squaring
        if bit == "1":
            product = factor if product is None else matmul(product, factor)
        factor = matmul(factor, factor)
    return reshape(product, shape=shape)


# --- determinants -----------------------------------------------------------------------------


@primitive
def det(x: Floats) -> Array:
    """The determinant of square matrices; its gradient exists for singular ones, too.

    Examples
    --------
    >>> float(det([[2.0, 1.0], [0.0, 3.0]]))
    6.0
    """
    _matrix("det", x)
    return np.linalg.det(x)


@det.shape
def det_shape(x: AbstractArray) -> Shape:
    return _matrix("det", x)[:-2]


@det.vjp("x")
def det_vjp_x(g: Array, *, x: Array) -> Array:
    return expand_dims(g, (-2, -1)) * _cofactors(x)


@primitive
def _cofactors(x: Floats) -> Array:
    """The matrix of cofactors, ``det(x) x⁻ᵀ``: with ``x = u s vᵀ``, that of ``s`` between ``u`` and ``vᵀ``."""
    _matrix("det", x)
    return _if_finite(_cofactors_by_svd, x)


def _cofactors_by_svd(x: Array) -> Array:
    u, s, vh = np.linalg.svd(x)
    one = np.ones((*s.shape[:-1], 1), s.dtype)
    before = np.cumprod(np.concatenate([one, s], axis=-1), axis=-1)[..., :-1]
    after = np.cumprod(np.concatenate([one, s[..., ::-1]], axis=-1), axis=-1)[..., -2::-1]
    turns = np.rint(np.linalg.det(u) * np.linalg.det(vh))[..., None]  # 1 or -1
    return (u * (turns * before * after)[..., None, :]) @ vh


@_cofactors.shape
def cofactors_shape(x: AbstractArray) -> Shape:
    return _matrix("det", x)


@_cofactors.vjp("x")
def cofactors_vjp_x(g: Array, *, x: Array, y: Array) -> Array:
    inverse = _transposed(inv(x))
    along = reduction.sum(g * inverse, axis=(-2, -1), keepdims=True)
    return along * y - matmul(matmul(y, _transposed(g)), inverse)


class SlogdetResult(NamedTuple):
    """What `slogdet` returns."""

    sign: Array
    logabsdet: Array


@composite
def slogdet(x: Array) -> SlogdetResult:
    """The sign of the determinant, a constant, and the logarithm of its absolute value, without overflow.

    Examples
    --------
    >>> sign, logabsdet = slogdet([[0.0, 1.0], [1.0, 0.0]])
    >>> float(sign), float(logabsdet)
    (-1.0, 0.0)
    """
    _matrix("slogdet", x)
    return SlogdetResult(_sign_det(x), _log_abs_det(x))


@primitive(constant=True)
def _sign_det(x: Floats) -> Array:
    """The sign of the determinant; no gradient."""
    return np.linalg.slogdet(x)[0]


_sign_det.shape(det_shape)


@primitive
def _log_abs_det(x: Floats) -> Array:
    """The logarithm of the absolute value of the determinant."""
    return np.linalg.slogdet(x)[1]


_log_abs_det.shape(det_shape)


@_log_abs_det.vjp("x")
def log_abs_det_vjp_x(g: Array, *, x: Array) -> Array:
    return expand_dims(g, (-2, -1)) * _transposed(inv(x))
