"""ONNX's operators that slide a window, over any number of axes.

Shapes: x (N, C, ...), w (F, C/G, ...), but (C, F/G, ...) for ``ConvTranspose``. There are primitives for images. A line
is an image of one row, a volume is convolved slice by slice, and other ranks are pooled axis by axis.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.nn.functional.convolution import convolve, transpose
from autograd_cnn.onnx.operator import Flag, Ints, known, operator

AutoPad: TypeAlias = Literal["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]

SMALLEST: Final = {"dilations": 1, "kernel_shape": 1, "output_padding": 0, "pads": 0, "strides": 1}
"""The attributes with one number for each axis of the window, and the smallest allowed number."""


class Geometry(NamedTuple):
    """How a window slides, axis by axis."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    sides: tuple[tuple[int, int], ...]
    """The padding before and after."""

    def axis(self, place: int) -> "Geometry":
        """Return the geometry of one axis, for images with one pixel along the other axis."""
        return Geometry((self.size[place], 1), (self.stride[place], 1), (self.dilation[place], 1),
                        (self.sides[place], (0, 0)))  # fmt: skip


def check_windows(given: Mapping[str, Any]) -> None:
    """Raise `FormatError` for attributes that are out of range, or differ in their numbers of axes."""
    ranks = set()
    for name, least in SMALLEST.items():
        numbers = given.get(name)
        if not numbers:
            continue
        if min(numbers) < least:
            raise FormatError(f"{name} is out of range", expected=f"at least {least}", got=list(numbers))
        ranks.add(len(numbers) / (2 if name == "pads" else 1))
    if len(ranks) > 1:
        raise FormatError("the attributes differ in their numbers of axes")


def geometry_of(
    image: Shape, size: Sequence[int], auto_pad: AutoPad, dilations: Sequence[int] | None, pads: Sequence[int] | None,
    strides: Sequence[int] | None,
) -> Geometry:  # fmt: skip
    """Return the geometry of a window from attributes.

    Raises
    ------
    ShapeError
        If they do not have one number for each axis of the image.
    """
    rank = len(image)
    size, stride, dilation = tuple(size), tuple(strides or (1,) * rank), tuple(dilations or (1,) * rank)
    around = tuple(pads or (0,) * (2 * rank))
    if not len(size) == len(stride) == len(dilation) == len(around) / 2 == rank or rank < 1:
        expected = f"{rank}, those of x without two"
        got = len(size) if len(size) != rank else len(stride)
        raise ShapeError("the window and x differ in their numbers of axes", expected=expected, got=got)
    sides = tuple(zip(around[:rank], around[rank:], strict=True))
    if auto_pad == "VALID":
        sides = ((0, 0),) * rank
    elif auto_pad != "NOTSET":
        totals = [
            max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            for n, k, s, d in zip(image, size, stride, dilation, strict=True)
        ]
        sides = tuple(_halves(total, auto_pad == "SAME_UPPER") for total in totals)
    return Geometry(size, stride, dilation, sides)


def _halves(total: int, upper: bool) -> tuple[int, int]:
    """Return the padding before and after; an odd pixel goes after if ``upper``, else before."""
    less, more = total // 2, total - total // 2
    return (less, more) if upper else (more, less)


# --- how much they make -----------------------------------------------------------------------


def conv_extent(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    """At most the elements of the padded image, which is also made: every window gives at most one."""
    (n, c, *image), size = shapes[0], _size(shapes, attributes)
    f = shapes[1][0] if len(shapes) > 1 and shapes[1] else c
    rank = len(image)
    pads, dilations = attributes.get("pads") or (0,) * 2 * rank, attributes.get("dilations") or (1,) * rank
    beyond = attributes.get("ceil_mode") or attributes.get("auto_pad", "").startswith("SAME")
    return n * max(c, f) * math.prod(
        length + before + after + bool(beyond) * k * d
        for length, before, after, k, d in zip(image, pads[:rank], pads[rank:], size, dilations, strict=False)
    )  # fmt: skip


def _spread(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    (n, c, *image), size = shapes[0], _size(shapes, attributes)
    f = shapes[1][1] * attributes.get("group", 1)
    ones, wanted = (1,) * len(image), attributes.get("output_shape") or ()
    spans = [
        length * step + k * d + more
        for length, step, k, d, more in zip(
            image, attributes.get("strides") or ones, size, attributes.get("dilations") or ones,
            attributes.get("output_padding") or (0,) * len(image), strict=False,
        )
    ]  # fmt: skip
    return n * max(c, f) * max(math.prod(spans), math.prod(wanted[-len(image) :]))


def _size(shapes: Sequence[Shape], attributes: Mapping[str, Any]) -> Sequence[int]:
    return shapes[1][2:] if len(shapes) > 1 and len(shapes[1]) > 2 else attributes["kernel_shape"]


def _image(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:
    pads = attributes.get("pads") or (0,) * 2 * operands[1].size
    around = [before + after for before, after in zip(pads[: len(pads) // 2], pads[len(pads) // 2 :], strict=True)]
    lengths = [max(int(length), 0) + more for length, more in zip(operands[1].ravel(), around, strict=True)]
    return math.prod(shapes[0]) + shapes[0][0] * shapes[0][1] * math.prod(lengths)


# --- correlation ------------------------------------------------------------------------------


@operator("Conv", extent=conv_extent, check=check_windows)
def conv(
    x: Array,
    w: Array,
    bias: Array | None = None,
    *,
    auto_pad: AutoPad = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """Correlate ``x`` with the filters ``w``."""
    size = shape_of(w)[2:]
    _check_size(kernel_shape, size)
    geometry = geometry_of(shape_of(x)[2:], size, auto_pad, dilations, pads, strides)
    return convolve("Conv", x, w, bias, geometry.stride, geometry.sides, geometry.dilation, group)


@operator("ConvTranspose", extent=_spread, check=check_windows)
def conv_transpose(
    x: Array,
    w: Array,
    bias: Array | None = None,
    *,
    auto_pad: AutoPad = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """The transposed correlation of ``x`` with the filters ``w``; ``pads`` are cut off."""
    size, image = shape_of(w)[2:], shape_of(x)[2:]
    _check_size(kernel_shape, size)
    geometry = geometry_of(image, size, "VALID" if auto_pad == "VALID" else "NOTSET", dilations, pads, strides)
    extra = list(output_padding or (0,) * len(image))
    wanted = output_shape
    if wanted is None and auto_pad.startswith("SAME"):
        wanted = [n * s for n, s in zip(image, geometry.stride, strict=True)]
    if wanted is not None:
        axes = zip(image, geometry.stride, size, geometry.dilation, extra, wanted[-len(image) :], strict=True)
        totals = [(n - 1) * s + (k - 1) * d + 1 + more - out for n, s, k, d, more, out in axes]
        upper = auto_pad == "SAME_UPPER"
        geometry = geometry._replace(sides=tuple(_halves(max(total, 0), upper) for total in totals))
        extra = [more + max(-total, 0) for more, total in zip(extra, totals, strict=True)]
    return transpose(
        "ConvTranspose", x, w, bias, geometry.stride, geometry.sides, tuple(extra), geometry.dilation, group
    )


# --- pooling ----------------------------------------------------------------------------------


def _pooled(x: Array, geometry: Geometry, pool: Callable[..., Array], **options: Any) -> Array:
    """Pool images in one call, and other ranks axis by axis."""
    if len(geometry.size) == 2:
        return pool(x, _pair(geometry.size), stride=_pair(geometry.stride), dilation=_pair(geometry.dilation),
                    padding=_pair(geometry.sides), **options)  # fmt: skip
    for place in range(len(geometry.size)):
        shape = shape_of(x)
        lead, rest = shape[: place + 2], shape[place + 3 :]
        image = ops.reshape(x, shape=(1, math.prod(lead), shape[place + 2], math.prod(rest)))
        y = _pooled(image, geometry.axis(place), pool, **options)
        x = ops.reshape(y, shape=(*lead, shape_of(y)[2], *rest))
    return x


@operator("MaxPool", extent=lambda *given: 2 * conv_extent(*given), check=check_windows)
def max_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: AutoPad = "NOTSET",
    ceil_mode: Flag = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    storage_order: Flag = 0,
    strides: Sequence[int] | None = None,
    outputs: int,
) -> Array:
    """Return the largest value of each window, and its position; the padding never wins."""
    geometry = geometry_of(shape_of(x)[2:], kernel_shape, auto_pad, dilations, pads, strides)
    if outputs == 1:
        return _pooled(x, geometry, ops.max_pool, ceil_mode=bool(ceil_mode))
    return _winners(x, geometry, bool(ceil_mode), bool(storage_order))


def _winners(x: Array, geometry: Geometry, ceil_mode: bool, columns_first: bool) -> tuple[Array, Array]:
    """Return the largest values with their positions in the flattened x."""
    shape, rank = shape_of(x), len(geometry.size)
    values = known(x)
    taps: list[Any] = [slice(None), slice(None)]
    inside = []
    for place, (n, k, s, d, (before, after)) in enumerate(zip(shape[2:], *geometry, strict=True)):
        span = n + before + after - (k - 1) * d - 1
        places = span // s + 1
        if ceil_mode and span % s and places * s < n + before:
            places += 1
        index = np.arange(places)[:, None] * s + np.arange(k) * d - before
        form = [1] * (2 * rank)
        form[place], form[rank + place] = index.shape
        inside.append(((index >= 0) & (index < n)).reshape(form))
        taps.append(index.clip(0, n - 1).reshape(form))
    windows = values[tuple(taps)]
    out = windows.shape[: 2 + rank]
    valid = math.prod(inside[1:], start=inside[0])
    least = -np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).min
    best = np.where(valid, windows, np.array(least, values.dtype)).reshape(*out, -1).argmax(axis=-1)
    chosen = np.unravel_index(best, geometry.size)
    position = [
        np.arange(length).reshape([-1 if axis == place else 1 for place in range(2 + rank)])
        for axis, length in enumerate(out[:2])
    ]
    for place, (s, d, (before, _)) in enumerate(zip(geometry.stride, geometry.dilation, geometry.sides, strict=True)):
        start = np.arange(out[2 + place]) * s - before
        position.append(start.reshape([-1 if axis == place else 1 for axis in range(-2, rank)]) + chosen[place] * d)
    y = ops.getitem(x, index=tuple(np.broadcast_to(each, out) for each in position))
    image = np.ravel_multi_index(position[2:], shape[2:], order="F" if columns_first else "C")
    lead = np.ravel_multi_index(np.broadcast_arrays(*position[:2]), shape[:2])
    return y, (lead * math.prod(shape[2:]) + image).astype(np.int64)


@operator("AveragePool", extent=conv_extent, check=check_windows)
def average_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: AutoPad = "NOTSET",
    ceil_mode: Flag = 0,
    count_include_pad: Flag = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """Return the mean of each window, with or without the padding."""
    geometry = geometry_of(shape_of(x)[2:], kernel_shape, auto_pad, dilations, pads, strides)
    return _pooled(x, geometry, ops.mean_pool, ceil_mode=bool(ceil_mode), count_include_pad=bool(count_include_pad))


@operator("LpPool", extent=conv_extent, check=check_windows)
def lp_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: AutoPad = "NOTSET",
    ceil_mode: Flag = 0,
    dilations: Sequence[int] | None = None,
    p: int = 2,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """Take the p-norm of each window."""
    geometry = geometry_of(shape_of(x)[2:], kernel_shape, auto_pad, dilations, pads, strides)
    if ceil_mode:  # the window beyond the border sees zeros there
        axes = zip(shape_of(x)[2:], *geometry, strict=True)
        sides = tuple((b, a + -(n + b + a - (k - 1) * d - 1) % s) for n, k, s, d, (b, a) in axes)
        geometry = geometry._replace(sides=sides)
    sums = _pooled(ops.absolute(x) ** p, geometry, ops.mean_pool, count_include_pad=True) * math.prod(geometry.size)
    return sums ** (1 / p)


def _maps(x: Array) -> tuple[int, ...]:
    return tuple(range(2, len(shape_of(x))))


@operator("GlobalAveragePool")
def global_average_pool(x: Array) -> Array:
    """Take the mean of each map."""
    return ops.mean(x, axis=_maps(x), keepdims=True)


@operator("GlobalMaxPool")
def global_max_pool(x: Array) -> Array:
    """Take the largest value of each map."""
    return ops.max(x, axis=_maps(x), keepdims=True)


@operator("GlobalLpPool")
def global_lp_pool(x: Array, *, p: int = 2) -> Array:
    """Take the p-norm of each map."""
    return ops.sum(ops.absolute(x) ** p, axis=_maps(x), keepdims=True) ** (1 / p)


# --- back to images ---------------------------------------------------------------------------


def _unpooled(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:
    size = attributes["kernel_shape"]
    strides = attributes.get("strides") or (1,) * len(size)
    lengths = [n * s + k for n, s, k in zip(shapes[0][2:], strides, size, strict=True)]
    wanted = operands[2].ravel().tolist() if len(operands) > 2 else []
    return math.prod(shapes[0][:2]) * math.prod(lengths) + math.prod(max(n, 0) for n in wanted)


@operator("MaxUnpool", extent=_unpooled, check=check_windows)
def max_unpool(
    x: Array, indices: Ints, output_shape: Ints | None = None, *,
    kernel_shape: Sequence[int], pads: Sequence[int] | None = None, strides: Sequence[int] | None = None,
) -> Array:  # fmt: skip
    """Write the results of `max_pool` back to their positions, among zeros."""
    image = shape_of(x)[2:]
    geometry = geometry_of(image, kernel_shape, "NOTSET", None, pads, strides)
    lengths = [
        (n - 1) * s + k - before - after
        for n, k, s, (before, after) in zip(image, geometry.size, geometry.stride, geometry.sides, strict=True)
    ]
    shape = (*shape_of(x)[:2], *lengths)
    flat = ops.scatter_add(ops.reshape(x, shape=-1), index=indices.ravel(), shape=(math.prod(shape),))
    y = ops.reshape(flat, shape=shape)
    if output_shape is None:
        return y
    return ops.pad(y, [(0, int(n) - m) for n, m in zip(output_shape, shape, strict=True)])


@operator("Col2Im", extent=_image)
def col2im(
    x: Array, image_shape: Ints, block_shape: Ints, *,
    dilations: Sequence[int] | None = None, pads: Sequence[int] | None = None, strides: Sequence[int] | None = None,
) -> Array:  # fmt: skip
    """Add up blocks at their positions in an image, (N, C·K, L) to (N, C, ...)."""
    image, rank = tuple(image_shape.tolist()), len(image_shape)
    geometry = geometry_of(image, block_shape.tolist(), "NOTSET", dilations, pads, strides)
    index, blocks = [], []
    for place, (n, k, s, d, (before, after)) in enumerate(zip(image, *geometry, strict=True)):
        blocks.append((n + before + after - (k - 1) * d - 1) // s + 1)
        form = [1] * (2 * rank)
        form[place], form[rank + place] = k, blocks[-1]
        index.append((np.arange(k)[:, None] * d + np.arange(blocks[-1]) * s).reshape(form))
    batch = shape_of(x)[0]
    columns = ops.reshape(x, shape=(batch, -1, *geometry.size, *blocks))
    padded = [n + before + after for n, (before, after) in zip(image, geometry.sides, strict=True)]
    everywhere: tuple[Any, ...] = (slice(None), slice(None))
    y = ops.scatter_add(columns, index=(*everywhere, *index), shape=(batch, shape_of(columns)[1], *padded))
    return y[(*everywhere, *(slice(before, before + n) for n, (before, _) in zip(image, geometry.sides, strict=True)))]


def _pair(both: Sequence[Any]) -> tuple[Any, Any]:
    first, second = both
    return first, second


def _check_size(told: Sequence[int] | None, size: Shape) -> None:
    if told is not None and tuple(told) != size:
        raise FormatError("kernel_shape contradicts the filters", expected=size, got=tuple(told))
