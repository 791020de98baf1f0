"""Products of small matrices.

A BLAS library wakes threads of its own for them, which then go on looking for work while the other
kernels' threads want to run: on two cores a training step takes twice as long. So the products of a
small network's fully connected layers are done here, on the same micro-kernel and threads as its
convolutions.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import (
    MR,
    NR,
    Depth,
    Gathered,
    PackedRows,
    Scattered,
    Start,
    TallTile,
    multiply_tile,
)
from autograd_cnn.kernels.compiled.packing import KC, copy_row
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.compiled.transposing import transpose_maps
from autograd_cnn.kernels.windows import Array

LARGEST: Final = 1 << 26  # multiplications; beyond them a BLAS library's blocking pays
ALONE: Final = 1 << 20  # multiplications that one thread has done before another is awake


class GemmSizes(NamedTuple):
    """The sizes of C (m, n) = A (m, k) · B (k, n)."""

    m: int
    n: int
    k: int
    ldb: int  # a row of B, in whole vectors
    mc: int  # rows of A that are one job


def matmul(a: Array, b: Array) -> Any:
    """Return a · b, for two matrices that are not large."""
    if a.ndim != 2 or b.ndim != 2 or not supports(a, b) or a.shape[0] * b.size > LARGEST:
        return NotImplemented
    return _product(a, b, _nothing(b.shape[1], a.dtype))


def linear(x: Array, w: Array, bias: Array | None) -> Any:
    """Return x · wᵀ + bias, for a matrix x."""
    if x.ndim != 2 or not supports(x, w, *(() if bias is None else (bias,))) or x.shape[0] * w.size > LARGEST:
        return NotImplemented
    return _product(x, w.T, _nothing(w.shape[0], x.dtype) if bias is None else flat(bias))


def _product(a: Array, b: Array, start: Array) -> Array:
    """Return start + a · b, for a start (n,) of each row."""
    c = np.empty((a.shape[0], b.shape[1]), a.dtype)
    lanes, transposed = VECTOR_BYTES // c.itemsize, not a.flags.c_contiguous  # a rule passes a transposed view
    jobs, sizes, a_offsets, k_offsets, b_offsets, c_offsets = _layout(*a.shape, b.shape[1], lanes, transposed)
    rows, wide = flat(a.T if transposed else a), _in_vectors(b, sizes, lanes)
    _multiply(jobs, sizes, rows, a_offsets, k_offsets, wide, b_offsets, c_offsets, start, c.reshape(-1))
    return c


@lru_cache(maxsize=512)
def _nothing(n: int, dtype: Any) -> Array:
    """Return what products without a bias start with."""
    return flat(np.zeros(n, dtype))


@lru_cache(maxsize=512)
def _layout(m: int, k: int, n: int, lanes: int, transposed: bool) -> tuple[int, GemmSizes, Array, Array, Array, Array]:
    """Return the number of jobs, the sizes, and the offsets: of A's rows and columns, B's rows, and the vectors of C."""
    vectors = -(-n // lanes)
    jobs = 1 if m * n * k <= ALONE else -(-m // (2 * MR[0]))
    sizes = GemmSizes(m, n, k, ldb=vectors * lanes, mc=-(-m // jobs))
    across, down = (m, 1) if transposed else (1, k)
    return jobs, sizes, np.arange(m) * down, np.arange(k) * across, np.arange(k) * sizes.ldb, np.arange(vectors) * lanes


def _in_vectors(b: Array, sizes: GemmSizes, lanes: int) -> Array:
    """Return the rows of b, each filled up to whole vectors."""
    if b.flags.c_contiguous and sizes.ldb == sizes.n:
        return flat(b)
    wide = np.empty((sizes.k + lanes) * sizes.ldb, b.dtype)
    if b.flags.c_contiguous:
        _widen(1, sizes, flat(b), wide)
    else:
        _transpose(1, sizes, flat(b.T), wide)
    return flat(wide)


@parallel_for
def _widen(first: int, last: int, s: GemmSizes, b: Any, wide: Any) -> None:
    """Copy B (k, n) into B (k, ldb), as one job."""
    for k in range(s.k):
        copy_row(wide, k * s.ldb, b, k * s.n, s.n)


@parallel_for
def _transpose(first: int, last: int, s: GemmSizes, transposed: Any, wide: Any) -> None:
    """Transpose Bᵀ (n, k) into B (k, ldb), as one job."""
    transpose_maps(wide, 0, transposed, 0, s.n, s.k, s.k)


@parallel_for
def _multiply(
    first: int,
    last: int,
    s: GemmSizes,
    a: Any,
    a_offsets: Any,
    k_offsets: Any,
    b: Any,
    b_offsets: Any,
    c_offsets: Any,
    start: Any,
    c: Any,
) -> None:
    """Write start (n,) + A · B into ``s.mc`` rows of C (m, n) for each job; the tables are those of `_layout`."""
    lanes = VECTOR_BYTES // c.itemsize
    strips = (c_offsets.size + NR[0] - 1) // NR[0]
    for job in range(first, last):
        row, end = job * s.mc, min((job + 1) * s.mc, s.m)
        for i in range(row, end):
            copy_row(c, i * s.n, start, 0, s.n)
        for k in range(0, s.k, KC):
            steps = Depth(min(KC, s.k - k))
            for strip in range(strips):
                v = strip * c_offsets.size // strips
                count = (strip + 1) * c_offsets.size // strips - v
                in_last = min(lanes, s.n - (v + count - 1) * lanes)
                for i in range(row, end, MR[0]):
                    rows = Gathered(a, 0, a_offsets, i, k_offsets, k)
                    columns = PackedRows(b, v * lanes, b_offsets, k)
                    tile = Scattered(c, i * s.n, s.n, c_offsets, v, min(MR[0], end - i), in_last)
                    multiply_tile(TallTile(count), rows, columns, tile, Start(c, i * s.n, accumulate=1), steps)
