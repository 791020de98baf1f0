"""ONNX's reductions: sums, extrema, norms, and cumulative operations."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.onnx.operator import Flag, Ints, known, operator
from autograd_cnn.parameters import Axis

# --- along several axes -----------------------------------------------------------------------


def _least_one(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    """Bound the elements, which are the most if only axes of length 0 are reduced."""
    return math.prod(max(length, 1) for length in shapes[0])


def _reducing(function: Callable[..., Array], of_empty: Callable[[Array], Array] | None = None) -> Callable[..., Array]:
    """Return the operator that reduces by ``function``; with no axes it may be another function, element by element."""

    def run(x: Array, axes: Ints | None = None, *, keepdims: Flag = 1, noop_with_empty_axes: Flag = 0) -> Array:
        axis = _axis(axes)
        if axis is None and noop_with_empty_axes:
            return x if of_empty is None else of_empty(x)
        return function(x, axis=axis, keepdims=bool(keepdims))

    return run


def _axis(axes: Ints | Sequence[int] | None) -> Axis:
    """Return axes as a tuple, or None if there are none, which means all axes."""
    return tuple(int(axis) for axis in axes) or None if axes is not None else None


def _kept(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return the reduction with the dtype of its operand, where NumPy's is wider."""

    def run(x: Array, **options: Any) -> Array:
        y = function(x, **options)
        return y if y.dtype == x.dtype else known(y).astype(x.dtype)

    return run


def _extreme(function: Callable[..., Array], least: bool) -> Callable[..., Array]:
    """Return the reduction to an extremum; for empty operands it is the neutral element, for bools a bool."""

    def run(x: Array, *, axis: Axis, keepdims: bool) -> Array:
        if x.dtype.kind == "b":
            return (ops.all if least else ops.any)(x, axis=axis, keepdims=keepdims)
        if not np.prod(shape_of(x)):
            info: Any = np.finfo(x.dtype) if x.dtype.kind == "f" else np.iinfo(x.dtype)
            ends = (np.inf, -np.inf) if x.dtype.kind == "f" else (info.max, info.min)
            return np.full(known(x).sum(axis=axis, keepdims=keepdims).shape, ends[0 if least else 1], x.dtype)
        return function(x, axis=axis, keepdims=keepdims)

    return run


def _mean(x: Array, *, axis: Axis, keepdims: bool) -> Array:
    if x.dtype.kind in "iu":
        return known(x).mean(axis=axis, keepdims=keepdims).astype(x.dtype)
    return ops.mean(x, axis=axis, keepdims=keepdims)


def _l2(x: Array, *, axis: Axis, keepdims: bool) -> Array:
    return ops.sqrt(ops.sum(x * x, axis=axis, keepdims=keepdims))


def _log_sum_exp(x: Array, *, axis: Axis, keepdims: bool) -> Array:
    if not np.prod(shape_of(x)):
        return _log_sum(x, axis=axis, keepdims=keepdims)
    return ops.logsumexp(x, axis=axis, keepdims=keepdims)


def _log_sum(x: Array, *, axis: Axis, keepdims: bool) -> Array:
    with np.errstate(divide="ignore"):  # of 0
        return ops.log(ops.sum(x, axis=axis, keepdims=keepdims))


operator("ReduceSum", extent=_least_one)(_reducing(_kept(ops.sum)))
operator("ReduceMean", extent=_least_one)(_reducing(_mean))
operator("ReduceProd", extent=_least_one)(_reducing(_kept(ops.prod)))
operator("ReduceMax", extent=_least_one)(_reducing(_extreme(ops.max, least=False)))
operator("ReduceMin", extent=_least_one)(_reducing(_extreme(ops.min, least=True)))
operator("ReduceL1", extent=_least_one)(
    _reducing(_kept(lambda x, **options: ops.sum(ops.absolute(x), **options)), ops.absolute)
)
operator("ReduceL2", extent=_least_one)(_reducing(_kept(_l2), ops.absolute))
operator("ReduceSumSquare", extent=_least_one)(
    _reducing(_kept(lambda x, **options: ops.sum(x * x, **options)), lambda x: x * x)
)
operator("ReduceLogSum", extent=_least_one)(_reducing(_log_sum, ops.log))
operator("ReduceLogSumExp", extent=_least_one)(_reducing(_log_sum_exp))

# --- along one axis ---------------------------------------------------------------------------


def _arg(function: Callable[..., Any]) -> Callable[..., Array]:
    def run(x: Array, *, axis: int = 0, keepdims: Flag = 1, select_last_index: Flag = 0) -> Array:
        if select_last_index:
            return shape_of(x)[axis] - 1 - function(ops.flip(x, axis=axis), axis=axis, keepdims=bool(keepdims))
        return function(x, axis=axis, keepdims=bool(keepdims))

    return run


operator("ArgMax")(_arg(ops.argmax))
operator("ArgMin")(_arg(ops.argmin))


def _running(function: Callable[[Array, int], Array], start: int) -> Callable[..., Array]:
    """Return the operator of a function that accumulates along an axis, starting from ``start``."""

    def run(x: Array, axis: Ints, *, exclusive: Flag = 0, reverse: Flag = 0) -> Array:
        place = int(axis.item()) % len(shape_of(x))
        x = ops.flip(x, axis=place) if reverse else x
        y = function(x, place)
        if exclusive:
            first = [slice(None)] * len(shape_of(x))
            first[place] = slice(0, -1)
            width = [(0, 0)] * len(shape_of(x))
            width[place] = (1, 0)
            y = ops.pad(ops.getitem(y, index=tuple(first)), width, constant_values=start)
        return ops.flip(y, axis=place) if reverse else y

    return run


def _sums(x: Array, axis: int) -> Array:
    return known(x).cumsum(axis).astype(x.dtype) if x.dtype.kind in "iu" else ops.cumsum(x, axis=axis)


def _products(x: Array, axis: int) -> Array:
    if x.dtype.kind in "iu":
        return known(x).cumprod(axis).astype(x.dtype)
    return ops.cumprod(x, axis=axis)


operator("CumSum")(_running(_sums, 0))
operator("CumProd")(_running(_products, 1))


# --- distributions ----------------------------------------------------------------------------


def _flat(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return a function along an axis; before opset 13 it runs along all axes from this one on."""

    def run(x: Array, *, axis: int | None = None, opset: int) -> Array:
        if opset >= 13:
            return function(x, axis=-1 if axis is None else axis)
        shape = shape_of(x)
        place = (1 if axis is None else axis) % max(len(shape), 1)
        return ops.reshape(function(ops.reshape(x, shape=(*shape[:place], -1)), axis=-1), shape=shape)

    return run


def _hardmax(x: Array, *, axis: int) -> Array:
    first, shape = ops.argmax(x, axis=axis, keepdims=True), shape_of(x)
    places = np.moveaxis(np.arange(shape[axis]).reshape(-1, *(1,) * (len(shape) - 1)), 0, axis)
    return ops.astype(ops.equal(places, first), dtype=x.dtype)


operator("Softmax")(_flat(ops.softmax))
operator("LogSoftmax")(_flat(ops.log_softmax))
operator("Hardmax")(_flat(_hardmax))
