"""Vectors of 2x2 windows, against NumPy."""

import numba
import numpy as np
import pytest

from autograd_cnn.kernels.jit import pairs
from autograd_cnn.kernels.jit.simd import VECTOR_BYTES

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@numba.njit
def _largest(y, winners, x, width, count):
    pairs.largest_of_four(y, winners, 0, x, 0, width, count)


@numba.njit
def _give(x, width, g, winners, count):
    pairs.give_to_one_of_four(x, 0, width, g, winners, 0, count)


def counts(dtype):
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    return [1, lanes // 2, lanes - 1, lanes]


@dtypes
def test_largest_of_four(rng, dtype):
    for count in counts(dtype):
        x = rng.permutation(4 * count).reshape(2, 2 * count).astype(dtype)
        y, winners = np.zeros(count + 1, dtype), np.zeros(count + 1, np.uint8)
        _largest(y, winners, x.reshape(-1), 2 * count, count)
        taps = x.reshape(2, count, 2).swapaxes(0, 1).reshape(count, 4)  # (windows, taps)
        np.testing.assert_array_equal(y, [*taps.max(axis=1), 0])
        np.testing.assert_array_equal(winners, [*taps.argmax(axis=1), 0])


@dtypes
def test_give_to_one_of_four(rng, dtype):
    for count in counts(dtype):
        g, winners = rng.standard_normal(count).astype(dtype), rng.integers(0, 4, count).astype(np.uint8)
        x = np.full(4 * count + 1, 9, dtype)
        _give(x, 2 * count, g, winners, count)
        taps = np.where(np.arange(4) == winners[:, None], g[:, None], 0).reshape(
            count, 2, 2
        )  # (windows, rows, columns)
        np.testing.assert_array_equal(x, [*taps.swapaxes(0, 1).ravel(), 9])
