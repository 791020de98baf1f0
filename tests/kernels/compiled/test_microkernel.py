"""The micro-kernel and the vector instructions around it, against NumPy."""

import numba
import numpy as np
import pytest

from autograd_cnn.kernels.compiled import llvm, microkernel

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
WIDEST = dict(
    zip(
        microkernel.TILE_ROWS,
        (microkernel.TALL_VECTORS, microkernel.MIDDLE_VECTORS, microkernel.LOW_VECTORS),
        strict=True,
    )
)
SHAPES = [(rows, vectors) for rows, most in WIDEST.items() for vectors in range(1, most + 1)]


@numba.njit
def _right(rows, vectors, image, places, depths, packed, start, c, spots, c_step, row_count, lane_count, adds):
    microkernel.patches_on_right(
        rows, vectors, image, 0, places, 0, depths, 0, packed, 0, rows, depths.size, start, 0, c, 0, spots, 0, c_step,
        row_count, lane_count, adds,
    )  # fmt: skip


@numba.njit
def _left(rows, vectors, image, places, depths, packed, lines, c, spots, c_step, row_count, lane_count, adds):
    microkernel.patches_on_left(
        rows, vectors, image, 0, places, 0, depths, 0, packed, 0, lines, depths.size, c, 0, c, 0, spots, 0, c_step,
        row_count, lane_count, adds,
    )  # fmt: skip


def lanes_of(dtype):
    return llvm.VECTOR_BYTES // np.dtype(dtype).itemsize


@dtypes
@pytest.mark.parametrize("adds", [0, 1])
@pytest.mark.parametrize(("rows", "vectors"), SHAPES)
@pytest.mark.parametrize("row_count", [1, 3, None])
def test_a_tile_with_patches_on_the_right(rng, dtype, rows, vectors, row_count, adds):
    lanes, depth, row_count = lanes_of(dtype), 7, min(row_count or rows, rows)
    image = rng.integers(-4, 5, 1000).astype(dtype)
    places, depths = rng.integers(0, 900, vectors), rng.integers(0, 100 - lanes, depth)
    a = rng.integers(-4, 5, (rows, depth)).astype(dtype)
    a[row_count:] = a[row_count - 1]
    start, old = (rng.integers(-4, 5, shape).astype(dtype) for shape in (rows, (rows, vectors * lanes)))
    lane_count, c = lanes // 2, old.copy()
    _right(
        rows, vectors, image, places, depths, a.T.ravel(), start, c.reshape(-1), np.arange(vectors) * lanes,
        vectors * lanes, row_count, lane_count, adds,
    )  # fmt: skip
    b = image[places[:, None] + np.arange(lanes) + depths[:, None, None]].reshape(depth, -1)
    expected, width = old.copy(), (vectors - 1) * lanes + lane_count
    product = a @ b + (old if adds else start[:, None])
    expected[:row_count, :width] = product[:row_count, :width]
    np.testing.assert_array_equal(c, expected)


@numba.njit
def _halves(rows, vectors, image, places, depths, packed, start, c, spots, c_step, row_count, adds):
    microkernel.halves_on_right(
        rows, vectors, image, 0, places, 0, depths, 0, packed, 0, rows, depths.size, start, 0, c, 0, spots, 0, c_step,
        row_count, 1, adds,
    )  # fmt: skip


@dtypes
@pytest.mark.parametrize("adds", [0, 1])
@pytest.mark.parametrize(("rows", "vectors"), SHAPES)
def test_a_tile_with_halves_of_vectors_on_the_right(rng, dtype, rows, vectors, adds):
    half, depth = lanes_of(dtype) // 2, 7
    image = rng.integers(-4, 5, 1000).astype(dtype)
    places, depths = rng.integers(0, 900, 2 * vectors), rng.integers(0, 100 - half, depth)
    a, start = rng.integers(-4, 5, (rows, depth)).astype(dtype), rng.integers(-4, 5, rows).astype(dtype)
    old = rng.integers(-4, 5, (rows, 2 * vectors * half)).astype(dtype)
    spots, c = rng.permutation(2 * vectors) * half, old.copy()
    _halves(rows, vectors, image, places, depths, a.T.ravel(), start, c.reshape(-1), spots, old.shape[1], rows, adds)
    b = image[places[:, None] + np.arange(half) + depths[:, None, None]]  # (depth, halves, lanes of a half)
    product = np.einsum("mk,khl->mhl", a, b)
    for n, spot in enumerate(spots):
        there = slice(spot, spot + half)
        expected = product[:, n] + (old[:, there] if adds else start[:, None])
        np.testing.assert_array_equal(c[:, there], expected)


@dtypes
@pytest.mark.parametrize(("rows", "vectors"), SHAPES)
@pytest.mark.parametrize("row_count", [1, 3, None])
def test_a_tile_with_patches_on_the_left(rng, dtype, rows, vectors, row_count):
    lanes, depth, row_count = lanes_of(dtype), 7, min(row_count or rows, rows)
    image, b = (rng.integers(-4, 5, shape).astype(dtype) for shape in (200, (depth, vectors * lanes)))
    places, depths = rng.integers(0, 100, row_count), rng.integers(0, 100, depth)
    old = rng.integers(-4, 5, (rows, vectors * lanes)).astype(dtype)
    c = old.copy()
    spots, order = np.arange(vectors) * lanes, rng.permutation(depth)
    lines, packed = order * vectors * lanes, b[np.argsort(order)]  # row k of B is line number order[k]
    _left(
        rows, vectors, image, places, depths, packed.reshape(-1), lines, c.reshape(-1), spots, vectors * lanes,
        row_count, lanes, 1,
    )  # fmt: skip
    expected = old.copy()
    expected[:row_count] += image[places[:, None] + depths] @ b
    np.testing.assert_array_equal(c, expected)


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


@numba.njit
def _transpose(target, source, step, row_count):
    llvm.transpose_block(target, 0, step, source, 1, step, row_count)


@dtypes
def test_a_block_is_transposed(rng, dtype):
    lanes = lanes_of(dtype)
    for row_count in (1, lanes - 1, lanes):
        source, target = rng.standard_normal((2, lanes, lanes + 3)).astype(dtype)
        expected = target.copy()
        rows = np.minimum(np.arange(lanes), row_count - 1)
        expected[:, :lanes] = source[rows, 1 : 1 + lanes].T
        _transpose(target.reshape(-1), source.reshape(-1), lanes + 3, row_count)
        np.testing.assert_array_equal(target, expected)
