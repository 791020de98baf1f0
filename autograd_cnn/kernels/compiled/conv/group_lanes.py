"""Correlation and its adjoint in x with a group in each lane: depthwise convolutions, and those of many small groups.

A group of one channel and one filter is not a matrix product, and fills only one row of a tile. Here the pixels of as
many groups as a vector has lanes are transposed into a scratch array, and each vector of the result sums over taps::

    y[pixel] = Σ over taps and maps of the group: w[tap] · x[pixel + offset of the tap]

A job works on a block of rows of an image's groups, which stays in a core's first-level cache.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, Final, NamedTuple

import numpy as np
from numba.core import cgutils

from autograd_cnn.kernels.compiled.conv.phases import Axis, axes
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, fits, forward_error, wrt_input_error
from autograd_cnn.kernels.compiled.llvm import INT, VECTOR_BYTES, Value, Vectors, emitted, entry
from autograd_cnn.kernels.compiled.packing import MIN_PARALLEL, aligned_zeros
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.compiled.transposing import channels_to_lanes, lanes_to_channels
from autograd_cnn.kernels.windows import Array

SCRATCH: Final = 64 * 1024  # bytes of pixels and of results that a job works on, about
COLUMNS: Final = (8, 4)  # vectors of a row of results that are summed at a time
RUN: Final = 3  # neighbouring taps, which share most of their pixels

# Costs relative to one product of vectors; measured on a Zen 5 core, 2026-11-26.
TRANSPOSE: Final = 19.0  # of a vector with one pixel of as many groups as it has lanes, in either direction
PRODUCT: Final = 1.3  # of a tap: its product, and the load of a pixel


class LaneSizes(NamedTuple):
    """The sizes of one correlation, and how its work is blocked."""

    images: int
    groups: int
    maps_in: int  # of one group
    maps_out: int
    height: int
    width: int
    out_h: int
    out_w: int
    period_h: int
    period_w: int
    step_h: int
    step_w: int
    top: int  # the first row that is read for row 0
    reach: int  # rows that are read for a period of rows
    rows: int  # of a block of the result
    part_width: int  # of a row that is read, with zeros around it
    plane: int  # size of one map of each group in the scratch array


@dataclass(frozen=True)
class Layout:
    """A `LaneSizes` and its tables, all of int64.

    Attributes
    ----------
    bounds : (out_h · period_w · 4,)
        For each row of the result and phase of columns, where its ``runs`` and ``singles`` begin and end.
    runs, singles : (any number,)
        Indices of taps: the first taps of runs, whose pixels are neighbours, and all other taps.
    offsets, columns : (taps · maps_in,)
        Each tap's offset from a pixel in the scratch array, and the offset of its weight.
    part_offsets, out_offsets : (pixels of a block of rows + lanes,)
        The offsets of pixels in the scratch arrays.
    """

    sizes: LaneSizes
    bounds: Array
    runs: Array
    singles: Array
    offsets: Array
    columns: Array
    x_offsets: Array
    y_offsets: Array


def scratch_rows(p: ConvProblem, down: Axis, across: Axis, maps: int) -> int:
    """Return how many rows of the result a block has: whole periods, spread evenly over the blocks."""
    line = p.dtype.itemsize * p.lanes * (maps * across.extent * down.step + across.size * down.period)
    periods, most = -(-down.size // down.period), max(1, SCRATCH // line)
    return -(-periods // -(-periods // most)) * down.period


def _sizes(p: ConvProblem, adjoint: bool) -> LaneSizes:
    """Choose the blocks of a correlation."""
    down, across = axes(p, adjoint)
    maps_in, maps_out = p.group_channels, p.group_filters
    if adjoint:
        maps_in, maps_out = maps_out, maps_in
    rows = scratch_rows(p, down, across, maps_in)
    return LaneSizes(
        images=p.n,
        groups=p.groups,
        maps_in=maps_in,
        maps_out=maps_out,
        height=down.operand,
        width=across.operand,
        out_h=down.size,
        out_w=across.size,
        period_h=down.period,
        period_w=across.period,
        step_h=down.step,
        step_w=across.step,
        top=down.low,
        reach=down.reach,
        rows=rows,
        part_width=across.extent,
        plane=((rows // down.period - 1) * down.step + down.reach) * across.extent * p.lanes,
    )


@lru_cache(maxsize=512)
def _layout(p: ConvProblem, adjoint: bool) -> Layout:
    """Choose the blocks of a correlation, and tabulate its taps."""
    s, (down, across), lanes = _sizes(p, adjoint), axes(p, adjoint), p.lanes
    between = s.maps_out * p.taps if adjoint else p.taps  # stride between the weights of maps that are read
    offsets: list[int] = []
    columns: list[int] = []
    which: tuple[list[int], list[int]] = [], []  # runs and singles
    marks = [(0, 0)]  # how many of both there are after each row of taps
    bounds = np.zeros((down.size, across.period, 4), int)
    for phase_h, row_taps in enumerate(down.taps):
        for phase_w, column_taps in enumerate(across.taps):
            # In the order of pixels: taps go from left to right or, in the adjoint, from right to left.
            in_order = sorted(column_taps, key=lambda tap: tap[1])
            neighbours = across.step == across.period == 1 and p.dilation[1] == 1
            in_runs = len(in_order) // RUN * RUN if neighbours else 0
            begin = len(marks) - 1
            for tap_row, row in row_taps:
                for m, (number, (tap_column, column)) in product(range(s.maps_in), enumerate(in_order)):
                    if number >= in_runs or number % RUN == 0:
                        which[number >= in_runs].append(len(offsets))
                    offsets.append(((row - down.low) * s.part_width + column - across.low) * lanes + s.plane * m)
                    columns.append(tap_row * p.kw + tap_column + between * m)
                marks.append((len(which[0]), len(which[1])))
            for i in range(phase_h, down.size, down.period):
                line = i // down.period * down.step
                met = [begin + k for k, (_, row) in enumerate(row_taps) if 0 <= line + row < down.operand]
                if met:
                    bounds[i, phase_w] = *marks[met[0]], *marks[met[-1] + 1]
    x_offsets = pixel_offsets(s.plane // (s.part_width * lanes), s.width, s.part_width, -across.low, lanes)
    y_offsets = np.arange(s.rows * s.out_w + lanes) * lanes
    y_offsets[s.rows * s.out_w :] = 0
    tables = bounds, *which, offsets, columns, x_offsets, y_offsets
    return Layout(s, *(np.array(table, int).reshape(-1) for table in tables))


def pixel_offsets(rows: int, width: int, part_width: int, left: int, lanes: int) -> Array:
    """Return the offsets of the pixels of some rows in a scratch array of vectors, whose rows are wider."""
    pixel = np.arange(rows * width + lanes)
    return (pixel // width * part_width + pixel % width + left) * lanes


def _supports(p: ConvProblem) -> bool:
    return all(_fits(p, adjoint) for adjoint in (False, True))


def _fits(p: ConvProblem, adjoint: bool) -> bool:
    down, across = axes(p, adjoint)
    maps = max(p.group_channels, p.group_filters)
    rows = down.reach + scratch_rows(p, down, across, maps) * down.step
    return fits(p.dtype.itemsize * p.lanes * maps * rows * max(across.extent, across.size))


def cost(p: ConvProblem, pixels_in: int, pixels_out: int, terms: float) -> float:
    """Count the products, ``terms`` for each pair of maps, and the transposes."""
    c, f = p.group_channels, p.group_filters
    transposes = TRANSPOSE * (c * pixels_in + f * pixels_out)
    return p.n * p.vectors(p.groups) * (transposes + PRODUCT * c * f * terms)


def _forward_cost(p: ConvProblem) -> float:
    return cost(p, p.h * p.w, p.oh * p.ow, p.taps * p.oh * p.ow)


def _forward(p: ConvProblem, x: Array, w: Array, start: Array) -> Array:
    step = p.group_channels * p.taps
    return _run(p, _layout(p, adjoint=False), x, w, step, start, np.empty((p.n, p.f, p.oh, p.ow), p.dtype))


def _wrt_input(p: ConvProblem, g: Array, w: Array) -> Array:
    x = np.empty((p.n, p.c, p.h, p.w), p.dtype)
    return _run(p, _layout(p, adjoint=True), g, w, p.taps, np.zeros(p.c, p.dtype), x)


def _run(p: ConvProblem, layout: Layout, x: Array, w: Array, step: int, start: Array, y: Array) -> Array:
    """Correlate; ``step`` is the number of weights from one map of the result to the next."""
    s, k, blocks = layout.sizes, layout.columns.size, p.vectors(p.groups)
    packed = np.empty(blocks * s.maps_out * (k + 1) * p.lanes, p.dtype)  # each map's weights and start
    sizes = WeightSizes(p.groups, s.maps_out, p.group_filters * p.group_channels * p.taps, step)
    _pack_weights(blocks, sizes, flat(w), flat(start), layout.columns, packed, serial=packed.size <= MIN_PARALLEL)
    jobs = p.n * blocks * -(-s.out_h // s.rows)
    _correlate_groups(
        jobs, s, flat(x), packed, layout.bounds, layout.runs, layout.singles, layout.offsets, layout.x_offsets,
        layout.y_offsets, y.reshape(-1),
    )  # fmt: skip
    return y


class WeightSizes(NamedTuple):
    """The layout of the weights."""

    groups: int
    maps: int  # of the result, of one group
    group_step: int
    map_step: int


# --- the loops --------------------------------------------------------------------------------


@parallel_for
def _pack_weights(first: int, last: int, s: WeightSizes, w: Any, start: Any, columns: Any, packed: Any) -> None:
    """Pack a vector of groups for each job: (maps of the result, taps and the start, lanes)."""
    lanes, k = VECTOR_BYTES // w.itemsize, columns.size
    for job in range(first, last):
        for m in range(s.maps):
            at = (job * s.maps + m) * (k + 1) * lanes
            for lane in range(lanes):
                group = min(job * lanes + lane, s.groups - 1)
                base = group * s.group_step + m * s.map_step
                for i in range(k):
                    packed[at + i * lanes + lane] = w[base + columns[i]]
                packed[at + k * lanes + lane] = start[group * s.maps + m]


@inlined
def maps_to_lanes(
    part: Any, part_at: int, line: int, spare: int, x_offsets: Any, x: Any, x_at: int, step: int, count: int,
    height: int, width: int, top: int, rows: int,
) -> None:  # fmt: skip
    """Write the existing ones of ``rows`` rows from row ``top``, with a map in each lane.

    The maps have the stride ``step``, and rows of the scratch array ``line``.
    """
    lanes = VECTOR_BYTES // x.itemsize
    first, last = max(0, top), min(height, top + rows)
    pixels, at = max(0, last - first) * width, part_at + (first - top) * line
    for p in range(0, pixels, lanes):
        q = min(p, max(0, pixels - lanes))
        channels_to_lanes(
            part, at, x_offsets, q, spare - at, x, x_at + first * width + q, step, count, min(lanes, pixels - q)
        )


@parallel_for
def _correlate_groups(
    first: int, last: int, s: LaneSizes, x: Any, packed: Any, bounds: Any, runs: Any, singles: Any, offsets: Any,
    x_offsets: Any, y_offsets: Any, y: Any,
) -> None:  # fmt: skip
    """Compute ``s.rows`` rows of a vector of groups for each job.

    x (N, G, maps_in, H, W), packed by `_pack_weights`, y (N, G, maps_out, OH, OW); the tables are those of a
    `Layout`.
    """
    lanes = VECTOR_BYTES // x.itemsize
    blocks, shares = (s.groups + lanes - 1) // lanes, (s.out_h + s.rows - 1) // s.rows
    pixels_in, pixels_out, line = s.height * s.width, s.out_h * s.out_w, s.part_width * lanes
    beyond = COLUMNS[0] * s.step_w * lanes  # read by the last columns, and not used
    part = aligned_zeros(s.maps_in * s.plane + beyond, x)
    out, spare = aligned_zeros(s.rows * s.out_w * lanes, x), s.rows * s.out_w * lanes
    for job in range(first, last):
        share, block, image = job % shares, job // shares % blocks, job // shares // blocks
        group, row = block * lanes, share * s.rows
        in_lanes, rows = min(lanes, s.groups - group), min(s.rows, s.out_h - row)
        low, periods = row // s.period_h * s.step_h + s.top, (rows + s.period_h - 1) // s.period_h
        for m in range(s.maps_in):
            x_at = ((image * s.groups + group) * s.maps_in + m) * pixels_in
            maps_to_lanes(
                part, m * s.plane, line, s.maps_in * s.plane + beyond, x_offsets, x, x_at, s.maps_in * pixels_in,
                in_lanes, s.height, s.width, low, (periods - 1) * s.step_h + s.reach,
            )  # fmt: skip
        for m in range(s.maps_out):
            w_at = (block * s.maps_out + m) * (offsets.size + 1) * lanes
            for r in range(rows):
                at = r // s.period_h * s.step_h * line
                for phase in range(s.period_w):
                    _sum_row(out, (r * s.out_w + phase) * lanes, spare, part, at, packed, w_at, runs, singles, offsets,
                             bounds, ((row + r) * s.period_w + phase) * 4,
                             (s.out_w - phase + s.period_w - 1) // s.period_w, s)  # fmt: skip
            y_at = ((image * s.groups + group) * s.maps_out + m) * pixels_out + row * s.out_w
            for p in range(0, rows * s.out_w, lanes):
                lanes_to_channels(y, y_at + p, s.maps_out * pixels_out, in_lanes, min(lanes, rows * s.out_w - p),
                                  out, 0, y_offsets, p)  # fmt: skip


@inlined
def _sum_row(
    out: Any, out_at: int, spare: int, part: Any, part_at: int, packed: Any, w_at: int, runs: Any, singles: Any,
    offsets: Any, bounds: Any, bounds_at: int, columns: int, s: LaneSizes,
) -> None:  # fmt: skip
    """Write the pixels of one phase in a row of results."""
    lanes = VECTOR_BYTES // out.itemsize
    out_step, step = s.period_w * lanes, s.step_w * lanes
    j = 0
    while j < columns:
        at, to, left = part_at + j * step, out_at + j * out_step, columns - j
        if left > COLUMNS[1]:
            _sum_8(
                out, to, out_step, spare - to, part, at, step, packed, w_at, offsets.size, runs, 0, singles, 0, offsets, 0,
                bounds, bounds_at, left,
            )  # fmt: skip
            j += COLUMNS[0]
        else:
            _sum_4(
                out, to, out_step, spare - to, part, at, step, packed, w_at, offsets.size, runs, 0, singles, 0, offsets, 0,
                bounds, bounds_at, left,
            )  # fmt: skip
            j += COLUMNS[1]


def _sum_taps(columns: int) -> Any:
    """Return a function for Numba that sums over taps for ``columns`` vectors of a row at a time.

    Vectors beyond the count are written at ``spare``, which counts from the address of ``out``, too. The start of the sums
    follows the weights of all ``taps``.
    """

    def sum_taps(
        simd: Vectors, out: Value, out_step: Value, spare: Value, x: Value, x_step: Value, w: Value, taps: Value,
        runs: Value, singles: Value, offsets: Value, bounds: Value, count: Value,
    ) -> None:  # fmt: skip
        build, lanes = simd.build, INT(simd.lanes)
        ends = [entry(build, bounds, INT(k)) for k in range(4)]
        start = simd.load(w, build.mul(taps, lanes))
        sums = [cgutils.alloca_once(build, simd.vector) for _ in range(columns)]
        for total in sums:
            build.store(start, total)

        def add(tap: Value, wide: int) -> None:
            """Add the products of a tap and its neighbours."""
            base = build.gep(x, [entry(build, offsets, tap)])
            factors = [simd.load(w, build.mul(build.add(tap, INT(k)), lanes)) for k in range(wide)]
            step = lanes if wide > 1 else x_step
            pixels = [simd.load(base, build.mul(step, INT(j))) for j in range(columns + wide - 1)]
            for k, factor in enumerate(factors):
                for j, total in enumerate(sums):
                    build.store(simd.multiply_add(pixels[j + k], factor, build.load(total)), total)

        for table, first, last, wide in ((runs, ends[0], ends[2], RUN), (singles, ends[1], ends[3], 1)):
            with cgutils.for_range(build, last, start=first) as loop:
                add(entry(build, table, loop.index), wide)
        for j, total in enumerate(sums):
            valid = build.icmp_signed("<", INT(j), count)
            simd.store(build.load(total), out, build.select(valid, build.mul(out_step, INT(j)), spare))

    return emitted(sum_taps)


_sum_8, _sum_4 = map(_sum_taps, COLUMNS)

FORWARD = Algorithm("group_lanes", _supports, _forward_cost, _forward, forward_error)
WRT_INPUT = Algorithm("group_lanes", _supports, _forward_cost, _wrt_input, wrt_input_error)
