"""Correlation with an image in each lane, which needs no rims: every pixel has its own list of taps.

The tile of `simd` has pixels in its lanes. Small maps do not fill it, taps that fall on the padding are
multiplied by zeros, and what a stride leaves out has to be copied away. Here a stack of images is turned
first, so that a vector holds one pixel of many images. Then each pixel of the result sums over just what
it meets, for as many maps of the result at a time as there are registers::

    C[m, v] += W[tap, a, m] · X[pixel, a, v]        for all pairs (tap, pixel) that meet, and all maps a

Forward a window meets the pixels under it, in the adjoint a pixel meets the windows over it. So one
function is both, for every stride and dilation.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from autograd_cnn.kernels.compiled.conv.tap_table import count_meetings, meetings
from autograd_cnn.kernels.compiled.llvm import (
    INT,
    VECTOR_BYTES,
    Value,
    Vectors,
    copy_lanes,
    element_type,
    intrinsic,
    pointer,
    transpose_block,
)
from autograd_cnn.kernels.compiled.microkernel import TALL, TILE_ROWS
from autograd_cnn.kernels.compiled.packing import SCRATCH, pack_rows, tile_rows
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array, Windows

VECTORS: Final = 2  # of images, that are worked on at a time
JOBS: Final = 16  # at least
WORTH: Final = 0.95  # of the products that are done otherwise; turning the images has its price
SHALLOWEST: Final = 16  # maps that a tile runs over at a time; with fewer it is loaded and stored too often
FEWEST: Final = 4  # maps, with fewer of which the tile is not filled, or turning them costs half as much again


class Stack(NamedTuple):
    """The sizes of one correlation of stacks."""

    images: int
    groups: int
    maps_in: int  # of one group
    maps_out: int
    pixels_in: int
    pixels_out: int
    vectors: int  # of images, in one stack
    share_in: int  # maps worked on at a time
    share_out: int  # pixels worked on at a time


@dataclass(frozen=True)
class Layout:
    """A `Stack` and the tables that go with it.

    Attributes
    ----------
    starts : (pixels_out + 1,)
        Where the list of what a pixel meets begins in the next two.
    taps, pixels : (meetings,)
        By which tap it meets which pixel.
    columns : (taps · maps_in,)
        How far each weight lies from a map's first one, tap by tap.
    """

    stack: Stack
    starts: Array
    taps: Array
    pixels: Array
    columns: Array


def correlate_stacks(x: Array, w: Array, start: Array, windows: Windows, groups: int, adjoint: bool) -> Array | None:
    """Return start + w · x, or in the ``adjoint`` + wᵀ · x; None if it supports longer than with pixels in the lanes."""
    f, c, taps = w.shape[0] // groups, w.shape[1], windows.size[0] * windows.size[1]
    p = _layout(x.shape[0], groups, c, f, windows, x.itemsize, adjoint)
    if p is None:
        return None
    s, lanes = p.stack, VECTOR_BYTES // x.itemsize
    packed = pack_rows(w, groups, f * c * taps, s.maps_out, taps if adjoint else c * taps, p.columns)
    stacks, width = -(-s.images // (s.vectors * lanes)), s.vectors * lanes
    turned = np.empty((stacks, -(-s.pixels_in // lanes) * lanes, groups * s.maps_in, width), x.dtype)
    _turn_stacks(stacks * groups * s.maps_in, s, flat(x), turned.reshape(-1))
    y = np.empty((s.images, groups * s.maps_out, *(windows.image if adjoint else windows.out)), x.dtype)
    jobs = stacks * groups * -(-s.maps_out // TALL) * -(-s.pixels_out // s.share_out)
    _correlate_stacks(jobs, s, flat(turned), packed, start, p.starts, p.taps, p.pixels, y.reshape(-1))
    return y


@lru_cache(maxsize=512)
def _layout(
    images: int, groups: int, channels: int, filters: int, windows: Windows, itemsize: int, adjoint: bool
) -> Layout | None:
    """Decide how to cut a correlation, and tabulate what meets; None if a stack does not pay."""
    lanes, window = VECTOR_BYTES // itemsize, windows.size[0] * windows.size[1]
    vectors = min(VECTORS, -(-images // lanes))
    width = vectors * lanes
    stacks = -(-images // width)
    source, result = (windows.out, windows.image) if adjoint else (windows.image, windows.out)
    maps_in, maps_out = (filters, channels) if adjoint else (channels, filters)
    # With pixels in the lanes, each tap is a product for each vector of a row, or for each pixel and a copy, at the
    # price of six. With a stride all is copied, at 0.4 of the price of the products, or added up, at the full one.
    row = -(-result[1] // lanes) * lanes
    otherwise = window * result[0] * min(row, result[1] + 6 * row / maps_out)
    if windows.stride != (1, 1):
        otherwise = window * windows.out[0] * windows.out[1] * (2 if adjoint else 1.4)
    worth = WORTH if min(channels, filters) >= FEWEST else WORTH * 2 / 3
    if window == 1 or count_meetings(windows) * stacks * width > worth * otherwise * images:
        return None
    pixels_in, pixels_out = source[0] * source[1], result[0] * result[1]
    shares = -(-pixels_out * TALL * width * itemsize // (SCRATCH // 2))
    shares = max(shares, -(-JOBS // (stacks * groups * -(-maps_out // TALL))))
    share_out = -(-pixels_out // (shares * lanes)) * lanes
    reach = min(pixels_in, 2 * -(-pixels_in // shares))  # pixels that a share of the result meets, about
    share_in = min(maps_in, max(SHALLOWEST, SCRATCH // (reach * width * itemsize)))
    s = Stack(images, groups, maps_in, maps_out, pixels_in, pixels_out, vectors, share_in, share_out)
    weights = np.arange(window)[:, None] + np.arange(maps_in) * window * (channels if adjoint else 1)
    return Layout(s, *_lists(windows, adjoint), weights.reshape(-1))


def _lists(windows: Windows, adjoint: bool) -> tuple[Array, Array, Array]:
    """List what each window meets, in the ``adjoint`` each pixel; see `Layout`."""
    place, tap, pixel = meetings(windows)
    who, whom, size = (pixel, place, windows.image) if adjoint else (place, pixel, windows.out)
    order = np.argsort(who, kind="stable")
    starts = np.searchsorted(who[order], np.arange(size[0] * size[1] + 1))
    return starts, tap[order], whom[order]


# --- the loops --------------------------------------------------------------------------------


@parallel_for
def _turn_stacks(first: int, last: int, s: Stack, x: Any, turned: Any) -> None:
    """Turn maps (N, A, P) into (stacks, P, A, images of a stack), P rounded up to whole vectors."""
    lanes = VECTOR_BYTES // x.itemsize
    maps, width = s.groups * s.maps_in, s.vectors * lanes
    padded = (s.pixels_in + lanes - 1) // lanes * lanes
    for job in range(first, last):
        stack, a = job // maps, job % maps
        for v in range(s.vectors):
            image = stack * width + v * lanes
            rows = min(lanes, s.images - image)
            for p in range(0, s.pixels_in, lanes):
                at = ((stack * padded + p) * maps + a) * width + v * lanes
                source = (image * maps + a) * s.pixels_in + p
                if rows <= 0:
                    for j in range(lanes):
                        turned[at + j * maps * width : at + j * maps * width + lanes] = 0
                elif source + (rows - 1) * maps * s.pixels_in + lanes <= x.size:
                    transpose_block(turned, at, maps * width, x, source, maps * s.pixels_in, rows)
                else:
                    for m in range(lanes):
                        for j in range(min(lanes, s.pixels_in - p)):
                            turned[at + j * maps * width + m] = x[source + min(m, rows - 1) * maps * s.pixels_in + j]


@parallel_for
def _correlate_stacks(
    first: int, last: int, s: Stack, x: Any, packed: Any, start: Any, starts: Any, taps: Any, pixels: Any, y: Any
) -> None:
    lanes = VECTOR_BYTES // x.itemsize
    width, maps = s.vectors * lanes, s.groups * s.maps_in
    padded = (s.pixels_in + lanes - 1) // lanes * lanes
    tiles, shares = (s.maps_out + TALL - 1) // TALL, (s.pixels_out + s.share_out - 1) // s.share_out
    depth = packed.size // (s.groups * tiles * TALL)
    sums = np.empty((s.share_out + lanes) * TALL * width, x.dtype)
    block = np.empty(lanes * lanes, x.dtype)
    for job in range(first, last):
        tile, share, group = job % tiles, job // tiles % shares, job // tiles // shares % s.groups
        stack = job // tiles // shares // s.groups
        q, end = share * s.share_out, min((share + 1) * s.share_out, s.pixels_out)
        height = tile_rows(s.maps_out - tile * TALL)
        for a in range(0, s.maps_in, s.share_in):
            for each in range(q, end):
                sum_of_meetings(
                    height, s.vectors, x, (stack * padded * maps + group * s.maps_in + a) * width, maps * width,
                    packed, (group * tiles + tile) * TALL * depth + a * height, s.maps_in, taps, pixels, starts[each],
                    starts[each + 1], min(s.share_in, s.maps_in - a), start, group * s.maps_out + tile * TALL,
                    min(height, s.maps_out - tile * TALL), sums, (each - q) * height * width, a,
                )  # fmt: skip
        for m in range(min(height, s.maps_out - tile * TALL)):
            b = group * s.maps_out + tile * TALL + m
            _turn_back(y, b, stack * width, q, end - q, sums, m * width, height * width, block, s)


@inlined
def _turn_back(
    y: Any, b: int, image: int, q: int, count: int, sums: Any, sums_at: int, step: int, block: Any, s: Stack
) -> None:
    """Write some pixels of a map of the images of a stack."""
    lanes = VECTOR_BYTES // y.itemsize
    maps = s.groups * s.maps_out
    for v in range(s.vectors):
        first = image + v * lanes
        rows = min(lanes, s.images - first)
        for j in range(0, count, lanes):
            source, target = sums_at + v * lanes + j * step, (first * maps + b) * s.pixels_out + q + j
            if rows == lanes and j + lanes <= count:
                transpose_block(y, target, maps * s.pixels_out, sums, source, step, lanes)
            else:
                transpose_block(block, 0, lanes, sums, source, step, min(lanes, count - j))
                for m in range(rows):
                    copy_lanes(y, target + m * maps * s.pixels_out, block, m * lanes, min(lanes, count - j))


# --- the tile ---------------------------------------------------------------------------------


def _write_tile(function: Value, dtype: Any, rows: int, vectors: int) -> None:
    """Write the body of one shape of tile; `sum_of_meetings` explains its arguments."""
    x, x_step, packed, packed_step, taps, pixels, first, last, maps, start, row_count, c, adds = function.args
    build = ir.IRBuilder(function.append_basic_block())
    simd = Vectors(build, dtype)
    width = INT(vectors * simd.lanes)
    cells = [(m, v) for m in range(rows) for v in range(vectors)]
    at = {(m, v): INT((m * vectors + v) * simd.lanes) for m, v in cells}
    sums = {cell: cgutils.alloca_once(build, simd.vector) for cell in cells}
    with build.if_else(build.icmp_signed("!=", adds, INT(0))) as (more, fresh):
        with more:
            for cell in cells:
                build.store(simd.load(c, at[cell]), sums[cell])
        with fresh:
            beyond = build.sub(row_count, INT(1))
            for m in range(rows):
                row = build.select(build.icmp_signed("<", INT(m), row_count), INT(m), beyond)
                number = simd.number(start, row)
                for v in range(vectors):
                    build.store(number, sums[m, v])
    with cgutils.for_range(build, last, start=first) as meeting:
        here = build.gep(x, [build.mul(build.load(build.gep(pixels, [meeting.index])), x_step)])
        tap = build.mul(build.load(build.gep(taps, [meeting.index])), packed_step)
        line = build.gep(packed, [build.mul(tap, INT(rows))])
        with cgutils.for_range(build, maps) as loop:
            a = [simd.number(line, build.add(build.mul(loop.index, INT(rows)), INT(m))) for m in range(rows)]
            base = build.mul(loop.index, width)
            b = [simd.load(here, build.add(base, INT(v * simd.lanes))) for v in range(vectors)]
            for m, v in cells:
                build.store(simd.multiply_add(a[m], b[v], build.load(sums[m, v])), sums[m, v])
    for cell in cells:
        simd.store(build.load(sums[cell]), c, at[cell])
    build.ret_void()


def _tile_function(module: Value, dtype: Any, rows: int, vectors: int) -> Value:
    name = f"autograd_cnn.stacks.{dtype}.{rows}x{vectors}"
    if name not in module.globals:
        element, table = element_type(dtype).as_pointer(), INT.as_pointer()
        kinds = [element, INT, element, INT, table, table, INT, INT, INT, element, INT, element, INT]
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        _write_tile(function, dtype, rows, vectors)
    return module.globals[name]


@intrinsic
def sum_of_meetings(
    typing: Any, rows: Any, vectors: Any, x: Any, x_at: Any, x_step: Any, packed: Any, packed_at: Any,
    packed_step: Any, taps: Any, pixels: Any, first: Any, last: Any, maps: Any, start: Any, start_at: Any,
    row_count: Any, c: Any, c_at: Any, adds: Any,
) -> Any:  # fmt: skip
    """Write a tile of ``rows`` maps and ``vectors`` of images: for one pixel the sums over what it meets.

    A pixel of the stack begins at ``pixels[e] · x_step`` in x, a map's row of images after the other; the
    weights of a tap at ``taps[e] · packed_step · rows``, the rows of a map after the other. The sums begin
    with ``start``, or go on where c ``adds``.
    """
    i = types.int64
    kinds = (i, i, x, i, i, packed, i, i, taps, pixels, i, i, i, start, i, i, c, i, i)

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        rows, vectors, x, x_at, x_step, packed, packed_at, packed_step, taps, pixels, first, last, *rest = values
        maps, start, start_at, row_count, c, c_at, adds = rest
        kind = signature.args
        arguments = [
            pointer(context, build, kind[2], x, x_at), x_step,
            pointer(context, build, kind[5], packed, packed_at), packed_step,
            pointer(context, build, kind[8], taps, INT(0)),
            pointer(context, build, kind[9], pixels, INT(0)), first, last, maps,
            pointer(context, build, kind[13], start, start_at), row_count,
            pointer(context, build, kind[16], c, c_at), adds,
        ]  # fmt: skip
        done = build.append_basic_block("done")
        choice = build.switch(build.add(build.mul(rows, INT(8)), vectors), done)
        for tall in TILE_ROWS:
            for wide in range(1, VECTORS + 1):
                block = build.append_basic_block(f"stack.{tall}x{wide}")
                choice.add_case(INT(8 * tall + wide), block)
                with build.goto_block(block):
                    build.call(_tile_function(build.module, kind[16].dtype, tall, wide), arguments)
                    build.branch(done)
        build.position_at_end(done)
        return context.get_dummy_value()

    return types.void(*kinds), write
