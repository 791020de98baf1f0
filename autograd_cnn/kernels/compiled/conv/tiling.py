"""How a convolution is blocked so that its operands stay in cache, and the offsets at which the tiles read them.

A job works on a block of rows of windows of one image and group. It copies the pixels under them, with the padding,
into a scratch array, a *part* of the padded image. Tiles read the patches from the part in place, or from a *panel*
with a row of windows for each tap (im2col).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import ConvProblem, fits
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, copy_half, copy_vector
from autograd_cnn.kernels.compiled.microkernel import MR
from autograd_cnn.kernels.compiled.packing import SCRATCH, copy_row, padded_width
from autograd_cnn.kernels.compiled.parallel import inlined
from autograd_cnn.kernels.windows import Array

COPY: Final = 8.0  # cycles to copy a vector of windows, where a tile multiplies and adds one vector per cycle


class ConvTiling(NamedTuple):
    """The sizes of one correlation, for one group, and how its work is blocked."""

    images: int
    groups: int
    channels: int  # of a block
    all_channels: int
    height: int
    width: int
    filters: int
    stride_h: int
    stride_w: int
    top: int
    left: int
    out_h: int
    out_w: int
    taps: int  # KH · KW
    rows: int  # of a block of windows
    reach: int  # rows of pixels under one window
    part_rows: int  # of pixels, under a block of windows
    part_width: int  # of the padded image
    panel_width: int
    in_panel: int  # 1 if patches are copied into a panel, 0 if the tiles read them in the part
    halves: int  # 2 if each vector of windows is read as two halves, else 1


@dataclass(frozen=True)
class Tiling:
    """A `ConvTiling` and its tables of offsets, all of int64.

    Attributes
    ----------
    taps : (C·KH·KW,)
        Each tap's offset from its window's corner, in a part of the padded image.
    corners : (rows·OW,)
        The offset of each window's corner.
    b_offsets, c_offsets : (vectors,) or, for halves, (2·vectors,)
        The offset of each vector of windows: in the part or panel, and in y.
    k_offsets : (C·KH·KW,)
        Each tap's offset from there.
    """

    sizes: ConvTiling
    taps: Array
    corners: Array
    b_offsets: Array
    c_offsets: Array
    k_offsets: Array


@lru_cache(maxsize=512)
def conv_tiling(p: ConvProblem, *, whole: bool = False, channels: int | None = None) -> Tiling:
    """Choose the blocks of a correlation, and tabulate its offsets.

    ``whole`` takes all rows of an image at a time, in a panel. A block has ``channels`` channels of a group, by
    default all.
    """
    (sh, sw), (dh, dw), windows = p.stride, p.dilation, p.windows
    kh, kw, oh, ow, itemsize, filters = p.kh, p.kw, p.oh, p.ow, p.dtype.itemsize, p.group_filters
    channels = channels or p.group_channels
    lanes, vectors, half = p.lanes, p.vectors(ow), p.lanes // 2
    part_width, reach = windows.extent[1], (kh - 1) * dh + 1
    # A row of windows with half a vector left over is read in place, by halves, two rows at a time. Tiles
    # then load more often, so with many filters the copy is cheaper.
    halves = not whole and sw == 1 and ow % lanes == half and oh % 2 == 0 and filters <= 4 * MR[0]
    # Read in place, other rows end with a vector that overlaps the previous one. That repeats work, but a copy
    # costs as much as several products.
    overlapping = ow < lanes or filters * (vectors * lanes - ow) > COPY * vectors * lanes
    in_panel = whole or sw > 1 or (overlapping and not halves)
    row_bytes = itemsize * channels * (kh * kw * ow if in_panel else sh * part_width)
    multiple = lanes // gcd(ow, lanes) if in_panel else 2 if halves else 1
    rows = oh if whole else _split(oh, max(multiple, SCRATCH // row_bytes), multiple)
    part_rows, panel_width = (rows - 1) * sh + reach, padded_width(rows * ow, lanes)
    taps = (
        np.arange(channels)[:, None, None] * part_rows * part_width
        + np.arange(kh)[:, None] * dh * part_width
        + np.arange(kw) * dw
    )  # (C, KH, KW)
    corners = np.arange(rows)[:, None] * sh * part_width + np.arange(ow) * sw  # (rows, OW)
    if in_panel:
        b_offsets = c_offsets = np.arange(0, rows * ow, lanes)
        k_offsets = np.arange(taps.size) * panel_width
    else:
        starts = np.arange(0, ow, half) if halves else np.minimum(np.arange(vectors) * lanes, ow - lanes)
        b_offsets = np.arange(rows)[:, None] * sh * part_width + starts  # (rows, vectors)
        c_offsets = np.arange(rows)[:, None] * ow + starts  # (rows, vectors)
        k_offsets = taps
    sizes = ConvTiling(
        images=p.n,
        groups=p.groups,
        channels=channels,
        all_channels=p.group_channels,
        height=p.h,
        width=p.w,
        filters=filters,
        stride_h=sh,
        stride_w=sw,
        top=p.padding[0][0],
        left=p.padding[1][0],
        out_h=oh,
        out_w=ow,
        taps=p.taps,
        rows=rows,
        reach=reach,
        part_rows=part_rows,
        part_width=part_width,
        panel_width=panel_width,
        in_panel=int(in_panel),
        halves=2 if halves else 1,
    )
    tables = taps, corners, b_offsets, c_offsets, k_offsets
    return Tiling(sizes, *(np.ravel(table).astype(np.int64) for table in tables))


def part_fits(p: ConvProblem, *, whole: bool = False, channels: int | None = None) -> bool:
    """Return whether a part of the padded image fits into scratch memory."""
    s = conv_tiling(p, whole=whole, channels=channels).sizes
    return fits(p.dtype.itemsize * s.channels * s.part_rows * s.part_width)


def _split(total: int, most: int, multiple: int) -> int:
    """Return how many rows a block has: a multiple of ``multiple``, spread evenly over the blocks."""
    if total <= most:
        return total
    even = -(-total // -(-total // most))
    return min(total, max(even // multiple, 1) * multiple)


# --- loops over a part ------------------------------------------------------------------------


@inlined
def cut_image(part: Any, part_at: int, x: Any, x_at: int, channels: int, s: Any, first: int, rows: int) -> None:
    """Copy ``rows`` rows of the padded image, starting at row ``first``, for some channels.

    ``s`` is a `ConvTiling`, or has its fields for the sizes of the image and of the part.
    The columns of padding are zeros already and are not written.
    """
    skipped, width = max(0, -s.left), _inner_width(s)
    for c in range(channels):
        for r in range(rows):
            at = part_at + (c * s.part_rows + r) * s.part_width
            row = first + r - s.top
            if 0 <= row < s.height:
                copy_row(part, at + s.left + skipped, x, x_at + (c * s.height + row) * s.width + skipped, width)
            else:
                part[at : at + s.part_width] = 0


@inlined
def paste_image(x: Any, x_at: int, part: Any, s: ConvTiling) -> None:
    """Copy the image back from a part with all its rows, with 0 where no window reaches."""
    skipped, width = max(0, -s.left), _inner_width(s)
    x[x_at : x_at + s.channels * s.height * s.width] = 0
    for c in range(s.channels):
        for r in range(s.part_rows):
            row = r - s.top
            if 0 <= row < s.height:
                at = (c * s.part_rows + r) * s.part_width
                copy_row(x, x_at + (c * s.height + row) * s.width + skipped, part, at + s.left + skipped, width)


@inlined
def _inner_width(s: Any) -> int:
    """Return how many columns of the image the windows reach."""
    return max(0, min(s.part_width - s.left, s.width) - max(0, -s.left))


@inlined
def copy_patches(panel: Any, part: Any, taps: Any, s: ConvTiling, rows: int) -> None:
    """Copy every window's pixels, a row of windows for every tap (im2col)."""
    lanes = VECTOR_BYTES // part.itemsize
    step, last = s.stride_h * s.part_width, (s.out_w - 1) // lanes * lanes
    for k in range(taps.size):
        at = k * s.panel_width
        if s.stride_w > 1:
            for i in range(rows):
                for j in range(s.out_w):
                    panel[at + i * s.out_w + j] = part[taps[k] + i * step + j * s.stride_w]
        elif 2 * s.out_w <= lanes:
            for i in range(rows):
                copy_half(panel, at + i * s.out_w, part, taps[k] + i * step)
        else:
            # From right to left, so that what is copied beyond a row's end is overwritten.
            for j in range(last, -1, -lanes):
                for i in range(rows):
                    copy_vector(panel, at + i * s.out_w + j, part, taps[k] + i * step + j)


@inlined
def add_patches(part: Any, panel: Any, taps: Any, first: int, count: int, s: ConvTiling) -> None:
    """Add the panel's rows of ``count`` taps, starting at tap ``first``, to the pixels under them (col2im)."""
    for k in range(count):
        for i in range(s.out_h):
            source = k * s.panel_width + i * s.out_w
            target = taps[first + k] + i * s.stride_h * s.part_width
            for j in range(s.out_w):
                part[target + j * s.stride_w] += panel[source + j]
