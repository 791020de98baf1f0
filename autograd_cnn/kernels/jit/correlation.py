"""Correlation, and its adjoint with respect to the weights, on one micro-kernel.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), g and y (N, F, OH, OW), for G groups.

Both are products of matrices of which one is made of an image's patches, and is never written
down as a whole: the tiles read it from the image itself or from a panel of a few rows of windows.
The work is cut in the same pieces for any number of threads, so the result has the same bits.
"""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.jit.compiling import flat, in_pieces, inner, takes
from autograd_cnn.kernels.jit.panels import (
    Plan,
    Slide,
    copy_patches,
    cut_image,
    pack_rows,
    plan,
    tile_rows,
    turn_maps,
)
from autograd_cnn.kernels.jit.simd import (
    LOW,
    LOW_VECTORS,
    MIDDLE,
    MIDDLE_VECTORS,
    TALL,
    TALL_VECTORS,
    VECTOR_BYTES,
    patches_on_left,
    patches_on_right,
)
from autograd_cnn.kernels.windows import Array, Windows

DEPTH: Final = 256  # steps of a product after which the next rows begin, with what they share still in cache
TAPS: Final = 288  # about so many rows of the gradient of the weights are worked on at a time
SUMS: Final = 16  # partial sums of that gradient, at most


def correlate2d(x: Array, w: Array, bias: Array | None, windows: Windows, groups: int) -> Any:
    """Return y[n, f] = bias[f] + w[f] · patches of x[n], for each group."""
    if not takes(x, w, *(() if bias is None else (bias,))):
        return NotImplemented
    f, depth = w.shape[0] // groups, w[0].size
    start = np.zeros(w.shape[0], x.dtype) if bias is None else bias.copy()
    packed = pack_rows(w, groups, f * depth, f, depth, np.arange(depth))
    y = np.empty((x.shape[0], w.shape[0], *windows.out), x.dtype)
    run(x, packed, start, plan(x.shape[0], groups, w.shape[1], f, windows, x.itemsize), y)
    return y


def run(x: Array, packed: Array, start: Array, p: Plan, y: Array) -> None:
    """Write into y the product of the packed rows with the patches of x."""
    s = p.slide
    jobs = s.images * s.groups * -(-s.out_h // s.rows)
    _correlate(jobs, s, flat(x), packed, start, p.taps, p.places, p.spots, p.depths, y.reshape(-1))


@in_pieces
def _correlate(
    first: int, last: int, s: Slide, x: Any, packed: Any, start: Any, taps: Any, places: Any, spots: Any, depths: Any,
    y: Any,
) -> None:  # fmt: skip
    lanes = VECTOR_BYTES // x.itemsize
    blocks = (s.out_h + s.rows - 1) // s.rows
    part = np.zeros(s.channels * s.part_rows * s.part_width + lanes, x.dtype)
    patches = np.empty(s.copies * (taps.size * s.patch_width + lanes), x.dtype)
    for job in range(first, last):
        image, row = job // blocks, job % blocks * s.rows  # the image of one group
        rows, group = min(s.rows, s.out_h - row), image % s.groups
        x_at = image * s.channels * s.height * s.width
        cut_image(part, x, x_at, s.channels, s, row * s.stride_h, (rows - 1) * s.stride_h + s.reach)
        columns = rows * (places.size // s.rows) * lanes
        if s.copies:
            copy_patches(patches, part, taps, s, rows)
            columns = rows * s.out_w
        multiply(
            patches if s.copies else part, places, depths, packed, group * (packed.size // s.groups),
            start, group * s.filters, s.filters,
            y, (image * s.filters * s.out_h + row) * s.out_w, spots, s.out_h * s.out_w, columns,
        )  # fmt: skip


@inner
def multiply(
    image: Any, places: Any, depths: Any, packed: Any, packed_at: int, start: Any, start_at: int, rows: int,
    c: Any, c_at: int, spots: Any, c_step: int, columns: int,
) -> None:  # fmt: skip
    """Compute c = start + packed rows · patches, tile by tile."""
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


def correlate2d_wrt_weight(x: Array, g: Array, windows: Windows, groups: int) -> Any:
    """Return what each weight gets: g · patches of x, transposed, summed over the images."""
    if not takes(x, g):
        return NotImplemented
    f, c = g.shape[1] // groups, x.shape[1] // groups
    chunks = min(c, -(-c * windows.size[0] * windows.size[1] // TAPS))
    p = plan(x.shape[0], groups, -(-c // chunks), f, windows, x.itemsize, all_channels=c)
    s = p.slide
    chunks = -(-c // s.channels)
    pieces = min(s.images, max(1, SUMS // (groups * chunks)))
    lanes = VECTOR_BYTES // x.itemsize
    sums = np.zeros((pieces, groups * c * s.window, -(-f // lanes) * lanes), x.dtype)  # (pieces, C·KH·KW, F/G)
    _sum_products(pieces * groups * chunks, s, flat(x), flat(g), p.taps, p.corners, sums.reshape(-1))
    dw = np.empty((groups * f, c, *windows.size), x.dtype)
    _add_sums(groups * c * s.window, s, sums, dw.reshape(-1))
    return dw


@in_pieces
def _sum_products(first: int, last: int, s: Slide, x: Any, g: Any, taps: Any, corners: Any, sums: Any) -> None:
    lanes = VECTOR_BYTES // x.itemsize
    places, width = s.out_h * s.out_w, (s.filters + lanes - 1) // lanes * lanes
    chunks = (s.all_channels + s.channels - 1) // s.channels
    pieces = sums.size // (s.groups * s.all_channels * s.window * width)
    part = np.zeros(s.channels * s.part_rows * s.part_width + lanes, x.dtype)
    turned = np.empty((s.rows * s.out_w + lanes) * width, x.dtype)
    spots = np.arange(0, width, lanes)
    for job in range(first, last):
        piece, group, channel = job // (s.groups * chunks), job // chunks % s.groups, job % chunks * s.channels
        count = min(s.channels, s.all_channels - channel)
        sums_at = ((piece * s.groups + group) * s.all_channels + channel) * s.window * width
        for image in range(piece * s.images // pieces, (piece + 1) * s.images // pieces):
            x_at = ((image * s.groups + group) * s.all_channels + channel) * s.height * s.width
            g_at = (image * s.groups + group) * s.filters * places
            for row in range(0, s.out_h, s.rows):
                rows = min(s.rows, s.out_h - row)
                cut_image(part, x, x_at, count, s, row * s.stride_h, (rows - 1) * s.stride_h + s.reach)
                turn_maps(turned, g, g_at + row * s.out_w, s.filters, places, rows * s.out_w)
                _add_product(part, taps, count * s.window, corners, rows * s.out_w, turned, sums, sums_at, spots)


@in_pieces
def _add_sums(first: int, last: int, s: Slide, sums: Any, dw: Any) -> None:
    depth = s.all_channels * s.window
    for k in range(first, last):
        for f in range(s.filters):
            total = sums[0, k, f]
            for piece in range(1, len(sums)):
                total += sums[piece, k, f]
            dw[(k // depth * s.filters + f) * depth + k % depth] = total


@inner
def _add_product(
    image: Any, taps: Any, rows: int, corners: Any, depth: int, turned: Any, c: Any, c_at: int, spots: Any
) -> None:
    """Add patches, a row for each tap, · turned maps to c, tile by tile."""
    lanes = VECTOR_BYTES // c.itemsize
    width = spots.size * lanes
    strips = (spots.size + TALL_VECTORS - 1) // TALL_VECTORS
    for k in range(0, depth, DEPTH):
        for strip in range(strips):
            v = strip * spots.size // strips
            count = (strip + 1) * spots.size // strips - v
            for m in range(0, rows, TALL):
                patches_on_left(
                    tile_rows(rows - m), count, image, 0, taps, m, corners, k, turned, k * width + v * lanes, width,
                    min(DEPTH, depth - k), c, 0, c, c_at + m * width, spots, v, width, min(TALL, rows - m), lanes, 1,
                )  # fmt: skip
