"""The packing, against NumPy."""

import numba
import numpy as np
import pytest

from autograd_cnn.kernels.compiled import packing
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import MR, tile_rows


@numba.njit
def _transpose(transposed, g, maps, pixels):
    packing.transpose_maps(transposed, 0, g, 0, maps, pixels, pixels)


@pytest.mark.parametrize("maps", [1, 5, 16, 37])
@pytest.mark.parametrize("pixels", [1, 7, 16, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_maps_are_transposed(rng, maps, pixels, dtype):
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    width = -(-maps // lanes) * lanes
    g, transposed = rng.standard_normal((maps, pixels)).astype(dtype), np.zeros((pixels + lanes, width), dtype)
    _transpose(transposed.reshape(-1), g.reshape(-1), maps, pixels)
    np.testing.assert_array_equal(transposed[:pixels, :maps], g.T)


@pytest.mark.parametrize("rows", [1, MR[0] - 1, MR[0], MR[0] + 1, 3 * MR[0] + 5])
def test_rows_are_packed_tile_by_tile(rng, rows):
    matrices, order = rng.standard_normal((2, rows, 6)), np.array([5, 0, 3])
    packed = packing.pack_rows(matrices.reshape(-1), 2, rows * 6, rows, 6, order).reshape(2, -1, MR[0] * 3)
    for group in range(2):
        for tile, first in enumerate(range(0, rows, MR[0])):
            height = tile_rows.py_func(rows - first)
            taken = np.minimum(np.arange(first, first + height), rows - 1)
            expected = matrices[group][taken][:, order].T
            np.testing.assert_array_equal(packed[group, tile, : height * 3].reshape(3, height), expected)


def test_rows_are_whole_vectors_but_no_power_of_two():
    assert packing.padded_width(5, 16) == 16
    assert packing.padded_width(250, 16) == 272
    assert packing.padded_width(1024, 16) == 1040
