"""The plans and the packing, against NumPy."""

import numba
import numpy as np
import pytest

from autograd_cnn.kernels import reference
from autograd_cnn.kernels.compiled import packing
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import TALL
from autograd_cnn.kernels.reference.correlation import columns, cropped, padded
from autograd_cnn.kernels.windows import windows

GEOMETRIES = [
    {},
    {"padding": 2},
    {"stride": (2, 1), "padding": ((0, 3), (1, 0))},
    {"stride": (1, 3), "dilation": (2, 1), "padding": 1},
    {"stride": 3},
]
geometries = pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)


@numba.njit
def _cut(part, x, channels, s, first, rows):
    packing.cut_image(part, 0, x, 0, channels, s, first, rows)


@numba.njit
def _copy(patches, part, taps, s):
    packing.copy_patches(patches, part, taps, s, s.rows)


@numba.njit
def _add(part, patches, taps, s):
    packing.add_patches(part, patches, taps, 0, taps.size, s)


@numba.njit
def _paste(x, part, s):
    packing.paste_image(x, 0, part, s)


@numba.njit
def _turn(turned, g, maps, places):
    packing.turn_maps(turned, 0, g, 0, maps, places, places)


def whole_plan(image, **geometry):
    grid = windows("form", image, 3, **geometry)
    return grid, packing.plan(1, 1, 2, 4, grid, 4, whole=True)


@geometries
def test_an_image_is_cut_into_patches_and_put_together_again(rng, geometry):
    grid, p = whole_plan((11, 23), **geometry)
    s, x = p.slide, rng.standard_normal((1, 2, 11, 23)).astype(np.float32)
    part = np.zeros(2 * s.part_rows * s.part_width + 64, np.float32)
    _cut(part, x.reshape(-1), 2, s, 0, s.part_rows)
    extent = part[:-64].reshape(1, 2, s.part_rows, s.part_width)
    np.testing.assert_array_equal(extent, padded(x, grid))

    patches = np.zeros(p.taps.size * s.patch_width + 64, np.float32)
    _copy(patches, part, p.taps, s)
    found = patches[:-64].reshape(p.taps.size, s.patch_width)[:, : s.out_h * s.out_w]
    np.testing.assert_array_equal(found, columns(x, grid, 1)[0, 0])

    part[:] = 0
    _add(part, patches, p.taps, s)
    ones = np.ones((1, 1, *grid.size), np.float32)
    counts = reference.correlate2d_wrt_input(np.ones((1, 1, *grid.out), np.float32), ones, grid, 1)
    back = np.full_like(x, np.nan)
    _paste(back.reshape(-1), part, s)
    np.testing.assert_allclose(back, x * counts, rtol=1e-6)
    np.testing.assert_array_equal(back, cropped(extent, grid))


@pytest.mark.parametrize("maps", [1, 5, 16, 37])
@pytest.mark.parametrize("places", [1, 7, 16, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_maps_are_turned(rng, maps, places, dtype):
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    width = -(-maps // lanes) * lanes
    g, turned = rng.standard_normal((maps, places)).astype(dtype), np.zeros((places + lanes, width), dtype)
    _turn(turned.reshape(-1), g.reshape(-1), maps, places)
    np.testing.assert_array_equal(turned[:places, :maps], g.T)


@pytest.mark.parametrize("rows", [1, TALL - 1, TALL, TALL + 1, 3 * TALL + 5])
def test_rows_are_packed_tile_by_tile(rng, rows):
    matrices, order = rng.standard_normal((2, rows, 6)), np.array([5, 0, 3])
    packed = packing.pack_rows(matrices.reshape(-1), 2, rows * 6, rows, 6, order).reshape(2, -1, TALL * 3)
    for group in range(2):
        for tile, first in enumerate(range(0, rows, TALL)):
            height = packing.tile_rows.py_func(rows - first)
            taken = np.minimum(np.arange(first, first + height), rows - 1)
            expected = matrices[group][taken][:, order].T
            np.testing.assert_array_equal(packed[group, tile, : height * 3].reshape(3, height), expected)


def test_large_images_are_worked_on_in_parts():
    grid = windows("form", (200, 200), 3, padding=1)
    s = packing.plan(1, 1, 64, 64, grid, 4).slide
    assert 1 <= s.rows < s.out_h
    assert s.channels * s.part_rows * s.part_width * 4 <= 3 * packing.SCRATCH


def test_panels_are_whole_vectors_but_no_power_of_two():
    assert packing.panel_width(5, 16) == 16
    assert packing.panel_width(250, 16) == 272
    assert packing.panel_width(1024, 16) == 1040
