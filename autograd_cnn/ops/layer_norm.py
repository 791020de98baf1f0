"""Layer normalisation as a form ⟨g, w · z(x) + b⟩, differentiated in each argument.

For each row let z = (x - mean(x)) · r with r = 1 / sqrt(var(x) + eps). The form is linear in g, and in w and b. Its
gradient in g is the forward pass, its gradients in w and b are the sums of g · z and of g over all rows, and its
gradient in x,

    A(w · g) with A(h) = r · (h - mean(h) - z · mean(h · z)),

where A is its own adjoint. So the three are each other's rules, except for the second derivative in x. As in batch
normalisation, an ordinary backward pass hands on moments that have been computed.

Shapes: x, g and y (..., D1, ..., Dk), whose last k axes are a row; weight and bias (D1, ..., Dk), or more of the last
axes, as for the channels of each of several groups. Their last axis may have length 1: one number for all entries along
it, as for a channel's pixels.
"""

import math
from typing import Any

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array, Shape, Traced, shape_of, values_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ShapeError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import sqrt
from autograd_cnn.ops.normalization import Counted
from autograd_cnn.ops.precision import joined, mean_dtype
from autograd_cnn.parameters import Flag, NotNegative, Size

__all__ = ["layer_norm", "layer_norm_wrt_affine", "layer_norm_wrt_input"]


def _check(where: str, x: Array, axes: int, g: Array | None = None, over: int = 0, **numbers: Array | None) -> None:
    """Raise `ShapeError` unless ``x`` has rows, any number of them, and the other shapes match them."""
    shape, given = np.shape(x), [np.shape(values) for values in numbers.values() if values is not None]
    row = shape[len(shape) - axes :]
    usual = over <= len(row) == axes and given.count(row) == len(given) and 0 not in row
    if usual and (g is None or np.shape(g) == shape):
        return
    ranks = list(map(len, given))
    if len(shape) < axes or 0 in shape[-max(axes, over, *ranks) :]:
        expected = f"at least {axes} {'axis' if axes == 1 else 'axes'}, not empty"
        raise ShapeError(where, "x has the wrong shape", expected=expected, got=shape)
    if g is not None and np.shape(g) != shape:
        raise ShapeError(where, "g has the wrong shape", expected=shape, got=np.shape(g))
    for name, values in numbers.items():
        row = () if values is None else shape[-max(axes, np.ndim(values)) :]
        if values is not None and np.shape(values) not in (row, (*row[:-1], 1)):
            expected = f"that of a row, {shape[-axes:]}"
            raise ShapeError(where, f"{name} has the wrong shape", expected=expected, got=np.shape(values))


def _rows(values: Array, shape: Shape, axes: int) -> Array:
    """Return an array as rows, (R, D)."""
    rows: Array = values.reshape(-1, math.prod(shape[-axes:]))
    return rows


def _numbers(x: Array, axes: int, *given: tuple[Array | None, float]) -> list[Array]:
    """Return arrays over the same last axes as rows, (Q, E); None counts as its default."""
    row = x.shape[x.ndim - axes :]
    if [None if values is None else values.shape for values, _ in given] == [row] * len(given):
        return [values.reshape(1, -1) for values, _ in given if values is not None]  # as in most networks
    shapes = [np.shape(values) for values, _ in given if values is not None] or [(1,)]
    rank = max(axes, *map(len, shapes))
    shape = (*x.shape[-rank:-1], max(each[-1] for each in shapes)) if rank else (1,)
    numbers = [np.full(shape, default, x.dtype) if values is None else values for values, default in given]
    whole = (each if each.shape == shape else np.broadcast_to(each, shape) for each in numbers)
    return [each.reshape(-1, math.prod(shape[-axes:])) for each in whole]


@primitive(residuals=("moments",))
def layer_norm(
    x: Array, weight: Array | None = None, bias: Array | None = None, eps: NotNegative = 1e-5, axes: Size = 1
) -> tuple[Array, Array]:
    """``(x - mean) / sqrt(var + eps) · weight + bias``, with the moments of each row (Ba et al. 2016).

    Parameters
    ----------
    x : (..., D1, ..., Dk)
    weight, bias : (D1, ..., Dk), optional
        By default 1 and 0. They may cover more of the last axes than a row, and their last axis may have length 1.
    eps : float
        Keeps the division away from 0.
    axes : int
        k: the number of last axes that form a row.

    Returns
    -------
    y : (..., D1, ..., Dk)

    Raises
    ------
    ShapeError
        If the shapes do not match, or rows are empty.

    Examples
    --------
    >>> layer_norm([[1.0, 3.0], [2.0, 2.0]], eps=1e-9).round(3)
    array([[-1.,  1.],
           [ 0.,  0.]])
    """
    _check("layer_norm", x, axes, weight=weight, bias=bias)
    x, weight, bias = joined("layer_norm", mean_dtype, x=np.asarray(x), weight=weight, bias=bias)
    weight, bias = _numbers(x, axes, (weight, 1), (bias, 0))
    y, moments = kernels.layer_norm(_rows(x, x.shape, axes), weight, bias, eps)
    return y.reshape(x.shape), moments


@layer_norm.shape(dtype=mean_dtype)
def layer_norm_shape(x: AbstractArray, weight: AbstractArray | None, bias: AbstractArray | None, *, axes: int) -> Shape:
    _check("layer_norm", x, axes, weight=weight, bias=bias)
    return x.shape


@layer_norm.vjp("x")
def layer_norm_vjp_x(g: Array, *, x: Array, weight: Array | None, eps: float, axes: int, moments: Array) -> Array:
    recorded, compiled = isinstance(g, Traced), isinstance(moments, Traced)
    if recorded and not compiled:
        return layer_norm_wrt_input(g, x, weight, eps=eps, axes=axes)
    known = values_of(moments)
    if weight is None:
        return layer_norm_wrt_input(g, x, eps=eps, axes=axes, moments=known)
    of_weight = _belonging(shape_of(weight), x.shape)
    if recorded:
        _counted.count(g, x, known, eps=eps, axes=axes, **of_weight)
        return layer_norm_wrt_input(g, x, weight, eps=eps, axes=axes, moments=known)
    # For all three rules at once; the rules of weight and bias don't know the moments.
    dx, sums = _adjoints(g, x, weight, known, axes, "x, weight")
    _counted.keep(sums.reshape(2, *weight.shape), g, x, eps=eps, axes=axes, **of_weight)
    return dx


def _adjoints(g: Array, x: Array, weight: Array | None, moments: Array, axes: int, of: str) -> tuple[Array, Any]:
    """Return the form's gradient in x, and those in weight and bias as rows; see `kernels.layer_norm_wrt`."""
    g, x, weight = joined("layer_norm_wrt_input", mean_dtype, g=g, x=x, weight=weight)
    (weight,) = _numbers(x, axes, (weight, 1))
    dx, sums = kernels.layer_norm_wrt(_rows(g, x.shape, axes), _rows(x, x.shape, axes), moments, weight, of)
    return None if dx is None else dx.reshape(x.shape), sums


@layer_norm.vjp("weight")
def layer_norm_vjp_weight(g: Array, *, x: Array, weight_shape: Shape, eps: float, axes: int) -> Array:
    return _counted.sums(g, x, eps=eps, axes=axes, **_belonging(weight_shape, x.shape))[0]


@layer_norm.vjp("bias")
def layer_norm_vjp_bias(g: Array, *, bias_shape: Shape) -> Array:
    total = _counted.total(g)
    return g if total is None or total.shape != bias_shape else total


def _belonging(numbers: Shape, shape: Shape) -> dict[str, Any]:
    """Return the number of axes that the parameters cover, and whether all entries along the last axis share one."""
    return {"over": len(numbers), "together": numbers[-1:] != shape[-1:]}


@primitive
def layer_norm_wrt_input(
    g: Array,
    x: Array,
    weight: Array | None = None,
    eps: NotNegative = 1e-5,
    axes: Size = 1,
    *,
    moments: Array | None = None,
) -> Array:
    """The form's gradient in x: ``r · (h - mean(h) - z · mean(h · z))`` with ``h = g · weight``.

    Parameters
    ----------
    g, x : (..., D1, ..., Dk)
        Sensitivities of the output, and the input.
    weight, eps, axes
        As for `layer_norm`.
    moments : (2, R), optional
        Mean and ``r`` of each of the R rows, if they are already known.

    Returns
    -------
    dx : (..., D1, ..., Dk)

    Raises
    ------
    ShapeError
        If the shapes do not match, or rows are empty.

    Examples
    --------
    >>> layer_norm_wrt_input([1.0, 0.0, 0.0], [0.0, 1.0, 2.0], eps=0.0).round(3)
    array([ 0.204, -0.408,  0.204])
    """
    _check("layer_norm_wrt_input", x, axes, g, weight=weight)
    g, x = np.asarray(g), np.asarray(x)
    moments = _moments(x, eps, axes) if moments is None else moments
    return _adjoints(g, x, weight, moments, axes, "x")[0]


@layer_norm_wrt_input.shape(dtype=mean_dtype)
def layer_norm_wrt_input_shape(g: AbstractArray, x: AbstractArray, weight: AbstractArray | None, *, axes: int) -> Shape:
    _check("layer_norm_wrt_input", x, axes, g, weight=weight)
    return x.shape


@layer_norm_wrt_input.vjp("g")
def layer_norm_wrt_input_vjp_g(u: Array, *, x: Array, weight: Array | None, eps: float, axes: int) -> Array:
    return _times(layer_norm_wrt_input(u, x, eps=eps, axes=axes), weight)


@layer_norm_wrt_input.vjp("x")
def layer_norm_wrt_input_vjp_x(u: Array, *, g: Array, x: Array, weight: Array | None, eps: float, axes: int) -> Array:
    """With S = mean(u·h) - mean(u)·mean(h) - mean(u·z)·mean(h·z), the count times r·S is ⟨u, A(h)⟩; dr = -r²·z."""
    row, h = tuple(range(-axes, 0)), _times(g, weight)
    z, r = layer_norm(x, eps=eps, axes=axes), 1 / sqrt(reduction.var(x, axis=row, keepdims=True) + eps)
    hz, uz = _mean(h * z, row), _mean(u * z, row)
    s = _mean(u * h, row) - _mean(u, row) * _mean(h, row) - uz * hz
    return -(layer_norm_wrt_input(r * (u * hz + h * uz), x, eps=eps, axes=axes) + r * r * z * s)


@layer_norm_wrt_input.vjp("weight")
def layer_norm_wrt_input_vjp_weight(u: Array, *, g: Array, x: Array, eps: float, axes: int) -> Array:
    return g * layer_norm_wrt_input(u, x, eps=eps, axes=axes)


def _times(values: Array, weight: Array | None) -> Array:
    return values if weight is None else values * weight


def _mean(values: Array, row: tuple[int, ...]) -> Array:
    return reduction.mean(values, axis=row, keepdims=True)


def _moments(x: Array, eps: float, axes: int) -> Array:
    (rows,) = joined("layer_norm", mean_dtype, x=_rows(x, x.shape, axes))
    one = np.ones((1, rows.shape[1]), rows.dtype)
    moments: Array = kernels.layer_norm(rows, one, one, eps)[1]
    return moments


@primitive
def layer_norm_wrt_affine(
    g: Array,
    x: Array,
    eps: NotNegative = 1e-5,
    axes: Size = 1,
    over: Size | None = None,
    together: Flag = False,
    *,
    moments: Array | None = None,
) -> Array:
    """The form's gradients in the weight and in the bias: the sums of ``g · z`` and of ``g`` over all rows.

    Parameters
    ----------
    g, x : (..., D1, ..., Dk)
        Sensitivities of the output, and the input.
    eps, axes
        As for `layer_norm`.
    over : int, optional
        The number of last axes of weight and bias; by default those of a row.
    together : bool
        Whether the last of these axes has length 1: one number for the whole axis.
    moments : (2, R), optional
        As for `layer_norm_wrt_input`.

    Returns
    -------
    dweight_and_dbias : (2, D1, ..., Dk)

    Raises
    ------
    ShapeError
        If the shapes differ, or rows are empty.

    Examples
    --------
    >>> layer_norm_wrt_affine([[1.0, 1.0], [2.0, 2.0]], [[1.0, 3.0], [6.0, 4.0]], eps=0.0)
    array([[ 1., -1.],
           [ 3.,  3.]])
    """
    shape = _affine_shape(g, x, axes, over, together)
    g, x = joined("layer_norm_wrt_affine", mean_dtype, g=np.asarray(g), x=np.asarray(x))
    moments = _moments(x, eps, axes) if moments is None else moments
    ones = np.ones(shape, x.dtype).reshape(-1, math.prod(shape[len(shape) - axes :]))
    rows = _rows(g, x.shape, axes), _rows(x, x.shape, axes)
    sums: Array = kernels.layer_norm_wrt(*rows, moments, ones, "weight")[1]
    return sums.reshape(2, *shape)


def _affine_shape(g: Array, x: Array, axes: int, over: int | None, together: bool) -> Shape:
    """Return the shape of a weight over some of the last axes."""
    _check("layer_norm_wrt_affine", x, axes, g, over or 0)
    shape = np.shape(x)[-max(axes, over or axes) :]
    return (*shape[:-1], 1) if together else shape


@layer_norm_wrt_affine.shape(dtype=mean_dtype)
def layer_norm_wrt_affine_shape(
    g: AbstractArray, x: AbstractArray, *, axes: int, over: int | None, together: bool
) -> Shape:
    return 2, *_affine_shape(g, x, axes, over, together)


@layer_norm_wrt_affine.vjp("g")
def layer_norm_wrt_affine_vjp_g(u: Array, *, x: Array, eps: float, axes: int) -> Array:
    return layer_norm(x, u[0], u[1], eps=eps, axes=axes)


@layer_norm_wrt_affine.vjp("x")
def layer_norm_wrt_affine_vjp_x(u: Array, *, g: Array, x: Array, eps: float, axes: int) -> Array:
    return layer_norm_wrt_input(g, x, u[0], eps=eps, axes=axes)


_counted = Counted(layer_norm_wrt_affine)
