"""The adjoint in x for any stride: the products wᵀ · g are the patches of dx, which are added up (col2im).

``patches (C·KH·KW, OH·OW) = wᵀ (C·KH·KW, F) · g[n] (F, OH·OW)``, a block of rows at a time.
"""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.compiled.conv.implicit_gemm import Product, multiply
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, wrt_input_error
from autograd_cnn.kernels.compiled.conv.tiling import ConvTiling, add_patches, conv_tiling, part_fits, paste_image
from autograd_cnn.kernels.compiled.microkernel import MR, Gathered, Packed
from autograd_cnn.kernels.compiled.packing import PACK, SCRATCH, copy_row, pack_rows
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for
from autograd_cnn.kernels.windows import Array

ADD: Final = 4.5  # cycles to add a number of the patches


def _supports(p: ConvProblem) -> bool:
    return part_fits(p, whole=True)


def _cost(p: ConvProblem) -> float:
    products = 1.1 * p.group_filters / p.lanes  # for one number of the patches
    return p.n * p.c * p.taps * p.oh * p.ow * (products + ADD) + PACK * p.f * p.group_channels * p.taps


def _run(p: ConvProblem, g: Array, w: Array) -> Array:
    f, depth = p.group_filters, p.group_channels * p.taps
    tiling = conv_tiling(p, whole=True)
    packed = pack_rows(w, p.groups, f * depth, depth, 1, np.arange(f) * depth)
    x = np.empty((p.n, p.c, p.h, p.w), p.dtype)
    k_offsets = np.arange(f) * tiling.sizes.panel_width
    jobs = p.n * p.groups
    _add_patches(jobs, tiling.sizes, flat(g), packed, tiling.taps, tiling.b_offsets, k_offsets, x.reshape(-1))
    return x


@parallel_for
def _add_patches(
    first: int, last: int, s: ConvTiling, g: Any, packed: Any, taps: Any, b_offsets: Any, k_offsets: Any, x: Any
) -> None:
    """Compute an image of one group for each job: g (N, F, OH, OW), packed (G, C/G·KH·KW rows of F/G), x (N, C, H, W)."""
    pixels = s.out_h * s.out_w
    step = max(1, SCRATCH // (x.itemsize * s.panel_width * MR[0])) * MR[0]
    maps = np.zeros(s.filters * s.panel_width, x.dtype)
    patches = np.empty(min(step, taps.size) * s.panel_width, x.dtype)
    part = np.empty(s.channels * s.part_rows * s.part_width, x.dtype)
    zeros = np.zeros(step, x.dtype)
    for image in range(first, last):
        for f in range(s.filters):
            copy_row(maps, f * s.panel_width, g, (image * s.filters + f) * pixels, pixels)
        part[:] = 0
        for k in range(0, taps.size, step):
            count = min(step, taps.size - k)
            a = Packed(packed, image % s.groups * (packed.size // s.groups) + k * s.filters)
            b = Gathered(maps, 0, b_offsets, 0, k_offsets, 0)
            multiply(a, b, Product(patches, 0, s.panel_width, b_offsets, count, pixels, halves=1), zeros, 0)
            add_patches(part, patches, taps, k, count, s)
        paste_image(x, image * s.channels * s.height * s.width, part, s)


WRT_INPUT = Algorithm("col2im", _supports, _cost, _run, wrt_input_error)
