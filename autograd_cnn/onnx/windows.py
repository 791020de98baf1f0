"""ONNX's operators that slide a window over images.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW).
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, TypeVar

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.kernels.windows import Pair, windows

AutoPad: TypeAlias = Literal["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]
Flag: TypeAlias = Literal[0, 1]
_T = TypeVar("_T")

NO_PADS: Final = (0, 0, 0, 0)
"""ONNX's order: top, left, bottom, right."""


def conv(
    x: Array,
    w: Array,
    bias: Array | None = None,
    *,
    auto_pad: AutoPad = "NOTSET",
    dilations: Sequence[int] = (1, 1),
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] = NO_PADS,
    strides: Sequence[int] = (1, 1),
) -> Array:
    """Correlate ``x`` with the filters ``w``."""
    _check_planar(shape_of(x), strides)
    size = shape_of(w)[2:]
    _check_size(kernel_shape, size)
    return ops.correlate2d(
        x, w, bias, stride=_pair(strides), dilation=_pair(dilations), groups=group,
        padding=_around(auto_pad, pads, shape_of(x)[2:], size, dilations, strides),
    )  # fmt: skip


def conv_transpose(
    x: Array,
    w: Array,
    bias: Array | None = None,
    *,
    auto_pad: AutoPad = "NOTSET",
    dilations: Sequence[int] = (1, 1),
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    output_padding: Sequence[int] = (0, 0),
    output_shape: Sequence[int] | None = None,
    pads: Sequence[int] = NO_PADS,
    strides: Sequence[int] = (1, 1),
) -> Array:
    """The transposed correlation of ``x`` with the filters ``w`` (C, F/G, KH, KW); ``pads`` are cut off."""
    _check_planar(shape_of(x), strides)
    size = shape_of(w)[2:]
    _check_size(kernel_shape, size)
    image, extra = shape_of(x)[2:], _pair(output_padding)
    wanted = output_shape
    if wanted is None and auto_pad.startswith("SAME"):
        wanted = [n * s for n, s in zip(image, strides, strict=True)]
    if wanted is None:
        around = _around(auto_pad, pads, image, size, dilations, strides)
    else:
        axes = zip(image, strides, size, dilations, extra, wanted[-2:], strict=True)
        totals = [(n - 1) * s + (k - 1) * d + 1 + more - out for n, s, k, d, more, out in axes]
        around = _pair([_halves(max(total, 0), auto_pad == "SAME_UPPER") for total in totals])
        extra = _pair([more + max(-total, 0) for more, total in zip(extra, totals, strict=True)])
    return ops.correlate2d_transpose(
        x, w, bias, stride=_pair(strides), padding=around, output_padding=extra, dilation=_pair(dilations), groups=group
    )


def max_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: AutoPad = "NOTSET",
    ceil_mode: Flag = 0,
    dilations: Sequence[int] = (1, 1),
    pads: Sequence[int] = NO_PADS,
    storage_order: Literal[0] = 0,  # noqa: ARG001  # it is about a second output, which is refused
    strides: Sequence[int] = (1, 1),
) -> Array:
    """Take the largest value of each window; the padding is never the largest."""
    _check_planar(shape_of(x), strides)
    return ops.max_pool(
        x, _pair(kernel_shape), stride=_pair(strides), dilation=_pair(dilations), ceil_mode=bool(ceil_mode),
        padding=_around(auto_pad, pads, shape_of(x)[2:], kernel_shape, dilations, strides),
    )  # fmt: skip


def average_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: AutoPad = "NOTSET",
    ceil_mode: Flag = 0,
    count_include_pad: Flag = 0,
    dilations: Sequence[int] = (1, 1),
    pads: Sequence[int] = NO_PADS,
    strides: Sequence[int] = (1, 1),
) -> Array:
    """Take the mean of each window, over the image alone or including the padding."""
    _check_planar(shape_of(x), strides)
    return ops.mean_pool(
        x, _pair(kernel_shape), stride=_pair(strides), dilation=_pair(dilations), ceil_mode=bool(ceil_mode),
        padding=_around(auto_pad, pads, shape_of(x)[2:], kernel_shape, dilations, strides),
        count_include_pad=bool(count_include_pad),
    )  # fmt: skip


def global_average_pool(x: Array) -> Array:
    """Take the mean of each map."""
    return ops.mean(x, axis=_places(x), keepdims=True)


def global_max_pool(x: Array) -> Array:
    """Take the largest value of each map."""
    return ops.max(x, axis=_places(x), keepdims=True)


# --- sizes ------------------------------------------------------------------------------------


def _places(x: Array) -> tuple[int, ...]:
    return tuple(range(2, len(shape_of(x))))


def _check_planar(shape: Shape, strides: Sequence[int]) -> None:
    if len(shape) != 4 or len(strides) != 2:
        raise FormatError(sentence("only images are supported", expected="x of the shape (N, C, H, W)", got=shape))


def _pair(both: Sequence[_T]) -> tuple[_T, _T]:
    first, second = both
    return first, second


def _check_size(told: Sequence[int] | None, size: Shape) -> None:
    if told is not None and tuple(told) != size:
        raise FormatError(sentence("kernel_shape contradicts the filters", expected=size, got=tuple(told)))


def _around(
    auto_pad: AutoPad,
    pads: Sequence[int],
    image: Shape,
    size: Sequence[int],
    dilations: Sequence[int],
    strides: Sequence[int],
) -> tuple[Pair, Pair]:
    """Return ((top, bottom), (left, right))."""
    if auto_pad == "NOTSET":
        top, left, bottom, right = pads
        return (top, bottom), (left, right)
    if auto_pad == "VALID":
        return (0, 0), (0, 0)
    rows, columns = windows(
        "auto_pad", _pair(image), _pair(size), stride=_pair(strides), padding="same", dilation=_pair(dilations)
    ).padding
    return (rows, columns) if auto_pad == "SAME_UPPER" else (rows[::-1], columns[::-1])


def _halves(total: int, upper: bool) -> Pair:
    """Return the padding before and after; an odd pixel goes after if ``upper``, else before."""
    less, more = total // 2, total - total // 2
    return (less, more) if upper else (more, less)
