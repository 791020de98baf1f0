"""Vectors of 2x2 windows, against NumPy."""

import numba
import numpy as np
import pytest

from autograd_cnn.kernels.compiled import pool2x2
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@numba.njit
def _largest(y, indices, x, width, count, rectified):
    pool2x2.largest_of_four(y, 0, indices, 0, x, 0, width, count, rectified)


@numba.njit
def _give(x, width, g, indices, count):
    pool2x2.give_to_one_of_four(x, 0, width, g, 0, indices, 0, count)


@numba.njit
def _largest_in_rows(y, indices, x, rows, rectified):
    pool2x2.largest_of_four_in_rows(y, 0, indices, 0, x, 0, rows, rectified)


@numba.njit
def _give_in_rows(x, g, indices, rows):
    pool2x2.give_to_one_of_four_in_rows(x, 0, g, 0, indices, 0, rows)


def counts(dtype):
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    return [1, lanes // 2, lanes - 1, lanes]


@dtypes
def test_largest_of_four(rng, dtype):
    for count in counts(dtype):
        x = rng.permutation(4 * count).reshape(2, 2 * count).astype(dtype)
        y, indices = np.zeros(count + 1, dtype), np.zeros(count + 1, np.uint8)
        _largest(y, indices, x.reshape(-1), 2 * count, count, 0)
        taps = x.reshape(2, count, 2).swapaxes(0, 1).reshape(count, 4)  # (windows, taps)
        np.testing.assert_array_equal(y, [*taps.max(axis=1), 0])
        np.testing.assert_array_equal(indices, [*taps.argmax(axis=1), 0])


@dtypes
def test_zero_counts_as_a_fifth(dtype):
    for count in counts(dtype):
        x = np.resize(np.array([-3, 2, -1, 0, np.nan], dtype), (2 * count, 2)).T.copy()  # (rows, pixels)
        y, indices = np.zeros(count, dtype), np.zeros(count, np.uint8)
        _largest(y, indices, x.reshape(-1), 2 * count, count, 1)
        taps = x.reshape(2, count, 2).swapaxes(0, 1).reshape(count, 4)  # (windows, taps)
        np.testing.assert_array_equal(y, np.maximum(taps.max(axis=1), 0))
        np.testing.assert_array_equal(indices, np.where(taps.max(axis=1) <= 0, 4, taps.argmax(axis=1)))


@dtypes
def test_give_to_one_of_four(rng, dtype):
    for count in counts(dtype):
        g, indices = rng.standard_normal(count).astype(dtype), rng.integers(0, 4, count).astype(np.uint8)
        x = np.full(4 * count + 1, 9, dtype)
        _give(x, 2 * count, g, indices, count)
        taps = np.where(np.arange(4) == indices[:, None], g[:, None], 0).reshape(
            count, 2, 2
        )  # (windows, rows, columns)
        np.testing.assert_array_equal(x, [*taps.swapaxes(0, 1).ravel(), 9])


@dtypes
@pytest.mark.parametrize("rows", [2, 4])
@pytest.mark.parametrize("rectified", [0, 1])
def test_rows_that_make_a_vector(rng, dtype, rows, rectified):
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    width = lanes // rows  # windows in a row
    x = (rng.permutation(4 * lanes) - 3 * lanes).reshape(rows, 2, width, 2).astype(dtype)
    taps = x.swapaxes(1, 2).reshape(lanes, 4)
    none = rectified * (taps.max(axis=1) <= 0)
    y, indices = np.zeros(lanes + 1, dtype), np.zeros(lanes + 1, np.uint8)
    _largest_in_rows(y, indices, x.reshape(-1), rows, rectified)
    np.testing.assert_array_equal(y, [*np.where(none, 0, taps.max(axis=1)), 0])
    np.testing.assert_array_equal(indices, [*np.where(none, 4, taps.argmax(axis=1)), 0])
    g, back = rng.standard_normal(lanes).astype(dtype), np.full(4 * lanes + 1, 9, dtype)
    _give_in_rows(back, g, indices, rows)
    shares = np.where(np.arange(4) == indices[:-1, None], g[:, None], 0)  # (windows, taps)
    expected = shares.reshape(rows, width, 2, 2).swapaxes(1, 2)
    np.testing.assert_array_equal(back, [*expected.ravel(), 9])
