"""Correlation and its adjoint in x with an image in each lane (CHWN), where every pixel has its own list of taps.

With pixels in the lanes, small maps do not fill the tile, taps on the padding are multiplied by zeros, and a stride
needs a copy. Here a batch is transposed first, so that a vector holds one pixel of many images. Then each pixel of
the result sums only over the taps that it has, for as many maps of the result at a time as there are registers::

    C[m, v] += W[tap, a, m] · X[pixel, a, v]        for all pairs (tap, pixel), and all maps a

which is a batch of small products. A tile needs few weights at a time, so they are packed just before. In the
forward pass these are the pixels under a window, in the adjoint the windows over a pixel. So one function computes
both, for every stride and dilation.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, fits, forward_error, wrt_input_error
from autograd_cnn.kernels.compiled.conv.tap_table import count_taps_inside, table_fits, tap_table
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, copy_lanes
from autograd_cnn.kernels.compiled.microkernel import (
    BATCH_NR,
    MR,
    Batch,
    Columns,
    Packed,
    Start,
    Strided,
    Tile,
    multiply_tile,
    padded_rows,
    tile_rows,
)
from autograd_cnn.kernels.compiled.packing import SCRATCH, aligned_zeros
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.compiled.transposing import transpose_block, transpose_lanes
from autograd_cnn.kernels.windows import Array

JOBS: Final = 16  # the least number
MIN_MAPS: Final = 16  # maps that a tile sums over at a time; with fewer it is loaded and stored too often
WEIGHTS: Final = 48 * 1024  # bytes of weights that a tile sums over at a time: they stay in a core's caches

# Costs relative to one product of vectors; measured on a Zen 5 core, 2026-11-26.
PRODUCT: Final = (1.5, 1.1)  # with one vector of images, and with two
TRANSPOSE: Final = 65.0  # of a vector with one pixel of as many images as it has lanes
TRANSPOSE_BACK: Final = 10.0
TILE: Final = 20.0  # of a tile's vector, which is loaded and stored again
PACK: Final = 2.0  # of a weight, where contiguous weights are rounded up to whole vectors


class BatchTiling(NamedTuple):
    """The sizes of one correlation, and how its work is blocked."""

    images: int
    groups: int
    maps_in: int  # of one group
    maps_out: int
    pixels_in: int
    pixels_out: int
    vectors: int  # of images that are worked on at a time
    map_block: int
    pixel_block: int  # of the result
    taps: int
    adjoint: int  # 1 if the maps of the result are contiguous in the weights


@dataclass(frozen=True)
class Layout:
    """A `BatchTiling` and its tables, all of int64.

    Attributes
    ----------
    starts : (pixels_out + 1,)
        Where the taps of each pixel of the result begin in the next two.
    taps, pixels : (taps inside,)
        The taps of each pixel of the result, and the pixels that they read.
    """

    sizes: BatchTiling
    starts: Array
    taps: Array
    pixels: Array


def _supports(p: ConvProblem) -> bool:
    images = -(-p.n // _batch(p)) * _batch(p)  # with those that fill the last batch
    largest = max(p.c * p.h * p.w, p.f * p.oh * p.ow)
    return table_fits(p.windows) and (images < 2 * p.n or fits(p.dtype.itemsize * images * largest))


def _cost(p: ConvProblem, maps_in: int, maps_out: int, pixels_in: int, pixels_out: int, weights: int) -> float:
    """Count the products of whole tiles, the transposes, and the packing of ``weights`` weights."""
    batches, vectors = -(-p.n // _batch(p)), _batch(p) // p.lanes
    rows = padded_rows(maps_out)
    products = PRODUCT[vectors - 1] * count_taps_inside(p.windows) * maps_in * rows
    moves = TRANSPOSE * maps_in * pixels_in + (TRANSPOSE_BACK * maps_out + TILE * rows) * pixels_out
    return p.groups * batches * (vectors * (products + moves) + PACK * weights)


def _forward_cost(p: ConvProblem) -> float:
    weights = p.group_filters * p.vectors(p.group_channels * p.taps) * p.lanes
    return _cost(p, p.group_channels, p.group_filters, p.h * p.w, p.oh * p.ow, weights)


def _wrt_input_cost(p: ConvProblem) -> float:
    weights = p.group_filters * p.group_channels * p.vectors(p.taps) * p.lanes
    return _cost(p, p.group_filters, p.group_channels, p.oh * p.ow, p.h * p.w, weights)


def _batch(p: ConvProblem) -> int:
    """Return the number of images of a batch."""
    return min(BATCH_NR, p.vectors(p.n)) * p.lanes


def _forward(p: ConvProblem, x: Array, w: Array, start: Array) -> Array:
    y = np.empty((p.n, p.f, p.oh, p.ow), p.dtype)
    return _run(_layout(p, adjoint=False), x, w, start, y)


def _wrt_input(p: ConvProblem, g: Array, w: Array) -> Array:
    x = np.empty((p.n, p.c, p.h, p.w), p.dtype)
    return _run(_layout(p, adjoint=True), g, w, np.zeros(p.c, p.dtype), x)


def _run(layout: Layout, x: Array, w: Array, start: Array, y: Array) -> Array:
    s = layout.sizes
    width = s.vectors * (VECTOR_BYTES // x.itemsize)
    batches, padded = -(-s.images // width), _padded(s.pixels_in, VECTOR_BYTES // x.itemsize)
    transposed = np.empty(batches * padded * s.groups * s.maps_in * width, x.dtype)
    _transpose_batches(batches * s.groups * s.maps_in, s, flat(x), transposed)
    jobs = batches * s.groups * -(-s.maps_out // MR[0]) * -(-s.pixels_out // s.pixel_block)
    tables = layout.starts, layout.taps, layout.pixels
    _correlate_batches(jobs, s, flat(transposed), flat(w), start, *tables, y.reshape(-1))
    return y


@lru_cache(maxsize=512)
def _layout(p: ConvProblem, adjoint: bool) -> Layout:
    """Choose the blocks of a correlation, and tabulate its taps."""
    (pixels_in, maps_in), (pixels_out, maps_out) = (p.h * p.w, p.group_channels), (p.oh * p.ow, p.group_filters)
    if adjoint:
        pixels_in, maps_in, pixels_out, maps_out = pixels_out, maps_out, pixels_in, maps_in
    width, itemsize = _batch(p), p.dtype.itemsize
    batches = -(-p.n // width)
    shares = -(-pixels_out * MR[0] * width * itemsize // (SCRATCH // 2))
    shares = max(shares, -(-JOBS // (batches * p.groups * -(-maps_out // MR[0]))))
    pixel_block = p.vectors(-(-pixels_out // shares)) * p.lanes
    reach = min(pixels_in, 2 * -(-pixels_in // shares))  # pixels that a share of the result reads, about
    map_block = min(SCRATCH // (reach * width), WEIGHTS // (MR[0] * p.taps)) // itemsize
    map_block = min(maps_in, max(MIN_MAPS, map_block))
    vectors = width // p.lanes
    sizes = BatchTiling(
        p.n, p.groups, maps_in, maps_out, pixels_in, pixels_out, vectors, map_block, pixel_block, p.taps, int(adjoint)
    )
    return Layout(sizes, *_pairs(p, adjoint))


def _pairs(p: ConvProblem, adjoint: bool) -> tuple[Array, Array, Array]:
    """List the taps and pixels of each window or, in the ``adjoint``, the taps and windows of each pixel."""
    window, tap, pixel = tap_table(p.windows)
    row_of, column_of, count = (pixel, window, p.h * p.w) if adjoint else (window, pixel, p.oh * p.ow)
    order = np.argsort(row_of, kind="stable")
    starts = np.searchsorted(row_of[order], np.arange(count + 1))
    return starts, tap[order], column_of[order]


# --- the loops --------------------------------------------------------------------------------


def _padded(pixels: int, lanes: int) -> int:
    return -(-pixels // lanes) * lanes


@parallel_for
def _transpose_batches(first: int, last: int, s: BatchTiling, x: Any, transposed: Any) -> None:
    """Transpose x (N, A, P) to (batches, P, A, images of a batch), P in whole vectors: a map for each job."""
    lanes = VECTOR_BYTES // x.itemsize
    maps, width = s.groups * s.maps_in, s.vectors * lanes
    padded = (s.pixels_in + lanes - 1) // lanes * lanes
    for job in range(first, last):
        batch, a = job // maps, job % maps
        for v in range(s.vectors):
            image = batch * width + v * lanes
            rows = min(lanes, s.images - image)
            for p in range(0, s.pixels_in, lanes):
                at = ((batch * padded + p) * maps + a) * width + v * lanes
                if rows <= 0:
                    for j in range(lanes):
                        transposed[at + j * maps * width : at + j * maps * width + lanes] = 0
                else:
                    transpose_lanes(
                        transposed, at, maps * width, x, (image * maps + a) * s.pixels_in + p, maps * s.pixels_in,
                        rows, min(lanes, s.pixels_in - p),
                    )  # fmt: skip


@parallel_for
def _correlate_batches(
    first: int, last: int, s: BatchTiling, x: Any, w: Any, start: Any, starts: Any, taps: Any, pixels: Any, y: Any
) -> None:
    """Compute a block of pixels of a tile of maps of a batch for each job.

    x by `_transpose_batches`, w (F, C/G, KH, KW), start (maps of all groups,), y (N, maps of all groups, pixels_out);
    the tables are those of a `Layout`.
    """
    lanes = VECTOR_BYTES // x.itemsize
    width, maps = s.vectors * lanes, s.groups * s.maps_in
    padded = (s.pixels_in + lanes - 1) // lanes * lanes
    tiles, shares = (s.maps_out + MR[0] - 1) // MR[0], (s.pixels_out + s.pixel_block - 1) // s.pixel_block
    row = s.taps * (s.maps_out if s.adjoint else s.maps_in)  # of weights
    line = (MR[0] + lanes - 1) // lanes * lanes
    weights = aligned_zeros((s.map_block * s.taps + lanes) * line, w)
    sums = np.empty((s.pixel_block + lanes) * MR[0] * width, x.dtype)
    block = np.empty(lanes * lanes, x.dtype)
    for job in range(first, last):
        tile, share, group = job % tiles, job // tiles % shares, job // tiles // shares % s.groups
        batch = job // tiles // shares // s.groups
        q, end = share * s.pixel_block, min((share + 1) * s.pixel_block, s.pixels_out)
        rows = tile_rows(s.maps_out - tile * MR[0])
        valid, map_out = min(rows, s.maps_out - tile * MR[0]), group * s.maps_out + tile * MR[0]
        for a in range(0, s.maps_in, s.map_block):
            k = min(s.map_block, s.maps_in - a)
            if s.adjoint:
                for i in range(k):
                    at = (group * s.maps_in + a + i) * row + tile * MR[0] * s.taps
                    _pack(weights, i * s.taps * line, line, w, at, s.taps, valid, s.taps, rows)
            else:
                _pack(weights, 0, line, w, map_out * row + a * s.taps, row, valid, k * s.taps, rows)
            filters = Columns(weights, 0, s.taps * line)
            images = Packed(x, (batch * padded * maps + group * s.maps_in + a) * width)
            begin = Start(start, map_out, accumulate=a)
            for pixel in range(q, end):
                c = Strided(sums, (pixel - q) * rows * width, width, lanes, valid, s.vectors)
                pairs = Batch(k, starts[pixel], starts[pixel + 1], taps, 0, line, pixels, 0, maps * width)
                multiply_tile(Tile(rows, s.vectors), filters, images, c, begin, pairs)
        for m in range(valid):
            _transpose_back(y, map_out + m, batch * width, q, end - q, sums, m * width, rows * width, block, s)


@inlined
def _pack(weights: Any, at: int, line: int, w: Any, w_at: int, row: int, rows: int, columns: int, height: int) -> None:
    """Transpose rows of weights, each to a lane; the last row is repeated up to the height of the tile."""
    lanes = VECTOR_BYTES // w.itemsize
    for m in range(0, height, lanes):
        first = min(m, rows - 1)
        for j in range(0, columns, lanes):
            transpose_lanes(
                weights, at + j * line + m, line, w, w_at + first * row + j, row, min(lanes, rows - first),
                min(lanes, columns - j),
            )  # fmt: skip


@inlined
def _transpose_back(
    y: Any,
    map_out: int,
    image: int,
    q: int,
    count: int,
    sums: Any,
    sums_at: int,
    stride: int,
    block: Any,
    s: BatchTiling,
) -> None:
    """Write ``count`` pixels, starting at pixel ``q``, of a map of the images of a batch."""
    lanes = VECTOR_BYTES // y.itemsize
    maps = s.groups * s.maps_out
    for v in range(s.vectors):
        first = image + v * lanes
        rows = min(lanes, s.images - first)
        for j in range(0, count, lanes):
            source, target = sums_at + v * lanes + j * stride, (first * maps + map_out) * s.pixels_out + q + j
            if rows == lanes and j + lanes <= count:
                transpose_block(y, target, maps * s.pixels_out, sums, source, stride, lanes)
            else:
                transpose_block(block, 0, lanes, sums, source, stride, min(lanes, count - j))
                for m in range(rows):
                    copy_lanes(y, target + m * maps * s.pixels_out, block, m * lanes, min(lanes, count - j))


FORWARD = Algorithm("batch_lanes", _supports, _forward_cost, _forward, forward_error)
WRT_INPUT = Algorithm("batch_lanes", _supports, _wrt_input_cost, _wrt_input, wrt_input_error)
