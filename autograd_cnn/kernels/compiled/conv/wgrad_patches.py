"""The adjoint in w as a matrix product, ``dw (C·KH·KW, F) = patches of x (C·KH·KW, N·OH·OW) · g (N·OH·OW, F)``.

Filters are in the lanes, and a tile has rows of taps, of all channels: it is full where channels are few.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv import wgrad
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, wrt_weight_error
from autograd_cnn.kernels.compiled.conv.tiling import ConvTiling, cut_image, part_fits
from autograd_cnn.kernels.compiled.conv.wgrad import Panels, transpose_panels, write_block
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

CUT: Final = 38.0  # cycles to copy a vector of an image into a part


def _supports(p: ConvProblem) -> bool:
    return part_fits(p, channels=wgrad.channel_block(p))


def _cost(p: ConvProblem) -> float:
    """Count the products of whole tiles, the copies of the images, and the common costs."""
    rows, vectors = padded_rows(p.group_channels * p.taps), p.vectors(p.group_filters)
    shares = -(-vectors * p.lanes // wgrad.pieces(p).panels.filter_block)
    products, cuts = p.groups * rows * vectors * p.oh * p.ow, CUT * shares * p.c * p.h * p.vectors(p.w)
    return p.n * (products + cuts) + wgrad.common_cost(p)


def _run(p: ConvProblem, x: Array, g: Array) -> Array:
    cut, tiling = wgrad.pieces_in_parts(p)
    s = tiling.sizes
    dw, sums = wgrad.gradient_and_sums(p, cut.runs)
    # Small images are processed in blocks, so that a tile has depth.
    image_block = max(1, KC // tiling.corners.size) if s.rows == s.out_h else 1
    corners = np.arange(image_block)[:, None] * s.channels * s.part_rows * s.part_width + tiling.corners
    sizes = PatchSizes(s, cut.panels)
    _sum_products(cut.jobs, sizes, flat(x), flat(g), tiling.taps, corners.reshape(-1), sums.reshape(-1))
    return wgrad.add_pieces(dw, sums)


class PatchSizes(NamedTuple):
    """How the images are blocked, and the filters."""

    tiling: ConvTiling
    panels: Panels


@parallel_for
def _sum_products(first: int, last: int, sizes: PatchSizes, x: Any, g: Any, taps: Any, corners: Any, sums: Any) -> None:
    """Sum over a run of images, for a block of channels and of filters of a group, for each job.

    x (N, C, H, W), g (N, F, OH, OW), sums (pieces, F, C/G·KH·KW); ``taps`` and ``corners``, for a
    block of images, are those of a `Tiling`.
    """
    s, panels, lanes = sizes.tiling, sizes.panels, VECTOR_BYTES // x.itemsize
    pixels, width = s.out_h * s.out_w, (s.filters + lanes - 1) // lanes * lanes
    chunks = (s.all_channels + s.channels - 1) // s.channels
    shares = (width + panels.filter_block - 1) // panels.filter_block
    all_rows = s.all_channels * s.taps
    pieces = sums.size // (s.groups * s.filters * all_rows)
    image_block, part_size = corners.size // (s.rows * s.out_w), s.channels * s.part_rows * s.part_width
    part, capacity = np.zeros(image_block * part_size + lanes, x.dtype), corners.size + lanes
    transposed = aligned_zeros(capacity * panels.filter_block, x)
    lines_of_block = np.arange(s.channels * s.taps + lanes) * panels.filter_block
    block = aligned_zeros(lines_of_block.size * panels.filter_block, x)
    lines, c_offsets = np.arange(corners.size) * panels.width, np.arange(0, panels.width, lanes)
    for job in range(first, last):
        channel, f = job % chunks * s.channels, job // chunks % shares * panels.filter_block
        group, piece = job // chunks // shares % s.groups, job // chunks // shares // s.groups
        count, maps = min(s.channels, s.all_channels - channel), min(panels.filter_block, s.filters - f)
        block[:] = 0
        end = (piece + 1) * s.images // pieces
        for start in range(piece * s.images // pieces, end, image_block):
            for row in range(0, s.out_h, s.rows):
                rows, depth = min(s.rows, s.out_h - row), 0
                for image in range(start, min(start + image_block, end)):
                    x_at = ((image * s.groups + group) * s.all_channels + channel) * s.height * s.width
                    g_at = ((image * s.groups + group) * s.filters + f) * pixels + row * s.out_w
                    part_at, part_rows = (image - start) * part_size, (rows - 1) * s.stride_h + s.reach
                    cut_image(part, part_at, x, x_at, count, s, row * s.stride_h, part_rows)
                    transpose_panels(transposed, depth, capacity, g, g_at, maps, pixels, rows * s.out_w, panels.width)
                    depth += rows * s.out_w
                _add_product(part, taps, count * s.taps, corners, depth, transposed, capacity, lines, block,
                             panels.filter_block, (maps + lanes - 1) // lanes, c_offsets, panels.height)  # fmt: skip

        at = ((piece * s.groups + group) * s.filters + f) * all_rows + channel * s.taps
        write_block(sums, at, all_rows, block, count * s.taps, lines_of_block, maps)


@inlined
def _add_product(
    part: Any, taps: Any, rows: int, corners: Any, depth: int, transposed: Any, capacity: int, lines: Any, c: Any,
    width: int, vectors: int, c_offsets: Any, height: int,
) -> None:  # fmt: skip
    """Add patches (rows of taps, depth) · transposed maps (depth, F) to C, tile by tile."""
    lanes = VECTOR_BYTES // c.itemsize
    most = c_offsets.size
    for k in range(0, depth, KC):
        steps = Depth(min(KC, depth - k))
        for v in range(0, vectors, most):
            count = min(most, vectors - v)
            for i in range(0, rows, height):
                valid, c_row = min(height, rows - i), i * width + v * lanes
                a = Gathered(part, 0, taps, i, corners, k)
                b = PackedRows(transposed, v * lanes * capacity, lines, k)
                sums = Scattered(c, c_row, width, c_offsets, 0, valid, lanes)
                multiply_tile(Tile(tile_rows(valid), count), a, b, sums, Start(c, c_row, accumulate=1), steps)


WRT_WEIGHT = Algorithm("wgrad_patches", _supports, _cost, _run, wrt_weight_error)
