"""The adjoint in w, tap by tap, with filters in the lanes.

A tile has rows of channels and vectors of filters, and sums over the pixels of one tap. So it reads them in place,
and multiplies nothing by padding.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv import wgrad
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, wrt_weight_error
from autograd_cnn.kernels.compiled.conv.tap_table import count_taps_inside, table_fits, tap_table
from autograd_cnn.kernels.compiled.conv.wgrad import transpose_panels, write_block
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import (
    Depth,
    Gathered,
    PackedRows,
    Scattered,
    Start,
    Tile,
    multiply_tile,
    padded_rows,
    tile_rows,
)
from autograd_cnn.kernels.compiled.packing import KC, aligned_zeros
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array

PRODUCT: Final = 1.15  # cycles: the pixels of different channels are far apart


class TapSizes(NamedTuple):
    """The sizes of one gradient, for one group, and how its work is blocked."""

    images: int
    groups: int
    all_channels: int
    filters: int
    taps: int  # KH · KW
    pixels_in: int
    pixels_out: int
    channels: int  # of a block
    image_block: int
    runs: int  # of pixels of an output map
    filter_block: int
    panel: int  # filters of a tile
    height: int  # of a tile


def _supports(p: ConvProblem) -> bool:
    return table_fits(p.windows)


def _cost(p: ConvProblem) -> float:
    """Count the products of whole tiles, and the common costs."""
    rows, vectors = padded_rows(p.group_channels), p.vectors(p.group_filters)
    return PRODUCT * p.n * p.groups * count_taps_inside(p.windows) * rows * vectors + wgrad.common_cost(p)


def _run(p: ConvProblem, x: Array, g: Array) -> Array:
    cut, sizes, *tables = _layout(p)
    dw, sums = wgrad.gradient_and_sums(p, cut.runs)
    _sum_taps(cut.jobs, sizes, flat(x), flat(g), *tables, sums.reshape(-1))
    return wgrad.add_pieces(dw, sums)


@lru_cache(maxsize=512)
def _layout(p: ConvProblem) -> tuple[wgrad.Pieces, TapSizes, Array, Array, Array]:
    """Return how the work is divided, the sizes, and for each tap and run of an output map the list of its pixels.

    The list has the offsets of the pixels in the images, and of their windows in the transposed maps, for a block of
    images one after the other; ``starts`` has the begin of each tap's and run's part.
    """
    cut, out = wgrad.pieces(p), p.oh * p.ow
    image_block, runs = max(1, KC // out), -(-out // KC)
    s = TapSizes(
        images=p.n,
        groups=p.groups,
        all_channels=p.group_channels,
        filters=p.group_filters,
        taps=p.taps,
        pixels_in=p.h * p.w,
        pixels_out=out,
        channels=cut.channels,
        image_block=image_block,
        runs=runs,
        filter_block=cut.panels.filter_block,
        panel=cut.panels.width,
        height=cut.panels.height,
    )
    window, tap, pixel = tap_table(p.windows)
    image = np.arange(image_block)[:, None]
    part = ((tap * image_block + image) * runs + window * runs // out).reshape(-1)
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], np.arange(p.taps * image_block * runs + 1))
    pixels = pixel + image * p.c * s.pixels_in  # (together, taps inside)
    lines = (window + image * out) * s.panel  # (together, taps inside)
    return cut, s, starts, pixels.reshape(-1)[order], lines.reshape(-1)[order]


@parallel_for
def _sum_taps(
    first: int, last: int, s: TapSizes, x: Any, g: Any, starts: Any, pixels: Any, lines: Any, sums: Any
) -> None:
    """Sum over a run of images, for a block of channels and of filters of a group, for each job.

    x (N, C, H, W), g (N, F, OH, OW), sums (pieces, F, C/G·KH·KW); the tables are those of `_layout`.
    """
    lanes = VECTOR_BYTES // x.itemsize
    width = (s.filters + lanes - 1) // lanes * lanes
    chunks, shares = (s.all_channels + s.channels - 1) // s.channels, (width + s.filter_block - 1) // s.filter_block
    depth = s.all_channels * s.taps
    pieces = sums.size // (s.groups * s.filters * depth)
    capacity = s.image_block * s.pixels_out + lanes
    transposed = aligned_zeros(capacity * s.filter_block, x)
    lines_of_block = np.arange(s.channels * s.taps + lanes) * s.filter_block
    block = aligned_zeros(lines_of_block.size * s.filter_block, x)
    channels, c_offsets = np.arange(s.channels) * s.pixels_in, np.arange(0, s.panel, lanes)
    for job in range(first, last):
        channel, f = job % chunks * s.channels, job // chunks % shares * s.filter_block
        group, piece = job // chunks // shares % s.groups, job // chunks // shares // s.groups
        maps, rows = min(s.filter_block, s.filters - f), min(s.channels, s.all_channels - channel)
        block[:] = 0
        end = (piece + 1) * s.images // pieces
        for image in range(piece * s.images // pieces, end, s.image_block):
            count = min(s.image_block, end - image)
            for each in range(count):
                g_at = (((image + each) * s.groups + group) * s.filters + f) * s.pixels_out
                transpose_panels(transposed, each * s.pixels_out, capacity, g, g_at, maps, s.pixels_out, s.pixels_out,
                                 s.panel)  # fmt: skip
            x_at = ((image * s.groups + group) * s.all_channels + channel) * s.pixels_in
            for run in range(0, count * s.runs, s.image_block):
                run_end = min(run + s.image_block, count * s.runs)
                _add_run(x, x_at, channels, rows, starts, run, run_end, pixels, transposed, capacity, lines, block,
                         s.filter_block, (maps + lanes - 1) // lanes, c_offsets, s)  # fmt: skip

        at = ((piece * s.groups + group) * s.filters + f) * depth + channel * s.taps
        write_block(sums, at, depth, block, rows * s.taps, lines_of_block, maps)


@inlined
def _add_run(
    x: Any, x_at: int, channels: Any, rows: int, starts: Any, run: int, end: int, pixels: Any, transposed: Any,
    capacity: int, lines: Any, c: Any, width: int, vectors: int, c_offsets: Any, s: TapSizes,
) -> None:  # fmt: skip
    """Add the pixels of a block of channels · transposed maps to C, for runs ``run`` to ``end``, tap by tap."""
    lanes = VECTOR_BYTES // c.itemsize
    most = s.panel // lanes
    for v in range(0, vectors, most):
        count = min(most, vectors - v)
        for i in range(0, rows, s.height):
            for tap in range(s.taps):
                part = tap * s.image_block * s.runs
                k, valid = starts[part + run], min(s.height, rows - i)
                tile, c_row = Tile(tile_rows(valid), count), (i * s.taps + tap) * width + v * lanes
                a = Gathered(x, x_at, channels, i, pixels, k)
                b = PackedRows(transposed, v * lanes * capacity, lines, k)
                sums = Scattered(c, c_row, s.taps * width, c_offsets, 0, valid, lanes)
                multiply_tile(tile, a, b, sums, Start(c, c_row, accumulate=1), Depth(starts[part + end] - k))


WRT_WEIGHT = Algorithm("wgrad_by_tap", _supports, _cost, _run, wrt_weight_error)
