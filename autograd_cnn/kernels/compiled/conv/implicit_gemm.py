"""Correlation on the micro-kernel.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), y (N, F, OH, OW), for G groups.

It is a product of matrices of which one is made of an image's patches, and is never written down
as a whole: the tiles read it from the image itself or from a panel of a few rows of windows. Where maps
are small, stacks of images are faster.
"""

from typing import Any

import numpy as np

from autograd_cnn.kernels.compiled.conv.batch_lanes import correlate_stacks
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import (
    LOW,
    LOW_VECTORS,
    MIDDLE,
    MIDDLE_VECTORS,
    TALL,
    TALL_VECTORS,
    halves_on_right,
    patches_on_right,
)
from autograd_cnn.kernels.compiled.packing import (
    DEPTH,
    Plan,
    Slide,
    copy_patches,
    cut_image,
    fits,
    pack_rows,
    plan,
    tile_rows,
)
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.windows import Array, Windows


def correlate2d(x: Array, w: Array, bias: Array | None, windows: Windows, groups: int) -> Any:
    """Return y[n, f] = bias[f] + w[f] · patches of x[n], for each group."""
    if not supports(x, w, *(() if bias is None else (bias,))):
        return NotImplemented
    start = np.zeros(w.shape[0], x.dtype) if bias is None else bias.copy()
    in_stacks = correlate_stacks(x, w, start, windows, groups, adjoint=False)
    if in_stacks is not None:
        return in_stacks
    f, depth = w.shape[0] // groups, w[0].size
    p = plan(x.shape[0], groups, w.shape[1], f, windows, x.itemsize)
    if not fits(p.slide, x.itemsize):
        return NotImplemented
    packed = pack_rows(w, groups, f * depth, f, depth, np.arange(depth))
    y = np.empty((x.shape[0], w.shape[0], *windows.out), x.dtype)
    run(x, packed, start, p, y)
    return y


def run(x: Array, packed: Array, start: Array, p: Plan, y: Array) -> None:
    """Write into y the product of the packed rows with the patches of x."""
    s = p.slide
    jobs = s.images * s.groups * -(-s.out_h // s.rows)
    _correlate(jobs, s, flat(x), packed, start, p.taps, p.places, p.spots, p.depths, y.reshape(-1))


@parallel_for
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
        cut_image(part, 0, x, x_at, s.channels, s, row * s.stride_h, (rows - 1) * s.stride_h + s.reach)
        columns = rows * (places.size // s.rows) * lanes // s.parts
        if s.copies:
            copy_patches(patches, part, taps, s, rows)
            columns = rows * s.out_w
        multiply(
            patches if s.copies else part, places, depths, packed, group * (packed.size // s.groups),
            start, group * s.filters, s.filters,
            y, (image * s.filters * s.out_h + row) * s.out_w, spots, s.out_h * s.out_w, columns, s.parts,
        )  # fmt: skip


@inlined
def multiply(
    image: Any, places: Any, depths: Any, packed: Any, packed_at: int, start: Any, start_at: int, rows: int,
    c: Any, c_at: int, spots: Any, c_step: int, columns: int, parts: int,
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
                packed_here, depth = packed_at + m * depths.size + k * height, min(DEPTH, depths.size - k)
                in_tile = min(height, rows - m)
                if parts == 2:
                    halves_on_right(
                        height, count, image, 0, places, 2 * v, depths, k, packed, packed_here, height, depth,
                        start, start_at + m, c, c_at + m * c_step, spots, 2 * v, c_step, in_tile, in_last, k,
                    )  # fmt: skip
                else:
                    patches_on_right(
                        height, count, image, 0, places, v, depths, k, packed, packed_here, height, depth,
                        start, start_at + m, c, c_at + m * c_step, spots, v, c_step, in_tile, in_last, k,
                    )  # fmt: skip
