"""Products of small matrices.

A BLAS library wakes threads of its own for them, which then go on looking for work while the other
kernels' threads want to run: on two cores a training step supports twice as long. So the products of a
small network's fully connected layers are done here, on the same micro-kernel and threads as its
convolutions.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import TALL, TALL_VECTORS, patches_on_left
from autograd_cnn.kernels.compiled.packing import DEPTH, turn_maps
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

LARGEST: Final = 1 << 26  # multiplications; beyond them a BLAS library's blocking pays
ALONE: Final = 1 << 20  # multiplications that one thread has done before another is awake


class Product(NamedTuple):
    """The sizes of C (M, N) = A (M, K) · B (K, N), with the rows of B in whole vectors."""

    rows: int
    columns: int
    depth: int
    width: int  # of a row of B
    block: int  # rows of A that are one job


def matmul(a: Array, b: Array) -> Any:
    """Return a · b, for two matrices that are not large."""
    if a.ndim != 2 or b.ndim != 2 or not supports(a, b) or a.shape[0] * b.size > LARGEST:
        return NotImplemented
    return _add_product(a, b, np.zeros((a.shape[0], b.shape[1]), a.dtype))


def linear(x: Array, w: Array, bias: Array | None) -> Any:
    """Return x · wᵀ + bias, for a matrix x."""
    if x.ndim != 2 or not supports(x, w, *(() if bias is None else (bias,))) or x.shape[0] * w.size > LARGEST:
        return NotImplemented
    y = np.empty((x.shape[0], w.shape[0]), x.dtype)
    y[:] = 0 if bias is None else bias
    return _add_product(x, w.T, y)


def _add_product(a: Array, b: Array, c: Array) -> Array:
    lanes, turned = VECTOR_BYTES // c.itemsize, not a.flags.c_contiguous  # a rule passes a transposed view
    blocks, sizes, places, depths, lines, spots = _layout(*a.shape, b.shape[1], lanes, turned)
    wide = _in_vectors(b, sizes, lanes)
    _multiply(blocks, sizes, flat(a.T if turned else a), places, depths, wide, lines, spots, c.reshape(-1))
    return c


@lru_cache(maxsize=512)
def _layout(
    rows: int, depth: int, columns: int, lanes: int, turned: bool
) -> tuple[int, Product, Array, Array, Array, Array]:
    """Return the number of jobs, the sizes, and the offsets: of A's rows and columns, B's rows, and the vectors of C."""
    vectors = -(-columns // lanes)
    blocks = 1 if rows * columns * depth <= ALONE else -(-rows // (2 * TALL))
    sizes = Product(rows, columns, depth, vectors * lanes, -(-rows // blocks))
    across, down = (rows, 1) if turned else (1, depth)
    lines = np.arange(depth) * sizes.width
    return blocks, sizes, np.arange(rows) * down, np.arange(depth) * across, lines, np.arange(vectors) * lanes


def _in_vectors(b: Array, sizes: Product, lanes: int) -> Array:
    """Return the rows of b, each filled up to whole vectors."""
    if b.flags.c_contiguous and sizes.width == sizes.columns:
        return flat(b)
    wide = np.empty((sizes.depth + lanes, sizes.width), b.dtype)
    if b.flags.c_contiguous:
        wide[: sizes.depth, : sizes.columns] = b
    else:
        _turn(1, sizes, flat(b.T), wide.reshape(-1))
    return flat(wide)


@parallel_for
def _turn(first: int, last: int, s: Product, transposed: Any, wide: Any) -> None:
    turn_maps(wide, 0, transposed, 0, s.columns, s.depth, s.depth)


@parallel_for
def _multiply(
    first: int, last: int, s: Product, a: Any, places: Any, depths: Any, b: Any, lines: Any, spots: Any, c: Any
) -> None:
    lanes = VECTOR_BYTES // c.itemsize
    strips = (spots.size + TALL_VECTORS - 1) // TALL_VECTORS
    for job in range(first, last):
        row, end = job * s.block, min((job + 1) * s.block, s.rows)
        for k in range(0, s.depth, DEPTH):
            for strip in range(strips):
                v = strip * spots.size // strips
                count = (strip + 1) * spots.size // strips - v
                in_last = min(lanes, s.columns - (v + count - 1) * lanes)
                for m in range(row, end, TALL):
                    patches_on_left(
                        TALL, count, a, 0, places, m, depths, k, b, v * lanes, lines,
                        min(DEPTH, s.depth - k), c, 0, c, m * s.columns, spots, v, s.columns, min(TALL, end - m),
                        in_last, 1,
                    )  # fmt: skip
