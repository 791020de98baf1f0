"""Packing: what the micro-kernel reads, laid out in the order in which it reads it.

Every scratch array here is small enough for a core's second-level cache, and ends in a vector of
slack, since rows are copied in whole vectors.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit, prange

from autograd_cnn.kernels.jit.simd import LOW, MIDDLE, TALL, VECTOR_BYTES, copy_lanes, copy_vector, transpose_block
from autograd_cnn.kernels.windows import Array, Windows

SCRATCH: Final = 192 * 1024  # bytes that an image part or its patches may take
PIECES: Final = 32  # parts that the work is split into, for however many threads


class Slide(NamedTuple):
    """The sizes of one correlation, per group, and how its work is cut."""

    images: int
    groups: int
    channels: int
    height: int
    width: int
    filters: int
    taps: int
    stride_h: int
    stride_w: int
    top: int
    left: int
    out_h: int
    out_w: int
    reach: int  # rows of the image under one window
    columns: int  # of the padded image
    rows: int  # of places, worked on at a time
    copies: int  # 1 if patches are copied out, 0 if the tiles read them from the image


@dataclass(frozen=True)
class Plan:
    """A `Slide` and the tables that go with it.

    Attributes
    ----------
    taps : (C·KH·KW,)
        How far each tap lies from the window's corner, in the padded image part.
    pixels : (rows·OW,)
        Where each window's corner lies.
    places, spots : (vectors,)
        Where each vector of windows starts, in the image or in the patches copied from it, and in y.
    depths : (C·KH·KW,)
        How much further on each tap lies.
    """

    slide: Slide
    taps: Array
    pixels: Array
    places: Array
    spots: Array
    depths: Array


@lru_cache(maxsize=512)
def plan(images: int, groups: int, channels: int, filters: int, windows: Windows, itemsize: int) -> Plan:
    """Decide how to cut a correlation, and tabulate its offsets."""
    (kh, kw), (sh, sw), (dh, dw), (oh, ow) = windows.size, windows.stride, windows.dilation, windows.out
    lanes = VECTOR_BYTES // itemsize
    columns = windows.extent[1]
    reach = (kh - 1) * dh + 1
    vectors = -(-ow // lanes)
    # Read in place, a row ends in a vector that overlaps the one before. That is work done twice, but
    # copying has its price too, about that of six products.
    copies = sw > 1 or ow < lanes or filters * (vectors * lanes - ow) > 6 * vectors * lanes
    per_row = itemsize * channels * (kh * kw * ow if copies else sh * columns)
    rows = _even_split(oh, max(1, SCRATCH // per_row), lanes // np.gcd(ow, lanes) if copies else 1)
    part = ((rows - 1) * sh + reach) * columns
    tap = (np.arange(channels)[:, None, None] * part
           + np.arange(kh)[:, None] * dh * columns + np.arange(kw) * dw).reshape(-1)  # fmt: skip  # (C·KH·KW,)
    pixel = (np.arange(rows)[:, None] * sh * columns + np.arange(ow) * sw).reshape(-1)  # (rows·OW,)
    if copies:
        places = spots = np.arange(0, pixel.size, lanes)
        depths = np.arange(tap.size) * patch_columns(rows * ow, lanes)
    else:
        starts = np.minimum(np.arange(vectors) * lanes, ow - lanes)
        places, depths = (np.arange(rows)[:, None] * sh * columns + starts).reshape(-1), tap  # (rows·vectors,)
        spots = (np.arange(rows)[:, None] * ow + starts).reshape(-1)  # (rows·vectors,)
    slide = Slide(
        images, groups, channels, *windows.image, filters, channels * kh * kw, sh, sw, windows.padding[0][0],
        windows.padding[1][0], oh, ow, reach, columns, rows, int(copies),
    )  # fmt: skip
    return Plan(slide, *(_table(each) for each in (tap, pixel, places, spots, depths)))


def _even_split(total: int, most: int, multiple: int) -> int:
    """Return how many rows to take at a time, so that the last part is not much smaller."""
    rows = -(-total // -(-total // most))
    return min(total, max(rows // multiple, 1) * multiple) if rows < total else rows


def _table(values: Array) -> Array:
    return np.ascontiguousarray(values, np.int64)


@njit(cache=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def patch_columns(places: int, lanes: int) -> int:
    """Return the width of a panel of patches: whole vectors, and never a power of two that caches dislike."""
    width = (places + lanes - 1) // lanes * lanes
    return width + lanes if width % (16 * lanes) == 0 else width


@njit(cache=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def tile_rows(left: int) -> int:
    """Return the height of the next tile, when so many rows are left."""
    return TALL if left > MIDDLE else MIDDLE if left > LOW else LOW


@njit(cache=True, parallel=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def pack_rows(matrix: Any, groups: int, group_step: int, rows: int, row_step: int, columns: Any) -> Any:
    """Lay the rows of a matrix out tile by tile, and column by column within a tile.

    The matrix of each group has its element [m, k] at ``m · row_step + columns[k]``. Where the
    last tile is higher than the rows left, it repeats the last row.
    """
    tiles = (rows + TALL - 1) // TALL
    depth = columns.size
    packed = np.empty(groups * tiles * TALL * depth, matrix.dtype)
    for tile in prange(groups * tiles):
        group, first = tile // tiles, tile % tiles * TALL
        height = tile_rows(rows - first)
        at = tile * TALL * depth
        for m in range(height):
            base = group * group_step + min(first + m, rows - 1) * row_step
            for k in range(depth):
                packed[at + k * height + m] = matrix[base + columns[k]]
    return packed


@njit(cache=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def cut_image(part: Any, x: Any, x_at: int, channels: int, s: Slide, first: int, rows: int) -> None:
    """Copy rows of the padded image, the first of them number ``first``, for some channels.

    The columns of padding are zeros from the start and are left so.
    """
    lanes = VECTOR_BYTES // x.itemsize
    skipped = max(0, -s.left)
    width = min(s.columns - s.left, s.width) - skipped
    full = width // lanes * lanes
    part_rows = (s.rows - 1) * s.stride_h + s.reach
    for c in range(channels):
        for r in range(rows):
            at = (c * part_rows + r) * s.columns
            row = first + r - s.top
            if row < 0 or row >= s.height:
                part[at : at + s.columns] = 0
                continue
            target = at + s.left + skipped
            source = x_at + (c * s.height + row) * s.width + skipped
            for j in range(0, full, lanes):
                copy_vector(part, target + j, x, source + j)
            if full < width:
                copy_lanes(part, target + full, x, source + full, width - full)


@njit(cache=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def copy_patches(patches: Any, part: Any, taps: Any, s: Slide, rows: int) -> None:
    """Copy every window's pixels, a row of places for every tap (im2col)."""
    lanes = VECTOR_BYTES // part.itemsize
    width = patch_columns(s.rows * s.out_w, lanes)
    step = s.stride_h * s.columns
    last = (s.out_w - 1) // lanes * lanes
    for k in range(taps.size):
        if s.stride_w == 1:
            # From right to left, so that what is copied beyond a row's end is overwritten.
            for j in range(last, -1, -lanes):
                for i in range(rows):
                    copy_vector(patches, k * width + i * s.out_w + j, part, taps[k] + i * step + j)
        else:
            for i in range(rows):
                for j in range(s.out_w):
                    patches[k * width + i * s.out_w + j] = part[taps[k] + i * step + j * s.stride_w]


@njit(cache=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def turn_maps(turned: Any, g: Any, g_at: int, maps: int, map_step: int, places: int) -> None:
    """Transpose maps (F, places) into (places, F), with F rounded up to whole vectors."""
    lanes = VECTOR_BYTES // g.itemsize
    width = (maps + lanes - 1) // lanes * lanes
    for f in range(0, maps, lanes):
        rows = min(lanes, maps - f)
        for place in range(0, places, lanes):
            source = g_at + f * map_step + place
            if source + (rows - 1) * map_step + lanes <= g.size:
                transpose_block(turned, place * width + f, width, g, source, map_step, rows)
            else:
                for m in range(lanes):
                    for j in range(min(lanes, places - place)):
                        turned[(place + j) * width + f + m] = g[source + min(m, rows - 1) * map_step + j]
