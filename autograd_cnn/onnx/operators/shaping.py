"""ONNX's operators on shapes: reordering, joining, repeating and creating arrays, and integers about them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.onnx.operator import Flag, Ints, Numbers, known, operator

# --- how much they make -----------------------------------------------------------------------


def _product(lengths: Any) -> int:
    return math.prod(max(int(length), 0) for length in lengths)


def _expanded(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    return math.prod(shapes[0]) * _product(max(int(length), 1) for length in operands[1].ravel())


def _padded(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:
    lengths = list(shapes[0])
    pads = np.asarray(attributes["pads"] if len(operands) < 2 else operands[1]).reshape(2, -1).tolist()
    axes = operands[3] if len(operands) > 3 else None
    places = range(len(lengths)) if axes is None else axes.tolist()
    for place, *more in zip(places, *pads, strict=True):
        lengths[place] += sum(max(each, 0) for each in more)
    return math.prod(lengths)


def _range(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    start, limit, delta = (float(each.item()) for each in operands)
    steps = (limit - start) / delta if delta else 0
    return max(math.ceil(steps), 0) if math.isfinite(steps) else 1 << 62


# --- order and form ---------------------------------------------------------------------------


@operator("Flatten")
def flatten(x: Array, *, axis: int = 1) -> Array:
    """Flatten to a matrix; the axes from ``axis`` on become its columns."""
    shape = shape_of(x)
    return ops.reshape(x, shape=(math.prod(shape[:axis]), math.prod(shape[axis:])))


@operator("Reshape")
def reshape(x: Array, shape: Ints, *, allowzero: Flag = 0) -> Array:
    """Change the shape; a 0 means the length of the same axis of x, unless ``allowzero`` is set."""
    lengths = [int(length) for length in shape]
    if not allowzero:
        if 0 in lengths[len(shape_of(x)) :]:
            raise ShapeError("a 0 stands for a length that x lacks", expected=f"{len(shape_of(x))} axes", got=lengths)
        lengths = [length or shape_of(x)[place] for place, length in enumerate(lengths)]
    return ops.reshape(x, shape=tuple(lengths))


@operator("Transpose")
def transpose(x: Array, *, perm: Sequence[int] | None = None) -> Array:
    """Permute the axes."""
    return ops.transpose(x, axes=None if perm is None else tuple(perm))


@operator("Squeeze")
def squeeze(x: Array, axes: Ints | None = None) -> Array:
    """Remove axes of length 1."""
    return ops.squeeze(x, None if axes is None else tuple(axes.tolist()))


@operator("Unsqueeze")
def unsqueeze(x: Array, axes: Ints) -> Array:
    """Insert axes of length 1."""
    return ops.expand_dims(x, tuple(axes.ravel().tolist()))


@operator("DepthToSpace")
def depth_to_space(x: Array, *, blocksize: int, mode: Literal["DCR", "CRD"] = "DCR") -> Array:
    """Move channels into blocks of pixels (Shi et al. 2016)."""
    n, c, h, w = shape_of(x)
    maps = c // blocksize**2
    if mode == "DCR":
        blocks = ops.transpose(ops.reshape(x, shape=(n, blocksize, blocksize, maps, h, w)), axes=(0, 3, 4, 1, 5, 2))
    else:
        blocks = ops.transpose(ops.reshape(x, shape=(n, maps, blocksize, blocksize, h, w)), axes=(0, 1, 4, 2, 5, 3))
    return ops.reshape(blocks, shape=(n, maps, h * blocksize, w * blocksize))


@operator("SpaceToDepth")
def space_to_depth(x: Array, *, blocksize: int, mode: Literal["DCR", "CRD"] = "DCR") -> Array:
    """Move blocks of pixels into channels."""
    n, c, h, w = shape_of(x)
    blocks = ops.reshape(x, shape=(n, c, h // blocksize, blocksize, w // blocksize, blocksize))
    moved = ops.transpose(blocks, axes=(0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4))
    return ops.reshape(moved, shape=(n, c * blocksize**2, h // blocksize, w // blocksize))


# --- joining and cutting ----------------------------------------------------------------------


@operator("Concat")
def concat(*arrays: Array, axis: int) -> Array:
    """Join along an axis."""
    return ops.concatenate(arrays, axis=axis)


def _along(rank: int, axis: int, part: slice) -> tuple[slice, ...]:
    index = [slice(None)] * rank
    index[axis] = part
    return tuple(index)


@operator("Split")
def split(
    x: Array, split: Ints | None = None, *, axis: int = 0, num_outputs: int | None = None, outputs: int
) -> tuple[Array, ...]:
    """Split along an axis, into parts of the lengths ``split``, or of equal length except for the last."""
    length, count = shape_of(x)[axis], num_outputs or outputs
    lengths = [-(-length // count)] * count if split is None else split.tolist()
    ends = np.minimum(np.cumsum(lengths), length).tolist()
    if split is not None and (sum(lengths) != length or min(lengths, default=0) < 0):
        raise ShapeError("the parts do not fit the axis", expected=f"{length} in all", got=lengths)
    rank = len(shape_of(x))
    starts = [0, *ends[:-1]]
    return tuple(
        ops.getitem(x, index=_along(rank, axis, slice(a, b))) for a, b in zip(starts, ends, strict=True)
    )  # fmt: skip


@operator("Slice")
def cut(
    x: Array, starts: Ints, ends: Ints, axes: Ints | None = None, steps: Ints | None = None
) -> Array:  # fmt: skip
    """Take a range along some of the axes."""
    rank = len(shape_of(x))
    index = [slice(None)] * rank
    places = range(len(starts)) if axes is None else axes.tolist()
    lengths = {len(each) for each in (starts, ends, axes, steps) if each is not None}
    if len(lengths) > 1 or not all(-rank <= place < rank for place in places):
        raise ShapeError(
            "starts, ends, axes and steps do not fit", expected=f"one of each for each of at most {rank} axes", got=f"axes {list(places)}"
        )  # fmt: skip
    strides = [1] * len(starts) if steps is None else steps.tolist()
    for axis, start, end, step in zip(places, starts.tolist(), ends.tolist(), strides, strict=True):
        length = shape_of(x)[axis]
        # NumPy counts an end of -1 from the back; with a negative step it means up to and including the first
        stop = None if step < 0 and end < -length else end
        index[axis] = slice(start, stop, step)
    return ops.getitem(x, index=tuple(index))


@operator("Pad", extent=_padded)
def pad(
    x: Array, pads: Ints, value: Numbers | None = None, axes: Ints | None = None, *,
    mode: Literal["constant", "edge", "reflect", "wrap"] = "constant",
) -> Array:  # fmt: skip
    """Add elements before and after; negative numbers crop."""
    rank = len(shape_of(x))
    widths = [(0, 0)] * rank
    for axis, before, after in zip(
        range(rank) if axes is None else axes.tolist(), *pads.reshape(2, -1).tolist(), strict=True
    ):
        widths[axis] = (before, after)
    kept = tuple(
        slice(max(-before, 0), n - max(-after, 0)) for n, (before, after) in zip(shape_of(x), widths, strict=True)
    )
    if any(min(width) < 0 for width in widths):
        x = ops.getitem(x, index=kept)
    more = [(max(before, 0), max(after, 0)) for before, after in widths]
    return ops.pad(x, more, mode=mode, constant_values=0 if value is None else value.item())


@operator("Trilu")
def trilu(x: Array, k: Ints | None = None, *, upper: Flag = 1) -> Array:
    """Keep a triangle of each matrix."""
    offset = 0 if k is None else int(k.item())
    kept = (np.triu if upper else np.tril)(np.ones(shape_of(x)[-2:], np.bool_), offset)
    return ops.where(kept, x, np.zeros((), x.dtype))


# --- repeating --------------------------------------------------------------------------------


@operator("Expand", extent=_expanded)
def expand(x: Array, shape: Ints) -> Array:
    """Broadcast to the shape, or to the shape of ``x`` where that is larger."""
    return ops.broadcast_to(x, shape=np.broadcast_shapes(shape_of(x), tuple(shape.tolist())))


@operator("Tile", extent=lambda shapes, operands, _: math.prod(shapes[0]) * _product(operands[1].ravel()))
def tile(x: Array, repeats: Ints) -> Array:
    """Repeat along each axis."""
    return ops.tile(x, tuple(repeats.tolist()))


# --- arrays that are made ---------------------------------------------------------------------


@operator("ConstantOfShape", extent=lambda _, operands, __: _product(operands[0].ravel()))
def constant_of_shape(shape: Ints, *, value: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return an array filled with one number, by default 0."""
    if value is not None and value.size != 1:
        raise FormatError("the value is not one number", expected=1, got=value.size)
    return np.full(tuple(shape.tolist()), np.float32(0) if value is None else value)


@operator("Range", extent=_range)
def arange(start: Numbers, limit: Numbers, delta: Numbers) -> NDArray[Any]:
    """Count from ``start`` up to ``limit``."""
    return np.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype)


@operator("EyeLike")
def eye_like(x: Array, *, dtype: np.dtype[Any] | None = None, k: int = 0) -> NDArray[Any]:
    """Return a matrix as large as ``x`` with ones on a diagonal."""
    rows, columns = shape_of(x)
    return np.eye(rows, columns, k, dtype=dtype or x.dtype)


# --- whole numbers about arrays ---------------------------------------------------------------


@operator("Shape")
def shape(x: Array, *, start: int = 0, end: int | None = None) -> NDArray[np.int64]:
    """Return the lengths of the axes."""
    return np.array(shape_of(x)[start:end], np.int64)


@operator("Size")
def size(x: Array) -> NDArray[np.int64]:
    """Return the number of elements."""
    return np.array(math.prod(shape_of(x)), np.int64)


@operator("NonZero", extent=lambda shapes, *_: max(len(shapes[0]), 1) * math.prod(shapes[0]))
def nonzero(x: Array) -> NDArray[np.int64]:
    """Return the positions where ``x`` is not 0, one per column."""
    return np.array(np.nonzero(np.atleast_1d(known(x))), np.int64)
