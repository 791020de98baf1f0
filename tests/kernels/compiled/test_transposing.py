"""Transposes of vectors, against NumPy."""

import numba
import numpy as np
import pytest
from tables import for_each

from autograd_cnn.kernels.compiled import transposing
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.permuting import in_order


@numba.njit
def _transpose_block(target, source, step, row_count):
    transposing.transpose_block(target, 0, step, source, 1, step, row_count)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_block_is_transposed(rng, dtype):
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    for row_count in (1, lanes - 1, lanes):
        source, target = rng.standard_normal((2, lanes, lanes + 3)).astype(dtype)
        expected = target.copy()
        rows = np.minimum(np.arange(lanes), row_count - 1)
        expected[:, :lanes] = source[rows, 1 : 1 + lanes].T
        _transpose_block(target.reshape(-1), source.reshape(-1), lanes + 3, row_count)
        np.testing.assert_array_equal(target, expected)


@numba.njit
def _transpose_maps(transposed, g, maps, pixels):
    transposing.transpose_maps(transposed, 0, g, 0, maps, pixels, pixels)


@for_each("maps", [1, 5, 16, 37])
@for_each("pixels", [1, 7, 16, 50])
@for_each("dtype", [np.float32, np.float64])
def test_maps_are_transposed(rng, maps, pixels, dtype):
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    width = -(-maps // lanes) * lanes
    g, transposed = rng.standard_normal((maps, pixels)).astype(dtype), np.zeros((pixels + lanes, width), dtype)
    _transpose_maps(transposed.reshape(-1), g.reshape(-1), maps, pixels)
    np.testing.assert_array_equal(transposed[:pixels, :maps], g.T)


@for_each("shape, axes", [
    ((64, 32, 32, 16), (0, 2, 3, 1)),
    ((64, 16, 16, 32), (0, 3, 1, 2)),
    ((512, 256), (1, 0)),
    ((2, 48, 33, 32), (0, 2, 3, 1)),
    ((2, 3, 64, 32, 16), (0, 3, 4, 1, 2)),
    ((64, 4, 64, 32), (0, 2, 1, 3)),
    ((64, 64, 32), (2, 1, 0)),
    ((3, 47, 331), (0, 2, 1)),
])  # fmt: skip
def test_axes_that_were_moved_are_written_down_in_order(shape, axes, rng):
    for dtype in np.float32, np.float64:
        x = rng.standard_normal(shape).astype(dtype).transpose(axes)
        np.testing.assert_array_equal(in_order(x), x.reshape(-1))
