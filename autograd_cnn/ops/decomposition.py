"""Decompositions of the matrices in the last two axes, and functions of their factors.

A decomposition is one private primitive whose result holds the factors stacked; the public function splits it. So
factors that are not used get cotangents of zeros, and derivatives of all orders follow from one rule.

The rules are those of Giles (2008) for eigenvalues, Murray (2016) for Cholesky's, Walter & Lehmann (2010) for QR, and
Townsend (2016) for singular values. Eigenvectors and singular vectors are not differentiable where values coincide; a
gradient that depends on them raises an error there. Functions of symmetric matrices take the symmetric part
``(x + xᵀ) / 2``, so that their gradients are symmetric; for a symmetric ``x`` they agree with NumPy's. A matrix with
NaN or infinity gives NaN.
"""

from typing import Any, NamedTuple

import numpy as np

from autograd_cnn.engine.abstract import AbstractArray, broadcast
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Floats, Shape, dtype_of, shape_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError, GradientError, ShapeError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.diagonals import tril, triu
from autograd_cnn.ops.elementwise import square
from autograd_cnn.ops.indexing import _known, getitem
from autograd_cnn.ops.inverse import _if_finite, _matrix, _transposed, pinv, solve
from autograd_cnn.ops.linalg import matmul
from autograd_cnn.ops.shaping import concatenate, expand_dims
from autograd_cnn.parameters import Flag, Number

__all__ = ["cholesky", "eigh", "eigvalsh", "lstsq", "qr", "svd", "svdvals"]


def _symmetric(x: Array) -> Array:
    return (x + _transposed(x)) * 0.5


def _rows(x: Array, first: int, last: int | None = None) -> Array:
    return getitem(x, index=(..., slice(first, last), slice(None)))


@primitive
def _over_gaps(x: Floats, s: Floats, t: Floats, *, of: str) -> Array:
    """``x[i, j] / (t[j] - s[i])``, but 0 where ``x`` is 0.

    Raises
    ------
    GradientError
        Where ``s`` and ``t`` coincide, up to rounding, and ``x`` is not 0.
    """
    x, s, t = np.asarray(x), np.asarray(s), np.asarray(t)
    gaps = np.subtract(t[..., None, :], s[..., :, None])
    size = np.maximum(np.max(np.abs(s), axis=-1, initial=0), np.max(np.abs(t), axis=-1, initial=0))[..., None, None]
    rounding = gaps.shape[-1] * np.finfo(gaps.dtype).eps * np.where(np.isfinite(size), size, 0)
    meet = np.abs(gaps) <= rounding
    if (wrong := meet & (x != 0) & ~np.isnan(x)).any():
        i, j = np.argwhere(wrong)[0][-2:]
        raise GradientError(
            f"{of}_vjp_x", f"vectors {min(i, j)} and {max(i, j)} belong to values that are equal, or 0, "
            "up to rounding, so what depends on them has no gradient", hint="compute from the values alone"
        )  # fmt: skip
    return np.where(meet & ~np.isnan(x), 0, x) / np.where(meet, 1, gaps)


@_over_gaps.shape
def over_gaps_shape(x: AbstractArray, s: AbstractArray, t: AbstractArray) -> Shape:
    return broadcast(x.shape, (*s.shape, 1), (*t.shape[:-1], 1, t.shape[-1]))


@_over_gaps.vjp("x")
def over_gaps_vjp_x(g: Array, *, s: Array, t: Array, of: str) -> Array:
    return _over_gaps(g, s, t, of=of)


@_over_gaps.vjp("s")
def over_gaps_vjp_s(g: Array, *, y: Array, s: Array, t: Array, of: str) -> Array:
    return reduction.sum(_over_gaps(g * y, s, t, of=of), axis=-1)


@_over_gaps.vjp("t")
def over_gaps_vjp_t(g: Array, *, y: Array, s: Array, t: Array, of: str) -> Array:
    return -reduction.sum(_over_gaps(g * y, s, t, of=of), axis=-2)


@primitive
def _cholesky(x: Floats) -> Array:
    """The lower triangular ``l`` for which ``l @ l.T`` is ``x``."""
    _matrix("cholesky", x)
    return _if_finite(lambda a: np.linalg.cholesky((a + np.swapaxes(a, -1, -2)) / 2), x)


@_cholesky.shape
def cholesky_shape(x: AbstractArray) -> Shape:
    return _matrix("cholesky", x)


@_cholesky.vjp("x")
def cholesky_vjp_x(g: Array, *, y: Array) -> Array:
    transposed = _transposed(y)
    inner = matmul(transposed, tril(g))
    half = solve(transposed, tril(inner) - inner * (np.eye(shape_of(y)[-1], dtype=y.dtype) * 0.5))
    return _symmetric(solve(transposed, _transposed(half)))


@composite
def cholesky(x: Array, *, upper: Flag = False) -> Array:
    """The lower triangular ``l`` for which ``l @ l.T`` is ``x``; with ``upper``, its transpose.

    Raises
    ------
    ArgumentError
        If a matrix is not positive definite.

    Examples
    --------
    >>> cholesky([[4.0, 2.0], [2.0, 2.0]])
    array([[2., 0.],
           [1., 1.]])
    """
    factor = _cholesky(x)
    return _transposed(factor) if upper else factor


class QRResult(NamedTuple):
    """What `qr` returns."""

    Q: Array
    R: Array


@primitive
def _qr(x: Floats) -> Array:
    """``q`` (M, N) above ``rᵀ`` (N, N), for ``M`` of at least ``N``."""
    qr_shape(x)
    return _if_finite(lambda a: _below(*np.linalg.qr(a)), x)


def _below(q: Array, r: Array) -> Array:
    return np.concatenate([q, np.swapaxes(r, -1, -2)], axis=-2)


@_qr.shape
def qr_shape(x: AbstractArray) -> Shape:
    *stack, rows, columns = _matrix("qr", x, square=False)
    if rows < columns:
        raise ShapeError("qr", "x is wide", expected="at least as many rows as columns", got=np.shape(x))
    return (*stack, rows + columns, columns)


@_qr.vjp("x")
def qr_vjp_x(g: Array, *, y: Array) -> Array:
    length = shape_of(y)[-2] - shape_of(y)[-1]
    (q, r), (gq, gr) = ((_rows(z, 0, length), triu(_transposed(_rows(z, length)))) for z in (y, g))
    inner = matmul(r, _transposed(gr)) - matmul(_transposed(gq), q)
    symmetric = tril(inner) + _transposed(tril(inner, -1))
    return _transposed(solve(r, _transposed(gq + matmul(q, symmetric))))


@composite
def qr(x: Array, mode: str = "reduced") -> Any:
    """An orthogonal ``q`` and an upper triangular ``r`` for which ``q @ r`` is ``x``; in the mode ``"r"`` only ``r``.

    ``q`` is (..., M, K) and ``r`` (..., K, N), where K is the smaller of M and N. The gradient needs the first K
    columns to be independent. For a tall matrix, the mode ``"complete"`` would add columns that have no gradient.

    Examples
    --------
    >>> q, r = qr([[3.0], [4.0]])
    >>> (q @ r).round(12)
    array([[3.],
           [4.]])
    """
    *_, rows, columns = _matrix("qr", x, square=False)
    if mode not in ("reduced", "r") and not (mode == "complete" and rows <= columns):
        raise ArgumentError("qr", "the mode has no gradient", expected="'reduced' or 'r'", got=repr(mode))
    packed = _qr(getitem(x, index=(..., slice(0, rows))) if rows < columns else x)
    q, r = _rows(packed, 0, rows), _transposed(_rows(packed, rows))
    if rows < columns:
        r = concatenate([r, matmul(_transposed(q), getitem(x, index=(..., slice(rows, None))))], axis=-1)
    return r if mode == "r" else QRResult(q, r)


class EighResult(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Array
    eigenvectors: Array


@primitive
def _eigh(x: Floats) -> Array:
    """Eigenvalues, in a row, above the eigenvectors, which are columns."""
    _matrix("eigh", x)
    return _if_finite(lambda a: _under(*np.linalg.eigh((a + np.swapaxes(a, -1, -2)) / 2)), x)


def _under(values: Array, *vectors: Array) -> Array:
    return np.concatenate([values[..., None, :], *vectors], axis=-2)


@_eigh.shape
def eigh_shape(x: AbstractArray) -> Shape:
    shape = _matrix("eigh", x)
    return (*shape[:-2], shape[-1] + 1, shape[-1])


@_eigh.vjp("x")
def eigh_vjp_x(g: Array, *, y: Array) -> Array:
    (w, v), (gw, gv) = ((getitem(z, index=(..., 0, slice(None))), _rows(z, 1)) for z in (y, g))
    turning = _off_diagonal(matmul(_transposed(v), gv))
    turning = _off_diagonal(_over_gaps(turning, w, w, of="eigh"))
    inner = turning + np.eye(shape_of(w)[-1], dtype=w.dtype) * expand_dims(gw, -2)
    return _symmetric(matmul(matmul(v, inner), _transposed(v)))


def _off_diagonal(x: Array) -> Array:
    return x * (1 - np.eye(shape_of(x)[-1], dtype=x.dtype))


@composite
def eigh(x: Array, UPLO: str = "L") -> EighResult:  # noqa: N803  # NumPy's name
    """The eigenvalues of symmetric matrices, in increasing order, and their eigenvectors, as columns.

    The gradient of a function of eigenvectors exists where eigenvalues differ. LAPACK chooses the sign of an
    eigenvector, so only functions that do not depend on it are meaningful. ``UPLO`` is NumPy's, and makes no difference
    here: the symmetric part of the matrix is used.

    Raises
    ------
    GradientError
        In the backward pass, if eigenvalues whose eigenvectors are used are equal.

    Examples
    --------
    >>> w, v = eigh([[2.0, 0.0], [0.0, 1.0]])
    >>> w
    array([1., 2.])
    """
    packed = _eigh(x)
    return EighResult(getitem(packed, index=(..., 0, slice(None))), _rows(packed, 1))


@composite
def eigvalsh(x: Array, UPLO: str = "L") -> Array:  # noqa: N803  # NumPy's name
    """The eigenvalues of symmetric matrices, in increasing order; `eigh` without the eigenvectors.

    Examples
    --------
    >>> eigvalsh([[2.0, 0.0], [0.0, 1.0]])
    array([1., 2.])
    """
    return eigh(x)[0]


class SVDResult(NamedTuple):
    """What `svd` returns."""

    U: Array
    S: Array
    Vh: Array


@primitive
def _svd(x: Floats) -> Array:
    """Singular values, in a row, above ``u`` (M, K) and ``v`` (N, K)."""

    def decomposed(a: Array) -> Array:
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return _under(s, u, np.swapaxes(vh, -1, -2))

    return _if_finite(decomposed, x)


@_svd.shape
def svd_shape(x: AbstractArray) -> Shape:
    *stack, rows, columns = _matrix("svd", x, square=False)
    return (*stack, 1 + rows + columns, min(rows, columns))


@_svd.vjp("x")
def svd_vjp_x(g: Array, *, x_shape: Shape, y: Array) -> Array:
    *_, rows, columns = x_shape
    (s, u, v), (gs, gu, gv) = (_parts(z, rows) for z in (y, g))
    eye = np.eye(min(rows, columns), dtype=s.dtype)

    def turning(vectors: Array, gradient: Array) -> Array:
        product = _off_diagonal(matmul(_transposed(vectors), gradient))
        twist = _over_gaps(product - _transposed(product), s, s, of="svd")
        return _off_diagonal(_over_gaps(twist, -s, s, of="svd"))

    def leaving(vectors: Array, gradient: Array) -> Array:
        """Return the component outside the space of the singular vectors, divided by the singular values."""
        if shape_of(vectors)[-2] == shape_of(vectors)[-1]:
            return 0
        off = gradient - matmul(vectors, matmul(_transposed(vectors), gradient))
        return _over_gaps(off, np.zeros(shape_of(vectors)[-2], s.dtype), s, of="svd")

    across, down = expand_dims(s, -2), expand_dims(s, -1)
    inner = turning(u, gu) * across + down * turning(v, gv) + eye * expand_dims(gs, -2)
    left = matmul(u, inner) + leaving(u, gu)
    right = leaving(v, gv)
    total = matmul(left, _transposed(v))
    return total if isinstance(right, int) else total + matmul(u, _transposed(right))


def _parts(packed: Array, rows: int) -> tuple[Array, Array, Array]:
    return getitem(packed, index=(..., 0, slice(None))), _rows(packed, 1, 1 + rows), _rows(packed, 1 + rows)


@composite
def svd(x: Array, full_matrices: Flag = True, compute_uv: Flag = True) -> Any:
    """The singular value decomposition ``x = u * s @ vh``, with nonnegative ``s`` in decreasing order.

    Parameters
    ----------
    x : (..., M, N)
    full_matrices : bool
        NumPy's default, True, adds arbitrary vectors if ``x`` is not square, and these have no gradient: pass False.
        Then ``u`` is (..., M, K) and ``vh`` (..., K, N), where K is the smaller of M and N.
    compute_uv : bool
        If False, only ``s`` is returned, as by `svdvals`.

    Raises
    ------
    ArgumentError
        If full matrices are requested of a matrix that is not square.
    GradientError
        In the backward pass, if singular values whose vectors are used are equal, or 0.

    Examples
    --------
    >>> u, s, vh = svd([[3.0, 0.0], [0.0, 2.0]])
    >>> s
    array([3., 2.])
    """
    *_, rows, columns = _matrix("svd", x, square=False)
    if compute_uv and full_matrices and rows != columns:
        problem = "of a matrix that is not square the full matrices have no gradient"
        raise ArgumentError("svd", problem, hint="say full_matrices=False")
    s, u, v = _parts(_svd(x), rows)
    return SVDResult(u, s, _transposed(v)) if compute_uv else s


@composite
def svdvals(x: Array) -> Array:
    """The singular values of matrices, in decreasing order.

    Examples
    --------
    >>> svdvals([[0.0, 2.0], [3.0, 0.0]])
    array([3., 2.])
    """
    return svd(x, full_matrices=False, compute_uv=False)


@composite
def lstsq(a: Array, b: Array, rcond: Number | None = None) -> tuple[Array, Array, int, Array]:
    """The ``x`` for which ``a @ x`` is closest to ``b``, the sums of squared residuals, the rank, and the singular values.

    ``x`` is ``pinv(a) @ b``, the shortest solution if there are several. As in NumPy, the residuals are empty unless
    ``a`` has more rows than columns and independent columns.

    Examples
    --------
    >>> x, residuals, rank, s = lstsq([[1.0], [1.0]], [1.0, 3.0])
    >>> x.round(12), residuals.round(12), rank
    (array([2.]), array([2.]), 1)
    """
    rows, columns = _matrix("lstsq", a, square=False)
    cutoff = float(np.finfo(np.result_type(dtype_of(a), 1.0)).eps) * max(rows, columns) if rcond is None else rcond
    x = matmul(pinv(a, cutoff), b)
    s = svdvals(a)
    sizes = _known("the rank of lstsq", s)
    rank = int(np.sum(sizes > cutoff * np.max(sizes, initial=0)))
    missed = square(matmul(a, x) - b)
    residuals = reduction.sum(missed if len(shape_of(b)) > 1 else expand_dims(missed, -1), axis=0)
    return x, residuals if rank == columns < rows else getitem(residuals, index=slice(0)), rank, s
