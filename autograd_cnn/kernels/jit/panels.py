"""Packing: what the micro-kernel reads, laid out in the order in which it reads it.

Every scratch array here is small enough for a core's second-level cache, and ends in a vector of
slack, since rows are copied in whole vectors.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit, prange

from autograd_cnn.kernels.jit.simd import LOW, MIDDLE, TALL, VECTOR_BYTES, copy_lanes, copy_vector
from autograd_cnn.kernels.windows import Array, Windows

SCRATCH: Final = 192 * 1024  # bytes that an image part or its patches may take
PIECES: Final = 64  # parts that the work is split into, for however many threads


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
    places, depths : (vectors,), (C·KH·KW,)
        Where each vector of places starts, and each row of patches, for the tiles.
    """

    slide: Slide
    taps: Array
    pixels: Array
    places: Array
    depths: Array


@lru_cache(maxsize=512)
def plan(images: int, groups: int, channels: int, filters: int, windows: Windows, itemsize: int) -> Plan:
    """Decide how to cut a correlation, and tabulate its offsets."""
    (kh, kw), (sh, sw), (dh, dw), (oh, ow) = windows.size, windows.stride, windows.dilation, windows.out
    lanes = VECTOR_BYTES // itemsize
    columns = windows.extent[1]
    reach = (kh - 1) * dh + 1
    copies = sw > 1 or (ow % lanes > 0 and oh > 1)
    per_row = itemsize * channels * (kh * kw * ow if copies else sh * columns)
    rows = _even_split(oh, max(1, SCRATCH // per_row), lanes // np.gcd(ow, lanes))
    part = ((rows - 1) * sh + reach) * columns
    tap = (np.arange(channels)[:, None, None] * part
           + np.arange(kh)[:, None] * dh * columns + np.arange(kw) * dw).reshape(-1)  # fmt: skip  # (C·KH·KW,)
    pixel = (np.arange(rows)[:, None] * sh * columns + np.arange(ow) * sw).reshape(-1)  # (rows·OW,)
    places, depths = pixel[::lanes], tap
    if copies:
        places, depths = np.arange(0, pixel.size, lanes), np.arange(tap.size) * patch_columns(rows * ow, lanes)
    slide = Slide(
        images, groups, channels, *windows.image, filters, channels * kh * kw, sh, sw, windows.padding[0][0],
        windows.padding[1][0], oh, ow, reach, columns, rows, int(copies),
    )  # fmt: skip
    return Plan(slide, *(_table(each) for each in (tap, pixel, places, depths)))


def _even_split(total: int, most: int, multiple: int) -> int:
    """Return how many rows to take at a time, so that the last part is not much smaller."""
    rows = -(-total // -(-total // most))
    return min(total, max(rows // multiple, 1) * multiple) if rows < total else rows


def _table(values: Array) -> Array:
    table = np.ascontiguousarray(values, np.int64)
    table.flags.writeable = False
    return table


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
    """Copy rows of the padded image, the first of them number ``first``, for some channels."""
    lanes = VECTOR_BYTES // x.itemsize
    left = max(0, -s.left)
    width = min(s.width, s.columns - s.left) - left
    part_rows = (s.rows - 1) * s.stride_h + s.reach
    for c in range(channels):
        for r in range(rows):
            at = (c * part_rows + r) * s.columns
            row = first + r - s.top
            if row < 0 or row >= s.height:
                part[at : at + s.columns] = 0
                continue
            part[at : at + s.left + left] = 0
            part[at + s.left + left + width : at + s.columns] = 0
            source = x_at + (c * s.height + row) * s.width + left
            for j in range(0, width - lanes + 1, lanes):
                copy_vector(part, at + s.left + left + j, x, source + j)
            done = width // lanes * lanes
            if done < width:
                copy_lanes(part, at + s.left + left + done, x, source + done, width - done)


@njit(cache=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def copy_patches(patches: Any, part: Any, taps: Any, s: Slide, rows: int) -> None:
    """Copy every window's pixels, a row of places for every tap (im2col)."""
    lanes = VECTOR_BYTES // part.itemsize
    width = patch_columns(s.rows * s.out_w, lanes)
    for k in range(taps.size):
        for i in range(rows):
            source = taps[k] + i * s.stride_h * s.columns
            target = k * width + i * s.out_w
            if s.stride_w == 1:
                # What is copied beyond the row's end, the next row overwrites.
                for j in range(0, s.out_w, lanes):
                    copy_vector(patches, target + j, part, source + j)
            else:
                for j in range(s.out_w):
                    patches[target + j] = part[source + j * s.stride_w]
