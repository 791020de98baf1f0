"""The common parts of the algorithms for the adjoint in w: partial sums, and products with filters in the lanes.

Each algorithm computes partial sums over fixed runs of images, and adds them up at the end. So the result has the same
bits for any number of threads.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import ConvProblem
from autograd_cnn.kernels.compiled.conv.tiling import Tiling, conv_tiling
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import MR, NR
from autograd_cnn.kernels.compiled.packing import MIN_PARALLEL, copy_row
from autograd_cnn.kernels.compiled.parallel import inlined, parallel_for
from autograd_cnn.kernels.compiled.transposing import lanes_to_channels, transpose_lanes
from autograd_cnn.kernels.windows import Array

ROWS: Final = 288  # of a block of the gradient, C·KH·KW, about
FILTERS: Final = 192  # the most filters of a block
TRANSPOSE: Final = 15.0  # cycles for a vector of filters, with one pixel of each map
SUM: Final = 20.0  # cycles for a vector of partial sums, or of their total
PIECES: Final = 16  # the least number of jobs, if there are enough images; each run of images has partial sums
CHUNK: Final = 1 << 11  # elements whose partial sums a job adds up


class PieceSizes(NamedTuple):
    """How many partial sums there are, and of how many elements each."""

    pieces: int
    size: int


class Panels(NamedTuple):
    """How the filters are blocked: into panels, as wide as a tile, and blocks of panels."""

    width: int  # of a panel, in whole vectors
    filter_block: int  # in whole panels
    height: int  # of a tile


class Pieces(NamedTuple):
    """How the work is divided: into jobs, with a block of channels, a block of filters and a run of images each."""

    jobs: int
    runs: int  # of images
    channels: int  # of a block, in one group
    panels: Panels


def channel_block(p: ConvProblem) -> int:
    """Return how many channels of a group a block has."""
    c = p.group_channels
    return -(-c // min(c, -(-c * p.taps // ROWS)))


def pieces(p: ConvProblem, *, all_filters: bool = False) -> Pieces:
    """Return how the work is divided, with ``all_filters`` in one block or in several."""
    channels, vectors = channel_block(p), p.vectors(p.group_filters)
    # A lower tile may have room for more vectors, and then loads less for each product.
    lower = int(NR[1] > NR[0] and vectors % NR[1] == 0)
    width = -(-vectors // -(-vectors // NR[lower]))
    count = -(-vectors // width)
    shares = 1 if all_filters else -(-count // max(1, FILTERS // (width * p.lanes)))
    panels = Panels(width * p.lanes, -(-count // shares) * width * p.lanes, MR[lower])
    chunks = p.groups * -(-p.group_channels // channels) * -(-vectors * p.lanes // panels.filter_block)
    runs = min(p.n, max(1, PIECES // chunks))
    return Pieces(runs * chunks, runs, channels, panels)


def common_cost(p: ConvProblem) -> float:
    """Return the cost of transposing the maps, once for each block of channels, and of adding up partial sums."""
    cut, vectors = pieces(p), p.vectors(p.group_filters)
    maps = TRANSPOSE * p.n * p.groups * -(-p.group_channels // cut.channels) * p.oh * p.ow * vectors
    return maps + SUM * (cut.runs + 1) * p.c * p.taps * vectors


@lru_cache(maxsize=512)
def pieces_in_parts(p: ConvProblem, *, all_filters: bool = False) -> tuple[Pieces, Tiling]:
    """Return the same, and the parts of the images."""
    cut = pieces(p, all_filters=all_filters)
    return cut, conv_tiling(p, channels=cut.channels)


def gradient_and_sums(p: ConvProblem, pieces: int) -> tuple[Array, Array]:
    """Return memory for dw (F, C/G, KH, KW) and for partial sums (pieces, ...); a single one is dw itself."""
    dw = np.empty((p.f, p.group_channels, p.kh, p.kw), p.dtype)
    return dw, dw if pieces == 1 else np.empty((pieces, *dw.shape), p.dtype)


def add_pieces(dw: Array, sums: Array) -> Array:
    """Return dw, the total of the partial sums."""
    if sums is not dw:
        size = PieceSizes(len(sums), dw.size)
        _add_pieces(-(-dw.size // CHUNK), size, sums.reshape(-1), dw.reshape(-1), serial=sums.size <= MIN_PARALLEL)
    return dw


@parallel_for
def _add_pieces(first: int, last: int, s: PieceSizes, sums: Any, dw: Any) -> None:
    """Add up a chunk of dw for each job: sums (pieces, size)."""
    begin, end = first * CHUNK, min(last * CHUNK, s.size)
    for at in range(begin, end, CHUNK):
        stop = min(at + CHUNK, end)
        copy_row(dw, at, sums, at, stop - at)
        for piece in range(1, s.pieces):
            for i in range(at, stop):
                dw[i] += sums[piece * s.size + i]


@inlined
def write_block(sums: Any, at: int, depth: int, block: Any, rows: int, lines: Any, maps: int) -> None:
    """Write a job's block of sums (rows, filters), whose row k begins at ``lines[k]``, as filters of stride ``depth``."""
    lanes = VECTOR_BYTES // sums.itemsize
    for f in range(0, maps, lanes):
        for k in range(0, rows, lanes):
            lanes_to_channels(sums, at + f * depth + k, depth, min(lanes, maps - f), min(lanes, rows - k), block, f,
                              lines, k)  # fmt: skip


@inlined
def transpose_panels(
    transposed: Any, pixel: int, capacity: int, g: Any, g_at: int, maps: int, map_stride: int, pixels: int, width: int
) -> None:
    """Transpose maps (F, pixels) into panels of filters, (panels, capacity, width), starting at ``pixel``."""
    lanes = VECTOR_BYTES // g.itemsize
    for f in range(0, maps, lanes):
        rows, target = min(lanes, maps - f), (f // width * capacity + pixel) * width + f % width
        for j in range(0, pixels, lanes):
            source = g_at + f * map_stride + j
            transpose_lanes(transposed, target + j * width, width, g, source, map_stride, rows, min(lanes, pixels - j))
