"""The adjoint of correlation with respect to its input, in three ways.

Shapes: g (N, F, OH, OW), w (F, C/G, KH, KW), x (N, C, H, W), for G groups.
"""

from typing import Any, NamedTuple

import numpy as np

from autograd_cnn.kernels.jit.compiling import flat, in_pieces, inner, takes
from autograd_cnn.kernels.jit.correlation import multiply, run
from autograd_cnn.kernels.jit.panels import (
    SCRATCH,
    Slide,
    add_patches,
    copy_row,
    pack_rows,
    panel_width,
    paste_image,
    plan,
)
from autograd_cnn.kernels.jit.simd import TALL, VECTOR_BYTES, sum_vectors
from autograd_cnn.kernels.windows import Array, Windows


def correlate2d_wrt_input(g: Array, w: Array, windows: Windows, groups: int) -> Any:
    """Return what each pixel of x gets, of all windows that meet it."""
    if not takes(g, w):
        return NotImplemented
    if windows.stride != (1, 1):
        return _by_adding_patches(g, w, windows, groups)
    # Correlating back costs a product per pixel and tap, the sums one per window and tap, and the adding.
    pixels, places = windows.image[0] * windows.image[1], windows.out[0] * windows.out[1]
    back = 2 * pixels <= 3 * places
    return (_by_correlating_back if back else _by_summing_patches)(g, w, windows, groups)


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
    run(g, packed, np.zeros(groups * c, g.dtype), plan(n, groups, f, c, back, g.itemsize), x)
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
            multiply(
                maps, places, depths, packed, packed_at, nothing, 0, count, patches, 0, places, s.patch_width, windows
            )
            add_patches(part, patches, taps, k, count, s)
        paste_image(x, image * s.channels * s.height * s.width, part, s)


class Sums(NamedTuple):
    """The sizes of sums of patches, for one group."""

    groups: int
    channels: int
    height: int
    width: int
    filters: int
    kernel_h: int
    kernel_w: int
    dilation_h: int
    top: int
    left: int
    out_h: int
    out_w: int
    margin: int  # zeros between one row of windows and the next
    patch_width: int


def _by_summing_patches(g: Array, w: Array, windows: Windows, groups: int) -> Array:
    """Compute patches as well, but write each pixel once, as the sum of what its windows give it.

    Between the rows of g are as many zeros as a window reaches beyond them. So are there between the
    rows of patches, and a row of pixels is a sum of whole rows of patches, each shifted by its tap.
    """
    f, c, (kh, kw) = w.shape[0] // groups, w.shape[1], windows.size
    lanes = VECTOR_BYTES // g.itemsize
    margin = (kw - 1) * windows.dilation[1]
    pitch = windows.out[1] + margin
    s = Sums(
        groups, c, *windows.image, f, kh, kw, windows.dilation[0], windows.padding[0][0], windows.padding[1][0],
        *windows.out, margin, panel_width(windows.out[0] * pitch, lanes),
    )  # fmt: skip
    taps = np.arange(kh * kw)
    shifts = taps * s.patch_width - taps // kw * windows.dilation[0] * pitch - taps % kw * windows.dilation[1]
    places, depths = np.arange(0, windows.out[0] * pitch, lanes), np.arange(f) * s.patch_width
    packed = pack_rows(w, groups, f * c * kh * kw, c * kh * kw, 1, np.arange(f) * c * kh * kw)
    x = np.empty((g.shape[0], groups * c, *windows.image), g.dtype)
    _sum_patches(g.shape[0] * groups, s, flat(g), packed, places, depths, shifts, x.reshape(-1))
    return x


@in_pieces
def _sum_patches(
    first: int, last: int, s: Sums, g: Any, packed: Any, places: Any, depths: Any, shifts: Any, x: Any
) -> None:
    lanes = VECTOR_BYTES // x.itemsize
    pitch, window = s.out_w + s.margin, s.kernel_h * s.kernel_w
    chunk = min(s.channels, TALL)  # so that every chunk's rows but the last's are whole tiles
    maps = np.zeros(s.filters * s.patch_width, x.dtype)
    patches = np.zeros(s.margin + chunk * window * s.patch_width + lanes, x.dtype)
    nothing = np.zeros(chunk * window, x.dtype)
    for image in range(first, last):
        for row in range(s.filters * s.out_h):
            target = row // s.out_h * s.patch_width + row % s.out_h * pitch
            copy_row(maps, target, g, (image * s.filters * s.out_h + row) * s.out_w, s.out_w)
        for channel in range(0, s.channels, chunk):
            count = min(chunk, s.channels - channel)
            packed_at = image % s.groups * (packed.size // s.groups) + channel * window * s.filters
            multiply(
                maps, places, depths, packed, packed_at, nothing, 0, count * window, patches, s.margin, places,
                s.patch_width, s.out_h * pitch,
            )  # fmt: skip
            for c in range(count):
                _sum_rows(x, (image * s.channels + channel + c) * s.height * s.width, patches, c, shifts, s)


@inner
def _sum_rows(x: Any, x_at: int, patches: Any, channel: int, shifts: Any, s: Sums) -> None:
    """Write the pixels of one channel."""
    lanes = VECTOR_BYTES // x.itemsize
    at = s.margin + channel * s.kernel_h * s.kernel_w * s.patch_width + s.left
    for row in range(s.height):
        # Tap rows p whose window row, row + top - p · dilation, there is.
        place = row + s.top
        begin = max(0, (place - s.out_h) // s.dilation_h + 1)
        end = min(s.kernel_h, place // s.dilation_h + 1)
        for j in range(0, s.width, lanes):
            sum_vectors(
                x, x_at + row * s.width + j, patches, at + place * (s.out_w + s.margin) + j, shifts,
                begin * s.kernel_w, end * s.kernel_w, s.width - j,
            )  # fmt: skip
