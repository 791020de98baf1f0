"""Correlation with 1×1 filters, and its adjoint in x, as a matrix product with pixels in the lanes.

``y[n] (F, H·W) = w (F, C) · x[n] (C, H·W)``: nothing is transposed. The stride between rows of x is a whole map, so a
tile would miss the caches again and again. Instead, a panel (a few vectors of pixels of all channels) is copied once,
and all filters read it there (Goto & van de Geijn 2008).
"""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, fits, forward_error, wrt_input_error
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, copy_lanes, copy_vector
from autograd_cnn.kernels.compiled.microkernel import (
    MR,
    NR,
    Depth,
    Packed,
    Scattered,
    Start,
    Tile,
    multiply_tile,
    padded_rows,
    tile_rows,
)
from autograd_cnn.kernels.compiled.packing import KC, PACK, STORE, aligned_zeros, pack_rows
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array

STRIPS: Final = 8  # the most strips of a job
PANELS: Final = 24 * 1024  # bytes of the panels of a job, if there are several

# Costs relative to one product of vectors; measured on a Zen 5 core, 2026-11-26.
COPY: Final = 20.0  # of a vector of x


class PointSizes(NamedTuple):
    """The sizes of one product, for one image and group."""

    groups: int
    channels: int
    filters: int
    pixels: int
    maps: int  # that a strip may span: 1, or all images if a map is whole vectors
    vectors: int  # of pixels of these maps
    runs: int  # of vectors, a job each
    strips: int  # of a run


def _supports(p: ConvProblem) -> bool:
    return (
        p.taps == 1
        and p.stride == (1, 1)
        and p.padding == ((0, 0), (0, 0))
        and (p.oh, p.ow) == (p.h, p.w)
        and fits(p.dtype.itemsize * NR[0] * p.lanes * KC)
    )


def _cost(p: ConvProblem, channels: int, filters: int) -> float:
    """Count the products of whole tiles, the copies and the stores."""
    vector = channels * (padded_rows(filters) + COPY) + STORE * filters
    return p.groups * (p.n * p.vectors(p.h * p.w) * vector + PACK * channels * filters)


def _forward_cost(p: ConvProblem) -> float:
    return _cost(p, p.group_channels, p.group_filters)


def _wrt_input_cost(p: ConvProblem) -> float:
    return _cost(p, p.group_filters, p.group_channels)


def _forward(p: ConvProblem, x: Array, w: Array, start: Array) -> Array:
    c, f = p.group_channels, p.group_filters
    packed = pack_rows(w, p.groups, f * c, f, c, np.arange(c))
    return _run(p, c, f, x, packed, start, np.empty((p.n, p.f, p.oh, p.ow), p.dtype))


def _wrt_input(p: ConvProblem, g: Array, w: Array) -> Array:
    c, f = p.group_channels, p.group_filters
    packed = pack_rows(w, p.groups, f * c, c, 1, np.arange(f) * c)
    return _run(p, f, c, g, packed, np.zeros(p.c, p.dtype), np.empty((p.n, p.c, p.h, p.w), p.dtype))


def _run(p: ConvProblem, channels: int, filters: int, x: Array, packed: Array, start: Array, y: Array) -> Array:
    pixels = p.h * p.w
    maps = p.n if p.groups == 1 and pixels % p.lanes == 0 else 1
    vectors = p.vectors(pixels) * maps
    strips = max(1, min(STRIPS, PANELS // (p.dtype.itemsize * p.lanes * NR[0] * min(channels, KC))))
    runs = -(-vectors // (strips * NR[0]))
    s = PointSizes(p.groups, channels, filters, pixels, maps, vectors, runs, strips)
    _multiply_strips(p.n * p.groups // maps * runs, s, flat(x), packed, start, y.reshape(-1))
    return y


@parallel_for
def _multiply_strips(first: int, last: int, s: PointSizes, x: Any, packed: Any, start: Any, y: Any) -> None:
    """Compute a run of strips of pixels for each job.

    x (N, G, C/G, H·W), packed (G, F/G rows of C/G, by `pack_rows`), start (F,), y (N, G, F/G, H·W).
    """
    lanes = VECTOR_BYTES // x.itemsize
    of_map, size = (s.pixels + lanes - 1) // lanes, min(KC, s.channels) * NR[0] * lanes
    panels = aligned_zeros(s.strips * size, x)
    c_offsets = np.empty(s.strips * NR[0], np.int64)
    for job in range(first, last):
        matrix, run = job // s.runs * s.maps, job % s.runs
        group = matrix % s.groups
        begin, end = run * s.vectors // s.runs, (run + 1) * s.vectors // s.runs
        strips = (end - begin + NR[0] - 1) // NR[0]
        for v in range(begin, end):
            c_offsets[v - begin] = v // of_map * s.filters * s.pixels + v % of_map * lanes
        for k in range(0, s.channels, KC):
            depth = min(KC, s.channels - k)
            for strip in range(strips):
                at, count = _strip(begin, end, strip, strips)
                for v in range(at, at + count):
                    x_at = ((matrix + v // of_map) * s.channels + k) * s.pixels + v % of_map * lanes
                    _copy_column(panels, strip * size + (v - at) * lanes, count * lanes, x, x_at, s.pixels, depth,
                                 s.pixels - v % of_map * lanes)  # fmt: skip
            for row in range(0, s.filters, MR[0]):
                rows = tile_rows(s.filters - row)
                y_at, valid = (matrix * s.filters + row) * s.pixels, min(rows, s.filters - row)
                weights = Packed(packed, packed.size // s.groups * group + row * s.channels + k * rows)
                for strip in range(strips):
                    at, count = _strip(begin, end, strip, strips)
                    in_last = min(lanes, s.pixels - (at + count - 1) % of_map * lanes)
                    c = Scattered(y, y_at, s.pixels, c_offsets, at - begin, valid, in_last)
                    begin_with = Start(start, group * s.filters + row, accumulate=k)
                    multiply_tile(Tile(rows, count), weights, Packed(panels, strip * size), c, begin_with, Depth(depth))


@inlined
def _strip(begin: int, end: int, strip: int, strips: int) -> tuple[int, int]:
    """Return where a strip of vectors begins, and how many it has."""
    at = begin + strip * (end - begin) // strips
    return at, begin + (strip + 1) * (end - begin) // strips - at


@inlined
def _copy_column(
    panel: Any, panel_at: int, step: int, x: Any, x_at: int, row_step: int, depth: int, columns: int
) -> None:
    """Copy a vector of each row, with at most ``columns`` lanes."""
    lanes = VECTOR_BYTES // x.itemsize
    if columns >= lanes:
        for k in range(depth):
            copy_vector(panel, panel_at + k * step, x, x_at + k * row_step)
    else:
        for k in range(depth):
            copy_lanes(panel, panel_at + k * step, x, x_at + k * row_step, columns)


FORWARD = Algorithm("pointwise", _supports, _forward_cost, _forward, forward_error)
WRT_INPUT = Algorithm("pointwise", _supports, _wrt_input_cost, _wrt_input, wrt_input_error)
