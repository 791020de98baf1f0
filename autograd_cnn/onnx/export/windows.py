"""Writers of convolution, pooling, and their adjoints."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.kernels.windows import Windows
from autograd_cnn.kernels.windows import windows as slide
from autograd_cnn.onnx.export.formulas import sides
from autograd_cnn.onnx.export.graph import Graph, Ref
from autograd_cnn.onnx.export.writer import writes
from autograd_cnn.ops import pooling


def _lifted(graph: Graph, x: Ref) -> Ref:
    """Return an array of 2 or 3 axes with 4."""
    return graph.reshape(x, (1,) * (4 - len(x.shape)) + x.shape)


def _attributes(geometry: Windows) -> dict[str, Any]:
    (top, bottom), (left, right) = geometry.padding
    return {
        "kernel_shape": geometry.size, "strides": geometry.stride, "dilations": geometry.dilation,
        "pads": [top, left, bottom, right],
    }  # fmt: skip


def _pair(lengths: Sequence[Any]) -> tuple[int, int]:
    first, second = lengths
    return first, second


# --- convolution ------------------------------------------------------------------------------


@writes(ops.correlate2d)
def correlate2d(graph: Graph, y: Ref, x: Ref, w: Ref, bias: Ref | None, *, groups: int, **geometry: Any) -> Ref:
    x, w, bias = graph.cast(x, y.dtype), graph.cast(w, y.dtype), bias and graph.cast(bias, y.dtype)
    attributes = _attributes(slide("export", _pair(x.shape[-2:]), _pair(w.shape[-2:]), **geometry))
    maps = graph.node("Conv", _lifted(graph, x), _lifted(graph, w), bias, group=groups, **attributes)
    return graph.reshape(maps, y.shape) if len(y.shape) < 4 else maps


@writes(ops.correlate2d_wrt_input)
def correlate2d_wrt_input(graph: Graph, y: Ref, g: Ref, w: Ref, *, groups: int, x_shape: Any, **geometry: Any) -> Ref:
    g, w = graph.cast(g, y.dtype), graph.cast(w, y.dtype)
    windows = slide("export", _pair(x_shape[-2:]), _pair(w.shape[-2:]), **geometry)
    rest = [
        length + sum(around) - extent
        for length, around, extent in zip(windows.image, windows.padding, windows.extent, strict=True)
    ]  # which no window reached
    attributes = _attributes(windows) | {"output_padding": rest}
    images = graph.node("ConvTranspose", _lifted(graph, g), _lifted(graph, w), group=groups, **attributes)
    return graph.reshape(images, y.shape) if len(y.shape) < 4 else images


# --- pooling ----------------------------------------------------------------------------------


def _windows(x: Any, window: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Windows:
    return pooling._windows("export", tuple(x[-2:]), window, stride, padding, dilation, ceil_mode)


@writes(ops.max_pool)
def max_pool(graph: Graph, y: Ref, x: Ref, **geometry: Any) -> tuple[Ref, Ref]:
    """With positions in the whole flattened x, as in ONNX, instead of our indices."""
    windows = _windows(x.shape, **geometry)
    (top, bottom), (left, right) = sides(windows)
    attributes = _attributes(windows) | {"pads": [top, left, bottom, right]}
    wide = any(max(pads) >= taps for pads, taps in zip(sides(windows), windows.size, strict=True))
    x = _lifted(graph, x)
    if wide:  # more than ONNX Runtime lets a pool add
        x = graph.node("Pad", x, graph.ints([0, 0, top, left, 0, 0, bottom, right]), graph.constant(-np.inf, x.dtype))
        attributes |= {"pads": None}
    maps, places = graph.several("MaxPool", x, dtypes=[y.dtype, np.int64], **attributes)
    places = graph.reshape(places, [-1])
    if wide:
        image = np.arange(math.prod(windows.image)).reshape(windows.image)
        pixels = np.pad(image, sides(windows), mode="edge")
        area = graph.constant(pixels.size)
        before = graph.node("Mul", graph.node("Div", places, area), graph.constant(image.size))
        within = graph.node("Gather", graph.constant(pixels.ravel()), graph.node("Mod", places, area))
        places = graph.node("Add", before, within)
    return (graph.reshape(maps, y.shape) if len(y.shape) < 4 else maps), places


@writes(ops.max_pool_indices)
def max_pool_indices(graph: Graph, y: Ref, x: Ref, **geometry: Any) -> Ref:
    _, places = max_pool(graph, Ref("", x.dtype, y.shape), x, **geometry)
    return graph.reshape(graph.node("Mod", places, graph.constant(math.prod(x.shape[-2:]))), y.shape)


@writes(pooling._relu_max_pool)
def relu_max_pool(graph: Graph, y: Ref, x: Ref, **geometry: Any) -> tuple[Ref, Ref]:
    """With a position of -1 where nothing is above 0."""
    maps, places = max_pool(graph, y, x, **geometry)
    above = graph.node("Greater", graph.reshape(maps, [-1]), graph.constant(0, y.dtype), dtype=bool)
    places = graph.node("Where", above, places, graph.constant(-1), dtype=np.int64)
    graph.partial.add(places.name)
    return graph.node("Relu", maps), places


def _places(graph: Graph, indices: Any, shape: Any, **geometry: Any) -> tuple[Ref, Ref | None]:
    """Return the positions of indices in the flattened images, and where an index is none, if that is possible."""
    if isinstance(indices, Ref):
        if indices.name not in graph.partial:
            return indices, None
        nothing = graph.node("Less", indices, graph.constant(0), dtype=bool)
        return graph.node("Max", indices, graph.constant(0)), nothing
    windows = _windows(shape, **geometry)
    row, column = np.divmod(indices.astype(np.int64), windows.size[1])
    nothing = row >= windows.size[0]
    pixels = [
        tap * gap + np.arange(count).reshape(form) * step - before
        for tap, gap, count, step, (before, _), form in zip(
            (row, column), windows.dilation, windows.out, windows.stride, windows.padding, ((-1, 1), (-1,)), strict=True
        )
    ]
    image = np.where(nothing, 0, pixels[0] * windows.image[1] + pixels[1])
    maps = np.arange(math.prod(shape[:-2])).reshape((*shape[:-2], 1, 1)) * math.prod(windows.image)
    return graph.constant((maps + image).ravel()), graph.constant(nothing.ravel()) if nothing.any() else None


@writes(pooling._max_pool_gather)
def max_pool_gather(graph: Graph, y: Ref, x: Ref, *, indices: Any, **geometry: Any) -> Ref:
    places, nothing = _places(graph, indices, x.shape, **geometry)
    values = graph.node("GatherElements", graph.reshape(x, [-1]), places, axis=0)
    return graph.reshape(_without(graph, values, nothing), y.shape)


@writes(pooling._max_unpool)
def max_unpool(graph: Graph, y: Ref, g: Ref, *, indices: Any, x_shape: Any, **geometry: Any) -> Ref:
    places, nothing = _places(graph, indices, x_shape, **geometry)
    zeros = graph.reshape(graph.node("Expand", graph.constant(0, y.dtype), graph.ints(y.shape)), [-1])
    values = _without(graph, graph.reshape(graph.cast(g, y.dtype), [-1]), nothing)
    return graph.reshape(graph.node("ScatterElements", zeros, places, values, axis=0, reduction="add"), y.shape)


def _without(graph: Graph, values: Ref, nothing: Ref | None) -> Ref:
    """Return 0 where an index is none."""
    if nothing is None:
        return values
    return graph.node("Where", nothing, graph.constant(0, values.dtype), values, dtype=values.dtype)


@writes(ops.mean_pool)
def mean_pool(
    graph: Graph, y: Ref, x: Ref, *, count_include_pad: bool, divisor_override: int | None, **geometry: Any
) -> Ref:
    """With zeros added before, because libraries differ in how they count what a window covers beyond the border."""
    windows = _windows(x.shape, **geometry)
    (top, bottom), (left, right) = sides(windows)
    x = _lifted(graph, graph.cast(x, y.dtype))
    if any((top, bottom, left, right)):
        x = graph.node("Pad", x, graph.ints([0, 0, top, left, 0, 0, bottom, right]))
    means = graph.node("AveragePool", x, **(_attributes(windows) | {"pads": None}))
    counts, whole = pooling._counts(windows, count_include_pad, divisor_override), math.prod(windows.size)
    if not np.all(counts == whole):
        means = graph.node("Mul", means, graph.constant(whole / counts, y.dtype))
    return graph.reshape(means, y.shape) if len(y.shape) < 4 else means
