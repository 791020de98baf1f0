"""The tile, for every combination of descriptors that kernels use, against NumPy."""

import numba
import numpy as np
from tables import for_each

from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import (
    BATCH_NR,
    MR,
    NR,
    PIXELS_SHAPE,
    PIXELS_SHAPE_OF_ONE,
    Batch,
    Columns,
    Depth,
    Gathered,
    GatheredHalves,
    Packed,
    PackedRows,
    PixelRows,
    Pixels,
    Scattered,
    ScatteredHalves,
    Start,
    Strided,
    Tile,
    multiply_tile,
)

DEPTH = 7
SHAPES = [(rows, vectors) for rows, most in zip(MR, NR, strict=True) for vectors in range(1, most + 1)]

dtypes = for_each("dtype", [np.float32, np.float64])
shapes = for_each("rows, vectors", SHAPES)
accumulates = for_each("accumulate", [0, 1])
valid_rows = for_each("valid", [1, 3, None])


@numba.njit
def multiply(tile, a, b, c, start, steps):
    multiply_tile(tile, a, b, c, start, steps)


def lanes_of(dtype):
    return VECTOR_BYTES // np.dtype(dtype).itemsize


def numbers(rng, dtype, *shape):
    """Return whole numbers, whose sums are exact in every order."""
    return rng.integers(-4, 5, shape).astype(dtype)


@dtypes
@accumulates
@shapes
@valid_rows
def test_packed_rows_by_gathered_vectors(rng, dtype, rows, vectors, valid, accumulate):
    lanes, valid = lanes_of(dtype), min(valid or rows, rows)
    image, offsets, k_offsets = numbers(rng, dtype, 1000), rng.integers(0, 900, vectors), rng.integers(0, 80, DEPTH)
    a, start, old = (
        numbers(rng, dtype, rows, DEPTH),
        numbers(rng, dtype, rows),
        numbers(rng, dtype, rows, vectors * lanes),
    )
    a[valid:] = a[valid - 1]
    c, lane_count = old.copy(), lanes // 2
    multiply(
        Tile(rows, vectors), Packed(a.T.ravel(), 0), Gathered(image, 0, offsets, 0, k_offsets, 0),
        Scattered(c.reshape(-1), 0, vectors * lanes, np.arange(vectors) * lanes, 0, valid, lane_count),
        Start(start, 0, accumulate), Depth(DEPTH),
    )  # fmt: skip
    b = image[offsets[:, None] + np.arange(lanes) + k_offsets[:, None, None]].reshape(DEPTH, -1)
    expected, width = old.copy(), (vectors - 1) * lanes + lane_count
    expected[:valid, :width] = (a @ b + (old if accumulate else start[:, None]))[:valid, :width]
    np.testing.assert_array_equal(c, expected)


@dtypes
@accumulates
@shapes
def test_packed_rows_by_gathered_halves(rng, dtype, rows, vectors, accumulate):
    half = lanes_of(dtype) // 2
    image, offsets, k_offsets = numbers(rng, dtype, 1000), rng.integers(0, 900, 2 * vectors), rng.integers(0, 80, DEPTH)
    a, start, old = (
        numbers(rng, dtype, rows, DEPTH),
        numbers(rng, dtype, rows),
        numbers(rng, dtype, rows, 2 * vectors * half),
    )
    c, c_offsets = old.copy(), rng.permutation(2 * vectors) * half
    multiply(
        Tile(rows, vectors), Packed(a.T.ravel(), 0), GatheredHalves(image, 0, offsets, 0, k_offsets, 0),
        ScatteredHalves(c.reshape(-1), 0, old.shape[1], c_offsets, 0, rows), Start(start, 0, accumulate), Depth(DEPTH),
    )  # fmt: skip
    b = image[offsets[:, None] + np.arange(half) + k_offsets[:, None, None]]  # (depth, halves, lanes of a half)
    for n, at in enumerate(c_offsets):
        there = slice(at, at + half)
        expected = a @ b[:, n] + (old[:, there] if accumulate else start[:, None])
        np.testing.assert_array_equal(c[:, there], expected)


@dtypes
@shapes
@valid_rows
def test_gathered_numbers_by_rows_of_vectors(rng, dtype, rows, vectors, valid):
    lanes, valid = lanes_of(dtype), min(valid or rows, rows)
    image, offsets, k_offsets = numbers(rng, dtype, 1000), rng.integers(0, 900, rows), rng.integers(0, 80, DEPTH)
    b, old = numbers(rng, dtype, DEPTH, vectors * lanes), numbers(rng, dtype, rows, vectors * lanes)
    order, c = rng.permutation(DEPTH), old.copy()
    multiply(
        Tile(rows, vectors), Gathered(image, 0, offsets, 0, k_offsets, 0),
        PackedRows(b.reshape(-1), 0, order * vectors * lanes, 0),
        Scattered(c.reshape(-1), 0, vectors * lanes, np.arange(vectors) * lanes, 0, valid, lanes),
        Start(c.reshape(-1), 0, 1), Depth(DEPTH),
    )  # fmt: skip
    expected = old.copy()
    expected[:valid] += image[offsets[:valid, None] + k_offsets] @ b[order]
    np.testing.assert_array_equal(c, expected)


@dtypes
@accumulates
@for_each("rows", MR)
@for_each("vectors", range(1, BATCH_NR + 1))
def test_a_batch_of_pairs_of_matrices(rng, dtype, rows, vectors, accumulate):
    width, line = vectors * lanes_of(dtype), MR[0] + 3
    a, b = numbers(rng, dtype, 5, DEPTH, line), numbers(rng, dtype, 6, DEPTH, width)
    a_numbers, b_numbers = rng.integers(0, 5, 4), rng.integers(0, 6, 4)
    start, old = numbers(rng, dtype, rows), numbers(rng, dtype, rows, width)
    c = old.copy()
    multiply(
        Tile(rows, vectors), Columns(a.reshape(-1), 0, line), Packed(b.reshape(-1), 0),
        Strided(c.reshape(-1), 0, width, lanes_of(dtype), rows, vectors), Start(start, 0, accumulate),
        Batch(DEPTH, 1, 4, a_numbers, 0, DEPTH * line, b_numbers, 0, DEPTH * width),
    )  # fmt: skip
    products = sum(a[i, :, :rows].T @ b[j] for i, j in zip(a_numbers[1:], b_numbers[1:], strict=True))
    np.testing.assert_array_equal(c, products + (old if accumulate else start[:, None]))


@dtypes
@for_each("columns", [1, 8, 16, 21])
@for_each(
    "tile, maps, taps",
    [
        (PIXELS_SHAPE_OF_ONE, 1, 1),
        (PIXELS_SHAPE_OF_ONE, *PIXELS_SHAPE_OF_ONE),
        (PIXELS_SHAPE, 2, 2),
        (PIXELS_SHAPE, *PIXELS_SHAPE),
        (PIXELS_SHAPE, PIXELS_SHAPE[0] - 1, PIXELS_SHAPE[1]),
    ],
)
def test_pixels_are_summed_lane_by_lane(rng, dtype, tile, maps, taps, columns):
    lanes, rows, stride = lanes_of(dtype), 3, columns + 4
    g, image = numbers(rng, dtype, maps, rows, columns), numbers(rng, dtype, 2000)
    offsets, old = rng.integers(0, 50, taps), numbers(rng, dtype, taps, maps, lanes)
    c = old.copy()
    multiply(
        Tile(*tile), PixelRows(g.reshape(-1), 0, np.arange(maps) * rows * columns, 0, columns),
        PixelRows(image, 0, offsets, 0, stride), Strided(c.reshape(-1), 0, lanes, maps * lanes, maps, taps),
        Start(c.reshape(-1), 0, 1), Pixels(rows, columns),
    )  # fmt: skip
    expected = old.copy()
    seen = image[
        offsets[:, None, None] + np.arange(rows)[:, None] * stride + np.arange(columns)
    ]  # (taps, rows, columns)
    for j in range(columns):
        expected[:, :, j % lanes] += np.einsum("tr,fr->tf", seen[:, :, j], g[:, :, j])
    np.testing.assert_array_equal(c, expected)


def test_what_lies_beside_a_row_of_pixels_does_not_count():
    image, g, c = np.full(100, np.nan), np.full(100, np.inf), np.zeros(200)
    image[1:4], g[2:5], zero = 2.0, 3.0, np.array([0])
    multiply(
        Tile(*PIXELS_SHAPE_OF_ONE), PixelRows(g, 2, zero, 0, 50), PixelRows(image, 1, zero, 0, 50),
        Strided(c, 0, 8, 8, 1, 1), Start(c, 0, 1), Pixels(1, 3),
    )  # fmt: skip
    assert c.sum() == 18


def test_operands_begin_where_their_descriptors_say(rng):
    lanes = lanes_of(float)
    image, row, c = numbers(rng, float, 200), numbers(rng, float, 10), np.zeros(100)
    a = np.repeat(row, MR[2])  # all rows alike
    offsets, k_offsets, c_offsets = rng.integers(0, 50, 4), rng.integers(0, 50, 9), np.array([0, 7])
    multiply(
        Tile(MR[2], 1), Packed(a, MR[2]), Gathered(image, 5, offsets, 2, k_offsets, 4),
        Scattered(c, 11, 0, c_offsets, 1, 1, lanes), Start(row, 6, 0), Depth(2),
    )  # fmt: skip
    expected = np.full(lanes, row[6])
    for k in range(2):
        b = 5 + offsets[2] + k_offsets[4 + k]
        expected += row[1 + k] * image[b : b + lanes]
    np.testing.assert_array_equal(c[18 : 18 + lanes], expected)
    assert np.count_nonzero(c) <= lanes
