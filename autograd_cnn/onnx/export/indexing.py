"""Writers of reading and replacing parts of arrays."""

import math
from collections.abc import Sequence
from types import NoneType
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.errors import FormatError
from autograd_cnn.onnx.export import shaping
from autograd_cnn.onnx.export.dims import Counted, Dim
from autograd_cnn.onnx.export.graph import Graph, Ref
from autograd_cnn.onnx.export.shaping import LAST, is_known
from autograd_cnn.onnx.export.writer import writes
from autograd_cnn.ops import sorting


def _parts(index: Any, rank: int) -> list[Any]:
    """Return an index with an int, a slice, an array or None for each axis, and no ellipsis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(isinstance(part, Ref) and part.dtype == bool for part in parts):
        text = "of what a computed mask picks, the values tell how much it is"
        raise FormatError("export", text, hint="set the rest to 0 by where")
    parts = [np.asarray(part) if isinstance(part, list) else part for part in parts]
    used = sum(part.ndim if _is_mask(part) else part is not None and part is not ... for part in parts)
    rest = [slice(None)] * (rank - used)
    place = next((i for i, part in enumerate(parts) if part is ...), None)
    parts = [*parts, *rest] if place is None else [*parts[:place], *rest, *parts[place + 1 :]]
    if any(_is_mask(part) for part in parts):
        parts = [each for part in parts for each in (part.nonzero() if _is_mask(part) else (part,))]
    return parts


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype == bool


def _is_basic(parts: Sequence[Any]) -> bool:
    return all(part is None or isinstance(part, (int, slice, Dim)) for part in parts)


def _is_all(part: Any, length: Any) -> bool:
    """Whether a slice takes a whole axis."""
    return (
        isinstance(part, slice) and part.step in {None, 1} and part.start in {None, 0} and part.stop in {None, length}
    )


# --- reading ----------------------------------------------------------------------------------


@writes(ops.getitem)
def getitem(graph: Graph, y: Ref, x: Ref, *, index: Any) -> Ref:
    parts = _parts(index, len(x.shape))
    if _is_basic(parts):
        return _sliced(graph, y, x, parts)
    if (axis := _only_axis(parts, x.shape)) is not None:
        taken = graph.node("Gather", x, _indices(graph, parts[axis]), axis=axis)
        return graph.reshape(Ref(taken.name, taken.dtype), y.shape)
    if count := _leading(parts, x.shape):
        return graph.node("GatherND", x, _columns(graph, parts[:count], y.shape[: len(y.shape) - len(x.shape) + count]))
    if _is_mesh(parts):
        for axis, part in enumerate(parts):
            x = x if isinstance(part, Counted) else graph.node("Gather", x, graph.constant(part.ravel()), axis=axis)
        return x
    places = graph.constant(_places(x.shape, index))
    return graph.node("Gather", graph.reshape(x, [-1]), places)


def _sliced(graph: Graph, y: Ref, x: Ref, parts: Sequence[Any]) -> Ref:
    starts, ends, axes, steps = [], [], [], []
    for axis, part in enumerate(each for each in parts if each is not None):
        if _is_all(part, x.shape[axis]):
            continue
        axes.append(axis)
        if isinstance(part, slice):
            step = part.step or 1
            first, last = (0, LAST) if step > 0 else (LAST, -LAST)
            start, stop = (limit if each is None else each for each, limit in ((part.start, first), (part.stop, last)))
        else:
            start, stop, step = part, LAST if part == -1 else part + 1, 1
        starts.append(start)
        ends.append(stop)
        steps.append(step)
    if axes:
        x = graph.node("Slice", x, *map(graph.ints, (starts, ends, axes, steps)))
    return x if all(isinstance(part, slice) for part in parts) else graph.reshape(Ref(x.name, x.dtype), y.shape)


def _only_axis(parts: Sequence[Any], shape: Sequence[Any]) -> int | None:
    """Return the axis along which an index's only array takes slices, if all other axes are taken whole."""
    arrays = [axis for axis, part in enumerate(parts) if not isinstance(part, slice)]
    if len(arrays) != 1 or isinstance(parts[arrays[0]], (int, NoneType)):
        return None
    whole = all(_is_all(part, n) for axis, (part, n) in enumerate(zip(parts, shape, strict=True)) if axis != arrays[0])
    return arrays[0] if whole else None


def _leading(parts: Sequence[Any], shape: Sequence[Any]) -> int:
    """Return the number of axes indexed by arrays, if these are the first axes and all others are taken whole; else 0."""
    if any(part is None for part in parts):
        return 0
    count = next((place for place, part in enumerate(parts) if isinstance(part, slice)), len(parts))
    return count if all(_is_all(part, n) for part, n in zip(parts[count:], shape[count:], strict=True)) else 0


def _is_mesh(parts: Sequence[Any]) -> bool:
    """Whether each axis is indexed by an array along this axis, as `numpy.ix_` makes them."""
    arrays = all(isinstance(part, (np.ndarray, Counted)) and len(part.shape) == len(parts) for part in parts)
    return arrays and all(
        place == axis or n == 1 for axis, part in enumerate(parts) for place, n in enumerate(part.shape)
    )


def _indices(graph: Graph, part: Any) -> Ref:
    return graph.cast(part if isinstance(part, Ref) else graph.constant(part), np.int64)


def _columns(graph: Graph, parts: Sequence[Any], shape: Sequence[Any]) -> Ref:
    """Return indices of the first axes, broadcast to a shape, beside each other along a new last axis."""
    laid = [
        graph.reshape(graph.node("Expand", _indices(graph, part), graph.ints(shape)), [*shape, 1]) for part in parts
    ]
    return laid[0] if len(laid) == 1 else graph.node("Concat", *laid, axis=-1)


def _places(shape: Sequence[Any], index: Any) -> Any:
    """Return the positions, in the flattened array, of the elements that an index takes, if known."""
    parts = index if isinstance(index, tuple) else (index,)
    if not is_known(shape) or any(isinstance(part, (Ref, Dim, Counted)) for part in parts):
        problem = "an index that mixes arrays from the graph, or lengths of the batch, with slices"
        raise FormatError("export", problem, hint="take along one axis at a time")
    return np.arange(math.prod(shape)).reshape(tuple(shape))[index]


# --- order ------------------------------------------------------------------------------------


@writes(sorting._sort)
def sort(graph: Graph, y: Ref, x: Ref, *, axis: int) -> tuple[Ref, Ref]:
    """With the positions; equal elements keep their order in ONNX, too."""
    values, places = graph.several(
        "TopK", x, graph.ints(y.shape[axis]), dtypes=[y.dtype, np.int64], axis=axis, largest=0
    )
    return values, places


@writes(ops.argsort)
def argsort(graph: Graph, y: Ref, x: Ref, *, axis: int | None, **_: Any) -> Ref:
    x = graph.reshape(Ref(x.name, x.dtype), y.shape) if axis is None else x
    return sort(graph, Ref("", x.dtype, y.shape), x, axis=axis or 0)[1]


# --- writing ----------------------------------------------------------------------------------


@writes(ops.scatter_add)
def scatter_add(graph: Graph, y: Ref, x: Ref, *, index: Any, **_: Any) -> Ref:
    parts, x = _parts(index, len(y.shape)), graph.cast(x, y.dtype)
    if _is_basic(parts) and (ranges := _ranges(parts, y.shape)) is not None:
        return _spread(graph, x, ranges, y.shape)
    zeros = graph.node("Expand", graph.constant(0, y.dtype), graph.ints(y.shape))
    return _scattered(graph, zeros, x, y.shape, index, "add")


def _ranges(parts: Sequence[Any], shape: Sequence[Any]) -> list[range | None] | None:
    """Return the range that an index takes of each axis, None for a whole one; None if one depends on the batch."""
    ranges: list[range | None] = []
    for part, length in zip((each for each in parts if each is not None), shape, strict=True):
        if _is_all(part, length):
            ranges.append(None)
        elif isinstance(length, Dim):
            return None
        else:
            ranges.append(range(length)[part] if isinstance(part, slice) else range(length)[part : part % length + 1])
    return ranges


def _spread(graph: Graph, x: Ref, ranges: Sequence[range | None], shape: Sequence[Any]) -> Ref:
    """Return zeros with x where ranges of each axis are."""
    lengths = [n if each is None else len(each) for each, n in zip(ranges, shape, strict=True)]
    x = graph.reshape(x, lengths)
    before, after = [0] * len(shape), [0] * len(shape)
    for axis, each in enumerate(ranges):
        if each is None or not len(each):
            after[axis] = 0 if each is None else shape[axis]
            continue
        if each.step < 0:
            x, each = shaping.flip(graph, x, x, axis=axis), each[::-1]  # noqa: PLW2901
        if each.step > 1:  # zeros after each element but the last
            apart = graph.reshape(x, [*lengths[: axis + 1], 1, *lengths[axis + 1 :]])
            x = _padded(
                graph,
                apart,
                [0] * (len(shape) + 1),
                [(place == axis + 1) * (each.step - 1) for place in range(len(shape) + 1)],
            )
            lengths[axis] = len(each) * each.step
            x = graph.reshape(x, lengths)
        before[axis], after[axis] = each[0], shape[axis] - each[0] - lengths[axis]
    return Ref(_padded(graph, x, before, after).name, x.dtype, tuple(shape))


def _padded(graph: Graph, x: Ref, before: Sequence[int], after: Sequence[int]) -> Ref:
    """Add zeros; negative numbers crop."""
    return graph.node("Pad", x, graph.ints([*before, *after])) if any(before) or any(after) else x


@writes(ops.set_at)
def set_at(graph: Graph, y: Ref, x: Ref, values: Ref, *, index: Any) -> Ref:
    parts, values = _parts(index, len(y.shape)), graph.cast(values, y.dtype)
    if not _is_basic(parts) or (ranges := _ranges(parts, y.shape)) is None or None in parts:
        return _scattered(graph, x, values, y.shape, index, "none")
    whole = [1 if each is None else n for each, n in zip(ranges, y.shape, strict=True)]
    mask = np.zeros(whole, bool)
    mask[np.ix_(*([0] if each is None else each for each in ranges))] = True
    taken = [n if each is None else len(each) for each, n in zip(ranges, y.shape, strict=True)]
    kept = [n for n, part in zip(taken, parts, strict=True) if isinstance(part, slice)]
    laid = graph.node("Expand", values, graph.ints(kept)) if kept else values
    new = _spread(graph, Ref(laid.name, laid.dtype), ranges, y.shape)
    return graph.node("Where", graph.constant(mask), new, x, dtype=y.dtype)


def _scattered(graph: Graph, x: Ref, values: Ref, shape: Sequence[Any], index: Any, reduction: str) -> Ref:
    """Write or add values at an index, to slices of the first axes or else to single elements."""
    parts = _parts(index, len(shape))
    if not _is_basic(parts) and (count := _leading(parts, shape)):
        lead = _joint([_shape(part) for part in parts[:count]])
        columns = _columns(graph, parts[:count], lead)
        values = graph.node("Expand", values, graph.ints([*lead, *shape[count:]]))
        return graph.node("ScatterND", x, columns, values, reduction=reduction)
    places = _places(shape, index)
    values = graph.reshape(graph.node("Expand", values, graph.ints(places.shape)), [-1])
    flat = graph.node(
        "ScatterElements", graph.reshape(Ref(x.name, x.dtype), [-1]), graph.constant(places.ravel()), values, axis=0,
        reduction=reduction,
    )  # fmt: skip
    return graph.reshape(flat, shape)


def _joint(shapes: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the shape to which shapes broadcast."""
    rank = max(map(len, shapes))
    columns = zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True)
    return tuple(next((length for length in column if length != 1), 1) for column in columns)


def _shape(part: Any) -> tuple[Any, ...]:
    return part.shape if isinstance(part, (Ref, Counted)) else np.shape(part)
