"""ONNX's operators that gather, scatter and sort."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.onnx.budget import CALL
from autograd_cnn.onnx.operator import Fixed, Flag, Indices, Ints, Numbers, detached, known, operator
from autograd_cnn.tensor.numpy_functions import plain_index

Reduction = Literal["none", "add", "mul", "max", "min"]


def _taken(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    x, indices = shapes
    axis = attributes.get("axis", 0)
    return math.prod(indices) * math.prod(length for place, length in enumerate(x) if place != axis % len(x))


def _rows(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    x, indices = shapes
    return math.prod(indices[:-1]) * math.prod(x[indices[-1] :])


# --- gathering --------------------------------------------------------------------------------


@operator("Gather", extent=_taken)
def gather(x: Array, indices: Indices, *, axis: int = 0) -> Array:
    """Take slices along an axis."""
    if shape_of(indices):
        return ops.take(x, plain_index(indices), axis=axis)
    return ops.squeeze(gather(x, ops.reshape(indices, shape=1), axis=axis), axis)


def _places(x: Array, indices: Indices, axis: int) -> tuple[Any, ...]:
    """Return an index for the elements that ``indices`` names along an axis."""
    if indices.ndim != len(shape_of(x)):
        raise ShapeError("indices and x differ in rank", expected=f"{len(shape_of(x))} axes", got=indices.shape)
    places: list[Any] = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    places[axis] = plain_index(indices)
    return tuple(places)


@operator("GatherElements")
def gather_elements(x: Array, indices: Indices, *, axis: int = 0) -> Array:
    """Take an element for each index, from the index's own line."""
    return ops.getitem(x, index=_places(x, indices, axis))


def _columns(indices: Indices) -> tuple[Any, ...]:
    """Return the entries along the last axis as an index."""
    return tuple(plain_index(ops.getitem(indices, index=(..., column))) for column in range(shape_of(indices)[-1]))


@operator("GatherND", extent=_rows)
def gather_nd(x: Array, indices: Indices, *, batch_dims: int = 0) -> Array:
    """Take slices at the indices along the last axis."""
    batch = np.ix_(*(np.arange(n) for n in shape_of(x)[:batch_dims]))
    more = indices.ndim - 1 - batch_dims
    lead = tuple(each.reshape(each.shape + (1,) * more) for each in batch)
    return ops.getitem(x, index=(*lead, *_columns(indices)))


@operator("Compress")
def compress(x: Array, condition: Numbers, *, axis: int | None = None) -> Array:
    """Take the slices for which the condition holds."""
    if axis is None:
        x, axis = ops.reshape(x, shape=-1), 0
    return ops.take(x, np.flatnonzero(condition), axis=axis)


@operator("ReverseSequence")
def reverse_sequence(x: Array, sequence_lens: Ints, *, batch_axis: int = 1, time_axis: int = 0) -> Array:
    """Reverse the first elements of each sequence."""
    length = shape_of(x)[time_axis]
    place, lens = np.arange(length), sequence_lens.reshape(-1, 1)
    order = np.where(place < lens, lens - 1 - place, place)  # (batch, time)
    order = order if batch_axis < time_axis else order.T
    shape = [1] * len(shape_of(x))
    shape[batch_axis], shape[time_axis] = len(sequence_lens), length
    whole = [n if axis not in (batch_axis, time_axis) else shape[axis] for axis, n in enumerate(shape_of(x))]
    return ops.take_along_axis(x, np.broadcast_to(order.reshape(shape), whole), axis=time_axis)


# --- scattering -------------------------------------------------------------------------------


def _scattered(x: Array, values: Array, index: tuple[Any, ...], reduction: Reduction) -> Array:
    if reduction == "none":
        return ops.set_at(x, values, index=index)
    if reduction == "add" and x.dtype.kind == "f":
        return x + ops.scatter_add(values, index=index, shape=shape_of(x))
    function = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[reduction]
    if any(getattr(each, "node", None) is not None for each in (x, values)):
        raise FormatError(f"the reduction {reduction} has no gradient", hint="it takes numbers that are known")
    y = known(x).copy()
    function.at(y, index, known(values))
    return y


@operator("ScatterElements")
def scatter_elements(
    x: Array, indices: Indices, updates: Array, *, axis: int = 0, reduction: Reduction = "none"
) -> Array:
    """Write an element for each index, into the index's own line."""
    return _scattered(x, updates, _places(x, indices, axis), reduction)


@operator("Scatter")
def scatter(x: Array, indices: Indices, updates: Array, *, axis: int = 0) -> Array:
    """The name of `scatter_elements` before opset 11."""
    return scatter_elements(x, indices, updates, axis=axis)


@operator("ScatterND")
def scatter_nd(x: Array, indices: Indices, updates: Array, *, reduction: Reduction = "none") -> Array:
    """Write slices at the indices along the last axis."""
    return _scattered(x, updates, _columns(indices), reduction)


@operator("TensorScatter")
def tensor_scatter(
    past: Array, update: Array, write_indices: Ints | None = None, *,
    axis: int = -2, mode: Literal["linear", "circular"] = "linear",
) -> Array:  # fmt: skip
    """Append new elements to sequences in place, as in a cache of keys."""
    batch, length, new = shape_of(past)[0], shape_of(past)[axis], shape_of(update)[axis]
    first = np.zeros(batch, np.int64) if write_indices is None else write_indices
    place = first[:, None] + np.arange(new)
    if mode == "circular":
        place %= length
    shape = [1] * len(shape_of(past))
    shape[0], shape[axis] = batch, new
    return ops.set_at(past, update, index=_places(past, np.broadcast_to(place.reshape(shape), shape_of(update)), axis))


@operator("OneHot", extent=lambda shapes, operands, _: math.prod(shapes[0]) * max(int(operands[1].item()), 0))
def one_hot(indices: Fixed, depth: Numbers, values: Array, *, axis: int = -1) -> Array:
    """Return the second of two values at each index along a new axis, the first elsewhere."""
    count, rank = int(depth.item()), len(shape_of(indices)) + 1
    place = ops.expand_dims(ops.where(ops.less(indices, 0), indices + count, indices), axis)
    classes = np.arange(count).reshape([-1 if each == axis % rank else 1 for each in range(rank)])
    return ops.where(ops.equal(place, classes), values[1], values[0])


# --- order ------------------------------------------------------------------------------------


def _top(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:
    """Bound the elements, also if ``k`` is too large."""
    return 2 * math.prod(shapes[0]) + max(int(operands[1].item() if len(operands) > 1 else attributes["k"].item()), 0)


@operator("TopK", extent=_top)
def top_k(x: Array, k: Ints, *, axis: int = -1, largest: Flag = 1, sorted: Flag = 1) -> tuple[Array, Array]:  # noqa: A002, ARG001  # ONNX's name; they are sorted in any case
    """Return the ``k`` largest or smallest along an axis, and their positions; of equal ones the first."""
    key = detached(x)
    if largest:  # a reversed stable order would take the last of equal ones
        key = ops.invert(key) if key.dtype.kind in "iub" else -key
    order = ops.take(ops.argsort(key, axis=axis, stable=True), np.arange(int(k.item())), axis=axis)
    return ops.getitem(x, index=_places(x, order, axis)), order


@operator("Unique", extent=lambda shapes, *_: 4 * math.prod(shapes[0]))
def unique(
    x: Array, *, axis: int | None = None, sorted: Flag = 1  # noqa: A002  # ONNX's name
) -> tuple[NDArray[Any], ...]:  # fmt: skip
    """Return the distinct elements, their first positions, the index among them of each element, and their counts."""
    values, first, inverse, counts = np.unique(known(x), True, True, True, axis=axis)  # noqa: FBT003  # all it has
    inverse = inverse.ravel()
    if not sorted:
        order = first.argsort()
        rank = order.argsort()
        values, first, counts = values.take(order, axis=axis or 0), first[order], counts[order]
        inverse = rank[inverse]
    return values, first, inverse, counts


def _kept(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    """Count for each box that is kept the comparisons with the others."""
    images, classes, boxes = shapes[1]
    most = 0 if len(operands) < 3 or operands[2] is None else min(max(int(operands[2].item()), 0), boxes)
    return images * classes * (boxes + most * (CALL + boxes // 8))


@operator("NonMaxSuppression", extent=_kept)
def non_max_suppression(
    boxes: Numbers, scores: Numbers, max_output_boxes_per_class: Ints | None = None,
    iou_threshold: Numbers | None = None, score_threshold: Numbers | None = None, *, center_point_box: Flag = 0,
) -> NDArray[np.int64]:  # fmt: skip
    """Return (image, class, box), best first, for boxes that do not overlap a better one by more than a threshold."""
    most = 0 if max_output_boxes_per_class is None else int(max_output_boxes_per_class.item())
    limit = 0.0 if iou_threshold is None else float(iou_threshold.item())
    least = -np.inf if score_threshold is None else float(score_threshold.item())
    if center_point_box:
        middle, half = boxes[..., :2], boxes[..., 2:] / 2
        low, high = middle - half, middle + half
    else:
        low, high = np.minimum(boxes[..., :2], boxes[..., 2:]), np.maximum(boxes[..., :2], boxes[..., 2:])
    found = []
    for image in range(scores.shape[0]):
        area = np.prod(high[image] - low[image], axis=-1)
        for label in range(scores.shape[1]):
            score = scores[image, label]
            left = np.argsort(-score, kind="stable")
            left = left[score[left] > least]
            kept = 0
            while len(left) and kept < most:
                best, left = left[0], left[1:]
                found.append((image, label, best))
                kept += 1
                sides = np.minimum(high[image, best], high[image, left]) - np.maximum(
                    low[image, best], low[image, left]
                )
                common = np.prod(np.maximum(sides, 0), axis=-1)
                left = left[common <= limit * (area[best] + area[left] - common)]
    return np.array(found, np.int64).reshape(-1, 3)
