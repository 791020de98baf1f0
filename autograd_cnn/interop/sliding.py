"""ONNX's operators that slide a window over images.

ONNX pads each side on its own, also for pooling, where our primitives pad opposite sides alike.
Where the sides differ, the image gets its border first, and is then pooled without one.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW).
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import numpy as np

from autograd_cnn import ops
from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.kernels.windows import Pair, Windows, windows
from autograd_cnn.tape import Array, Shape, shape_of

AutoPad: TypeAlias = Literal["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]
Flag: TypeAlias = Literal[0, 1]

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
    if kernel_shape is not None and tuple(kernel_shape) != size:
        raise FormatError(sentence("kernel_shape contradicts the filters", expected=size, got=tuple(kernel_shape)))
    rows, columns = _around(auto_pad, pads, shape_of(x)[2:], _reach(size, dilations), strides)
    alike = rows[0] == rows[1] and columns[0] == columns[1]
    around = (rows[0], columns[0]) if alike else (rows, columns)
    return ops.correlate2d(
        x, w, bias, stride=tuple(strides), padding=around, dilation=tuple(dilations), groups=group
    )  # fmt: skip


def max_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: AutoPad = "NOTSET",
    ceil_mode: Flag = 0,
    dilations: Sequence[int] = (1, 1),
    pads: Sequence[int] = NO_PADS,
    storage_order: Literal[0] = 0,  # noqa: ARG001  # orders a second output, which is refused
    strides: Sequence[int] = (1, 1),
) -> Array:
    """Take the largest value of each window; the border never wins."""
    slid = _slide(shape_of(x), kernel_shape, auto_pad, bool(ceil_mode), dilations, pads, strides)
    size, stride, dilation = slid.size, slid.stride, slid.dilation
    if _is_plain(slid):
        return ops.max_pool(x, size, stride=stride, padding=_before(slid), dilation=dilation, ceil_mode=bool(ceil_mode))
    return ops.max_pool(_framed(x, slid, -np.inf), size, stride=stride, dilation=dilation)


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
    """Take the mean of each window, over the image alone or with its border."""
    if tuple(dilations) != (1, 1):
        raise FormatError(
            sentence("a mean over dilated windows is not supported", expected=(1, 1), got=tuple(dilations))
        )
    slid = _slide(shape_of(x), kernel_shape, auto_pad, bool(ceil_mode), dilations, pads, strides)
    if _is_plain(slid):
        return ops.mean_pool(
            x, slid.size, stride=slid.stride, padding=_before(slid), ceil_mode=bool(ceil_mode),
            count_include_pad=bool(count_include_pad),
        )  # fmt: skip
    inside = np.pad(np.ones(slid.image, x.dtype), slid.padding, constant_values=count_include_pad)
    share = ops.mean_pool(_fitted(inside, slid, 0), slid.size, stride=slid.stride)
    return ops.mean_pool(_framed(x, slid, 0), slid.size, stride=slid.stride) / share


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


def _reach(size: Sequence[int], dilations: Sequence[int]) -> tuple[int, ...]:
    return tuple((k - 1) * d + 1 for k, d in zip(size, dilations, strict=True))


def _around(
    auto_pad: AutoPad, pads: Sequence[int], image: Shape, reach: Sequence[int], strides: Sequence[int]
) -> tuple[Pair, Pair]:
    """Return ((top, bottom), (left, right))."""
    if auto_pad == "NOTSET":
        top, left, bottom, right = pads
        return (top, bottom), (left, right)
    if auto_pad == "VALID":
        return (0, 0), (0, 0)
    sides = []
    for length, span, step in zip(image, reach, strides, strict=True):
        total = max((-(-length // step) - 1) * step + span - length, 0)
        less, more = total // 2, total - total // 2
        sides.append((less, more) if auto_pad == "SAME_UPPER" else (more, less))
    return sides[0], sides[1]


def _slide(
    shape: Shape,
    size: Sequence[int],
    auto_pad: AutoPad,
    ceil_mode: bool,
    dilations: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
) -> Windows:
    _check_planar(shape, strides)
    return windows(
        "windows", (shape[2], shape[3]), (size[0], size[1]), stride=(strides[0], strides[1]),
        padding=_around(auto_pad, pads, shape[2:], _reach(size, dilations), strides),
        dilation=(dilations[0], dilations[1]), ceil_mode=ceil_mode,
    )  # fmt: skip


def _is_plain(slid: Windows) -> bool:
    """Whether our primitives can pad like that."""
    return all(before == after <= k // 2 for (before, after), k in zip(slid.padding, slid.size, strict=True))


def _before(slid: Windows) -> Pair:
    return slid.padding[0][0], slid.padding[1][0]


def _framed(x: Array, slid: Windows, border: float) -> Array:
    return _fitted(ops.pad(x, ((0, 0), (0, 0), *slid.padding), constant_values=border), slid, border)


def _fitted(x: Array, slid: Windows, beyond: float) -> Array:
    """Cut off what no window reaches, and add what one reaches beyond the border in ``ceil_mode``."""
    shape = shape_of(x)
    ends = [
        (places - 1) * s + (k - 1) * d + 1
        for places, s, k, d in zip(slid.out, slid.stride, slid.size, slid.dilation, strict=True)
    ]
    more = [(0, max(end - n, 0)) for end, n in zip(ends, shape[-2:], strict=True)]
    if any(after for _, after in more):
        x = ops.pad(x, (*((0, 0),) * (len(shape) - 2), *more), constant_values=beyond)
    return x[..., : ends[0], : ends[1]]
