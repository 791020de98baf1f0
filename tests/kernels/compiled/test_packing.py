"""The packing, against NumPy."""

import numpy as np
import pytest

from autograd_cnn.kernels.compiled import packing
from autograd_cnn.kernels.compiled.microkernel import MR, tile_rows


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
