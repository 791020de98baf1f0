"""How a window slides over an image: sizes, padding, and the slices that each tap reads.

Sizes follow Dumoulin & Visin 2016, *A guide to convolution arithmetic for deep learning*.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from numpy.typing import NDArray

from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.parameters import IntOrPair, Padding, pair

Array: TypeAlias = NDArray[Any]
Pair: TypeAlias = tuple[int, int]

MAX_PIXELS: Final = 2**31 - 1
"""The largest value of a parameter, in pixels."""


@dataclass(frozen=True, slots=True)
class Windows:
    """A window of ``size`` at every ``stride``-th position of a padded ``image``.

    Attributes
    ----------
    image, size, stride, dilation, out : pair of int
        Along height and width, in pixels; ``out`` counts the positions.
    padding : pair of pairs
        ``((top, bottom), (left, right))``.
    """

    image: Pair
    size: Pair
    stride: Pair
    padding: tuple[Pair, Pair]
    dilation: Pair
    out: Pair

    @property
    def extent(self) -> Pair:
        """The rows and columns of the padded image, from its upper left corner, that windows reach.

        They may end before the padding does, or beyond it if the number of positions was rounded up.
        """
        rows, columns = ((self.out[i] - 1) * self.stride[i] + (self.size[i] - 1) * self.dilation[i] + 1 for i in (0, 1))
        return rows, columns

    def inside(self) -> tuple[slice, slice, slice, slice]:
        """Return the slices of the extent that the image covers, and the part of the image inside it."""
        (top, _), (left, _) = self.padding
        rows = min(self.image[0], max(self.extent[0] - top, 0))
        columns = min(self.image[1], max(self.extent[1] - left, 0))
        return slice(top, top + rows), slice(left, left + columns), slice(rows), slice(columns)

    def taps(self) -> Iterator[tuple[int, int, slice, slice]]:
        """Yield each tap's row and column in the window, and the slices of the extent that it reads."""
        (sh, sw), (dh, dw), (oh, ow) = self.stride, self.dilation, self.out
        for p in range(self.size[0]):
            rows = slice(p * dh, p * dh + (oh - 1) * sh + 1, sh)
            for q in range(self.size[1]):
                yield p, q, rows, slice(q * dw, q * dw + (ow - 1) * sw + 1, sw)


@lru_cache(maxsize=1024)
def windows(
    where: str,
    image: Pair,
    size: IntOrPair,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> Windows:
    """Check the parameters and compute the positions of the windows.

    ``"same"`` gives ``ceil(image / stride)`` positions and puts an odd pixel of padding at the
    bottom and right; ``"full"`` pads so that every window that touches the image counts.
    ``ceil_mode`` rounds the number of positions up, but no window may begin beyond the image; a window that
    is larger than the padded image by less than a stride then has one position.

    Raises
    ------
    ArgumentError
        For a size, stride or dilation below 1, a negative or unknown padding, or parameters too large for any image.
    ShapeError
        If the window does not fit into the padded image.
    """
    sizes = pair(where, "window", size, 1)
    strides = pair(where, "stride", stride, 1)
    dilations = pair(where, "dilation", dilation, 1)
    reach = tuple((k - 1) * d + 1 for k, d in zip(sizes, dilations, strict=True))
    pads = _paddings(padding, image, reach, strides, where)
    for name, value, numbers in (
        ("window", size, sizes), ("stride", stride, strides), ("dilation", dilation, dilations),
        ("padding", padding, (*pads[0], *pads[1])),
    ):  # fmt: skip
        if max(numbers) > MAX_PIXELS:  # so that the kernels can count in 64 bits
            raise ArgumentError(where, f"{name} is out of range", expected=f"at most {MAX_PIXELS}", got=repr(value))
    out = []
    for axis, length, span, step, (before, after) in zip(("height", "width"), image, reach, strides, pads, strict=True):
        room = length + before + after - span
        count = (-(-room // step) if ceil_mode else room // step) + 1
        if count < 1:
            problem = f"the window does not fit into the padded image along its {axis}"
            hint = "pad the image or shrink the window"
            raise ShapeError(where, problem, expected=f"at most {room + span} pixels", got=span, hint=hint)
        if ceil_mode:
            count = min(count, max(-(-(length + before) // step), 1))
        out.append(count)
    return Windows(image, sizes, strides, pads, dilations, (out[0], out[1]))


def _paddings(padding: Padding, image: Pair, reach: tuple[int, ...], stride: Pair, where: str) -> tuple[Pair, Pair]:
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "full":
        return (reach[0] - 1, reach[0] - 1), (reach[1] - 1, reach[1] - 1)
    if padding == "same":
        totals = [
            max((-(-length // step) - 1) * step + span - length, 0)
            for length, step, span in zip(image, stride, reach, strict=True)
        ]
        return (totals[0] // 2, -(-totals[0] // 2)), (totals[1] // 2, -(-totals[1] // 2))
    return four_sided(where, padding)


def four_sided(where: str, padding: Padding) -> tuple[Pair, Pair]:
    """Return a numeric padding as ((top, bottom), (left, right)).

    Examples
    --------
    >>> four_sided("correlate2d", (0, 2))
    ((0, 0), (2, 2))
    """
    if isinstance(padding, str):
        expected = "an int, a pair or a pair of pairs"
        raise ArgumentError(where, "padding is not understood", expected=expected, got=repr(padding))
    if isinstance(padding, tuple) and tuple in map(type, padding):
        return pair(where, "padding", padding[0]), pair(where, "padding", padding[1])
    rows, columns = pair(where, "padding", padding)
    return (rows, rows), (columns, columns)
