"""Correlation and its adjoint in x as a product of matrices whose rows are pixels, with filters in the lanes.

A tile has some pixels of the result and some vectors of filters::

    C[pixel, v] += x[corner of the pixel + k] · W[k, v]        for all taps k of all channels

It reads single numbers of x at any offset. So a stride, a dilation, a short row or a new image costs nothing, and
patches are not copied; the image is copied only if it needs padding. In the end the maps are transposed back. In the
adjoint, each phase of pixels has its own taps; see `phases`.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.phases import axes
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, fits, forward_error, wrt_input_error
from autograd_cnn.kernels.compiled.conv.tiling import cut_image
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, copy_lanes, copy_vector
from autograd_cnn.kernels.compiled.microkernel import (
    MR,
    NR,
    Depth,
    Gathered,
    Packed,
    Start,
    Strided,
    Tile,
    multiply_tile,
    next_rows,
    tile_rows,
)
from autograd_cnn.kernels.compiled.packing import MIN_PARALLEL, aligned, aligned_zeros, pad_rows
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.compiled.transposing import channels_to_lanes, lanes_to_channels
from autograd_cnn.kernels.windows import Array

PIXELS: Final = 384  # of the result that a job works on, about: it uses each weight so often
MIN_PIXELS: Final = 32  # for which it is worth waking another thread
PART: Final = 512 * 1024  # bytes of padded images that a job may have
DEPTH: Final = 128  # of a block of taps, whose weights stay in the first-level cache while all pixels use them
JOBS: Final = 16  # the least number if there are enough pixels, whatever the number of threads

# Costs relative to one product of vectors; measured on a Zen 5 core, 2026-11-26.
TRANSPOSE: Final = 27.0  # of a vector of the result
COPY: Final = 27.0  # of a vector of a row of an image
WEIGHTS: Final = 40.0  # of packing a vector of weights; twice as much for few taps and filters far apart


class PixelSizes(NamedTuple):
    """The sizes of one correlation, for one group, and how its work is blocked."""

    images: int
    groups: int
    channels: int  # of the operand
    filters: int  # of the result
    height: int
    width: int
    top: int  # rows of zeros above
    left: int
    out_h: int
    out_w: int
    period_h: int
    period_w: int
    step_h: int
    reach: int  # rows that are read for a period of rows
    rows: int  # of a block of the result
    image_block: int
    part_rows: int  # of padded pixels under a block of rows; 0 where the image is read in place
    part_width: int
    panel: int  # filters of a panel, in whole vectors
    panel_block: int  # panels of a job


@dataclass(frozen=True)
class Layout:
    """A `PixelSizes` and its tables, all of int64.

    Attributes
    ----------
    starts : (phases + 1,)
        Where the taps of each phase begin in ``k_offsets``.
    firsts : (phases + 1,)
        Where the pixels of each phase begin in ``corners``, and in the sums.
    corners : (pixels of a job,)
        The offset of the first pixel that each pixel of the result reads, phase by phase.
    k_offsets : (taps of all phases · channels,)
        The offset of each weight's pixel from there.
    out_offsets : (pixels of a job + lanes,)
        The offset of each pixel's sums.
    depths : (channels · KH·KW + lanes,)
        For each weight of a filter the index of its tap in ``k_offsets``, or -1 if it has no pixel.
    """

    sizes: PixelSizes
    starts: Array
    firsts: Array
    corners: Array
    k_offsets: Array
    y_offsets: Array
    depths: Array


def _rows_and_images(p: ConvProblem, adjoint: bool) -> tuple[int, int, bool]:
    """Return how many rows and images a block of the result has, and whether x is read in place."""
    down, across = axes(p, adjoint)
    channels = p.group_filters if adjoint else p.group_channels
    in_place = down.extent == down.operand and across.extent == across.operand
    line = p.dtype.itemsize * channels * across.extent * (0 if in_place else 1)
    most = PIXELS // (across.size * down.period)
    if not in_place:
        most = min(most, (PART // line - down.reach) // down.step)
    periods, panels = (
        -(-down.size // down.period),
        -(-p.vectors(p.group_channels if adjoint else p.group_filters) // NR[1]),
    )
    # With few images, the rows are divided among the threads, if there are enough.
    shares = min(-(-JOBS // (p.n * p.groups * panels)), periods * across.size * down.period // MIN_PIXELS)
    rows = -(-periods // max(shares, -(-periods // max(1, most)))) * down.period
    image_block = 1
    if rows >= down.size:
        rows, image_block = -(-down.size // down.period) * down.period, PIXELS // (across.size * down.size)
        if not in_place:
            image_block = min(image_block, PART // (line * down.extent))
        few = max(-(-MIN_PIXELS // (across.size * down.size)), p.n * p.groups * panels // JOBS)
        image_block = min(image_block, few)
    return rows, max(1, min(p.n, image_block)), in_place


def _sizes(p: ConvProblem, adjoint: bool) -> PixelSizes:
    """Choose the blocks of a correlation."""
    down, across = axes(p, adjoint)
    channels, filters = p.group_channels, p.group_filters
    if adjoint:
        channels, filters = filters, channels
    rows, image_block, in_place = _rows_and_images(p, adjoint)
    vectors = p.vectors(filters)
    panel = -(-vectors // -(-vectors // NR[1]))
    panels = -(-vectors // panel)
    blocks = p.groups * -(-p.n // image_block) * -(-down.size // rows)
    return PixelSizes(
        images=p.n,
        groups=p.groups,
        channels=channels,
        filters=filters,
        height=down.operand,
        width=across.operand,
        top=-down.low,
        left=-across.low,
        out_h=down.size,
        out_w=across.size,
        period_h=down.period,
        period_w=across.period,
        step_h=down.step,
        reach=down.reach,
        rows=rows,
        image_block=image_block,
        part_rows=0 if in_place else (rows // down.period - 1) * down.step + down.reach,
        part_width=across.extent,
        panel=panel * p.lanes,
        panel_block=-(-panels // min(panels, -(-JOBS // blocks))),
    )


@lru_cache(maxsize=512)
def _layout(p: ConvProblem, adjoint: bool) -> Layout:
    """Choose the blocks of a correlation, and tabulate its offsets."""
    s, (down, across) = _sizes(p, adjoint), axes(p, adjoint)
    width, plane, image = s.part_width, s.part_rows * s.part_width, s.channels * s.part_rows * s.part_width
    if s.part_rows == 0:  # in place
        plane, image = s.height * s.width, s.groups * s.channels * s.height * s.width
    starts, firsts, corners = [0], [0], []
    k_offsets: list[int] = []
    position = np.empty((s.image_block, s.rows, s.out_w), int)
    depths = np.full((s.channels, p.kh, p.kw), -1)
    for phase_h, row_taps in enumerate(down.taps):
        for phase_w, column_taps in enumerate(across.taps):
            met = [(i, j, r - down.low, c - across.low) for i, r in row_taps for j, c in column_taps]
            for channel in range(s.channels):
                for i, j, r, c in met:
                    depths[channel, i, j] = len(k_offsets)
                    k_offsets.append(channel * plane + r * width + c)
            starts.append(len(k_offsets))
            a, b = np.arange(s.rows // s.period_h), np.arange(-(-(s.out_w - phase_w) // s.period_w))
            n = np.arange(s.image_block)[:, None, None]
            corner = n * image + a[:, None] * down.step * width + b * across.step  # (images, rows, columns)
            position[:, phase_h :: s.period_h, phase_w :: s.period_w] = firsts[-1] + np.arange(corner.size).reshape(
                corner.shape
            )
            corners.append(corner.reshape(-1))
            firsts.append(firsts[-1] + corner.size)
    y_offsets = np.concatenate([position.reshape(-1), np.zeros(p.lanes, int)]) * s.panel
    return Layout(
        s, np.array(starts), np.array(firsts), np.concatenate(corners), np.array(k_offsets, int), y_offsets,
        np.concatenate([depths.reshape(-1), np.full(p.lanes, -1)]),
    )  # fmt: skip


def _supports(p: ConvProblem, adjoint: bool) -> bool:
    down, across = axes(p, adjoint)
    rows, image_block, _ = _rows_and_images(p, adjoint)
    pixels = image_block * (rows * down.step + down.reach) * max(across.extent, across.size)
    return fits(p.dtype.itemsize * pixels * (p.group_channels + p.group_filters))


def _cost(p: ConvProblem, adjoint: bool) -> float:
    """Count the products of whole vectors of filters, the copies, and the transposes."""
    down, across = axes(p, adjoint)
    channels, filters = p.group_channels, p.vectors(p.group_filters)
    if adjoint:
        channels, filters = p.group_filters, p.vectors(p.group_channels)
    # For each axis: pixels of each phase times its taps.
    met = [
        sum(-(-(axis.size - phase) // axis.period) * len(taps) for phase, taps in enumerate(axis.taps))
        for axis in (down, across)
    ]
    products = met[0] * met[1] * channels * filters
    copies = 0.0 if _rows_and_images(p, adjoint)[2] else COPY * channels * down.operand * p.vectors(across.operand)
    transposes = TRANSPOSE * filters * down.size * across.size
    weights = WEIGHTS * (2 if adjoint and p.taps > 1 else 1) * channels * p.taps * filters
    return p.groups * (p.n * (products + copies + transposes) + weights)


def _forward(p: ConvProblem, x: Array, w: Array, start: Array) -> Array:
    columns = p.group_channels * p.taps
    steps = WeightSteps(p.group_filters * columns, columns, 0)
    return _run(_layout(p, adjoint=False), x, w, steps, columns, start, np.empty((p.n, p.f, p.oh, p.ow), p.dtype))


def _wrt_input(p: ConvProblem, g: Array, w: Array) -> Array:
    columns = p.group_channels * p.taps
    steps = WeightSteps(p.group_filters * columns, p.taps, columns)
    x = np.empty((p.n, p.c, p.h, p.w), p.dtype)
    return _run(_layout(p, adjoint=True), g, w, steps, p.taps, np.zeros(p.c, p.dtype), x)


class WeightSteps(NamedTuple):
    """The strides of the weights: between groups, between filters of the result, and between rows of a filter."""

    group: int
    filter: int
    row: int


class WeightSizes(NamedTuple):
    """The weights as rows of ``columns`` numbers for each filter of the result, and how they are packed."""

    filters: int  # of one group
    columns: int
    group_step: int
    filter_step: int
    row_step: int
    panel: int
    depth: int


def _run(layout: Layout, x: Array, w: Array, steps: WeightSteps, columns: int, start: Array, y: Array) -> Array:
    s, depth = layout.sizes, layout.k_offsets.size
    panels = -(-s.filters // s.panel)
    # Weights without a pixel go to the end. Lanes without a filter are never read, but must compute finite numbers.
    packed = aligned(s.groups * panels * depth * s.panel + s.panel, x.dtype)
    sizes = WeightSizes(s.filters, columns, *steps, s.panel, depth)
    if steps.filter == 1:
        _pack_lines(s.groups * s.channels, sizes, flat(w), layout.depths, packed, serial=packed.size <= MIN_PARALLEL)
    else:
        _pack_weights(s.groups * panels, sizes, flat(w), layout.depths, packed, serial=packed.size <= MIN_PARALLEL)
    starts = pad_rows(start, s.groups, panels * s.panel)
    jobs = s.groups * -(-s.images // s.image_block) * -(-s.out_h // s.rows) * -(-panels // s.panel_block)
    _correlate_pixels(
        jobs, s, flat(x), packed, starts, layout.starts, layout.firsts, layout.corners, layout.k_offsets,
        layout.y_offsets, y.reshape(-1),
    )  # fmt: skip
    return y


# --- the loops --------------------------------------------------------------------------------


@parallel_for
def _pack_weights(first: int, last: int, s: WeightSizes, w: Any, depths: Any, packed: Any) -> None:
    """Pack a panel of filters for each job: (taps and channels, filters)."""
    lanes = VECTOR_BYTES // w.itemsize
    panels, spare, count = (s.filters + s.panel - 1) // s.panel, packed.size - s.panel, depths.size - lanes
    positions = np.empty(lanes, np.int64)
    for job in range(first, last):
        for k in range(0, count, s.columns):
            row = job // panels * s.group_step + k // s.columns * s.row_step
            for j in range(0, s.columns, lanes):
                some = min(lanes, s.columns - j)
                for i in range(lanes):
                    position = depths[k + j + i] if i < some else -1
                    positions[i] = position * s.panel if position >= 0 else spare - job * s.depth * s.panel
                for f in range(0, s.panel, lanes):
                    filters = job % panels * s.panel + f
                    rows = min(lanes, s.filters - filters)
                    if rows > 0:
                        at = job * s.depth * s.panel + f
                        channels_to_lanes(packed, at, positions, 0, spare - at, w,
                                          row + filters * s.filter_step + j, s.filter_step, rows, some)  # fmt: skip


@parallel_for
def _pack_lines(first: int, last: int, s: WeightSizes, w: Any, depths: Any, packed: Any) -> None:
    """Pack a row of weights, one for each filter, side by side, into all panels, for each job.

    Panel by panel, each would read some of every row; if rows are pages long, each of these reads would miss the
    caches.
    """
    lanes = VECTOR_BYTES // w.itemsize
    panels, rows = (s.filters + s.panel - 1) // s.panel, depths.size - lanes
    for job in range(first, last):
        group, row = job // rows, job % rows
        if depths[row] >= 0:
            source = group * s.group_step + row * s.row_step
            for panel in range(panels):
                at = ((group * panels + panel) * s.depth + depths[row]) * s.panel
                filters = panel * s.panel
                for f in range(filters, min(filters + s.panel, s.filters), lanes):
                    copy_lanes(packed, at + f - filters, w, source + f, min(lanes, s.filters - f))


@parallel_for
def _correlate_pixels(
    first: int, last: int, s: PixelSizes, x: Any, packed: Any, start: Any, starts: Any, firsts: Any, corners: Any,
    k_offsets: Any, y_offsets: Any, y: Any,
) -> None:  # fmt: skip
    """Compute a block of rows of an image, or of images, for a block of panels of filters of a group for each job.

    x (N, G, C/G, H, W), packed by `_pack_weights`, start (G, filters in whole panels), y (N, G, F/G, OH, OW); the
    tables are those of a `Layout`.
    """
    lanes = VECTOR_BYTES // x.itemsize
    panels, shares = (s.filters + s.panel - 1) // s.panel, (s.out_h + s.rows - 1) // s.rows
    chunks, pixels_in, pixels_out = (panels + s.panel_block - 1) // s.panel_block, s.height * s.width, s.out_h * s.out_w
    image_size = s.channels * s.part_rows * s.part_width
    part = np.zeros(s.image_block * image_size + lanes, x.dtype)
    sums, zeros = aligned_zeros(corners.size * s.panel, x), np.zeros(MR[0], x.dtype)
    for job in range(first, last):
        chunk, share, group = job % chunks, job // chunks % shares, job // chunks // shares % s.groups
        image, row = job // chunks // shares // s.groups * s.image_block, share * s.rows
        images, rows = min(s.image_block, s.images - image), min(s.rows, s.out_h - row)
        periods, low = (rows + s.period_h - 1) // s.period_h, row // s.period_h * s.step_h
        x_at = (image * s.groups + group) * s.channels * pixels_in
        if s.part_rows > 0:
            for n in range(images):
                cut_image(part, n * image_size, x, x_at + n * s.groups * s.channels * pixels_in, s.channels, s, low,
                          (periods - 1) * s.step_h + s.reach)  # fmt: skip
        source, source_at = (part, 0) if s.part_rows > 0 else (x, x_at + low * s.width)
        for panel in range(chunk * s.panel_block, min((chunk + 1) * s.panel_block, panels)):
            at = group * panels + panel
            for phase in range(firsts.size - 1):
                across = (s.out_w - phase % s.period_w + s.period_w - 1) // s.period_w
                _sum_phase(sums, firsts[phase], images * periods * across, source, source_at, corners, packed,
                           at * k_offsets.size * s.panel, k_offsets, starts[phase], starts[phase + 1], start,
                           at * s.panel, zeros, s.panel)  # fmt: skip
            for f in range(0, min(s.panel, s.filters - panel * s.panel), lanes):
                in_lanes = min(lanes, s.filters - panel * s.panel - f)
                for n in range(images):
                    y_at = (((image + n) * s.groups + group) * s.filters + panel * s.panel + f) * pixels_out
                    y_at += row * s.out_w
                    for p in range(0, rows * s.out_w, lanes):
                        lanes_to_channels(y, y_at + p, pixels_out, in_lanes, min(lanes, rows * s.out_w - p), sums, f,
                                          y_offsets, n * s.rows * s.out_w + p)  # fmt: skip


@inlined
def _sum_phase(
    sums: Any, begin: int, count: int, x: Any, x_at: int, corners: Any, packed: Any, packed_at: int, k_offsets: Any,
    first: int, last: int, start: Any, start_at: int, zeros: Any, panel: int,
) -> None:  # fmt: skip
    """Write ``count`` pixels of a phase, starting at ``begin``: start + x · the phase's weights."""
    lanes = VECTOR_BYTES // sums.itemsize
    vectors = panel // lanes
    for pixel in range(begin, begin + count):
        for v in range(0, panel, lanes):
            copy_vector(sums, pixel * panel + v, start, start_at + v)
    tall = MR[1] if vectors > NR[0] else MR[0]
    runs = (last - first + DEPTH - 1) // DEPTH
    for run in range(runs):
        k = first + run * (last - first) // runs
        steps = Depth(first + (run + 1) * (last - first) // runs - k)
        weights = Packed(packed, packed_at + k * panel)
        m = 0
        while m < count:
            rows = min(next_rows(count - m, tall), count - m)
            pixels = Gathered(x, x_at, corners, begin + m, k_offsets, k)
            c = Strided(sums, (begin + m) * panel, panel, lanes, rows, vectors)
            multiply_tile(Tile(tile_rows(rows), vectors), pixels, weights, c, Start(zeros, 0, accumulate=1), steps)
            m += rows


FORWARD = Algorithm(
    "pixel_rows", partial(_supports, adjoint=False), partial(_cost, adjoint=False), _forward, forward_error
)
WRT_INPUT = Algorithm(
    "pixel_rows", partial(_supports, adjoint=True), partial(_cost, adjoint=True), _wrt_input, wrt_input_error
)
