"""Correlation and its two adjoints on one micro-kernel.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), g and y (N, F, OH, OW), for G groups.
"""

from typing import Any, Final

import numpy as np
from numba import njit, prange

from autograd_cnn.kernels.jit.panels import (
    PIECES,
    Slide,
    copy_patches,
    cut_image,
    pack_rows,
    patch_columns,
    plan,
    tile_rows,
)
from autograd_cnn.kernels.jit.simd import LOW, LOW_VECTORS, MIDDLE, MIDDLE_VECTORS, TALL, TALL_VECTORS, VECTOR_BYTES, patches_on_right
from autograd_cnn.kernels.windows import Array, Windows

DEPTH: Final = 256  # steps of a product after which the next rows of A use the same part of B, still in cache


def takes(*arrays: Array | None) -> bool:
    """Return whether the compiled kernels can work on the arrays: one float dtype, none of them empty."""
    given = [each for each in arrays if each is not None]
    dtype = given[0].dtype
    return dtype in (np.float32, np.float64) and all(each.dtype == dtype and each.size for each in given)


def flat(x: Array) -> Array:
    """Return the elements as one read-only row, so that Numba sees every input as of one type."""
    row = np.ascontiguousarray(x).reshape(-1)
    row.flags.writeable = False
    return row


def correlate2d(x: Array, w: Array, bias: Array | None, windows: Windows, groups: int) -> Any:
    """Return y, see the reference."""
    if not takes(x, w, bias):
        return NotImplemented
    f = w.shape[0] // groups
    start = np.zeros(w.shape[0], x.dtype) if bias is None else bias
    columns = np.arange(w[0].size)
    p = plan(x.shape[0], groups, w.shape[1], f, windows, x.itemsize)
    packed = pack_rows(flat(w), groups, f * columns.size, f, columns.size, columns)
    y = np.empty((x.shape[0], w.shape[0], *windows.out), x.dtype)
    _correlate(flat(x), packed, flat(start), p.taps, p.places, p.depths, p.slide, y.reshape(-1))
    return y


@njit(cache=True, parallel=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def _correlate(x: Any, packed: Any, start: Any, taps: Any, places: Any, depths: Any, s: Slide, y: Any) -> None:
    lanes = VECTOR_BYTES // x.itemsize
    blocks = (s.out_h + s.rows - 1) // s.rows
    jobs = s.images * s.groups * blocks
    pieces = min(jobs, PIECES)
    group_size = packed.size // s.groups
    part_rows = (s.rows - 1) * s.stride_h + s.reach
    for piece in prange(pieces):
        part = np.empty(s.channels * part_rows * s.columns + lanes, x.dtype)
        patches = np.empty(s.copies * (taps.size * patch_columns(s.rows * s.out_w, lanes) + lanes), x.dtype)
        for job in range(piece * jobs // pieces, (piece + 1) * jobs // pieces):
            image, block = job // blocks, job % blocks  # an image of one group
            first = block * s.rows
            rows = min(s.rows, s.out_h - first)
            cut_image(
                part, x, image * s.channels * s.height * s.width, s.channels, s,
                first * s.stride_h, (rows - 1) * s.stride_h + s.reach,
            )  # fmt: skip
            if s.copies:
                copy_patches(patches, part, taps, s, rows)
            group = image % s.groups
            _multiply(
                patches if s.copies else part, places, depths, packed, group * group_size, start, group * s.filters,
                s.filters, y, (image * s.filters * s.out_h + first) * s.out_w, s.out_h * s.out_w, rows * s.out_w,
            )  # fmt: skip


@njit(cache=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def _multiply(
    image: Any, places: Any, depths: Any, packed: Any, packed_at: int, start: Any, start_at: int, rows: int,
    c: Any, c_at: int, c_step: int, columns: int,
) -> None:  # fmt: skip
    """C = start + packed rows · the image's patches, tile by tile."""
    lanes = VECTOR_BYTES // c.itemsize
    vectors = (columns + lanes - 1) // lanes
    most = TALL_VECTORS if rows > MIDDLE else MIDDLE_VECTORS if rows > LOW else LOW_VECTORS
    strips = (vectors + most - 1) // most
    for strip in range(strips):
        v = strip * vectors // strips
        count = (strip + 1) * vectors // strips - v
        in_last = min(lanes, columns - (v + count - 1) * lanes)
        for k in range(0, depths.size, DEPTH):
            for m in range(0, rows, TALL):
                height = tile_rows(rows - m)
                patches_on_right(
                    height, count, image, 0, places, v, depths, k, packed, packed_at + m * depths.size + k * height,
                    height, min(DEPTH, depths.size - k), start, start_at + m, c, c_at + m * c_step + v * lanes, c_step,
                    min(height, rows - m), in_last, k,
                )  # fmt: skip
