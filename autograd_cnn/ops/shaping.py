"""Changing shapes: primitives that reshape, permute, repeat and join, and functions composed of them."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray, placeholder
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, dtype_of, shape_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError, ShapeError, require
from autograd_cnn.ops.elementwise import astype
from autograd_cnn.parameters import Axes, Axis, Count, Counts, DType, Lengths, OneAxis, Shift

__all__ = [
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "flip",
    "full_like",
    "moveaxis",
    "reshape",
    "roll",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "transpose",
]

# --- reshaping and permuting ------------------------------------------------------------------


@primitive(static=True)
def reshape(x: Array, shape: Lengths) -> Array:
    """``x`` in another shape; one length may be -1.

    Examples
    --------
    >>> reshape([1.0, 2.0, 3.0, 4.0], (2, -1))
    array([[1., 2.],
           [3., 4.]])
    """
    return np.reshape(x, shape)


@reshape.shape
def reshape_shape(x: AbstractArray, *, shape: Lengths) -> Shape:
    return placeholder(x.shape).reshape(shape).shape


@reshape.vjp("x")
def reshape_vjp_x(g: Array, *, x_shape: Shape) -> Array:
    return reshape(g, shape=x_shape)


@composite
def squeeze(x: Array, axis: Axis = None) -> Array:
    """``x`` without axes of length 1: all of them, or only ``axis``.

    Examples
    --------
    >>> squeeze(np.zeros((1, 3, 1)), axis=0).shape
    (3, 1)
    """
    return reshape(x, shape=_squeezed(shape_of(x), axis))


@lru_cache(maxsize=1024)
def _squeezed(shape: Shape, axis: Axis) -> Shape:
    return np.squeeze(placeholder(shape), axis).shape


@composite
def expand_dims(x: Array, axis: Axes) -> Array:
    """``x`` with new axes of length 1, at the positions ``axis`` of the result.

    Examples
    --------
    >>> expand_dims(np.zeros((2, 3)), (0, -1)).shape
    (1, 2, 3, 1)
    """
    return reshape(x, shape=_expanded(shape_of(x), axis))


@lru_cache(maxsize=1024)
def _expanded(shape: Shape, axis: Axes) -> Shape:
    return np.expand_dims(placeholder(shape), axis).shape


@primitive(static=True)
def transpose(x: Array, axes: Axes | None = None) -> Array:
    """``x`` with its axes permuted, by default reversed.

    Examples
    --------
    >>> transpose([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    return np.transpose(x, axes)


@transpose.shape
def transpose_shape(x: AbstractArray, *, axes: tuple[int, ...] | None) -> Shape:
    return placeholder(x.shape).transpose(axes).shape


@transpose.vjp("x")
def transpose_vjp_x(g: Array, *, x_shape: Shape, axes: tuple[int, ...] | None) -> Array:
    if axes is None:
        return transpose(g)
    return transpose(g, axes=_inverse(axes))


# Cached, so that an order is always the same object, which a primitive has already parsed.


@lru_cache(maxsize=256)
def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=lambda i: axes[i] % len(axes)))


@lru_cache(maxsize=256)
def _swapped(ndim: int, axis1: int, axis2: int) -> tuple[int, ...]:
    axes = list(range(ndim))
    first, second = (normalize_axis_index(axis, ndim) for axis in (axis1, axis2))
    axes[first], axes[second] = axes[second], axes[first]
    return tuple(axes)


@lru_cache(maxsize=256)
def _moved(ndim: int, source: Axes, destination: Axes) -> tuple[int, ...]:
    sources = normalize_axis_tuple(source, ndim, "source")
    destinations = normalize_axis_tuple(destination, ndim, "destination")
    if len(sources) != len(destinations):
        expected = f"{len(sources)} destinations"
        raise ArgumentError("moveaxis", "the axes do not pair up", expected=expected, got=len(destinations))
    axes = [a for a in range(ndim) if a not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        axes.insert(place, axis)
    return tuple(axes)


@composite
def swapaxes(x: Array, axis1: Count, axis2: Count) -> Array:
    """``x`` with two axes exchanged.

    Examples
    --------
    >>> swapaxes(np.zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    return transpose(x, axes=_swapped(len(shape_of(x)), axis1, axis2))


@composite
def moveaxis(x: Array, source: Axes, destination: Axes) -> Array:
    """``x`` with some axes moved to other positions; the other axes keep their order.

    Examples
    --------
    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return transpose(x, axes=_moved(len(shape_of(x)), source, destination))


# --- repeating --------------------------------------------------------------------------------


@primitive(static=True)
def broadcast_to(x: Array, shape: Lengths) -> Array:
    """``x`` repeated along new axes and axes of length 1, as broadcasting does.

    Examples
    --------
    >>> broadcast_to([1.0, 2.0], (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    if np.ndim(x) or isinstance(shape, int) or min(shape, default=0) < 1:
        return np.broadcast_to(x, shape)
    number = np.asarray(x)  # NumPy's function takes five times as long
    y: Array = np.ndarray(shape, number.dtype, number, 0, (0,) * len(shape))
    y.flags.writeable = False
    return y


@broadcast_to.shape
def broadcast_to_shape(x: AbstractArray, *, shape: Lengths) -> Shape:
    return np.broadcast_to(placeholder(x.shape), shape).shape


@broadcast_to.vjp("x")
def broadcast_to_vjp_x(g: Array) -> Array:
    return g  # the engine sums over the axes that broadcasting added


@composite
def tile(x: Array, reps: Counts) -> Array:
    """``x`` repeated as a whole, ``reps`` times along each axis.

    Examples
    --------
    >>> tile([1.0, 2.0], 2)
    array([1., 2., 1., 2.])
    """
    counts = (reps,) if isinstance(reps, int) else reps
    shape = shape_of(x)
    ndim = max(len(counts), len(shape))
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - len(shape)) + shape
    apart = reshape(x, shape=tuple(length for n in shape for length in (1, n)))
    laid = broadcast_to(apart, shape=tuple(length for pair in zip(counts, shape, strict=True) for length in pair))
    return reshape(laid, shape=tuple(r * n for r, n in zip(counts, shape, strict=True)))


@composite
def full_like(x: Array, fill_value: Array, dtype: DType | None = None, shape: Lengths | None = None) -> Array:
    """An array filled with a value that may have a gradient, by default with the shape and dtype of ``x``.

    Examples
    --------
    >>> full_like([1.0, 2.0], 7)
    array([7., 7.])
    """
    value = astype(fill_value, dtype=dtype_of(x) if dtype is None else dtype)
    return broadcast_to(value, shape=shape_of(x) if shape is None else shape)


# --- joining ----------------------------------------------------------------------------------


@primitive(static=True)
def _concatenate(*arrays: Array, axis: Count = 0) -> Array:
    return kernels.concatenate(arrays, axis)


@_concatenate.shape
def concatenate_shape(*arrays: AbstractArray, axis: int) -> Shape:
    before = (slice(None),) * normalize_axis_index(axis, arrays[0].ndim) if arrays else ()
    none = np.concatenate([placeholder(x.shape)[(*before, slice(0))] for x in arrays], axis)
    return (*none.shape[: len(before)], sum(x.shape[axis] for x in arrays), *none.shape[len(before) + 1 :])


@_concatenate.vjp("arrays")
def concatenate_vjp_arrays(g: Array, *, index: int, arrays_shape: tuple[Shape, ...], axis: int) -> Array:
    ends = list(accumulate(shape[axis] for shape in arrays_shape))
    start = ends[index] - arrays_shape[index][axis]
    return g[(slice(None),) * (axis % g.ndim) + (slice(start, ends[index]),)]


@composite
def concatenate(arrays: Sequence[Array], axis: OneAxis = 0) -> Array:
    """Join arrays along an existing axis; if ``axis`` is None, they are flattened first.

    Examples
    --------
    >>> concatenate([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    arrays = _listed("concatenate", arrays)
    if axis is None:
        return _concatenate(*(reshape(array, shape=-1) for array in arrays))
    return _concatenate(*arrays, axis=axis)


@composite
def stack(arrays: Sequence[Array], axis: Count = 0) -> Array:
    """Join arrays of the same shape along a new axis.

    Examples
    --------
    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=-1)
    array([[1., 3.],
           [2., 4.]])
    """
    arrays = _listed("stack", arrays)
    if len({shape_of(a) for a in arrays}) > 1:
        got = ", ".join(str(shape_of(a)) for a in arrays)
        raise ShapeError("stack", "the arrays differ in shape", expected=shape_of(arrays[0]), got=got)
    return _concatenate(*(expand_dims(a, axis) for a in arrays), axis=axis)


def _listed(where: str, arrays: Any) -> list[Array]:
    require(isinstance(arrays, Iterable), where, "arrays is not iterable", "arrays, such as a list of them", arrays)
    return list(arrays)


# --- reordering -------------------------------------------------------------------------------


@primitive
def flip(x: Array, axis: Axis = None) -> Array:
    """``x`` in reverse order along the axes; by default, along all axes.

    Examples
    --------
    >>> flip([1.0, 2.0, 3.0])
    array([3., 2., 1.])
    """
    return np.flip(x, axis)


@flip.shape
def flip_shape(x: AbstractArray, *, axis: Axis) -> Shape:
    return np.flip(placeholder(x.shape), axis).shape


@flip.vjp("x")
def flip_vjp_x(g: Array, *, axis: Axis) -> Array:
    return flip(g, axis=axis)


@primitive
def roll(x: Array, shift: Shift, axis: Axis = None) -> Array:
    """``x`` shifted along the axes; elements that leave at one end re-enter at the other.

    Examples
    --------
    >>> roll([1.0, 2.0, 3.0], 1)
    array([3., 1., 2.])
    """
    return np.roll(x, shift, axis)


@roll.shape
def roll_shape(x: AbstractArray, *, shift: Shift, axis: Axis) -> Shape:
    if axis is not None:
        np.broadcast(shift, normalize_axis_tuple(axis, x.ndim, allow_duplicate=True))
    return x.shape


@roll.vjp("x")
def roll_vjp_x(g: Array, *, shift: Shift, axis: Axis) -> Array:
    return roll(g, shift=tuple(-s for s in shift) if isinstance(shift, tuple) else -shift, axis=axis)
