"""The adjoint of correlation with respect to its weights, in three ways.

Shapes: x (N, C, H, W), g (N, F, OH, OW), w (F, C/G, KH, KW), for G groups.

Each way keeps some partial sums, for fixed runs of the images, and adds them up in the end.
"""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.compiled.conv.wgrad_by_tap import add_tap_by_tap
from autograd_cnn.kernels.compiled.conv.wgrad_pixel_lanes import ONE_MAP, SOME_MAPS, sum_of_dots
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import LOW, MIDDLE, MIDDLE_VECTORS, TALL, TALL_VECTORS, patches_on_left
from autograd_cnn.kernels.compiled.packing import DEPTH, Plan, Slide, cut_image, fits, plan, tile_rows, turn_maps
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.windows import Array, Windows

TAPS: Final = 288  # about so many rows of the gradient are worked on at a time
SUMS: Final = 16  # partial sums, at most


def correlate2d_wrt_weight(x: Array, g: Array, windows: Windows, groups: int) -> Any:
    """Return what each weight gets: g · patches of x, transposed, summed over the images."""
    if not supports(x, g):
        return NotImplemented
    f, c = g.shape[1] // groups, x.shape[1] // groups
    chunks = min(c, -(-c * windows.size[0] * windows.size[1] // TAPS))
    p = plan(x.shape[0], groups, -(-c // chunks), f, windows, x.itemsize, all_channels=c)
    s = p.slide
    if not fits(s, x.itemsize):
        return NotImplemented
    pieces = min(s.images, max(1, SUMS // (groups * -(-c // s.channels))))
    lanes = VECTOR_BYTES // x.itemsize
    few = c < LOW and windows.out[1] >= lanes
    in_pixels = few or _lanes_filled(f, lanes) < _lanes_filled(windows.out[1], lanes)
    by_dots = windows.stride[1] == 1 and in_pixels
    dw = _in_lanes_of_pixels(x, g, p, pieces) if by_dots else _in_lanes_of_filters(x, g, p, pieces, windows)
    return dw.reshape(groups * f, c, *windows.size)


def _lanes_filled(count: int, lanes: int) -> float:
    return count / (-(-count // lanes) * lanes)


def _in_lanes_of_filters(x: Array, g: Array, p: Plan, pieces: int, windows: Windows) -> Array:
    s, lanes = p.slide, VECTOR_BYTES // x.itemsize
    depth = s.groups * s.all_channels * s.window
    sums = np.zeros((pieces, depth, -(-s.filters // lanes) * lanes), x.dtype)  # (pieces, G·C·KH·KW, F/G)
    if s.all_channels < LOW and s.out_w >= lanes:
        _add_patches(x, g, sums, p)
    else:
        add_tap_by_tap(x, g, sums, s.channels, windows, s.groups)
    dw = np.empty(depth * s.filters, x.dtype)
    _add_sums(depth, s, sums, dw)
    return dw


def _add_patches(x: Array, g: Array, sums: Array, p: Plan) -> None:
    """Read the rows of a tile, too few channels to make them, from patches."""
    s = p.slide
    jobs = len(sums) * s.groups * -(-s.all_channels // s.channels)
    # Small images are worked on several at a time, so that a tile has depth.
    together = max(1, DEPTH // p.corners.size) if s.rows == s.out_h else 1
    corners = np.arange(together)[:, None] * s.channels * s.part_rows * s.part_width + p.corners  # (together, OH·OW)
    _sum_products(jobs, s, flat(x), flat(g), p.taps, corners.reshape(-1), sums.reshape(-1))


@parallel_for
def _sum_products(first: int, last: int, s: Slide, x: Any, g: Any, taps: Any, corners: Any, sums: Any) -> None:
    lanes = VECTOR_BYTES // x.itemsize
    places, width = s.out_h * s.out_w, (s.filters + lanes - 1) // lanes * lanes
    chunks = (s.all_channels + s.channels - 1) // s.channels
    pieces = sums.size // (s.groups * s.all_channels * s.window * width)
    together, part_size = corners.size // (s.rows * s.out_w), s.channels * s.part_rows * s.part_width
    part = np.zeros(together * part_size + lanes, x.dtype)
    turned = np.empty((corners.size + lanes) * width, x.dtype)
    lines, spots = np.arange(corners.size) * width, np.arange(0, width, lanes)
    for job in range(first, last):
        piece, group, channel = job // (s.groups * chunks), job // chunks % s.groups, job % chunks * s.channels
        count = min(s.channels, s.all_channels - channel)
        sums_at = ((piece * s.groups + group) * s.all_channels + channel) * s.window * width
        end = (piece + 1) * s.images // pieces
        for start in range(piece * s.images // pieces, end, together):
            for row in range(0, s.out_h, s.rows):
                rows, depth = min(s.rows, s.out_h - row), 0
                for image in range(start, min(start + together, end)):
                    x_at = ((image * s.groups + group) * s.all_channels + channel) * s.height * s.width
                    g_at = (image * s.groups + group) * s.filters * places + row * s.out_w
                    cut_image(
                        part, (image - start) * part_size, x, x_at, count, s, row * s.stride_h,
                        (rows - 1) * s.stride_h + s.reach,
                    )  # fmt: skip
                    turn_maps(turned, depth * width, g, g_at, s.filters, places, rows * s.out_w)
                    depth += rows * s.out_w
                _add_product(part, taps, count * s.window, corners, depth, turned, lines, sums, sums_at, spots)


@inlined
def _add_product(
    image: Any, taps: Any, rows: int, corners: Any, depth: int, turned: Any, lines: Any, c: Any, c_at: int, spots: Any
) -> None:
    """Add patches, a row for each tap, · turned maps to c, tile by tile."""
    lanes = VECTOR_BYTES // c.itemsize
    width = spots.size * lanes
    # A lower tile may have room for more vectors, and so load less for each product.
    lower = MIDDLE_VECTORS > TALL_VECTORS and spots.size % MIDDLE_VECTORS == 0
    most, height = (MIDDLE_VECTORS, MIDDLE) if lower else (TALL_VECTORS, TALL)
    strips = (spots.size + most - 1) // most
    for k in range(0, depth, DEPTH):
        for strip in range(strips):
            v = strip * spots.size // strips
            count = (strip + 1) * spots.size // strips - v
            for m in range(0, rows, height):
                patches_on_left(
                    tile_rows(min(rows - m, height)), count, image, 0, taps, m, corners, k, turned, v * lanes, lines,
                    min(DEPTH, depth - k), c, 0, c, c_at + m * width, spots, v, width, min(height, rows - m), lanes, 1,
                )  # fmt: skip


@parallel_for
def _add_sums(first: int, last: int, s: Slide, sums: Any, dw: Any) -> None:
    depth = s.all_channels * s.window
    total = np.empty(s.filters, dw.dtype)
    for k in range(first, last):
        for f in range(s.filters):
            total[f] = sums[0, k, f]
        for piece in range(1, len(sums)):
            for f in range(s.filters):
                total[f] += sums[piece, k, f]
        for f in range(s.filters):
            dw[(k // depth * s.filters + f) * depth + k % depth] = total[f]


# --- few filters ------------------------------------------------------------------------------


def _in_lanes_of_pixels(x: Array, g: Array, p: Plan, pieces: int) -> Array:
    s, lanes = p.slide, VECTOR_BYTES // x.itemsize
    sums = np.zeros((pieces, s.groups, s.all_channels * s.window, s.filters, lanes), x.dtype)
    jobs = pieces * s.groups * -(-s.all_channels // s.channels)
    _sum_dots(jobs, s, flat(x), flat(g), p.taps, sums.reshape(-1))
    return sums.sum(axis=0).sum(axis=-1).swapaxes(1, 2)  # (G, F/G, C·KH·KW)


@parallel_for
def _sum_dots(first: int, last: int, s: Slide, x: Any, g: Any, taps: Any, sums: Any) -> None:
    lanes = VECTOR_BYTES // x.itemsize
    places, width = s.out_h * s.out_w, s.filters * lanes
    chunks = (s.all_channels + s.channels - 1) // s.channels
    pieces = sums.size // (s.groups * s.all_channels * s.window * width)
    part = np.zeros(s.channels * s.part_rows * s.part_width + lanes, x.dtype)
    maps, wide = ONE_MAP if s.filters == 1 else SOME_MAPS
    for job in range(first, last):
        piece, group, channel = job // (s.groups * chunks), job // chunks % s.groups, job % chunks * s.channels
        count = min(s.channels, s.all_channels - channel)
        sums_at = ((piece * s.groups + group) * s.all_channels + channel) * s.window * width
        for image in range(piece * s.images // pieces, (piece + 1) * s.images // pieces):
            x_at = ((image * s.groups + group) * s.all_channels + channel) * s.height * s.width
            g_at = (image * s.groups + group) * s.filters * places
            for row in range(0, s.out_h, s.rows):
                rows = min(s.rows, s.out_h - row)
                cut_image(part, 0, x, x_at, count, s, row * s.stride_h, (rows - 1) * s.stride_h + s.reach)
                for f in range(0, s.filters, maps):
                    for k in range(0, count * s.window, wide):
                        sum_of_dots(
                            part, 0, taps, k, s.stride_h * s.part_width, g, g_at + f * places + row * s.out_w, places,
                            s.out_w, rows, s.out_w, sums, sums_at + k * width + f * lanes, width,
                            min(maps, s.filters - f), min(wide, count * s.window - k),
                        )  # fmt: skip
