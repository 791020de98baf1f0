"""Copies and sums of vectors, against NumPy."""

import numba
import numpy as np
import pytest

from autograd_cnn.kernels.compiled import llvm

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def lanes_of(dtype):
    return llvm.VECTOR_BYTES // np.dtype(dtype).itemsize


@numba.njit
def _move(target, source, offsets, masks, count):
    llvm.copy_vector(target, 1, source, 2)
    llvm.copy_half(target, 101, source, 2)
    llvm.copy_lanes(target, 201, source, 2, count)
    llvm.sum_vectors(target, 301, source, 2, offsets, 1, masks, 2, 0, 5, count)


@dtypes
def test_vectors_are_copied_and_summed(rng, dtype):
    lanes = lanes_of(dtype)
    for count in (1, lanes - 1, lanes, lanes + 5):
        target, source = rng.integers(-9, 9, (2, 400)).astype(dtype)
        expected, offsets, some = target.copy(), rng.integers(0, 300, 7), min(count, lanes)
        expected[1 : 1 + lanes] = source[2 : 2 + lanes]
        expected[101 : 101 + lanes // 2] = source[2 : 2 + lanes // 2]
        expected[201 : 201 + some] = source[2 : 2 + some]
        kept = rng.random((7, lanes)) < 0.7
        terms = [
            np.where(mask, source[2 + at : 2 + at + lanes], 0) for at, mask in zip(offsets[1:6], kept[2:], strict=True)
        ]
        expected[301 : 301 + some] = sum(terms)[:some]
        _move(target, source, offsets, kept @ (1 << np.arange(lanes)), count)
        np.testing.assert_array_equal(target, expected)
