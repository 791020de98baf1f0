"""Correlation as a matrix product with pixels in the lanes; the matrix of patches is never stored as a whole.

``y[n] = w (F, C·KH·KW) · patches of x[n] (C·KH·KW, OH·OW)``: tiles read the patches from a part of the padded
image, or from a panel of a few rows of windows; see `tiling`.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, forward_error
from autograd_cnn.kernels.compiled.conv.tiling import COPY, ConvTiling, conv_tiling, copy_patches, cut_image, part_fits
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import (
    MR,
    Depth,
    Gathered,
    GatheredHalves,
    Packed,
    Scattered,
    ScatteredHalves,
    Start,
    Tile,
    multiply_tile,
    padded_rows,
    tile_rows,
    tile_vectors,
)
from autograd_cnn.kernels.compiled.packing import KC, PACK, STORE, pack_rows
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array

PIXELS: Final = 28.0  # cycles to copy a vector of a row of an image
STRIDED: Final = 4.5  # cycles to copy a pixel of a patch: with a stride, pixels are copied one by one


def _cost(p: ConvProblem) -> float:
    """Count the products of whole tiles, the copies and the packing."""
    rows, vectors = padded_rows(p.group_filters), p.vectors(p.ow)
    products = rows * p.ow / p.lanes  # of one row of windows, one tap and one channel
    if p.stride[1] > 1:
        row = products + STRIDED * p.ow
    else:
        row = products + COPY * vectors if conv_tiling(p).sizes.in_panel else rows * vectors
    depth = p.group_channels * p.taps
    stores = STORE * -(-depth // KC) * p.f * p.oh * vectors
    return p.n * (p.c * (p.taps * p.oh * row + PIXELS * p.h * p.vectors(p.w)) + stores) + PACK * p.f * depth


def _supports(p: ConvProblem) -> bool:
    return part_fits(p)


def _run(p: ConvProblem, x: Array, w: Array, start: Array) -> Array:
    return correlate(p, x, pack_rows(w, *_rows(p)), start)


@lru_cache(maxsize=512)
def _rows(p: ConvProblem) -> tuple[int, int, int, int, Array]:
    """Return the arguments of `pack_rows` for the filters."""
    depth = p.group_channels * p.taps
    return p.groups, p.group_filters * depth, p.group_filters, depth, np.arange(depth)


def correlate(p: ConvProblem, x: Array, packed: Array, start: Array) -> Array:
    """Return y = start + the product of packed rows with the patches of x."""
    tiling, y = conv_tiling(p), np.empty((p.n, p.f, p.oh, p.ow), p.dtype)
    s = tiling.sizes
    jobs = s.images * s.groups * -(-s.out_h // s.rows)
    tables = tiling.taps, tiling.b_offsets, tiling.c_offsets, tiling.k_offsets
    _correlate(jobs, s, flat(x), packed, start, *tables, y.reshape(-1))
    return y


@parallel_for
def _correlate(
    first: int,
    last: int,
    s: ConvTiling,
    x: Any,
    packed: Any,
    start: Any,
    taps: Any,
    b_offsets: Any,
    c_offsets: Any,
    k_offsets: Any,
    y: Any,
) -> None:
    """Compute ``s.rows`` rows of windows of an image and group for each job.

    x (N, C, H, W), packed (G, F/G rows of C/G·KH·KW, by `pack_rows`), start (F,), y (N, F, OH, OW); the
    tables are those of a `Tiling`.
    """
    lanes = VECTOR_BYTES // x.itemsize
    blocks = (s.out_h + s.rows - 1) // s.rows
    part = np.zeros(s.channels * s.part_rows * s.part_width + lanes, x.dtype)
    panel = np.empty(s.in_panel * (taps.size * s.panel_width + lanes), x.dtype)
    for job in range(first, last):
        image, row = job // blocks, job % blocks * s.rows  # the image of one group
        rows, group = min(s.rows, s.out_h - row), image % s.groups
        x_at = image * s.channels * s.height * s.width
        cut_image(part, 0, x, x_at, s.channels, s, row * s.stride_h, (rows - 1) * s.stride_h + s.reach)
        columns = rows * (b_offsets.size // s.rows) * lanes // s.halves
        if s.in_panel:
            copy_patches(panel, part, taps, s, rows)
            columns = rows * s.out_w
        a = Packed(packed, group * (packed.size // s.groups))
        b = Gathered(panel if s.in_panel else part, 0, b_offsets, 0, k_offsets, 0)
        y_at, ldc = (image * s.filters * s.out_h + row) * s.out_w, s.out_h * s.out_w
        multiply(a, b, Product(y, y_at, ldc, c_offsets, s.filters, columns, s.halves), start, group * s.filters)


class Product(NamedTuple):
    """C (m, n), with vector v of row i at ``i · ldc + offsets[v]``.

    If ``halves`` is 2, the offsets are those of halves of vectors, in C and in B.
    """

    array: Any
    array_at: int
    ldc: int
    offsets: Any
    m: int
    n: int
    halves: int


@inlined
def multiply(a: Packed, b: Gathered, c: Product, start: Any, start_at: int) -> None:
    """Compute C (m, n) = start (m,) + A (m, K) · B (K, n), tile by tile, with A from `pack_rows`."""
    lanes = VECTOR_BYTES // c.array.itemsize
    depth, vectors = b.k_offsets.size, (c.n + lanes - 1) // lanes
    most = tile_vectors(c.m)
    strips = (vectors + most - 1) // most
    for strip in range(strips):
        v = strip * vectors // strips
        count = (strip + 1) * vectors // strips - v
        in_last = min(lanes, c.n - (v + count - 1) * lanes)
        for k in range(0, depth, KC):
            steps = Depth(min(KC, depth - k))
            for i in range(0, c.m, MR[0]):
                rows = tile_rows(c.m - i)
                tile, valid, row_at = Tile(rows, count), min(rows, c.m - i), c.array_at + i * c.ldc
                a_tile = Packed(a.array, a.array_at + i * depth + k * rows)
                begin = Start(start, start_at + i, accumulate=k)
                if c.halves == 2:
                    b_halves = GatheredHalves(b.array, 0, b.offsets, 2 * v, b.k_offsets, k)
                    c_halves = ScatteredHalves(c.array, row_at, c.ldc, c.offsets, 2 * v, valid)
                    multiply_tile(tile, a_tile, b_halves, c_halves, begin, steps)
                else:
                    b_tile = Gathered(b.array, 0, b.offsets, v, b.k_offsets, k)
                    c_tile = Scattered(c.array, row_at, c.ldc, c.offsets, v, valid, in_last)
                    multiply_tile(tile, a_tile, b_tile, c_tile, begin, steps)


FORWARD = Algorithm("implicit_gemm", _supports, _cost, _run, forward_error)
