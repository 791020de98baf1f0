"""The adjoint in w, tap by tap, with filters in the lanes.

A tile has rows of channels and vectors of filters, and runs along the pixels that one tap meets. So it reads
them where they lie, and multiplies nothing with the padding.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv import wgrad
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, wrt_weight_error
from autograd_cnn.kernels.compiled.conv.tap_table import count_taps_inside, table_fits, tap_table
from autograd_cnn.kernels.compiled.conv.wgrad import tile_shape
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
from autograd_cnn.kernels.compiled.packing import KC, transpose_maps
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array


class TapSizes(NamedTuple):
    """The sizes of one gradient, for one group, and how its work is cut."""

    images: int
    groups: int
    all_channels: int
    filters: int
    taps: int  # KH · KW
    pixels_in: int
    pixels_out: int
    channels: int  # worked on at a time
    together: int  # images worked on at a time
    runs: int  # that the pixels of an output map are cut into


def _supports(p: ConvProblem) -> bool:
    return table_fits(p.windows)


def _cost(p: ConvProblem) -> float:
    """Count the products of whole tiles."""
    rows, vectors = padded_rows(p.group_channels), p.vectors(p.group_filters)
    return p.n * p.groups * count_taps_inside(p.windows) * rows * vectors


def _run(p: ConvProblem, x: Array, g: Array) -> Array:
    cut, sizes, *tables = _layout(p)
    sums = np.zeros(cut.shape, p.dtype)
    _sum_taps(cut.jobs, sizes, flat(x), flat(g), *tables, sums.reshape(-1))
    return wgrad.add_pieces(cut, sums)


@lru_cache(maxsize=512)
def _layout(p: ConvProblem) -> tuple[wgrad.Pieces, TapSizes, Array, Array, Array]:
    """Return how the work is cut, and for each tap and each run of pixels of an output map the list of what it meets.

    It says where the pixels lie in the images, and where what their windows got lies in the transposed maps, for
    some images one after the other; ``starts`` tells where the part of a tap and a run begins.
    """
    cut, out = wgrad.pieces(p), p.oh * p.ow
    together, runs = max(1, KC // out), -(-out // KC)
    s = TapSizes(
        images=p.n,
        groups=p.groups,
        all_channels=p.group_channels,
        filters=p.group_filters,
        taps=p.taps,
        pixels_in=p.h * p.w,
        pixels_out=out,
        channels=cut.channels,
        together=together,
        runs=runs,
    )
    window, tap, pixel = tap_table(p.windows)
    image = np.arange(together)[:, None]
    part = ((tap * together + image) * runs + window * runs // out).reshape(-1)
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], np.arange(p.taps * together * runs + 1))
    pixels = pixel + image * p.c * s.pixels_in  # (together, taps inside)
    lines = (window + image * out) * (p.vectors(s.filters) * p.lanes)  # (together, taps inside)
    return cut, s, starts, pixels.reshape(-1)[order], lines.reshape(-1)[order]


@parallel_for
def _sum_taps(
    first: int, last: int, s: TapSizes, x: Any, g: Any, starts: Any, pixels: Any, lines: Any, sums: Any
) -> None:
    """Add up a run of images, for some channels of a group, for each job.

    x (N, C, H, W), g (N, F, OH, OW), sums (pieces, C·KH·KW, F/G in whole vectors); the tables are those
    of `_layout`.
    """
    lanes = VECTOR_BYTES // x.itemsize
    width = (s.filters + lanes - 1) // lanes * lanes
    chunks = (s.all_channels + s.channels - 1) // s.channels
    pieces = sums.size // (s.groups * s.all_channels * s.taps * width)
    transposed = np.empty((s.together * s.pixels_out + lanes) * width, x.dtype)
    channels, c_offsets = np.arange(s.channels) * s.pixels_in, np.arange(0, width, lanes)
    for job in range(first, last):
        piece, group, channel = job // (s.groups * chunks), job // chunks % s.groups, job % chunks * s.channels
        sums_at = ((piece * s.groups + group) * s.all_channels + channel) * s.taps * width
        end = (piece + 1) * s.images // pieces
        for image in range(piece * s.images // pieces, end, s.together):
            count = min(s.together, end - image)
            for each in range(count):
                g_at = ((image + each) * s.groups + group) * s.filters * s.pixels_out
                transpose_maps(transposed, each * s.pixels_out * width, g, g_at, s.filters, s.pixels_out, s.pixels_out)
            x_at = ((image * s.groups + group) * s.all_channels + channel) * s.pixels_in
            rows = min(s.channels, s.all_channels - channel)
            for run in range(0, count * s.runs, s.together):
                run_end = min(run + s.together, count * s.runs)
                _add_run(
                    x,
                    x_at,
                    channels,
                    rows,
                    starts,
                    run,
                    run_end,
                    pixels,
                    transposed,
                    lines,
                    sums,
                    sums_at,
                    c_offsets,
                    s,
                )


@inlined
def _add_run(
    x: Any,
    x_at: int,
    channels: Any,
    rows: int,
    starts: Any,
    run: int,
    end: int,
    pixels: Any,
    transposed: Any,
    lines: Any,
    c: Any,
    c_at: int,
    c_offsets: Any,
    s: TapSizes,
) -> None:
    """Add the pixels of some channels · transposed maps to C, for some runs of pixels, tap by tap."""
    lanes = VECTOR_BYTES // c.itemsize
    ldc = s.taps * c_offsets.size * lanes
    height, most = tile_shape(c_offsets.size)
    strips = (c_offsets.size + most - 1) // most
    for strip in range(strips):
        v = strip * c_offsets.size // strips
        count = (strip + 1) * c_offsets.size // strips - v
        for i in range(0, rows, height):
            for tap in range(s.taps):
                part = tap * s.together * s.runs
                k, valid = starts[part + run], min(height, rows - i)
                tile, c_row = Tile(tile_rows(valid), count), c_at + i * ldc + tap * c_offsets.size * lanes
                a = Gathered(x, x_at, channels, i, pixels, k)
                b = PackedRows(transposed, v * lanes, lines, k)
                sums = Scattered(c, c_row, ldc, c_offsets, v, valid, lanes)
                multiply_tile(tile, a, b, sums, Start(c, c_row, accumulate=1), Depth(starts[part + end] - k))


WRT_WEIGHT = Algorithm("wgrad_by_tap", _supports, _cost, _run, wrt_weight_error)
