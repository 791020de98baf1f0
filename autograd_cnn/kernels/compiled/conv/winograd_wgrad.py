"""Winograd's algorithm for the adjoint in w of 3×3 filters with stride 1.

For each filter all tiles of the maps are summed before anything is transformed back::

    dw = Gᵀ · [Σ (Bᵀ x B) ⊙ (A g Aᵀ)] · G

The sum is a matrix product, (C, tiles) · (tiles, F), for each of 36 positions. A job takes a block of channels, a
block of filters and a run of blocks of tiles, and its sums stay in a core's second-level cache.
"""

from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, fits
from autograd_cnn.kernels.compiled.conv.wgrad import add_pieces, gradient_and_sums, write_block
from autograd_cnn.kernels.compiled.conv.winograd import (
    TRANSFORM,
    TRANSPOSE,
    multiply_positions,
    pixels_to_lanes,
    supports,
    tile_pixels,
    tiles_at_a_time,
)
from autograd_cnn.kernels.compiled.conv.winograd_tile import COTANGENT, GRADIENT, winograd_wgrad_error
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import MR
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array

SCRATCH: Final = 300 * 1024  # bytes of transformed tiles that a job works on
MIN_TILES, MAX_TILES = 16, 64  # of a block
SIDE: Final = 4  # of a tile of the maps: with 2 there would be twice as many products
MAPS: Final = 64  # the most channels, and filters, of a job
JOBS: Final = 16  # at most, of one block of channels and of filters, whatever the number of threads
FEW: Final = 8  # of them, if there are fewer than `PIECE` tiles for each
PIECE: Final = 32  # tiles that are worth separate sums, which have to be transformed
ACCUMULATE: Final = 1.5  # factor of the products' cost: sums are loaded and stored for each block of tiles
SUMS: Final = 600.0  # of a vector of sums: they are cleared, loaded and stored, and of many filters in no cache


class SumSizes(NamedTuple):
    """The sizes of one gradient, for one group, and how its work is blocked."""

    side: int  # of a tile of the maps
    images: int
    groups: int
    channels: int
    filters: int
    height: int
    width: int
    top: int
    out_h: int
    out_w: int
    rows: int  # of tiles of a block
    columns: int  # of tiles, all of them
    image_block: int
    channel_block: int
    filter_block: int  # in whole vectors
    pieces: int  # runs of blocks of tiles, each with its own sums


def _cut(p: ConvProblem) -> tuple[int, int, int]:
    """Return the number of channels and of filters of a job, and of jobs for a run of images."""
    c, f, vectors = p.group_channels, p.group_filters, p.vectors(p.group_filters)
    channels = p.vectors(-(-c // -(-c // MAPS))) * p.lanes
    filters = -(-vectors // -(-vectors * p.lanes // MAPS)) * p.lanes
    return min(channels, c), filters, p.groups * -(-c // channels) * -(-f // filters)


def _supports(p: ConvProblem) -> bool:
    return supports(SIDE, p) and fits(4 * (SIDE + 2) ** 2 * _cut(p)[0] * _cut(p)[1])


def _cost(p: ConvProblem) -> float:
    """Count the products, and the transforms of tiles and sums."""
    channels, filters, _ = _cut(p)
    c, f = p.vectors(p.group_channels), p.vectors(p.group_filters)
    c_times, f_times = -(-p.group_filters // filters), -(-p.group_channels // channels)  # how often each is transformed
    tiles = p.n * -(-p.oh // SIDE) * -(-p.ow // SIDE)
    products = ACCUMULATE * tiles * (SIDE + 2) ** 2 * p.group_channels * f
    transforms = TRANSFORM[SIDE] * tiles * (c * c_times + f * f_times)
    transposes = TRANSPOSE * p.n * (c * c_times * p.h * p.w + f * f_times * p.oh * p.ow)
    sums = (TRANSFORM[SIDE] + SUMS) * _sizes(p)[0].pieces * p.group_channels * f
    return p.groups * (products + transforms + transposes + sums)


def _run(p: ConvProblem, x: Array, g: Array) -> Array:
    s, x_offsets, g_offsets = _sizes(p)
    dw, sums = gradient_and_sums(p, s.pieces)
    _sum_tiles(s.pieces * _cut(p)[2], s, flat(x), flat(g), x_offsets, g_offsets, sums.reshape(-1))
    return add_pieces(dw, sums)


@lru_cache(maxsize=512)
def _sizes(p: ConvProblem) -> tuple[SumSizes, Array, Array]:
    """Choose the blocks of a gradient; return also the scratch offsets of the pixels of x and of g."""
    channels, filters, blocks = _cut(p)
    in_lanes = p.vectors(channels) * p.lanes
    rows, image_block = tiles_at_a_time(
        p, SIDE, SCRATCH // (4 * (SIDE + 2) ** 2 * (in_lanes + filters)), MIN_TILES, MAX_TILES
    )
    columns, lines = -(-p.ow // SIDE), -(-p.oh // SIDE)
    most = max(FEW // blocks, min(JOBS // blocks, p.n * columns * lines // PIECE), 1)
    s = SumSizes(
        side=SIDE,
        images=p.n,
        groups=p.groups,
        channels=p.group_channels,
        filters=p.group_filters,
        height=p.h,
        width=p.w,
        top=p.padding[0][0],
        out_h=p.oh,
        out_w=p.ow,
        rows=rows,
        columns=columns,
        image_block=image_block,
        channel_block=channels,
        filter_block=filters,
        pieces=min(-(-p.n // image_block) * -(-lines // rows), most),
    )
    pixel, window = np.arange(p.h * p.w + p.lanes), np.arange(p.oh * p.ow + p.lanes)
    x_offsets = (pixel // p.w * (SIDE * columns + 2) + pixel % p.w + p.padding[1][0]) * in_lanes
    g_offsets = (window // p.ow * SIDE * columns + window % p.ow) * filters
    return s, x_offsets, g_offsets


@parallel_for
def _sum_tiles(first: int, last: int, s: SumSizes, x: Any, g: Any, x_offsets: Any, g_offsets: Any, sums: Any) -> None:
    """Sum over a run of blocks of tiles, for a block of channels and of filters, for each job.

    x (N, C, H, W), g (N, F, OH, OW), sums (pieces, F, C/G, 3, 3).
    """
    lanes = VECTOR_BYTES // x.itemsize
    positions, down, width = (s.side + 2) * (s.side + 2), s.side * s.rows, s.filter_block
    in_lanes = (s.channel_block + lanes - 1) // lanes * lanes
    line = s.side * s.columns * width
    part_x = np.zeros((down + 2) * (s.side * s.columns + 2) * in_lanes + lanes, x.dtype)
    part_g = np.zeros(down * line + lanes, x.dtype)
    most = s.image_block * s.rows * s.columns
    v_step, z_step = most * in_lanes + lanes, most * width + lanes  # not a power of 2, which caches handle badly
    v, z = np.empty(positions * v_step, x.dtype), np.empty(positions * z_step, x.dtype)
    t_step = s.channel_block * width + lanes
    total = np.empty(positions * t_step, x.dtype)
    rows_of_x, lines = np.arange(s.channel_block), np.arange(most) * width
    taps, tap_lines = np.empty(9 * lanes, x.dtype), np.minimum(np.arange(9 + lanes), 8) * lanes
    c_offsets, zeros = np.arange(0, width, lanes), np.zeros(MR[0], x.dtype)
    channel_blocks = (s.channels + s.channel_block - 1) // s.channel_block
    filter_blocks = (s.filters + width - 1) // width
    blocks, tile_lines = channel_blocks * filter_blocks, (s.out_h + s.side - 1) // s.side
    row_blocks = (tile_lines + s.rows - 1) // s.rows
    tile_blocks = (s.images + s.image_block - 1) // s.image_block * row_blocks
    for job in range(first, last):
        f, c = job % filter_blocks * width, job // filter_blocks % channel_blocks * s.channel_block
        group, piece = job // blocks % s.groups, job // (blocks * s.groups)
        maps, channels = min(width, s.filters - f), min(s.channel_block, s.channels - c)
        accumulate = 0
        for block in range(piece * tile_blocks // s.pieces, (piece + 1) * tile_blocks // s.pieces):
            image, row = block // row_blocks * s.image_block, block % row_blocks * s.rows
            rows, count = min(s.rows, tile_lines - row), 0
            for n in range(image, min(image + s.image_block, s.images)):
                x_at = ((n * s.groups + group) * s.channels + c) * s.height * s.width
                g_at = ((n * s.groups + group) * s.filters + f) * s.out_h * s.out_w
                tile_pixels(
                    v, count * in_lanes, v_step, x, x_at, part_x, part_x.size - lanes, x_offsets, channels,
                    in_lanes, row, rows, s,
                )  # fmt: skip
                _tile_maps(z, count * width, z_step, g, g_at, part_g, g_offsets, maps, row, rows, s)
                count += rows * s.columns
            multiply_positions(total, t_step, v, v_step, rows_of_x, channels, np.arange(count) * in_lanes, z, 0, z_step,
                               lines, positions, c_offsets, zeros, accumulate)  # fmt: skip
            accumulate = 1
        at = (((piece * s.groups + group) * s.filters + f) * s.channels + c) * 9
        _transform_sums(sums, at, total, channels, maps, taps, tap_lines, s)


@inlined
def _tile_maps(
    z: Any, z_at: int, z_step: int, g: Any, g_at: int, part: Any, x_offsets: Any, maps: int, row: int, rows: int, s: Any
) -> None:
    """Transform ``rows`` rows of tiles of the maps, starting at row ``row``, into z (positions, tiles, width)."""
    lanes = VECTOR_BYTES // g.itemsize
    width, size = s.filter_block, s.side + 2
    line = s.side * s.columns * width
    pixels_to_lanes(
        part, part.size - lanes, x_offsets, g, g_at, maps, s.out_h, s.out_w, s.side * row, s.side * rows, line
    )
    for tile in range(rows * s.columns):
        at = tile // s.columns * s.side * line + tile % s.columns * s.side * width
        to = z_at + tile * width
        for j in range(0, width, lanes):
            COTANGENT(z, to + j, size * z_step, z_step, part, at + j, line, width, z, 0, s.side)


@inlined
def _transform_sums(
    sums: Any, sums_at: int, total: Any, channels: int, maps: int, taps: Any, tap_lines: Any, s: Any
) -> None:
    """Transform the sums of a job back, and transpose them."""
    lanes, size = VECTOR_BYTES // sums.itemsize, s.side + 2
    step, depth = s.channel_block * s.filter_block + lanes, s.channels * 9
    for c in range(channels):
        for j in range(0, maps, lanes):
            GRADIENT(taps, 0, 3 * lanes, lanes, total, c * s.filter_block + j, size * step, step, total, 0, s.side)
            write_block(sums, sums_at + j * depth + c * 9, depth, taps, 9, tap_lines, min(lanes, maps - j))


F4_WRT_WEIGHT = Algorithm("winograd_4x4", _supports, _cost, _run, partial(winograd_wgrad_error, SIDE), local=False)
