"""Correlation with 1×1 filters, and its adjoint in x, as a product of matrices with pixels in the lanes.

``y[n] (F, H·W) = w (F, C) · x[n] (C, H·W)``: nothing is transposed, neither before nor after. Rows of x lie a whole map
apart, where a tile would miss the caches again and again; so a panel, a few vectors of pixels of all channels, is copied
once, and all filters use it from there (Goto & van de Geijn 2008).
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
from autograd_cnn.kernels.compiled.packing import KC, aligned_zeros, pack_rows
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array

STRIPS: Final = 4  # panels of a job

# What a step costs beside one product of vectors; measured on a Zen 5 core, 2026-11-26.
PRODUCT: Final = 1.1
COPY: Final = 10.0  # a vector of x
STORE: Final = 8.0  # a vector of y


class PointSizes(NamedTuple):
    """The sizes of one product, for one image and group."""

    matrices: int  # images · groups
    groups: int
    channels: int
    filters: int
    pixels: int
    vectors: int  # of pixels in a row of strips
    maps: int  # that a row of strips goes over: 1, or all images where a map is whole vectors


def _supports(p: ConvProblem) -> bool:
    return (
        p.taps == 1
        and p.stride == (1, 1)
        and p.padding == ((0, 0), (0, 0))
        and (p.oh, p.ow) == (p.h, p.w)
        and fits(p.dtype.itemsize * NR[0] * p.lanes * KC)
    )


def _cost(p: ConvProblem, channels: int, filters: int) -> float:
    """Count the products of whole tiles, and what is copied and stored."""
    vector = channels * (PRODUCT * padded_rows(filters) + COPY) + STORE * filters
    return p.n * p.groups * p.vectors(p.h * p.w) * vector


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
    s = PointSizes(p.n * p.groups, p.groups, channels, filters, pixels, vectors, maps)
    jobs = p.n * p.groups // maps * -(-vectors // (STRIPS * NR[0]))
    _multiply_strips(jobs, s, flat(x), packed, start, y.reshape(-1))
    return y


@parallel_for
def _multiply_strips(first: int, last: int, s: PointSizes, x: Any, packed: Any, start: Any, y: Any) -> None:
    """Compute some strips of pixels for each job.

    x (N, G, C/G, H·W), packed (G, F/G rows of C/G, by `pack_rows`), start (F,), y (N, G, F/G, H·W).
    """
    lanes = VECTOR_BYTES // x.itemsize
    strips = (s.vectors + NR[0] - 1) // NR[0]
    blocks = (s.vectors + STRIPS * NR[0] - 1) // (STRIPS * NR[0])
    of_map = (s.pixels + lanes - 1) // lanes
    panel = aligned_zeros(min(KC, s.channels) * NR[0] * lanes, x)
    c_offsets = np.empty(NR[0], np.int64)
    for job in range(first, last):
        matrix, block = job // blocks * s.maps, job % blocks
        group = matrix % s.groups
        for strip in range(block * strips // blocks, (block + 1) * strips // blocks):
            v = strip * s.vectors // strips
            count = (strip + 1) * s.vectors // strips - v
            in_last = min(lanes, s.pixels - (v + count - 1) % of_map * lanes)
            for i in range(count):
                c_offsets[i] = (v + i) // of_map * s.filters * s.pixels + (v + i) % of_map * lanes
            for k in range(0, s.channels, KC):
                depth = min(KC, s.channels - k)
                for i in range(count):
                    x_at = ((matrix + (v + i) // of_map) * s.channels + k) * s.pixels + (v + i) % of_map * lanes
                    _copy_column(panel, i * lanes, count * lanes, x, x_at, s.pixels, depth,
                                 in_last if i == count - 1 else lanes)  # fmt: skip
                for row in range(0, s.filters, MR[0]):
                    rows = tile_rows(s.filters - row)
                    y_at = (matrix * s.filters + row) * s.pixels
                    weights = Packed(packed, (packed.size // s.groups) * group + row * s.channels + k * rows)
                    c = Scattered(y, y_at, s.pixels, c_offsets, 0, min(rows, s.filters - row), in_last)
                    begin = Start(start, group * s.filters + row, accumulate=k)
                    multiply_tile(Tile(rows, count), weights, Packed(panel, 0), c, begin, Depth(depth))


@inlined
def _copy_column(
    panel: Any, panel_at: int, step: int, x: Any, x_at: int, row_step: int, depth: int, columns: int
) -> None:
    """Copy a vector of each of some rows, or the first columns of it."""
    lanes = VECTOR_BYTES // x.itemsize
    if columns == lanes:
        for k in range(depth):
            copy_vector(panel, panel_at + k * step, x, x_at + k * row_step)
    else:
        for k in range(depth):
            copy_lanes(panel, panel_at + k * step, x, x_at + k * row_step, columns)


FORWARD = Algorithm("pointwise", _supports, _forward_cost, _forward, forward_error)
WRT_INPUT = Algorithm("pointwise", _supports, _wrt_input_cost, _wrt_input, wrt_input_error)
