"""The adjoint in w with a group in each lane: depthwise convolutions, and those of many small groups.

As in `group_lanes`, the pixels of as many groups as a vector has lanes are transposed. Then each weight of these groups
is a vector, and several of them are summed at a time over all pixels of a block of rows::

    dw[tap] = Σ over pixels: g[pixel] · x[pixel + offset of the tap]
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numba.core import cgutils

from autograd_cnn.kernels.compiled.conv.group_lanes import cost as lanes_cost
from autograd_cnn.kernels.compiled.conv.group_lanes import maps_to_lanes, pixel_offsets, scratch_rows
from autograd_cnn.kernels.compiled.conv.phases import axes
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, fits, wrt_weight_error
from autograd_cnn.kernels.compiled.conv.wgrad import PIECES
from autograd_cnn.kernels.compiled.llvm import INT, VECTOR_BYTES, Value, Vectors, emitted, entry
from autograd_cnn.kernels.compiled.packing import MIN_PARALLEL, aligned_zeros
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for
from autograd_cnn.kernels.compiled.transposing import lanes_to_channels
from autograd_cnn.kernels.windows import Array

TAPS: Final = 9  # weights that are summed at a time
PRODUCT: Final = 1.2  # relative to a tap of `group_lanes`: the sums are loaded and stored for each part


class SumSizes(NamedTuple):
    """The sizes of one gradient, and how its work is blocked."""

    images: int
    groups: int
    channels: int  # of one group
    filters: int
    height: int
    width: int
    out_h: int
    out_w: int
    step_h: int
    step_w: int
    top: int
    reach: int
    rows: int  # of a block of windows
    part_width: int
    plane: int
    pieces: int  # runs of images, each with its own sums


def _part_rows(p: ConvProblem) -> tuple[int, int]:
    """Return how many rows of windows a block has, and of pixels."""
    down, across = axes(p, adjoint=False)
    rows = scratch_rows(p, down, across, p.group_channels)
    return rows, (rows - 1) * down.step + down.reach


def _supports(p: ConvProblem) -> bool:
    across, maps = axes(p, adjoint=False)[1], max(p.group_channels, p.group_filters)
    return fits(p.dtype.itemsize * p.lanes * maps * _part_rows(p)[1] * max(across.extent, across.size))


def _cost(p: ConvProblem) -> float:
    taps = -(-p.taps // TAPS) * TAPS
    return lanes_cost(p, p.h * p.w, p.oh * p.ow, PRODUCT * taps * p.oh * p.ow)


def _run(p: ConvProblem, x: Array, g: Array) -> Array:
    s, offsets, taps, x_offsets, g_offsets = _layout(p)
    blocks = p.vectors(p.groups)
    shape = (s.pieces, blocks, s.filters, s.channels, p.taps, p.lanes)
    sums = np.zeros(shape, p.dtype)
    _sum_groups(s.pieces * blocks, s, flat(x), flat(g), offsets, taps, x_offsets, g_offsets, sums.reshape(-1))
    dw = np.empty((p.f, p.group_channels, p.kh, p.kw), p.dtype)
    lines = np.minimum(np.arange(p.taps + p.lanes), p.taps - 1) * p.lanes
    _add_pieces(blocks, s, lines, sums.reshape(-1), dw.reshape(-1), serial=dw.size <= MIN_PARALLEL)
    return dw


@lru_cache(maxsize=512)
def _layout(p: ConvProblem) -> tuple[SumSizes, Array, Array, Array, Array]:
    """Choose the blocks of a gradient; return also the taps' offsets and numbers, and the pixels' scratch offsets."""
    down, across = axes(p, adjoint=False)
    (rows, part_rows), width, lanes = _part_rows(p), across.extent, p.lanes
    s = SumSizes(
        images=p.n,
        groups=p.groups,
        channels=p.group_channels,
        filters=p.group_filters,
        height=p.h,
        width=p.w,
        out_h=p.oh,
        out_w=p.ow,
        step_h=down.step,
        step_w=across.step,
        top=down.low,
        reach=down.reach,
        rows=rows,
        part_width=width,
        plane=part_rows * width * lanes,
        pieces=min(p.n, max(1, PIECES // p.vectors(p.groups))),
    )
    met = [(row, column) for row in down.taps[0] for column in across.taps[0]]
    offsets = [((i - down.low) * width + j - across.low) * lanes for (_, i), (_, j) in met]
    taps = [tap_row * p.kw + tap_column for (tap_row, _), (tap_column, _) in met]
    x_offsets = pixel_offsets(part_rows, p.w, width, -across.low, lanes)
    return s, np.array(offsets, int), np.array(taps, int), x_offsets, pixel_offsets(rows, p.ow, p.ow, 0, lanes)


@parallel_for
def _sum_groups(
    first: int, last: int, s: SumSizes, x: Any, g: Any, offsets: Any, taps: Any, x_offsets: Any, g_offsets: Any,
    sums: Any,
) -> None:  # fmt: skip
    """Sum over a run of images, for a vector of groups, for each job.

    x (N, G, C/G, H, W), g (N, G, F/G, OH, OW), sums (pieces, vectors of groups, F/G, C/G, KH·KW, lanes); the tables
    are those of `_layout`.
    """
    lanes = VECTOR_BYTES // x.itemsize
    blocks, pixels_in, pixels_out = (s.groups + lanes - 1) // lanes, s.height * s.width, s.out_h * s.out_w
    line, line_g = s.part_width * lanes, s.out_w * lanes
    size = sums.size // (s.pieces * blocks * s.filters * s.channels)
    part, spare = aligned_zeros(s.channels * s.plane, x), s.channels * s.plane
    maps = aligned_zeros(s.rows * line_g, x)
    for job in range(first, last):
        piece, block = job // blocks, job % blocks
        group = block * lanes
        in_lanes = min(lanes, s.groups - group)
        for image in range(piece * s.images // s.pieces, (piece + 1) * s.images // s.pieces):
            for row in range(0, s.out_h, s.rows):
                rows = min(s.rows, s.out_h - row)
                low, part_rows = row * s.step_h + s.top, (rows - 1) * s.step_h + s.reach
                for r in range(part_rows):
                    if not 0 <= low + r < s.height:
                        for c in range(s.channels):
                            part[c * s.plane + r * line : c * s.plane + (r + 1) * line] = 0
                for c in range(s.channels):
                    x_at = ((image * s.groups + group) * s.channels + c) * pixels_in
                    maps_to_lanes(
                        part, c * s.plane, line, spare, x_offsets, x, x_at, s.channels * pixels_in, in_lanes, s.height,
                        s.width, low, part_rows,
                    )  # fmt: skip
                for f in range(s.filters):
                    g_at = ((image * s.groups + group) * s.filters + f) * pixels_out
                    maps_to_lanes(
                        maps, 0, line_g, s.rows * line_g, g_offsets, g, g_at, s.filters * pixels_out, in_lanes, s.out_h,
                        s.out_w, row, rows,
                    )  # fmt: skip
                    for c in range(s.channels):
                        at = (((piece * blocks + block) * s.filters + f) * s.channels + c) * size
                        for k in range(0, taps.size, TAPS):
                            _add_products(
                                sums, at, maps, 0, rows, s.out_w, part, c * s.plane, s.step_h * line, s.step_w * lanes,
                                offsets, k, taps, k, taps.size - k,
                            )  # fmt: skip


@emitted
def _add_products(
    simd: Vectors, sums: Value, g: Value, rows: Value, columns: Value, x: Value, row_step: Value, column_step: Value,
    offsets: Value, taps: Value, count: Value,
) -> None:  # fmt: skip
    """Add the products of all pixels of ``g`` with those under a few taps to the sums of these taps.

    Taps beyond the count repeat the last one.
    """
    build, lanes, last = simd.build, INT(simd.lanes), simd.build.sub(count, INT(1))
    indices = [build.select(build.icmp_signed("<", INT(t), count), INT(t), last) for t in range(TAPS)]
    bases = [build.gep(x, [entry(build, offsets, index)]) for index in indices]
    targets = [build.mul(entry(build, taps, index), lanes) for index in indices]
    totals = [cgutils.alloca_once(build, simd.vector) for _ in indices]
    for total, target in zip(totals, targets, strict=True):
        build.store(simd.load(sums, target), total)
    with cgutils.for_range(build, rows) as row:
        row_at, g_row = build.mul(row.index, row_step), build.mul(row.index, columns)
        with cgutils.for_range(build, columns) as column:
            factor = simd.load(g, build.mul(build.add(g_row, column.index), lanes))
            at = build.add(row_at, build.mul(column.index, column_step))
            for base, total in zip(bases, totals, strict=True):
                build.store(simd.multiply_add(simd.load(base, at), factor, build.load(total)), total)
    for total, target in zip(totals, targets, strict=True):
        simd.store(build.load(total), sums, target)


@parallel_for
def _add_pieces(first: int, last: int, s: SumSizes, lines: Any, sums: Any, dw: Any) -> None:
    """Add up the partial sums of a vector of groups, and transpose them, for each job: dw (G, size)."""
    lanes = VECTOR_BYTES // dw.itemsize
    size, taps = dw.size // s.groups, lines.size - lanes
    step = sums.size // s.pieces
    for job in range(first, last):
        begin, groups = job * size * lanes, min(lanes, s.groups - job * lanes)
        for piece in range(1, s.pieces):
            for i in range(begin, begin + size * lanes):
                sums[i] += sums[piece * step + i]
        for pair in range(0, size, taps):  # of a filter and a channel
            for tap in range(0, taps, lanes):
                lanes_to_channels(dw, job * lanes * size + pair + tap, size, groups, min(lanes, taps - tap),
                                  sums, begin + pair * lanes, lines, tap)  # fmt: skip


WRT_WEIGHT = Algorithm("group_lanes", _supports, _cost, _run, wrt_weight_error)
