"""Correlation and its two adjoints on one micro-kernel.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), g and y (N, F, OH, OW), for G groups.
"""

from typing import Any, Final

import numpy as np
from numba import njit, prange

from autograd_cnn.kernels.jit.arrays import flat, takes
from autograd_cnn.kernels.jit.panels import (
    PIECES,
    Slide,
    copy_patches,
    cut_image,
    pack_rows,
    patch_columns,
    plan,
    tile_rows,
    turn_maps,
)
from autograd_cnn.kernels.jit.simd import LOW, LOW_VECTORS, MIDDLE, MIDDLE_VECTORS, TALL, TALL_VECTORS, VECTOR_BYTES, patches_on_left, patches_on_right
from autograd_cnn.kernels.windows import Array, Windows

DEPTH: Final = 256  # steps of a product after which the next rows of A use the same part of B, still in cache
SUMS: Final = 16  # partial sums, at most, of the gradient of the weights


def correlate2d(x: Array, w: Array, bias: Array | None, windows: Windows, groups: int) -> Any:
    """Return y, see the reference."""
    if not takes(x, w, *(() if bias is None else (bias,))):
        return NotImplemented
    f = w.shape[0] // groups
    start = np.zeros(w.shape[0], x.dtype) if bias is None else bias.copy()
    columns = np.arange(w[0].size)
    p = plan(x.shape[0], groups, w.shape[1], f, windows, x.itemsize)
    packed = pack_rows(flat(w), groups, f * columns.size, f, columns.size, columns)
    y = np.empty((x.shape[0], w.shape[0], *windows.out), x.dtype)
    _correlate(flat(x), packed, start, p.taps, p.places, p.spots, p.depths, p.slide, y.reshape(-1))
    return y


def correlate2d_wrt_input(g: Array, w: Array, windows: Windows, groups: int) -> Any:
    """Return what each pixel of x gets, see the reference."""
    if not takes(g, w):
        return NotImplemented
    if windows.stride == (1, 1):
        return _by_rotated_kernels(g, w, windows, groups)
    return NotImplemented


def _by_rotated_kernels(g: Array, w: Array, windows: Windows, groups: int) -> Array:
    """Correlate g, padded, with the kernels turned by 180 degrees, filters and channels exchanged."""
    n, f, c, taps = g.shape[0], w.shape[0] // groups, w.shape[1], windows.size[0] * windows.size[1]
    pads = [((k - 1) * d - before, (k - 1) * d - (h - before) + size)
            for k, d, (before, after), h, size in zip(windows.size, windows.dilation, windows.padding, windows.out, windows.image)]
    back = Windows(windows.out, windows.size, (1, 1), (pads[0], pads[1]), windows.dilation, windows.image)
    rotated = (np.arange(f)[:, None] * c * taps + np.arange(taps)[::-1]).reshape(-1)  # (F/G·KH·KW,)
    p = plan(n, groups, f, c, back, g.itemsize)
    packed = pack_rows(flat(w), groups, f * c * taps, c, taps, rotated)
    x = np.empty((n, groups * c, *windows.image), g.dtype)
    start = np.zeros(groups * c, g.dtype)
    _correlate(flat(g), packed, start, p.taps, p.places, p.spots, p.depths, p.slide, x.reshape(-1))
    return x


def correlate2d_wrt_weight(x: Array, g: Array, windows: Windows, groups: int) -> Any:
    """Return what each weight gets, see the reference."""
    if not takes(x, g):
        return NotImplemented
    f, c, taps = g.shape[1] // groups, x.shape[1] // groups, windows.size[0] * windows.size[1]
    chunk = -(-c // -(-c * taps // 288)) if taps < 288 else 1
    p = plan(x.shape[0], groups, chunk, f, windows, x.itemsize)
    dw = np.empty((groups * f, c, *windows.size), x.dtype)
    _correlate_wrt_weight(flat(x), flat(g), c, p.taps, p.pixels, p.slide, dw.reshape(-1))
    return dw


@njit(cache=True, parallel=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def _correlate(
    x: Any, packed: Any, start: Any, taps: Any, places: Any, spots: Any, depths: Any, s: Slide, y: Any
) -> None:  # fmt: skip
    lanes = VECTOR_BYTES // x.itemsize
    blocks = (s.out_h + s.rows - 1) // s.rows
    jobs = s.images * s.groups * blocks
    pieces = min(jobs, PIECES)
    group_size = packed.size // s.groups
    part_rows = (s.rows - 1) * s.stride_h + s.reach
    for piece in prange(pieces):
        part = np.zeros(s.channels * part_rows * s.columns + lanes, x.dtype)
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
            columns = rows * s.out_w if s.copies else rows * (spots.size // s.rows) * lanes
            _multiply(
                patches if s.copies else part, places, depths, packed, group * group_size, start, group * s.filters,
                s.filters, y, (image * s.filters * s.out_h + first) * s.out_w, spots, s.out_h * s.out_w, columns,
            )  # fmt: skip


@njit(cache=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def _multiply(
    image: Any, places: Any, depths: Any, packed: Any, packed_at: int, start: Any, start_at: int, rows: int,
    c: Any, c_at: int, spots: Any, c_step: int, columns: int,
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
                    height, min(DEPTH, depths.size - k), start, start_at + m, c, c_at + m * c_step, spots, v, c_step,
                    min(height, rows - m), in_last, k,
                )  # fmt: skip


@njit(cache=True, parallel=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def _correlate_wrt_weight(x: Any, g: Any, channels: int, taps: Any, pixels: Any, s: Slide, dw: Any) -> None:
    lanes = VECTOR_BYTES // x.itemsize
    places = s.out_h * s.out_w
    tap_count = s.taps // s.channels
    depth = channels * tap_count
    blocks = (s.out_h + s.rows - 1) // s.rows
    chunks = (channels + s.channels - 1) // s.channels
    pieces = min(s.images, max(1, SUMS // (s.groups * chunks)))
    width = (s.filters + lanes - 1) // lanes * lanes
    part_rows = (s.rows - 1) * s.stride_h + s.reach
    spots = np.arange(0, width, lanes)
    sums = np.zeros(pieces * s.groups * depth * width, x.dtype)  # (pieces, G, C/G·KH·KW, F/G)
    for job in prange(pieces * s.groups * chunks):
        piece, group, chunk = job // (s.groups * chunks), job // chunks % s.groups, job % chunks
        first_channel = chunk * s.channels
        count = min(s.channels, channels - first_channel)
        sums_at = ((piece * s.groups + group) * depth + first_channel * tap_count) * width
        part = np.zeros(s.channels * part_rows * s.columns + lanes, x.dtype)
        turned = np.empty((s.rows * s.out_w + lanes) * width, x.dtype)
        for image in range(piece * s.images // pieces, (piece + 1) * s.images // pieces):
            for first in range(0, s.out_h, s.rows):
                rows = min(s.rows, s.out_h - first)
                at = ((image * s.groups + group) * channels + first_channel) * s.height * s.width
                cut_image(part, x, at, count, s, first * s.stride_h, (rows - 1) * s.stride_h + s.reach)
                at = (image * s.groups + group) * s.filters * places + first * s.out_w
                turn_maps(turned, g, at, s.filters, places, rows * s.out_w)
                _multiply_adding(part, taps, count * tap_count, pixels, rows * s.out_w, turned, s.filters, sums, sums_at, spots)
    for k in prange(s.groups * depth):
        for f in range(s.filters):
            total = sums[k * width + f]
            for piece in range(1, pieces):
                total += sums[(piece * s.groups * depth + k) * width + f]
            dw[(k // depth * s.filters + f) * depth + k % depth] = total


@njit(cache=True)  # type: ignore[untyped-decorator]  # Numba brings no types
def _multiply_adding(
    image: Any, taps: Any, tap_count: int, pixels: Any, depth: int, turned: Any, filters: int, c: Any, c_at: int, spots: Any
) -> None:
    """C += the image's patches, transposed · maps, tile by tile."""
    lanes = VECTOR_BYTES // c.itemsize
    width = spots.size * lanes
    strips = (spots.size + TALL_VECTORS - 1) // TALL_VECTORS
    for k in range(0, depth, DEPTH):
        for strip in range(strips):
            v = strip * spots.size // strips
            count = (strip + 1) * spots.size // strips - v
            for m in range(0, tap_count, TALL):
                patches_on_left(
                    tile_rows(tap_count - m), count, image, 0, taps, m, pixels, k, turned, k * width + v * lanes, width,
                    min(DEPTH, depth - k), c, 0, c, c_at + m * width, spots, v, width, min(TALL, tap_count - m), lanes, 1,
                )  # fmt: skip
