"""What the algorithms for the adjoint in w share: partial sums, and products with filters in the lanes.

Each algorithm keeps some partial sums, for fixed runs of the images, and adds them up in the end. So the result has
the same bits on any number of threads.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import ConvProblem
from autograd_cnn.kernels.compiled.conv.tiling import Tiling, conv_tiling
from autograd_cnn.kernels.compiled.microkernel import MR, NR
from autograd_cnn.kernels.compiled.parallel import inlined, parallel_for
from autograd_cnn.kernels.windows import Array

ROWS: Final = 288  # of the gradient, C·KH·KW, about so many are worked on at a time
PIECES: Final = 16  # partial sums, at most


class SumSizes(NamedTuple):
    """The sizes of partial sums."""

    depth: int  # C·KH·KW of a group
    filters: int


class Pieces(NamedTuple):
    """How the work is cut: into jobs, for some channels and a run of images each, with partial sums for each run."""

    jobs: int
    runs: int  # of images, each with partial sums
    channels: int  # of a group, worked on at a time
    shape: tuple[int, int, int]  # of partial sums with filters in the lanes: (runs, C·KH·KW, F/G in whole vectors)
    result: tuple[int, int, int, int]  # the shape of dw
    sizes: SumSizes


def some_channels(p: ConvProblem) -> int:
    """Return how many channels of a group are worked on at a time."""
    c = p.group_channels
    return -(-c // min(c, -(-c * p.taps // ROWS)))


def pieces(p: ConvProblem) -> Pieces:
    """Return how the work is cut."""
    channels, depth, filters = some_channels(p), p.group_channels * p.taps, p.group_filters
    chunks = p.groups * -(-p.group_channels // channels)
    runs = min(p.n, max(1, PIECES // chunks))
    shape, result = (runs, p.c * p.taps, p.vectors(filters) * p.lanes), (p.f, p.group_channels, p.kh, p.kw)
    return Pieces(runs * chunks, runs, channels, shape, result, SumSizes(depth, filters))


@lru_cache(maxsize=512)
def pieces_in_parts(p: ConvProblem) -> tuple[Pieces, Tiling]:
    """Return the same, and how the images are cut into parts."""
    cut = pieces(p)
    return cut, conv_tiling(p, channels=cut.channels)


def add_pieces(cut: Pieces, sums: Array) -> Array:
    """Return dw (F, C/G, KH, KW), the total of partial sums with filters in the lanes."""
    dw = np.empty(cut.result, sums.dtype)
    _add_pieces(cut.shape[1], cut.sizes, sums, dw.reshape(-1))
    return dw


@parallel_for
def _add_pieces(first: int, last: int, s: SumSizes, sums: Any, dw: Any) -> None:
    """Add up one row for each job: sums (pieces, G·depth, F/G in whole vectors), dw (G, F/G, depth)."""
    total = np.empty(s.filters, dw.dtype)
    for k in range(first, last):
        for f in range(s.filters):
            total[f] = sums[0, k, f]
        for piece in range(1, len(sums)):
            for f in range(s.filters):
                total[f] += sums[piece, k, f]
        for f in range(s.filters):
            dw[(k // s.depth * s.filters + f) * s.depth + k % s.depth] = total[f]


@inlined
def tile_shape(vectors: int) -> tuple[int, int]:
    """Return how many rows and vectors the tiles have, when C has so many vectors in a row.

    A lower tile may have room for more vectors, and so load less for each product.
    """
    lower = NR[1] > NR[0] and vectors % NR[1] == 0
    return (MR[1], NR[1]) if lower else (MR[0], NR[0])
