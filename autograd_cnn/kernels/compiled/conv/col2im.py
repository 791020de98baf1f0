"""The adjoint of correlation with respect to its input, in four ways.

Shapes: g (N, F, OH, OW), w (F, C/G, KH, KW), x (N, C, H, W), for G groups.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.batch_lanes import correlate_stacks
from autograd_cnn.kernels.compiled.conv.implicit_gemm import multiply, run
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, sum_vectors
from autograd_cnn.kernels.compiled.microkernel import TALL
from autograd_cnn.kernels.compiled.packing import (
    SCRATCH,
    Slide,
    add_patches,
    copy_row,
    fits,
    pack_rows,
    panel_width,
    paste_image,
    plan,
)
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.windows import Array, Windows


def correlate2d_wrt_input(g: Array, w: Array, windows: Windows, groups: int) -> Any:
    """Return what each pixel of x gets, of all windows that meet it."""
    if not supports(g, w) or 0 in windows.image:
        return NotImplemented
    in_stacks = correlate_stacks(g, w, np.zeros(groups * w.shape[1], g.dtype), windows, groups, adjoint=True)
    if in_stacks is not None:
        return in_stacks
    if windows.stride != (1, 1):
        return _by_adding_patches(g, w, windows, groups)
    # Correlating back costs a product per pixel and tap, the sums one per window and tap, and the adding.
    pixels, places = windows.image[0] * windows.image[1], windows.out[0] * windows.out[1]
    back = 2 * pixels <= 3 * places
    return (_by_correlating_back if back else _by_summing_patches)(g, w, windows, groups)


def _by_correlating_back(g: Array, w: Array, windows: Windows, groups: int) -> Any:
    """Correlate g with the kernels turned by 180 degrees, filters and channels exchanged."""
    n, f, c, taps = g.shape[0], w.shape[0] // groups, w.shape[1], windows.size[0] * windows.size[1]
    reach = [(k - 1) * d for k, d in zip(windows.size, windows.dilation, strict=True)]
    top, left = (span - before for span, (before, _) in zip(reach, windows.padding, strict=True))
    back = Windows(
        windows.out, windows.size, (1, 1), ((top, 0), (left, 0)), windows.dilation, windows.image
    )  # its extent, not its padding, says how far the rows below and columns on the right go
    p = plan(n, groups, f, c, back, g.itemsize)
    if not fits(p.slide, g.itemsize):
        return NotImplemented
    turned = np.arange(f)[:, None] * c * taps + np.arange(taps)[::-1]  # (F/G, KH·KW)
    packed = pack_rows(w, groups, f * c * taps, c, taps, turned.reshape(-1))
    x = np.empty((n, groups * c, *windows.image), g.dtype)
    run(g, packed, np.zeros(groups * c, g.dtype), p, x)
    return x


def _by_adding_patches(g: Array, w: Array, windows: Windows, groups: int) -> Any:
    """Compute patches, turned kernels · g, and add them to where they belong."""
    n, f, c, taps = g.shape[0], w.shape[0] // groups, w.shape[1], windows.size[0] * windows.size[1]
    p = plan(n, groups, c, f, windows, g.itemsize, whole=True)
    if not fits(p.slide, g.itemsize):
        return NotImplemented
    packed = pack_rows(w, groups, f * c * taps, c * taps, 1, np.arange(f) * c * taps)
    x = np.empty((n, groups * c, *windows.image), g.dtype)
    depths = np.arange(f) * p.slide.patch_width
    _add_patches_of(n * groups, p.slide, flat(g), packed, p.taps, p.places, depths, x.reshape(-1))
    return x


@parallel_for
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
                maps, places, depths, packed, packed_at, nothing, 0, count, patches, 0, places, s.patch_width, windows,
                1,
            )  # fmt: skip
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
    patch_width: int


def _by_summing_patches(g: Array, w: Array, windows: Windows, groups: int) -> Array:
    """Compute patches as well, but write each pixel once, as the sum of what its windows give it.

    For each tap a row of pixels meets a row of windows, shifted by the tap; a mask leaves out the
    pixels beside it.
    """
    f, depth = w.shape[0] // groups, w[0].size
    s, places, depths, shifts, masks = _layout(windows, groups, w.shape[1], f, VECTOR_BYTES // g.itemsize)
    packed = pack_rows(w, groups, f * depth, depth, 1, np.arange(f) * depth)
    x = np.empty((g.shape[0], groups * w.shape[1], *windows.image), g.dtype)
    _sum_patches(g.shape[0] * groups, s, flat(g), packed, places, depths, shifts, masks, x.reshape(-1))
    return x


@lru_cache(maxsize=512)
def _layout(
    windows: Windows, groups: int, channels: int, filters: int, lanes: int
) -> tuple[Sums, Array, Array, Array, Array]:
    """Return the sizes; where each vector of windows lies in a map, and each map; and how patches meet pixels.

    The latter is how far each tap's row of windows lies from a row of pixels, (KH·KW,), and for each
    vector of pixels the lanes that the tap gives to, as bits, (vectors, KH·KW).
    """
    (kh, kw), (oh, ow), (dilation_h, dilation_w) = windows.size, windows.out, windows.dilation
    (top, _), (left, _) = windows.padding
    width = panel_width(oh * ow, lanes)
    s = Sums(groups, channels, *windows.image, filters, kh, kw, dilation_h, top, left, oh, ow, width)
    p, q = np.divmod(np.arange(kh * kw), kw)
    column = left - q * dilation_w  # of the window whose tap meets the first pixel
    shifts = (p * kw + q) * width - p * dilation_h * ow + column
    lane = np.arange(0, s.width, lanes)[:, None, None] + column[:, None] + np.arange(lanes)  # (vectors, taps, lanes)
    masks = ((lane >= 0) & (lane < ow)) @ (1 << np.arange(lanes))
    return s, np.arange(0, oh * ow, lanes), np.arange(filters) * width, shifts, masks


@parallel_for
def _sum_patches(
    first: int, last: int, s: Sums, g: Any, packed: Any, places: Any, depths: Any, shifts: Any, masks: Any, x: Any
) -> None:
    window, windows = s.kernel_h * s.kernel_w, s.out_h * s.out_w
    chunk = min(s.channels, TALL)  # so that every chunk's rows but the last's are whole tiles
    maps = np.zeros(s.filters * s.patch_width, x.dtype)
    patches = np.empty(chunk * window * s.patch_width, x.dtype)
    nothing = np.zeros(chunk * window, x.dtype)
    for image in range(first, last):
        for f in range(s.filters):
            copy_row(maps, f * s.patch_width, g, (image * s.filters + f) * windows, windows)
        for channel in range(0, s.channels, chunk):
            count = min(chunk, s.channels - channel)
            packed_at = image % s.groups * (packed.size // s.groups) + channel * window * s.filters
            multiply(
                maps, places, depths, packed, packed_at, nothing, 0, count * window, patches, 0, places,
                s.patch_width, windows, 1,
            )  # fmt: skip
            for c in range(count):
                x_at = (image * s.channels + channel + c) * s.height * s.width
                _sum_rows(x, x_at, patches, c * window * s.patch_width, shifts, masks, s)


@inlined
def _sum_rows(x: Any, x_at: int, patches: Any, patches_at: int, shifts: Any, masks: Any, s: Sums) -> None:
    """Write the pixels of one channel."""
    lanes = VECTOR_BYTES // x.itemsize
    for row in range(s.height):
        # Tap rows p whose window row, row + top - p · dilation, there is.
        place = row + s.top
        begin = max(0, (place - s.out_h) // s.dilation_h + 1)
        end = min(s.kernel_h, place // s.dilation_h + 1)
        for j in range(0, s.width, lanes):
            sum_vectors(
                x, x_at + row * s.width + j, patches, patches_at + place * s.out_w + j, shifts, 0, masks,
                j // lanes * shifts.size, begin * s.kernel_w, end * s.kernel_w, s.width - j,
            )  # fmt: skip
