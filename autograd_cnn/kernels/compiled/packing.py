"""Packing: what the micro-kernel reads, laid out in the order in which it reads it.

Scratch arrays are small enough for a core's second-level cache. They end in a vector of slack, since
rows are copied in whole vectors.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, copy_half, copy_lanes, copy_vector, transpose_block
from autograd_cnn.kernels.compiled.microkernel import LOW, MIDDLE, TALL
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array, Windows

DEPTH: Final = 256  # steps of a product after which the next rows begin, with what they share still in cache
LARGEST: Final = 1 << 31  # bytes of scratch memory; a kernel that gets none can't say so
FEW: Final = 1 << 12  # elements that one thread has packed before another is awake
SCRATCH: Final = 192 * 1024  # bytes that a part of an image, or the patches of it, may take


class Slide(NamedTuple):
    """The sizes of one correlation, for one group, and how its work is cut."""

    images: int
    groups: int
    channels: int  # worked on at a time
    height: int
    width: int
    filters: int
    stride_h: int
    stride_w: int
    top: int
    left: int
    out_h: int
    out_w: int
    rows: int  # of windows, worked on at a time
    reach: int  # rows of pixels under one window
    part_rows: int  # of pixels, under that many rows of windows
    part_width: int  # of the padded image
    patch_width: int  # of the panel of patches, in which every tap has a row
    window: int  # taps of one channel
    all_channels: int
    copies: int  # 1 if patches are copied into a panel, 0 if the tiles read them from the image
    parts: int  # 2 if each vector of windows is two halves, 1 if it is one


@dataclass(frozen=True)
class Plan:
    """A `Slide` and the tables of offsets that go with it.

    Attributes
    ----------
    taps : (C·KH·KW,)
        How far each tap lies from the window's corner, in a part of the padded image.
    corners : (rows·OW,)
        Where each window's corner lies.
    places, spots : (vectors,) or, of halves, (2·vectors,)
        Where each vector of windows starts: in the image or the panel of patches, and in y.
    depths : (C·KH·KW,)
        How far from there each tap lies.
    """

    slide: Slide
    taps: Array
    corners: Array
    places: Array
    spots: Array
    depths: Array


@lru_cache(maxsize=512)
def plan(
    images: int,
    groups: int,
    channels: int,
    filters: int,
    windows: Windows,
    itemsize: int,
    *,
    whole: bool = False,
    all_channels: int | None = None,
) -> Plan:
    """Decide how to cut a correlation, and tabulate its offsets.

    ``whole`` supports all rows of an image at a time, in a panel. Of ``all_channels``, ``channels`` are
    worked on at a time.
    """
    (kh, kw), (sh, sw), (dh, dw), (oh, ow) = windows.size, windows.stride, windows.dilation, windows.out
    lanes = VECTOR_BYTES // itemsize
    vectors, half = -(-ow // lanes), lanes // 2
    part_width, reach = windows.extent[1], (kh - 1) * dh + 1
    # A row of windows with half a vector left over is read in place, half by half, two rows at a time. Every
    # tile loads more often then, so with many filters the copy is cheaper.
    halves = not whole and sw == 1 and ow % lanes == half and oh % 2 == 0 and filters <= 4 * TALL
    # Read in place, other rows end in a vector that overlaps the one before. That is work done
    # twice, but a copy has its price too, about that of six products.
    overlapping = ow < lanes or filters * (vectors * lanes - ow) > 6 * vectors * lanes
    copies = whole or sw > 1 or (overlapping and not halves)
    row_bytes = itemsize * channels * (kh * kw * ow if copies else sh * part_width)
    multiple = lanes // gcd(ow, lanes) if copies else 2 if halves else 1
    rows = oh if whole else _split(oh, max(multiple, SCRATCH // row_bytes), multiple)
    part_rows, patch_width = (rows - 1) * sh + reach, panel_width(rows * ow, lanes)
    taps = (
        np.arange(channels)[:, None, None] * part_rows * part_width
        + np.arange(kh)[:, None] * dh * part_width
        + np.arange(kw) * dw
    )  # (C, KH, KW)
    corners = np.arange(rows)[:, None] * sh * part_width + np.arange(ow) * sw  # (rows, OW)
    if copies:
        places = spots = np.arange(0, rows * ow, lanes)
        depths = np.arange(taps.size) * patch_width
    else:
        starts = np.arange(0, ow, half) if halves else np.minimum(np.arange(vectors) * lanes, ow - lanes)
        places = np.arange(rows)[:, None] * sh * part_width + starts  # (rows, vectors)
        spots = np.arange(rows)[:, None] * ow + starts  # (rows, vectors)
        depths = taps
    slide = Slide(
        images, groups, channels, *windows.image, filters, sh, sw, windows.padding[0][0], windows.padding[1][0], oh, ow,
        rows, reach, part_rows, part_width, patch_width, kh * kw, all_channels or channels, int(copies),
        2 if halves else 1,
    )  # fmt: skip
    return Plan(slide, *(np.ravel(table).astype(np.int64) for table in (taps, corners, places, spots, depths)))


def fits(slide: Slide, itemsize: int) -> bool:
    """Return whether a part of the padded image may be scratch memory."""
    return itemsize * slide.channels * slide.part_rows * slide.part_width <= LARGEST


def panel_width(places: int, lanes: int) -> int:
    """Return a width of whole vectors, but not one that caches, which sort by the lower bits, dislike."""
    width = -(-places // lanes) * lanes
    return width + lanes if width % (16 * lanes) == 0 else width


def _split(total: int, most: int, multiple: int) -> int:
    """Return how many rows to take at a time: a multiple, and about as many the last time as before."""
    if total <= most:
        return total
    even = -(-total // -(-total // most))
    return min(total, max(even // multiple, 1) * multiple)


@inlined
def tile_rows(left: int) -> int:
    """Return the height of the next tile, when so many rows are left."""
    return TALL if left > MIDDLE else MIDDLE if left > LOW else LOW


class Rows(NamedTuple):
    """Where the rows of some matrices are, one matrix for each group."""

    tiles: int  # in each group
    rows: int
    row_step: int
    group_step: int


def pack_rows(matrices: Array, groups: int, group_step: int, rows: int, row_step: int, columns: Array) -> Array:
    """Lay the rows of each group's matrix out tile by tile, and column by column within a tile.

    The matrix has its element [m, k] at ``m · row_step + columns[k]``. Where the last tile is higher
    than the rows left, it repeats the last row.
    """
    tiles = -(-rows // TALL)
    packed = np.empty(groups * tiles * TALL * columns.size, matrices.dtype)
    sizes, few = Rows(tiles, rows, row_step, group_step), packed.size <= FEW
    _pack_tiles(groups * tiles, sizes, flat(matrices), columns, packed, alone=few)
    return packed


@parallel_for
def _pack_tiles(first: int, last: int, s: Rows, matrices: Any, columns: Any, packed: Any) -> None:
    depth = columns.size
    for tile in range(first, last):
        row = tile % s.tiles * TALL
        height = tile_rows(s.rows - row)
        at = tile * TALL * depth
        for m in range(height):
            base = tile // s.tiles * s.group_step + min(row + m, s.rows - 1) * s.row_step
            for k in range(depth):
                packed[at + k * height + m] = matrices[base + columns[k]]


@inlined
def cut_image(part: Any, part_at: int, x: Any, x_at: int, channels: int, s: Slide, first: int, rows: int) -> None:
    """Copy rows of the padded image, the first of them number ``first``, for some channels.

    The columns of padding are zeros from the start and are left so.
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
def _inner_width(s: Slide) -> int:
    """Return how many columns of the image some window reaches, if any does."""
    return max(0, min(s.part_width - s.left, s.width) - max(0, -s.left))


@inlined
def copy_row(target: Any, at: int, source: Any, source_at: int, count: int) -> None:
    """Copy a row, in vectors as far as they fit."""
    lanes = VECTOR_BYTES // source.itemsize
    full = count // lanes * lanes
    for j in range(0, full, lanes):
        copy_vector(target, at + j, source, source_at + j)
    if full < count:
        copy_lanes(target, at + full, source, source_at + full, count - full)


@inlined
def paste_image(x: Any, x_at: int, part: Any, s: Slide) -> None:
    """Copy what lies within the image back from a part that holds all its rows, and 0 where no window reaches."""
    skipped, width = max(0, -s.left), _inner_width(s)
    x[x_at : x_at + s.channels * s.height * s.width] = 0
    for c in range(s.channels):
        for r in range(s.part_rows):
            row = r - s.top
            if 0 <= row < s.height:
                at = (c * s.part_rows + r) * s.part_width
                copy_row(x, x_at + (c * s.height + row) * s.width + skipped, part, at + s.left + skipped, width)


@inlined
def copy_patches(patches: Any, part: Any, taps: Any, s: Slide, rows: int) -> None:
    """Copy every window's pixels, a row of windows for every tap (im2col)."""
    lanes = VECTOR_BYTES // part.itemsize
    step, last = s.stride_h * s.part_width, (s.out_w - 1) // lanes * lanes
    for k in range(taps.size):
        at = k * s.patch_width
        if s.stride_w > 1:
            for i in range(rows):
                for j in range(s.out_w):
                    patches[at + i * s.out_w + j] = part[taps[k] + i * step + j * s.stride_w]
        elif 2 * s.out_w <= lanes:
            for i in range(rows):
                copy_half(patches, at + i * s.out_w, part, taps[k] + i * step)
        else:
            # From right to left, so that what is copied beyond a row's end is overwritten.
            for j in range(last, -1, -lanes):
                for i in range(rows):
                    copy_vector(patches, at + i * s.out_w + j, part, taps[k] + i * step + j)


@inlined
def add_patches(part: Any, patches: Any, taps: Any, first: int, count: int, s: Slide) -> None:
    """Add the rows of some taps, from number ``first``, to the pixels that they were copied from (col2im)."""
    for k in range(count):
        for i in range(s.out_h):
            source = k * s.patch_width + i * s.out_w
            target = taps[first + k] + i * s.stride_h * s.part_width
            for j in range(s.out_w):
                part[target + j * s.stride_w] += patches[source + j]


@inlined
def turn_maps(turned: Any, turned_at: int, g: Any, g_at: int, maps: int, map_step: int, places: int) -> None:
    """Transpose maps (F, places) into (places, F), with F rounded up to whole vectors."""
    lanes = VECTOR_BYTES // g.itemsize
    width = (maps + lanes - 1) // lanes * lanes
    for f in range(0, maps, lanes):
        rows = min(lanes, maps - f)
        for place in range(0, places, lanes):
            source = g_at + f * map_step + place
            if source + (rows - 1) * map_step + lanes <= g.size:
                transpose_block(turned, turned_at + place * width + f, width, g, source, map_step, rows)
            else:
                for m in range(lanes):
                    for j in range(min(lanes, places - place)):
                        turned[turned_at + (place + j) * width + f + m] = g[source + min(m, rows - 1) * map_step + j]
