"""The adjoint in w with pixels in the lanes, for few filters: products of rows of pixels with rows of pixels.

With a filter in each lane and 6 filters, 10 of 16 lanes would idle. Here a tile holds a vector of sums for each pair
of a few maps and a few taps::

    C[f, t] += G[f, row, v] · image[t, row, v]        for all rows and vectors v of pixels

and the lanes of each are added up at the end, for all images at once.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv import wgrad
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, wrt_weight_error
from autograd_cnn.kernels.compiled.conv.tiling import ConvTiling, cut_image, part_fits
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import (
    PIXELS_SHAPE,
    PIXELS_SHAPE_OF_ONE,
    PixelRows,
    Pixels,
    Start,
    Strided,
    Tile,
    multiply_tile,
)
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for
from autograd_cnn.kernels.windows import Array

# In cycles, where a tile multiplies and adds one vector per cycle.
PRODUCT: Final = 1.35
TILE: Final = 22.0  # to load and store a vector of sums
CUT: Final = 27.0  # to copy a vector of an image into a part
SUM: Final = 27.0  # to add up the lanes of one


def _supports(p: ConvProblem) -> bool:
    return p.stride[1] == 1 and part_fits(p, channels=wgrad.channel_block(p))


def _cost(p: ConvProblem) -> float:
    """Count the products of whole tiles, the copies, loads and sums."""
    tall, wide = PIXELS_SHAPE_OF_ONE if p.group_filters == 1 else PIXELS_SHAPE
    depth = p.group_channels * p.taps
    tiles = p.groups * -(-p.group_filters // tall) * tall * -(-depth // wide) * wide  # vectors of sums
    image = tiles * (PRODUCT * p.oh * p.vectors(p.ow) + TILE) + CUT * p.c * p.h * p.vectors(p.w)
    runs = wgrad.pieces(p, all_filters=True).runs
    return p.n * image + SUM * runs * p.c * p.taps * p.group_filters


def _run(p: ConvProblem, x: Array, g: Array) -> Array:
    cut, tiling = wgrad.pieces_in_parts(p, all_filters=True)
    depth, f = p.group_channels * p.taps, p.group_filters
    sums = np.zeros((cut.runs, p.groups * depth, f, p.lanes), p.dtype)
    maps = np.arange(f) * (p.oh * p.ow)
    _sum_products(cut.jobs, tiling.sizes, flat(x), flat(g), tiling.taps, maps, sums.reshape(-1))
    dw = np.empty((p.f, p.group_channels, p.kh, p.kw), p.dtype)
    _add_lanes(p.groups * depth, LaneSizes(depth, f), sums, dw.reshape(-1))
    return dw


class LaneSizes(NamedTuple):
    """The sizes of a group's gradient."""

    depth: int  # C/G·KH·KW
    filters: int


@parallel_for
def _add_lanes(first: int, last: int, s: LaneSizes, sums: Any, dw: Any) -> None:
    """Sum one row for each job: sums (pieces, G·depth, F/G, lanes), dw (G, F/G, depth)."""
    part = np.empty(sums.shape[3], sums.dtype)
    for k in range(first, last):
        for f in range(s.filters):
            part[:] = sums[0, k, f]
            for piece in range(1, len(sums)):
                for lane in range(part.size):
                    part[lane] += sums[piece, k, f, lane]
            total = part[0]
            for lane in range(1, part.size):
                total += part[lane]
            dw[(k // s.depth * s.filters + f) * s.depth + k % s.depth] = total


@parallel_for
def _sum_products(first: int, last: int, s: ConvTiling, x: Any, g: Any, taps: Any, maps: Any, sums: Any) -> None:
    """Sum over a run of images, for a block of channels of a group, for each job.

    x (N, C, H, W), g (N, F, OH, OW), sums (pieces, C·KH·KW, F/G, lanes); ``taps`` is that of a `Tiling`,
    ``maps`` (F/G,) has the offsets of the maps of g.
    """
    lanes = VECTOR_BYTES // x.itemsize
    pixels, width = s.out_h * s.out_w, s.filters * lanes
    chunks = (s.all_channels + s.channels - 1) // s.channels
    pieces = sums.size // (s.groups * s.all_channels * s.taps * width)
    part = np.zeros(s.channels * s.part_rows * s.part_width + lanes, x.dtype)
    tall, wide = PIXELS_SHAPE_OF_ONE if s.filters == 1 else PIXELS_SHAPE
    for job in range(first, last):
        piece, group, channel = job // (s.groups * chunks), job // chunks % s.groups, job % chunks * s.channels
        count = min(s.channels, s.all_channels - channel)
        sums_at = ((piece * s.groups + group) * s.all_channels + channel) * s.taps * width
        for image in range(piece * s.images // pieces, (piece + 1) * s.images // pieces):
            x_at = ((image * s.groups + group) * s.all_channels + channel) * s.height * s.width
            g_at = (image * s.groups + group) * s.filters * pixels
            for row in range(0, s.out_h, s.rows):
                rows = min(s.rows, s.out_h - row)
                cut_image(part, 0, x, x_at, count, s, row * s.stride_h, (rows - 1) * s.stride_h + s.reach)
                for f in range(0, s.filters, tall):
                    a = PixelRows(g, g_at + row * s.out_w, maps, f, s.out_w)
                    for k in range(0, count * s.taps, wide):
                        b = PixelRows(part, 0, taps, k, s.stride_h * s.part_width)
                        at, filters, some_taps = sums_at + k * width + f * lanes, s.filters - f, count * s.taps - k
                        c = Strided(sums, at, lanes, width, min(tall, filters), min(wide, some_taps))
                        begin = Start(sums, at, accumulate=1)
                        multiply_tile(Tile(tall, wide), a, b, c, begin, Pixels(rows, s.out_w))


WRT_WEIGHT = Algorithm("wgrad_pixel_lanes", _supports, _cost, _run, wrt_weight_error)
