"""Winograd's algorithm for 3×3 filters and stride 1: less than half of the products, forward and in the adjoint in x.

A job takes a block of tiles of m×m pixels of y, rows of tiles of one image or several small images, and

1. transposes the pixels under them, so that channels are in the lanes: (rows, columns, C);
2. transforms each tile: for each of (m + 2)² positions a matrix V (tiles, C);
3. multiplies each V by the transformed filters U (C, F), with the micro-kernel: (tiles, F);
4. transforms each tile back, and transposes it.

All of it stays in a core's second-level cache. The adjoint in x is the same with the filters rotated by 180 degrees,
filters and channels exchanged, and padding 2 - p for the padding p.

See `winograd_tile` for the formula. A tile mixes neighbouring pixels, so the error of a pixel depends on the largest
values around it, and an infinity or NaN spreads over its tile.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, fits
from autograd_cnn.kernels.compiled.conv.winograd_tile import IMAGE, KERNEL, OUTPUT, POINTS, winograd_error
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import (
    MR,
    NR,
    Depth,
    Gathered,
    PackedRows,
    Scattered,
    Start,
    Tile,
    multiply_tile,
    next_rows,
    tile_rows,
)
from autograd_cnn.kernels.compiled.packing import pad_rows
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.compiled.transposing import channels_to_lanes, lanes_to_channels
from autograd_cnn.kernels.windows import Array

SCRATCH: Final = 512 * 1024  # bytes of transformed tiles, of pixels and of products, that a job works on
MIN_TILES, MAX_TILES = 16, 48  # of a block: fewer do not fill the micro-kernel, more do not fit into the cache
JOBS: Final = 16  # the least number if there is enough work, whatever the number of threads
BLOCK: Final = 4.0  # cost of a block's filters, loaded once more, in tiles
CHUNK: Final = 4  # channels whose filters a job transforms

# Costs relative to one product of vectors; measured on a Zen 5 core, 2026-11-26.
TRANSPOSE: Final = 30.0  # of a vector with one pixel of as many channels as it has lanes, in either direction
TRANSFORM: Final = {2: 130.0, 4: 260.0}  # of a tile of such vectors, in either direction, by the tile's side
FILTERS: Final = 60.0  # of a vector of U


class TileSizes(NamedTuple):
    """The sizes of one correlation, for one group, and how its work is blocked."""

    side: int  # of a tile of y: m
    images: int
    groups: int
    channels: int
    filters: int
    height: int
    width: int
    top: int
    out_h: int
    out_w: int
    rows: int  # of tiles of a block
    columns: int  # of tiles, all of them
    image_block: int
    panel: int  # filters of a panel, in whole vectors
    parts: int  # jobs among which the panels of a block are divided


def supports(side: int, p: ConvProblem) -> bool:
    """Return whether a problem has 3×3 filters, stride 1 and float32."""
    pixels = (side + 2) * max(p.w, p.ow) + MIN_TILES * (side + 2) ** 2  # of a row of tiles, and transformed
    return (
        p.dtype == np.float32
        and (p.kh, p.kw) == (3, 3)
        and p.stride == p.dilation == (1, 1)
        and max(*p.padding[0], *p.padding[1]) <= 2  # so that the adjoint's padding is not negative
        and fits(4 * pixels * (p.group_channels + p.group_filters))
    )


def _adjoint(p: ConvProblem) -> ConvProblem:
    """Return the correlation of g with the rotated filters."""
    (top, bottom), (left, right) = p.padding
    padding = (2 - top, 2 - bottom), (2 - left, 2 - right)
    return p._replace(c=p.f, f=p.c, h=p.oh, w=p.ow, oh=p.h, ow=p.w, padding=padding)


def _forward_cost(side: int, p: ConvProblem) -> float:
    """Count the products, and the transforms of tiles and filters."""
    tiles = p.n * -(-p.oh // side) * -(-p.ow // side)
    c, f = p.vectors(p.group_channels), p.vectors(p.group_filters)
    products = tiles * (side + 2) ** 2 * p.group_channels * f
    transforms = TRANSFORM[side] * tiles * (c + f) + TRANSPOSE * p.n * (c * p.h * p.w + f * p.oh * p.ow)
    return p.groups * (products + transforms + FILTERS * (side + 2) ** 2 * p.group_channels * f)


def _wrt_input_cost(side: int, p: ConvProblem) -> float:
    return _forward_cost(side, _adjoint(p))


def _wrt_input_error(side: int, p: ConvProblem) -> float:
    return winograd_error(side, _adjoint(p))


def _forward(side: int, p: ConvProblem, x: Array, w: Array, start: Array) -> Array:
    c, f = p.group_channels, p.group_filters
    sizes, x_offsets, y_offsets = _tiles(p, side)
    filters = Filters(side, c, f, sizes.panel, f * c * 9, c * 9, 9)
    return _run(p, x, _transformed(w, filters, p.groups, rotated=False), start, sizes, x_offsets, y_offsets)


def _wrt_input(side: int, p: ConvProblem, g: Array, w: Array) -> Array:
    c, f = p.group_channels, p.group_filters
    p = _adjoint(p)
    sizes, x_offsets, y_offsets = _tiles(p, side)
    filters = Filters(side, f, c, sizes.panel, f * c * 9, 9, c * 9)
    u = _transformed(w, filters, p.groups, rotated=True)
    return _run(p, g, u, np.zeros(p.f, p.dtype), sizes, x_offsets, y_offsets)


def _run(p: ConvProblem, x: Array, u: Array, start: Array, s: TileSizes, x_offsets: Array, y_offsets: Array) -> Array:
    starts = pad_rows(start, s.groups, -(-s.filters // s.panel) * s.panel)
    y = np.empty((p.n, p.f, p.oh, p.ow), p.dtype)
    jobs = -(-s.images // s.image_block) * -(-s.out_h // (s.side * s.rows)) * s.groups * s.parts
    _correlate_tiles(jobs, s, flat(x), u, starts, x_offsets, y_offsets, y.reshape(-1))
    return y


@lru_cache(maxsize=512)
def _tiles(p: ConvProblem, side: int) -> tuple[TileSizes, Array, Array]:
    """Choose the blocks of a correlation; return also the scratch offsets of a job's pixels, of x and of y."""
    width, vectors = p.vectors(p.group_channels) * p.lanes, p.vectors(p.group_filters)
    panel = -(-vectors // -(-vectors // NR[1])) * p.lanes
    rows, image_block = tiles_at_a_time(
        p, side, SCRATCH // (4 * (side + 2) ** 2 * (width + panel)), MIN_TILES, MAX_TILES
    )
    columns = -(-p.ow // side)
    blocks = -(-p.n // image_block) * -(-p.oh // (side * rows)) * p.groups
    # Each part transforms the pixels again, so it has two panels at least.
    parts = max(1, min(-(-JOBS // blocks), -(-vectors * p.lanes // panel) // 2))
    s = TileSizes(
        side=side,
        images=p.n,
        groups=p.groups,
        channels=p.group_channels,
        filters=p.group_filters,
        height=p.h,
        width=p.w,
        top=p.padding[0][0],
        out_h=p.oh,
        out_w=p.ow,
        rows=rows,
        columns=columns,
        image_block=image_block,
        panel=panel,
        parts=parts,
    )
    pixel, window = np.arange(p.h * p.w + p.lanes), np.arange(p.oh * p.ow + p.lanes)
    x_offsets = (pixel // p.w * (side * columns + 2) + pixel % p.w + p.padding[1][0]) * width
    y_offsets = (window // p.ow * (side * columns) + window % p.ow) * p.lanes
    y_offsets[p.oh * p.ow :] = 0
    return s, x_offsets, y_offsets


def tiles_at_a_time(p: ConvProblem, side: int, target: int, min_tiles: int, max_tiles: int) -> tuple[int, int]:
    """Return how many rows of tiles a block has, and how many images: about ``target`` tiles, or less to share evenly.

    The choice is the one that takes `JOBS` threads the least time.
    """
    target = min(max(target, min_tiles), max_tiles)
    down, across = -(-p.oh // side), -(-p.ow // side)
    most = max(target * 9 // 8, across)
    options = [(rows, 1) for rows in range(1, min(down, most // across) + 1)]
    options += [(down, images) for images in range(2, min(p.n, most // (down * across)) + 1)]

    def time(option: tuple[int, int]) -> tuple[float, int]:
        rows, images = option
        tiles = rows * images * across
        jobs = p.groups * -(-p.n // images) * -(-down // rows)
        return -(-jobs // JOBS) * (max(tiles, min_tiles) + BLOCK), -tiles

    return min(options, key=time)


def _transformed(w: Array, s: "Filters", groups: int, rotated: bool) -> Array:
    """Return the transformed filters U (G, panels, (m+2)², C, panel), in whole vectors of filters."""
    panels, lanes = -(-s.filters // s.panel), VECTOR_BYTES // w.itemsize
    fresh = np.empty if s.filters % s.panel == 0 else np.zeros
    u = fresh(groups * panels * (s.side + 2) ** 2 * s.channels * s.panel + lanes, w.dtype)
    taps = np.arange(9)[::-1] if rotated else np.arange(9)
    offsets = np.concatenate([taps, np.full(lanes, 9)]) * lanes
    _transform_filters(groups * panels * -(-s.channels // CHUNK), s, flat(w), offsets, u)
    return u


class Filters(NamedTuple):
    """The sizes and strides of the filters."""

    side: int
    channels: int
    filters: int
    panel: int
    group_step: int
    filter_step: int
    channel_step: int


@parallel_for
def _transform_filters(first: int, last: int, s: Filters, w: Any, offsets: Any, u: Any) -> None:
    lanes = VECTOR_BYTES // w.itemsize
    size, panels = s.side + 2, (s.filters + s.panel - 1) // s.panel
    step = s.channels * s.panel  # between positions
    taps = np.empty(10 * lanes, w.dtype)
    chunks = (s.channels + CHUNK - 1) // CHUNK
    for job in range(first, last):
        panel, channel = job // chunks, job % chunks * CHUNK
        group, begin = panel // panels, panel % panels * s.panel
        for c in range(channel, min(channel + CHUNK, s.channels)):
            for f in range(begin, min(begin + s.panel, s.filters), lanes):
                source = group * s.group_step + f * s.filter_step + c * s.channel_step
                rows = min(lanes, s.filters - f)
                for tap in range(0, 9, lanes):
                    channels_to_lanes(
                        taps, 0, offsets, tap, 9 * lanes, w, source + tap, s.filter_step, rows, min(lanes, 9 - tap)
                    )
                to = (panel * size * size * s.channels + c) * s.panel + f - begin
                KERNEL(u, to, size * step, step, taps, 0, 3 * lanes, lanes, u, 0, s.side)


@inlined
def pixels_to_lanes(
    part: Any, spare: int, x_offsets: Any, x: Any, x_at: int, channels: int, height: int, width: int, top: int,
    rows: int, line: int,
) -> None:  # fmt: skip
    """Write ``rows`` rows of maps from row ``top``, zeros outside of them, with channels in the lanes.

    Rows of the scratch array have the stride ``line``.
    """
    lanes = VECTOR_BYTES // x.itemsize
    first, last = max(0, top), min(height, top + rows)
    for r in range(rows):
        if not first <= top + r < last:
            part[r * line : (r + 1) * line] = 0
    pixels = max(0, last - first) * width
    for c in range(0, channels, lanes):
        for p in range(0, pixels, lanes):
            q = min(p, max(0, pixels - lanes))
            at = (first - top) * line + c
            channels_to_lanes(
                part, at, x_offsets, q, spare - at, x, x_at + (c * height + first) * width + q, height * width,
                min(lanes, channels - c), min(lanes, pixels - q),
            )  # fmt: skip


@inlined
def tile_pixels(
    v: Any, v_at: int, v_step: int, x: Any, x_at: int, part: Any, spare: int, x_offsets: Any, channels: int, width: int,
    row: int, rows: int, s: Any,
) -> None:  # fmt: skip
    """Transform the pixels under ``rows`` rows of tiles, starting at row ``row``, into v (positions, tiles, width)."""
    lanes = VECTOR_BYTES // x.itemsize
    size, line = s.side + 2, (s.side * s.columns + 2) * width
    pixels_to_lanes(
        part, spare, x_offsets, x, x_at, channels, s.height, s.width, s.side * row - s.top, s.side * rows + 2, line
    )
    for tile in range(rows * s.columns):
        at = tile // s.columns * s.side * line + tile % s.columns * s.side * width
        for c in range(0, width, lanes):
            IMAGE(v, v_at + tile * width + c, size * v_step, v_step, part, at + c, line, width, part, 0, s.side)


@parallel_for
def _correlate_tiles(
    first: int, last: int, s: TileSizes, x: Any, u: Any, start: Any, x_offsets: Any, y_offsets: Any, y: Any
) -> None:
    lanes = VECTOR_BYTES // x.itemsize
    positions = (s.side + 2) * (s.side + 2)
    width = (s.channels + lanes - 1) // lanes * lanes
    panels, down = (s.filters + s.panel - 1) // s.panel, s.side * s.rows
    blocks = (s.out_h + down - 1) // down
    most = s.image_block * s.rows * s.columns  # tiles
    v_step, p_step = most * width + lanes, most * s.panel + lanes  # not a power of 2, which caches handle badly
    size = (down + 2) * (s.side * s.columns + 2) * width
    part = np.zeros(size + lanes, x.dtype)
    v, products = np.empty(positions * v_step, x.dtype), np.empty(positions * p_step, x.dtype)
    out = np.empty(down * s.side * s.columns * lanes, x.dtype)
    tiles, channels = np.arange(most) * width, np.arange(s.channels)
    lines, c_offsets, zeros = channels * s.panel, np.arange(0, s.panel, lanes), np.zeros(MR[0], x.dtype)
    for job in range(first, last):
        share, group, row = job % s.parts, job // s.parts % s.groups, job // (s.parts * s.groups) % blocks * s.rows
        image = job // (s.parts * s.groups * blocks) * s.image_block
        images, rows = min(s.image_block, s.images - image), min(s.rows, (s.out_h + s.side - 1) // s.side - row)
        per_image = rows * s.columns
        for n in range(images):
            x_at = ((image + n) * s.groups + group) * s.channels * s.height * s.width
            tile_pixels(
                v, n * per_image * width, v_step, x, x_at, part, size, x_offsets, s.channels, width, row, rows, s
            )
        count = images * per_image
        out_rows = min(s.side * rows, s.out_h - s.side * row)
        for panel in range(share * panels // s.parts, (share + 1) * panels // s.parts):
            u_at = (group * panels + panel) * positions * s.channels * s.panel
            multiply_positions(products, p_step, v, v_step, tiles, count, channels, u, u_at, s.channels * s.panel, lines,
                               positions, c_offsets, zeros, 0)  # fmt: skip
            for f in range(0, min(s.panel, s.filters - panel * s.panel), lanes):
                in_lanes = min(lanes, s.filters - panel * s.panel - f)
                for n in range(images):
                    _untile(out, products, n * per_image * s.panel + f, p_step, start,
                            (group * panels + panel) * s.panel + f, rows, s)  # fmt: skip
                    y_at = ((image + n) * s.groups + group) * s.filters + panel * s.panel + f
                    y_at = (y_at * s.out_h + s.side * row) * s.out_w
                    for p in range(0, out_rows * s.out_w, lanes):
                        lanes_to_channels(
                            y, y_at + p, s.out_h * s.out_w, in_lanes, min(lanes, out_rows * s.out_w - p),
                            out, 0, y_offsets, p,
                        )  # fmt: skip


@inlined
def multiply_positions(
    c: Any, c_step: int, a: Any, a_step: int, a_offsets: Any, rows: int, depths: Any, b: Any, b_at: int, b_step: int,
    b_offsets: Any, positions: int, c_offsets: Any, zeros: Any, accumulate: int,
) -> None:  # fmt: skip
    """Compute C = A · B, or C += A · B, for each position; the matrices of the next one are a step away."""
    vectors = c_offsets.size
    wide = vectors > NR[0]
    tall, most = MR[1] if wide else MR[0], NR[1] if wide else NR[0]
    lanes, strips = VECTOR_BYTES // c.itemsize, (vectors + most - 1) // most
    for position in range(positions):
        for strip in range(strips):
            v = strip * vectors // strips
            count = (strip + 1) * vectors // strips - v
            m = 0
            while m < rows:
                valid = min(next_rows(rows - m, tall), rows - m)
                multiply_tile(
                    Tile(tile_rows(valid), count),
                    Gathered(a, position * a_step, a_offsets, m, depths, 0),
                    PackedRows(b, b_at + position * b_step + v * lanes, b_offsets, 0),
                    Scattered(c, position * c_step + m * vectors * lanes, vectors * lanes, c_offsets, v, valid, lanes),
                    Start(zeros, 0, accumulate=accumulate),
                    Depth(depths.size),
                )
                m += valid


@inlined
def _untile(
    out: Any, products: Any, products_at: int, p_step: int, start: Any, start_at: int, rows: int, s: Any
) -> None:
    """Transform the products of an image's tiles back, for a vector of filters."""
    lanes = VECTOR_BYTES // out.itemsize
    size, line = s.side + 2, s.side * s.columns * lanes
    for tile in range(rows * s.columns):
        at = tile // s.columns * s.side * line + tile % s.columns * s.side * lanes
        here = products_at + tile * s.panel
        OUTPUT(out, at, line, lanes, products, here, size * p_step, p_step, start, start_at, s.side)


def _algorithm(
    side: int, cost: Callable[..., float], run: Callable[..., Array], error: Callable[..., float]
) -> Algorithm:
    """Return the algorithm for tiles of this side."""
    known = partial(supports, side), partial(cost, side), partial(run, side), partial(error, side)
    return Algorithm(f"winograd_{side}x{side}", *known, local=False)


F2_FORWARD, F4_FORWARD = (_algorithm(m, _forward_cost, _forward, winograd_error) for m in POINTS)
F2_WRT_INPUT, F4_WRT_INPUT = (_algorithm(m, _wrt_input_cost, _wrt_input, _wrt_input_error) for m in POINTS)
