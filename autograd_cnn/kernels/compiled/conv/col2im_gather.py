"""The adjoint in x for stride 1, as in `col2im`, but each pixel is written once, as a sum over taps.

For each tap, a row of pixels gets a row of windows, shifted by the tap; a mask leaves out the windows beyond its ends.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.implicit_gemm import Product, multiply
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, wrt_input_error
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, sum_vectors
from autograd_cnn.kernels.compiled.microkernel import MR, Gathered, Packed
from autograd_cnn.kernels.compiled.packing import PACK, copy_row, pack_rows, padded_width
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array

PRODUCT: Final = 1.2  # cycles for a product of vectors: patches go through memory
GATHER: Final = 12.0  # cycles to add a vector of patches


class GatherSizes(NamedTuple):
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
    out_h: int
    out_w: int
    panel_width: int


def _supports(p: ConvProblem) -> bool:
    return p.stride == (1, 1) and p.taps > 1  # patches of one pixel need no adding


def _cost(p: ConvProblem) -> float:
    products = PRODUCT * p.group_filters * p.oh * p.ow / p.lanes  # of one tap and one channel
    image = p.c * p.taps * (products + GATHER * p.h * p.vectors(p.w))
    return p.n * image + PACK * p.f * p.group_channels * p.taps


def _run(p: ConvProblem, g: Array, w: Array) -> Array:
    f, depth = p.group_filters, p.group_channels * p.taps
    packed = pack_rows(w, p.groups, f * depth, depth, 1, np.arange(f) * depth)
    x = np.empty((p.n, p.c, p.h, p.w), p.dtype)
    sizes, *tables = _layout(p)
    _sum_patches(p.n * p.groups, sizes, flat(g), packed, *tables, x.reshape(-1))
    return x


@lru_cache(maxsize=512)
def _layout(p: ConvProblem) -> tuple[GatherSizes, Array, Array, Array, Array]:
    """Return the sizes, and the offsets of each vector of windows in a map, of each map, and of patches from pixels.

    The last are the offset of each tap's row of windows from a row of pixels, (KH·KW,), and for each vector of
    pixels and each tap the mask of the lanes that have a window, as bits, (vectors, KH·KW).
    """
    f, (dilation_h, dilation_w), lanes = p.group_filters, p.dilation, p.lanes
    (top, _), (left, _) = p.padding
    width = padded_width(p.oh * p.ow, lanes)
    sizes = GatherSizes(
        p.groups, p.group_channels, p.h, p.w, f, p.kh, p.kw, dilation_h, top, p.oh, p.ow, panel_width=width
    )
    tap_row, tap_column = np.divmod(np.arange(p.taps), p.kw)
    column = left - tap_column * dilation_w  # of the window whose tap reads the first pixel
    shifts = np.arange(p.taps) * width - tap_row * dilation_h * p.ow + column
    lane = np.arange(0, p.w, lanes)[:, None, None] + column[:, None] + np.arange(lanes)  # (vectors, taps, lanes)
    masks = ((lane >= 0) & (lane < p.ow)) @ (1 << np.arange(lanes))
    return sizes, np.arange(0, p.oh * p.ow, lanes), np.arange(f) * width, shifts, masks


@parallel_for
def _sum_patches(
    first: int,
    last: int,
    s: GatherSizes,
    g: Any,
    packed: Any,
    b_offsets: Any,
    k_offsets: Any,
    shifts: Any,
    masks: Any,
    x: Any,
) -> None:
    """Compute an image of one group for each job: g (N, F, OH, OW), packed (G, C/G·KH·KW rows of F/G), x (N, C, H, W)."""
    taps, pixels = s.kernel_h * s.kernel_w, s.out_h * s.out_w
    chunk = min(s.channels, MR[0])  # so that every chunk's rows but the last's are whole tiles
    maps = np.zeros(s.filters * s.panel_width, x.dtype)
    patches = np.empty(chunk * taps * s.panel_width, x.dtype)
    zeros = np.zeros(chunk * taps, x.dtype)
    for image in range(first, last):
        for f in range(s.filters):
            copy_row(maps, f * s.panel_width, g, (image * s.filters + f) * pixels, pixels)
        for channel in range(0, s.channels, chunk):
            count = min(chunk, s.channels - channel)
            a = Packed(packed, image % s.groups * (packed.size // s.groups) + channel * taps * s.filters)
            b = Gathered(maps, 0, b_offsets, 0, k_offsets, 0)
            multiply(a, b, Product(patches, 0, s.panel_width, b_offsets, count * taps, pixels, halves=1), zeros, 0)
            for c in range(count):
                x_at = (image * s.channels + channel + c) * s.height * s.width
                _sum_rows(x, x_at, patches, c * taps * s.panel_width, shifts, masks, s)


@inlined
def _sum_rows(x: Any, x_at: int, patches: Any, patches_at: int, shifts: Any, masks: Any, s: GatherSizes) -> None:
    """Write the pixels of one channel."""
    lanes = VECTOR_BYTES // x.itemsize
    for row in range(s.height):
        # Rows p of taps for which the row of windows, row + top - p · dilation, exists.
        below = row + s.top
        begin = max(0, (below - s.out_h) // s.dilation_h + 1)
        end = min(s.kernel_h, below // s.dilation_h + 1)
        for j in range(0, s.width, lanes):
            sum_vectors(
                x, x_at + row * s.width + j, patches, patches_at + below * s.out_w + j, shifts, 0, masks,
                j // lanes * shifts.size, begin * s.kernel_w, end * s.kernel_w, s.width - j,
            )  # fmt: skip


WRT_INPUT = Algorithm("col2im_gather", _supports, _cost, _run, wrt_input_error)
