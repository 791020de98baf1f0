"""How images are cut into parts and patches, against NumPy."""

import numba
import numpy as np
import pytest

from autograd_cnn.kernels import reference
from autograd_cnn.kernels.compiled.conv import tiling
from autograd_cnn.kernels.compiled.conv.problem import ConvProblem
from autograd_cnn.kernels.compiled.packing import SCRATCH
from autograd_cnn.kernels.reference.correlation import columns, cropped, padded
from autograd_cnn.kernels.windows import windows

GEOMETRIES = [
    {},
    {"padding": 2},
    {"stride": (2, 1), "padding": ((0, 3), (1, 0))},
    {"stride": (1, 3), "dilation": (2, 1), "padding": 1},
    {"stride": 3},
]


@numba.njit
def _cut(part, x, channels, s, first, rows):
    tiling.cut_image(part, 0, x, 0, channels, s, first, rows)


@numba.njit
def _copy(patches, part, taps, s):
    tiling.copy_patches(patches, part, taps, s, s.rows)


@numba.njit
def _add(part, patches, taps, s):
    tiling.add_patches(part, patches, taps, 0, taps.size, s)


@numba.njit
def _paste(x, part, s):
    tiling.paste_image(x, 0, part, s)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_an_image_is_cut_into_patches_and_put_together_again(rng, geometry):
    grid = windows("conv", (11, 23), 3, **geometry)
    whole = tiling.conv_tiling(ConvProblem.of(1, 2, 4, grid, 1, np.dtype(np.float32)), whole=True)
    s, taps, x = whole.sizes, whole.taps, rng.standard_normal((1, 2, 11, 23)).astype(np.float32)
    part = np.zeros(2 * s.part_rows * s.part_width + 64, np.float32)
    _cut(part, x.reshape(-1), 2, s, 0, s.part_rows)
    extent = part[:-64].reshape(1, 2, s.part_rows, s.part_width)
    np.testing.assert_array_equal(extent, padded(x, grid))

    patches = np.zeros(taps.size * s.panel_width + 64, np.float32)
    _copy(patches, part, taps, s)
    found = patches[:-64].reshape(taps.size, s.panel_width)[:, : s.out_h * s.out_w]
    np.testing.assert_array_equal(found, columns(x, grid, 1)[0, 0])

    part[:] = 0
    _add(part, patches, taps, s)
    ones = np.ones((1, 1, *grid.size), np.float32)
    counts = reference.correlate2d_wrt_input(np.ones((1, 1, *grid.out), np.float32), ones, grid, 1)
    back = np.full_like(x, np.nan)
    _paste(back.reshape(-1), part, s)
    np.testing.assert_allclose(back, x * counts, rtol=1e-6)
    np.testing.assert_array_equal(back, cropped(extent, grid))


def test_large_images_are_worked_on_in_parts():
    p = ConvProblem.of(1, 64, 64, windows("conv", (200, 200), 3, padding=1), 1, np.dtype(np.float32))
    s = tiling.conv_tiling(p).sizes
    assert 1 <= s.rows < s.out_h
    assert s.channels * s.part_rows * s.part_width * 4 <= 3 * SCRATCH
