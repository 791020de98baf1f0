"""The tile of dot products, against NumPy."""

import numba
import numpy as np
import pytest

from autograd_cnn.kernels.compiled.conv import wgrad_pixel_lanes
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES


@numba.njit
def _sum(image, taps, image_step, g, g_step, rows, columns, c, c_step, map_count, tap_count):
    wgrad_pixel_lanes.sum_of_dots(
        image, 1, taps, 1, image_step, g, 2, g_step, columns, rows, columns, c, 3, c_step, map_count, tap_count
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 8, 16, 21])
@pytest.mark.parametrize(
    ("maps", "taps"),
    [
        (1, 1),
        (1, wgrad_pixel_lanes.ONE_MAP[1]),
        (2, 2),
        (wgrad_pixel_lanes.MAPS, wgrad_pixel_lanes.TAPS),
        (wgrad_pixel_lanes.MAPS - 1, wgrad_pixel_lanes.TAPS),
    ],
)
def test_lanes_of_products_are_added(rng, maps, taps, columns, dtype):
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    rows, image_step, g_step, c_step = 3, columns + 4, 3 * columns + 5, wgrad_pixel_lanes.MAPS * lanes
    image, g = (rng.integers(-9, 9, 2000).astype(dtype) for _ in range(2))
    offsets = rng.integers(0, 50, taps + 1)
    c = rng.integers(-9, 9, 3 + wgrad_pixel_lanes.ONE_MAP[1] * c_step).astype(dtype)
    expected = c.copy()
    for t in range(taps):
        for f in range(maps):
            for row in range(rows):
                for j in range(columns):
                    product = image[1 + offsets[1 + t] + row * image_step + j] * g[2 + f * g_step + row * columns + j]
                    expected[3 + t * c_step + f * lanes + j % lanes] += product
    _sum(image, offsets, image_step, g, g_step, rows, columns, c, c_step, maps, taps)
    np.testing.assert_array_equal(c, expected)


def test_what_lies_beside_a_row_does_not_count():
    image = np.full(100, np.nan)
    image[1:4] = 2.0
    g, c = np.full(100, np.inf), np.zeros(200)
    g[2:5] = 3.0
    _sum(image, np.array([9, 0]), 50, g, 50, 1, 3, c, 50, 1, 1)
    assert c.sum() == 18
