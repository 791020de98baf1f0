"""Polynomials given by their coefficients, highest power first, as in `numpy.polyval`."""

from typing import Any

import numpy as np

from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Floats, Shape, dtype_of, shape_of, values_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError, GradientError, ShapeError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.decomposition import lstsq
from autograd_cnn.ops.diagonals import vander
from autograd_cnn.ops.elementwise import add, astype, divide, multiply, negative, power, sqrt, square, subtract
from autograd_cnn.ops.indexing import _known, getitem, pad
from autograd_cnn.ops.joining import atleast_1d
from autograd_cnn.ops.sequences import convolve
from autograd_cnn.ops.shaping import concatenate, expand_dims, reshape
from autograd_cnn.parameters import Number, Whole

__all__ = ["poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint", "polymul", "polysub", "polyval", "roots"]


@composite
def polyval(p: Array, x: Array) -> Array:
    """The value at ``x`` of the polynomial with coefficients ``p``, by Horner's rule.

    Examples
    --------
    >>> polyval([1.0, 0.0, 2.0], [0.0, 3.0])
    array([ 2., 11.])
    """
    y = multiply(x, 0)
    for i in range(shape_of(p)[0]):
        y = add(multiply(y, x), getitem(p, index=i))
    return y


@composite
def polyadd(p1: Array, p2: Array) -> Array:
    """The coefficients of a sum.

    Examples
    --------
    >>> polyadd([1.0, 2.0], [5.0])
    array([1., 7.])
    """
    return add(*_aligned(p1, p2))


@composite
def polysub(p1: Array, p2: Array) -> Array:
    """The coefficients of a difference.

    Examples
    --------
    >>> polysub([1.0, 2.0], [5.0])
    array([ 1., -3.])
    """
    return subtract(*_aligned(p1, p2))


def _aligned(p1: Array, p2: Array) -> list[Array]:
    first, second = atleast_1d(p1, p2)
    longest = max(shape_of(first)[0], shape_of(second)[0])
    return [pad(p, ((longest - shape_of(p)[0], 0),)) for p in (first, second)]


@composite
def polymul(p1: Array, p2: Array) -> Array:
    """The coefficients of a product.

    Examples
    --------
    >>> polymul([1.0, 2.0], [1.0, 0.0])
    array([1., 2., 0.])
    """
    return convolve(p1, p2)


@composite
def polydiv(u: Array, v: Array) -> tuple[Array, Array]:
    """The coefficients of a quotient and of the remainder.

    Examples
    --------
    >>> polydiv([1.0, 2.0, 3.0], [1.0, 0.0])
    (array([1., 2.]), array([3.]))
    """
    rest, divisor = atleast_1d(multiply(u, 1.0), multiply(v, 1.0))
    degree = shape_of(divisor)[0] - 1
    factors = []
    while shape_of(rest)[0] > degree:
        factor = divide(getitem(rest, index=slice(0, 1)), getitem(divisor, index=0))
        used = subtract(
            getitem(rest, index=slice(1, degree + 1)), multiply(factor, getitem(divisor, index=slice(1, None)))
        )
        rest = concatenate([used, getitem(rest, index=slice(degree + 1, None))])
        factors.append(factor)
    nothing = np.zeros(1, dtype_of(rest))
    quotient = concatenate(factors) if factors else nothing
    if not shape_of(rest)[0]:
        return quotient, nothing
    zeros = np.abs(_known("polydiv", rest)) <= 1e-8  # NumPy drops leading ones
    return quotient, getitem(rest, index=slice(-1 if zeros.all() else int(np.argmin(zeros)), None))


@composite
def polyder(p: Array, m: Whole = 1) -> Array:
    """The coefficients of the ``m``-th derivative.

    Examples
    --------
    >>> polyder([1.0, 2.0, 3.0])
    array([2., 2.])
    """
    for _ in range(m):
        degree = shape_of(p)[0] - 1
        p = multiply(getitem(p, index=slice(0, degree)), np.arange(degree, 0, -1))
    return p


@composite
def polyint(p: Array, m: Whole = 1, k: Any = None) -> Array:
    """The coefficients of the ``m``-th antiderivative; ``k`` are the constants, by default 0.

    Examples
    --------
    >>> polyint([2.0, 2.0], k=3.0)
    array([1., 2., 3.])
    """
    constants = reshape(0.0 if k is None else k, shape=-1)
    if shape_of(constants)[0] not in (1, m):
        raise ArgumentError("polyint", "k does not fit", expected=f"one constant or {m}", got=shape_of(constants))
    for i in range(m):
        powers = np.arange(shape_of(p)[0], 0, -1)
        position = i if shape_of(constants)[0] > 1 else 0
        p = concatenate([divide(p, powers), getitem(constants, index=slice(position, position + 1))])
    return p


@composite
def polyfit(x: Array, y: Array, deg: Whole, rcond: Number | None = None, w: Array | None = None) -> Array:
    """The coefficients of the polynomial of a given degree that fits ``y`` at ``x`` best, with weights ``w``.

    It minimises the sum of squares of ``w * (polyval(p, x) - y)``. ``y`` is (N,), or (N, K) for several at once.

    Examples
    --------
    >>> polyfit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 1).round(12)
    array([2., 1.])
    """
    rows = vander(x, deg + 1)
    if w is not None:
        rows = multiply(rows, expand_dims(w, 1))
        y = multiply(y, w if len(shape_of(y)) == 1 else expand_dims(w, 1))
    scale = sqrt(reduction.sum(square(rows), axis=0))  # as in NumPy, for high powers
    cutoff = shape_of(x)[0] * float(np.finfo(dtype_of(rows)).eps) if rcond is None else rcond
    found = lstsq(divide(rows, scale), y, cutoff)[0]
    return divide(found, scale if len(shape_of(y)) == 1 else expand_dims(scale, 1))


@composite
def poly(roots: Array) -> Array:
    """The coefficients of the polynomial with the given roots; the first is 1.

    Examples
    --------
    >>> poly([1.0, 2.0])
    array([ 1., -3.,  2.])
    """
    if len(shape_of(roots)) != 1:
        problem = "the eigenvalues of a matrix may be complex"
        raise ArgumentError("poly", problem, expected="roots, in one axis", got=shape_of(roots))
    one = np.ones(1, dtype_of(roots) if dtype_of(roots).kind == "f" else float)
    p: Array = one
    for i in range(shape_of(roots)[0]):
        p = convolve(p, concatenate([one, negative(getitem(roots, index=slice(i, i + 1)))]))
    return p


@primitive
def _roots(p: Floats) -> Array:
    """The roots of polynomials along the last axis; NaN if a coefficient is not finite, or the first is 0."""
    p, shape = np.asarray(p), roots_shape(p)
    none = np.full(shape[-1], np.nan)
    rows = p.reshape(-1, p.shape[-1])
    found = np.array([np.roots(row) if row[0] and np.isfinite(row).all() else none for row in rows])
    if found.dtype.kind == "c":
        problem = "some are complex, which have no gradients here"
        raise ArgumentError("roots", problem, hint="use .numpy() to leave the tape")
    return found.astype(p.dtype, copy=False).reshape(shape)


@_roots.shape
def roots_shape(p: AbstractArray) -> Shape:
    if not p.ndim or not p.shape[-1]:
        raise ShapeError("roots", "p has no coefficients", expected="one or more", got=p.shape)
    return (*p.shape[:-1], p.shape[-1] - 1)


@_roots.vjp("p")
def roots_vjp_p(g: Array, *, y: Array, p: Array) -> Array:
    found = np.sort(values_of(y), axis=-1)
    near = np.diff(found) <= 4 * np.sqrt(np.finfo(found.dtype).eps) * np.abs(found[..., 1:])
    if near.any():
        problem = f"{found[..., 1:][near][0]} is a root twice, up to rounding, and has no gradient"
        raise GradientError("roots_vjp_p", problem, hint="compute from the coefficients")
    # where p(r) is 0, so is its change: r to the power at a coefficient, and p'(r) times the change of r
    powers = power(expand_dims(y, -1), np.arange(shape_of(y)[-1], -1, -1))
    falling = multiply(getitem(p, index=(..., slice(None, -1))), np.arange(shape_of(y)[-1], 0, -1))
    slope = reduction.sum(multiply(getitem(powers, index=(..., slice(1, None))), expand_dims(falling, -2)), axis=-1)
    return negative(reduction.sum(multiply(expand_dims(divide(g, slope), -1), powers), axis=-2))


@composite
def roots(p: Array) -> Array:
    """The roots of the polynomial with coefficients ``p``, which must all be real.

    Leading zeros are dropped, and their gradient is 0. A multiple root has no gradient, and the backward pass raises an
    error.

    Raises
    ------
    ArgumentError
        If some are complex.

    Examples
    --------
    >>> roots([1.0, -3.0, 2.0])
    array([2., 1.])
    """
    if len(shape_of(p)) != 1:
        raise ArgumentError("roots", "p has the wrong rank", expected="coefficients, in one axis", got=shape_of(p))
    (found,) = np.nonzero(_known("roots", p))
    if dtype_of(p).kind != "f":
        p = astype(p, dtype=float)
    return _roots(getitem(p, index=slice(int(found[0]) if found.size else -1, None)))
