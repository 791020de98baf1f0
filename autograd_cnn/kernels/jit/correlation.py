"""Correlation and its two adjoints on one micro-kernel.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), g and y (N, F, OH, OW), for G groups.

All three are products of matrices of which one is made of an image's patches, and is never written
down as a whole: the tiles read it from the image itself or from a panel of a few rows of windows.
The work is cut in the same pieces for any number of threads, so the result has the same bits.
"""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.jit.compiling import flat, in_pieces, inner, takes
from autograd_cnn.kernels.jit.panels import (
    SCRATCH,
    Plan,
    Slide,
    add_patches,
    copy_patches,
    copy_row,
    cut_image,
    pack_rows,
    paste_image,
    plan,
    tile_rows,
    turn_maps,
)
from autograd_cnn.kernels.jit.simd import (
    LOW,
    LOW_VECTORS,
    MIDDLE,
    MIDDLE_VECTORS,
    TALL,
    TALL_VECTORS,
    VECTOR_BYTES,
    patches_on_left,
    patches_on_right,
)
from autograd_cnn.kernels.windows import Array, Windows

DEPTH: Final = 256  # steps of a product after which the next rows begin, with what they share still in cache
TAPS: Final = 288  # about so many rows of the gradient of the weights are worked on at a time
SUMS: Final = 16  # partial sums of that gradient, at most


def correlate2d(x: Array, w: Array, bias: Array | None, windows: Windows, groups: int) -> Any:
    """Return y[n, f] = bias[f] + w[f] · patches of x[n], for each group."""
    if not takes(x, w, *(() if bias is None else (bias,))):
        return NotImplemented
    f, depth = w.shape[0] // groups, w[0].size
    start = np.zeros(w.shape[0], x.dtype) if bias is None else bias.copy()
    packed = pack_rows(w, groups, f * depth, f, depth, np.arange(depth))
    y = np.empty((x.shape[0], w.shape[0], *windows.out), x.dtype)
    _run(x, packed, start, plan(x.shape[0], groups, w.shape[1], f, windows, x.itemsize), y)
    return y


def _run(x: Array, packed: Array, start: Array, p: Plan, y: Array) -> None:
    s = p.slide
    jobs = s.images * s.groups * -(-s.out_h // s.rows)
    _correlate(jobs, s, flat(x), packed, start, p.taps, p.places, p.spots, p.depths, y.reshape(-1))


@in_pieces
def _correlate(
    first: int, last: int, s: Slide, x: Any, packed: Any, start: Any, taps: Any, places: Any, spots: Any, depths: Any,
    y: Any,
) -> None:  # fmt: skip
    lanes = VECTOR_BYTES // x.itemsize
    blocks = (s.out_h + s.rows - 1) // s.rows
    part = np.zeros(s.channels * s.part_rows * s.part_width + lanes, x.dtype)
    patches = np.empty(s.copies * (taps.size * s.patch_width + lanes), x.dtype)
    for job in range(first, last):
        image, row = job // blocks, job % blocks * s.rows  # the image of one group
        rows, group = min(s.rows, s.out_h - row), image % s.groups
        x_at = image * s.channels * s.height * s.width
        cut_image(part, x, x_at, s.channels, s, row * s.stride_h, (rows - 1) * s.stride_h + s.reach)
        columns = rows * (places.size // s.rows) * lanes
        if s.copies:
            copy_patches(patches, part, taps, s, rows)
            columns = rows * s.out_w
        _multiply(
            patches if s.copies else part, places, depths, packed, group * (packed.size // s.groups),
            start, group * s.filters, s.filters,
            y, (image * s.filters * s.out_h + row) * s.out_w, spots, s.out_h * s.out_w, columns,
        )  # fmt: skip


@inner
def _multiply(
    image: Any, places: Any, depths: Any, packed: Any, packed_at: int, start: Any, start_at: int, rows: int,
    c: Any, c_at: int, spots: Any, c_step: int, columns: int,
) -> None:  # fmt: skip
    """Compute c = start + packed rows · patches, tile by tile."""
    lanes = VECTOR_BYTES // c.itemsize
    vectors = (columns + lanes - 1) // lanes
    most = TALL_VECTORS if rows > MIDDLE else MIDDLE_VECTORS if rows > LOW else LOW_VECTORS
    strips = (vectors + most - 1) // most
    for strip in range(strips):
        v = strip * vectors // strips
        count = (strip + 1) * vectors // strips - v
        in_last = min(lanes, columns - (v + count - 1) * lanes)
        for k in range(0, depths.size, DEPTH):
            for m in range(0, rows, TALL):
                height = tile_rows(rows - m)
                patches_on_right(
                    height, count, image, 0, places, v, depths, k, packed, packed_at + m * depths.size + k * height,
                    height, min(DEPTH, depths.size - k), start, start_at + m, c, c_at + m * c_step, spots, v, c_step,
                    min(height, rows - m), in_last, k,
                )  # fmt: skip


def correlate2d_wrt_input(g: Array, w: Array, windows: Windows, groups: int) -> Any:
    """Return what each pixel of x gets, of all windows that meet it."""
    if not takes(g, w):
        return NotImplemented
    pixels, places = np.prod(windows.image), np.prod(windows.out)
    # Correlating back costs a product per pixel and tap, adding patches one per window and tap, and the adding.
    if windows.stride == (1, 1) and 2 * pixels <= 3 * places:
        return _by_correlating_back(g, w, windows, groups)
    return _by_adding_patches(g, w, windows, groups)


def _by_correlating_back(g: Array, w: Array, windows: Windows, groups: int) -> Array:
    """Correlate g with the kernels turned by 180 degrees, filters and channels exchanged."""
    n, f, c, taps = g.shape[0], w.shape[0] // groups, w.shape[1], windows.size[0] * windows.size[1]
    reach = [(k - 1) * d for k, d in zip(windows.size, windows.dilation, strict=True)]
    top, left = (span - before for span, (before, _) in zip(reach, windows.padding, strict=True))
    back = Windows(
        windows.out, windows.size, (1, 1), ((top, 0), (left, 0)), windows.dilation, windows.image
    )  # its extent, not its padding, says how far the rows below and columns on the right go
    turned = np.arange(f)[:, None] * c * taps + np.arange(taps)[::-1]  # (F/G, KH·KW)
    packed = pack_rows(w, groups, f * c * taps, c, taps, turned.reshape(-1))
    x = np.empty((n, groups * c, *windows.image), g.dtype)
    _run(g, packed, np.zeros(groups * c, g.dtype), plan(n, groups, f, c, back, g.itemsize), x)
    return x


def _by_adding_patches(g: Array, w: Array, windows: Windows, groups: int) -> Array:
    """Compute patches, turned kernels · g, and add them to where they belong."""
    n, f, c, taps = g.shape[0], w.shape[0] // groups, w.shape[1], windows.size[0] * windows.size[1]
    p = plan(n, groups, c, f, windows, g.itemsize, whole=True)
    packed = pack_rows(w, groups, f * c * taps, c * taps, 1, np.arange(f) * c * taps)
    x = np.empty((n, groups * c, *windows.image), g.dtype)
    depths = np.arange(f) * p.slide.patch_width
    _add_patches_of(n * groups, p.slide, flat(g), packed, p.taps, p.places, depths, x.reshape(-1))
    return x


@in_pieces
def _add_patches_of(
    first: int, last: int, s: Slide, g: Any, packed: Any, taps: Any, places: Any, depths: Any, x: Any
) -> None:
    windows = s.out_h * s.out_w
    step = max(1, SCRATCH // (x.itemsize * s.patch_width * TALL)) * TALL
    maps = np.zeros(s.filters * s.patch_width, x.dtype)
    patches = np.empty(min(step, taps.size) * s.patch_width, x.dtype)
    part = np.empty(s.channels * s.part_rows * s.part_width, x.dtype)
    nothing = np.zeros(step, x.dtype)
    for image in range(first, last):
        for f in range(s.filters):
            copy_row(maps, f * s.patch_width, g, (image * s.filters + f) * windows, windows)
        part[:] = 0
        for k in range(0, taps.size, step):
            count = min(step, taps.size - k)
            packed_at = image % s.groups * (packed.size // s.groups) + k * s.filters
            _multiply(
                maps, places, depths, packed, packed_at, nothing, 0, count, patches, 0, places, s.patch_width, windows
            )
            add_patches(part, patches, taps, k, count, s)
        paste_image(x, image * s.channels * s.height * s.width, part, s)


def correlate2d_wrt_weight(x: Array, g: Array, windows: Windows, groups: int) -> Any:
    """Return what each weight gets: g · patches of x, transposed, summed over the images."""
    if not takes(x, g):
        return NotImplemented
    f, c = g.shape[1] // groups, x.shape[1] // groups
    chunks = min(c, -(-c * windows.size[0] * windows.size[1] // TAPS))
    p = plan(x.shape[0], groups, -(-c // chunks), f, windows, x.itemsize, all_channels=c)
    s = p.slide
    chunks = -(-c // s.channels)
    pieces = min(s.images, max(1, SUMS // (groups * chunks)))
    lanes = VECTOR_BYTES // x.itemsize
    sums = np.zeros((pieces, groups * c * s.window, -(-f // lanes) * lanes), x.dtype)  # (pieces, C·KH·KW, F/G)
    _sum_products(pieces * groups * chunks, s, flat(x), flat(g), p.taps, p.corners, sums.reshape(-1))
    dw = np.empty((groups * f, c, *windows.size), x.dtype)
    _add_sums(groups * c * s.window, s, sums, dw.reshape(-1))
    return dw


@in_pieces
def _sum_products(first: int, last: int, s: Slide, x: Any, g: Any, taps: Any, corners: Any, sums: Any) -> None:
    lanes = VECTOR_BYTES // x.itemsize
    places, width = s.out_h * s.out_w, (s.filters + lanes - 1) // lanes * lanes
    chunks = (s.all_channels + s.channels - 1) // s.channels
    pieces = sums.size // (s.groups * s.all_channels * s.window * width)
    part = np.zeros(s.channels * s.part_rows * s.part_width + lanes, x.dtype)
    turned = np.empty((s.rows * s.out_w + lanes) * width, x.dtype)
    spots = np.arange(0, width, lanes)
    for job in range(first, last):
        piece, group, channel = job // (s.groups * chunks), job // chunks % s.groups, job % chunks * s.channels
        count = min(s.channels, s.all_channels - channel)
        sums_at = ((piece * s.groups + group) * s.all_channels + channel) * s.window * width
        for image in range(piece * s.images // pieces, (piece + 1) * s.images // pieces):
            x_at = ((image * s.groups + group) * s.all_channels + channel) * s.height * s.width
            g_at = (image * s.groups + group) * s.filters * places
            for row in range(0, s.out_h, s.rows):
                rows = min(s.rows, s.out_h - row)
                cut_image(part, x, x_at, count, s, row * s.stride_h, (rows - 1) * s.stride_h + s.reach)
                turn_maps(turned, g, g_at + row * s.out_w, s.filters, places, rows * s.out_w)
                _add_product(part, taps, count * s.window, corners, rows * s.out_w, turned, sums, sums_at, spots)


@in_pieces
def _add_sums(first: int, last: int, s: Slide, sums: Any, dw: Any) -> None:
    depth = s.all_channels * s.window
    for k in range(first, last):
        for f in range(s.filters):
            total = sums[0, k, f]
            for piece in range(1, len(sums)):
                total += sums[piece, k, f]
            dw[(k // depth * s.filters + f) * depth + k % depth] = total


@inner
def _add_product(
    image: Any, taps: Any, rows: int, corners: Any, depth: int, turned: Any, c: Any, c_at: int, spots: Any
) -> None:
    """Add patches, a row for each tap, · turned maps to c, tile by tile."""
    lanes = VECTOR_BYTES // c.itemsize
    width = spots.size * lanes
    strips = (spots.size + TALL_VECTORS - 1) // TALL_VECTORS
    for k in range(0, depth, DEPTH):
        for strip in range(strips):
            v = strip * spots.size // strips
            count = (strip + 1) * spots.size // strips - v
            for m in range(0, rows, TALL):
                patches_on_left(
                    tile_rows(rows - m), count, image, 0, taps, m, corners, k, turned, k * width + v * lanes, width,
                    min(DEPTH, depth - k), c, 0, c, c_at + m * width, spots, v, width, min(TALL, rows - m), lanes, 1,
                )  # fmt: skip
