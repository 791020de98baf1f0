"""ONNX's operators that sample parts of images: regions of interest, and deformed windows."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import ShapeError
from autograd_cnn.onnx.budget import CALL
from autograd_cnn.onnx.operator import Fixed, Indices, known, operator
from autograd_cnn.onnx.operators import windows
from autograd_cnn.onnx.operators.resizing import near
from autograd_cnn.tensor.numpy_functions import plain_index


def _around(x: Array, batch: NDArray[Any], rows: Array, columns: Array) -> Iterator[Array]:
    """Yield the pixels of ``x`` (N, H, W, C) around fractional positions, each times its weight; 0 outside."""
    (h, w), shares = shape_of(x)[1:3], [near(at, "linear") for at in (rows, columns)]
    for (row, down), (column, across) in product(*(zip(*each, strict=True) for each in shares)):
        inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
        index = (batch, *(plain_index(ops.clip(at, min=0, max=n - 1)) for at, n in ((row, h), (column, w))))
        share = ops.where(inside, down * across, 0)
        yield ops.getitem(x, index=index) * ops.expand_dims(share, -1)


def _samples(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:
    """Bound the samples, as if each region had as many as the largest."""
    channels, count = shapes[0][1], shapes[1][0]
    out = [attributes.get(f"output_{each}", 1) for each in ("height", "width")]
    spans = [attributes.get("sampling_ratio", 0) * n for n in out]
    if spans[0] <= 0:
        rois = known(operands[1]) * abs(attributes.get("spatial_scale", 1.0))
        sides = np.abs(np.nan_to_num(rois[:, [3, 2]] - rois[:, [1, 0]]))
        spans = [float(side) + 2 * n for side, n in zip(sides.max(axis=0, initial=0), out, strict=True)]
    return count * (CALL + (channels + 4) * math.ceil(min(math.prod(spans), 1e15))) + math.prod((*out, count, channels))


@operator("RoiAlign", extent=_samples)
def roi_align(
    x: Array, rois: Array, batch_indices: Indices, *, coordinate_transformation_mode: str | None = None,
    mode: Literal["avg", "max"] = "avg", output_height: int = 1, output_width: int = 1, sampling_ratio: int = 0,
    spatial_scale: float = 1.0, opset: int,
) -> Array:  # fmt: skip
    """Sample each bin of each region, and take the mean or the largest (He et al. 2017)."""
    half = (coordinate_transformation_mode or ("half_pixel" if opset >= 16 else "output_half_pixel")) == "half_pixel"
    out, image = (output_height, output_width), shape_of(x)[2:]
    ends = ops.reshape(rois, shape=(-1, 2, 2)) * spatial_scale - (0.5 if half else 0.0)  # each (x, y)
    start = ops.flip(ends[:, 0], axis=-1)
    span = ops.flip(ends[:, 1], axis=-1) - start
    span = span if half else ops.maximum(span, 1)
    counts = (
        np.full(shape_of(span), sampling_ratio) if sampling_ratio > 0 else np.ceil(known(span) / out).astype(np.int64)
    )
    batch, x = known(batch_indices), ops.moveaxis(x, 1, -1)
    parts, order = [], []
    for taps in sorted(set(map(tuple, counts.clip(1).tolist()))):  # regions with the same number of samples together
        chosen = np.flatnonzero((counts.clip(1) == taps).all(axis=1))
        at = []
        for axis, (bins, tap, n) in enumerate(zip(out, taps, image, strict=True)):
            place = np.arange(bins)[:, None] + (np.arange(tap) + 0.5) / tap
            place = place.astype(x.dtype).reshape((1, bins, 1, tap, 1) if axis == 0 else (1, 1, bins, 1, tap))
            first, size = (ops.reshape(each[chosen][:, axis], shape=(-1, 1, 1, 1, 1)) for each in (start, span))
            whole = first + place * (size / bins)
            at.append(ops.where((whole >= -1) & (whole <= n), ops.clip(whole, min=0, max=n - 1), -2))
        pixels = _around(x, batch[chosen].reshape(-1, 1, 1, 1, 1), *at)  # (R, H, W, taps, taps, C)
        if mode == "avg":
            parts.append(ops.mean(reduce(ops.add, pixels), axis=(3, 4)))
        else:  # of the weighted pixels, as in ONNX's own test cases
            parts.append(ops.max(reduce(ops.maximum, pixels), axis=(3, 4)))
        order.append(chosen)
    if not parts:
        return np.zeros((0, shape_of(x)[-1], *out), x.dtype)
    return ops.moveaxis(ops.take(ops.concatenate(parts), np.concatenate(order).argsort(), axis=0), -1, 1)


@operator(
    "MaxRoiPool",
    extent=lambda shapes, _, attributes: (
        shapes[1][0] * math.prod(attributes["pooled_shape"]) * (CALL + math.prod(shapes[0][1:]))
    ),
)
def max_roi_pool(x: Array, rois: Fixed, *, pooled_shape: Sequence[int], spatial_scale: float = 1.0) -> Array:
    """Take the largest pixel of each bin of each region (Girshick 2015)."""
    values = known(rois)
    batch, image = values[:, 0].astype(np.int64), np.array(shape_of(x)[2:])
    corners = np.floor(values[:, 1:] * spatial_scale + 0.5).astype(np.int64).reshape(-1, 2, 2)[:, :, ::-1]
    rows = []
    for region, (start, end) in zip(batch, corners, strict=True):
        step = np.maximum(end - start + 1, 1) / pooled_shape
        bins = []
        for place in np.ndindex(*pooled_shape):
            low = np.clip(np.floor(place * step).astype(np.int64) + start, 0, image)
            high = np.clip(np.ceil((np.array(place) + 1) * step).astype(np.int64) + start, 0, image)
            part = x[region, :, low[0] : high[0], low[1] : high[1]]
            bins.append(ops.max(part, axis=(1, 2)) if (high > low).all() else np.zeros(shape_of(x)[1], x.dtype))
        rows.append(ops.reshape(ops.stack(bins, axis=-1), shape=(-1, *pooled_shape)))
    return ops.stack(rows) if rows else np.zeros((0, shape_of(x)[1], *pooled_shape), x.dtype)


def _bent(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    (batch, channels, *_), (filters, *_), (_, taps, *out) = shapes[:3]
    return batch * math.prod(out) * (filters + (channels + 8) * taps)


@operator("DeformConv", extent=_bent, check=windows.check_windows)
def deform_conv(
    x: Array, w: Array, offset: Array, bias: Array | None = None, mask: Array | None = None, *,
    dilations: Sequence[int] | None = None, group: int = 1, kernel_shape: Sequence[int] | None = None,  # noqa: ARG001  # the filters have theirs
    offset_group: int = 1, pads: Sequence[int] | None = None, strides: Sequence[int] | None = None,
) -> Array:  # fmt: skip
    """Correlate with filters whose taps are moved by offsets and weighted by a mask (Dai et al. 2017; Zhu et al. 2019)."""
    (batch, channels, *image), (filters, _, *size) = shape_of(x), shape_of(w)
    if len(image) != 2:
        raise ShapeError("only images are supported", expected="(N, C, H, W)", got=shape_of(x))
    geometry, taps, out = (
        windows.geometry_of(tuple(image), size, "NOTSET", dilations, pads, strides),
        math.prod(size),
        shape_of(offset)[2:],
    )
    moved = ops.reshape(offset, shape=(batch * offset_group, taps, 2, *out))
    grids = np.meshgrid(*map(np.arange, (*size, *out)), indexing="ij")
    at = []
    for axis in (0, 1):
        first = (
            grids[2 + axis] * geometry.stride[axis] + grids[axis] * geometry.dilation[axis] - geometry.sides[axis][0]
        )
        at.append(moved[:, :, axis] + first.reshape(taps, *out).astype(x.dtype))
    parts = ops.moveaxis(ops.reshape(x, shape=(batch * offset_group, channels // offset_group, *image)), 1, -1)
    pixels = _around(parts, np.arange(batch * offset_group).reshape(-1, 1, 1, 1), *at)
    samples = reduce(ops.add, pixels)  # (N·O, K, H, W, C/O)
    if mask is not None:
        samples = samples * ops.reshape(mask, shape=(batch * offset_group, taps, *out, 1))
    columns = ops.reshape(ops.moveaxis(samples, -1, 1), shape=(batch, group, channels // group * taps, math.prod(out)))
    y = ops.matmul(ops.reshape(w, shape=(group, filters // group, -1)), columns)
    y = ops.reshape(y, shape=(batch, filters, *out))
    return y if bias is None else y + ops.reshape(bias, shape=(-1, 1, 1))
