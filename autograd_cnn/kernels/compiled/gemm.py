"""Products of matrices that fit into the caches, and of stacks of such matrices.

A BLAS library wakes its own threads for them, which then spin while the other kernels' threads want to run: on two
cores a training step takes twice as long. So the products of a network's fully connected layers are computed here, with
the same micro-kernel and threads as its convolutions. Each product of a stack is a job.
"""

import math
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.gemv import multiply_vector
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
from autograd_cnn.kernels.compiled.parallel import MIN_PARALLEL as MIN_COPY
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.compiled.transposing import transpose_maps
from autograd_cnn.kernels.windows import Array

MAX_COMPILED: Final = 1 << 28  # multiplications; above this, a BLAS library's blocking pays
MIN_PARALLEL: Final = 1 << 20  # multiplications; below this, one thread is done before another has started
JOBS: Final = 16  # the least number, whatever the number of threads
ROWS: Final = 64  # of B that a job packs; whole vectors of its transpose


class GemmSizes(NamedTuple):
    """The sizes of C (m, n) = A (m, k) · B (k, n)."""

    m: int
    n: int
    k: int
    ldb: int  # a row of B, in whole vectors
    mc: int  # rows of A in a job
    parts: int  # jobs among which the columns of C are divided


class StackSizes(NamedTuple):
    """The sizes of the products of a stack, and the layout of their operands."""

    m: int
    n: int
    k: int
    ldb: int  # a row of B, in whole vectors
    b_transposed: int  # whether B is stored as Bᵀ (n, k)


def matmul(a: Array, b: Array) -> Any:
    """Return a · b, for matrices and stacks of them that are not large."""
    if a.ndim < 2 or b.ndim < 2 or not supports(a, b) or a.size * b.shape[-1] > MAX_COMPILED:
        return NotImplemented
    if b.ndim > 2:
        return _multiply_stacks(a, b)
    y = np.empty((*a.shape[:-1], b.shape[1]), a.dtype)
    _multiply_rows(y.reshape(-1, b.shape[1]), a.reshape(-1, a.shape[-1]), b, None)
    return y


def linear(x: Array, w: Array, bias: Array | None) -> Any:
    """Return x · wᵀ + bias, for x (..., D)."""
    if x.ndim < 2 or not supports(x, w, *(() if bias is None else (bias,))) or x.size * w.shape[0] > MAX_COMPILED:
        return NotImplemented
    y = np.empty((*x.shape[:-1], w.shape[0]), x.dtype)
    _multiply_rows(y.reshape(-1, w.shape[0]), x.reshape(-1, x.shape[-1]), w.T, bias)
    return y


def _multiply_rows(c: Array, a: Array, b: Array, bias: Array | None) -> None:
    """Write a · b + bias into c, for matrices."""
    (m, k), n = a.shape, b.shape[1]
    if m == 1 or n == 1 or k == 1:
        multiply_vector(c, a, b, bias)
    elif bias is None and m * n * k <= MIN_PARALLEL:
        _multiply_each_into(c, a, b)
    else:
        _multiply_into(c, a, b, bias)


def _multiply_stacks(a: Array, b: Array) -> Any:
    """Return the products of stacks of matrices, which may broadcast."""
    stacks, (m, k), n = a.shape[:-2], a.shape[-2:], b.shape[-1]
    if stacks != b.shape[:-2]:
        try:
            stacks = np.broadcast_shapes(stacks, b.shape[:-2])
        except ValueError:
            return NotImplemented  # NumPy raises the error
        a, b = np.broadcast_to(a, (*stacks, m, k)), np.broadcast_to(b, (*stacks, k, n))
    y = np.empty((*stacks, m, n), a.dtype)
    _multiply_each_into(y, a, b)
    return y


def _multiply_each_into(y: Array, a: Array, b: Array) -> None:
    """Write the products of stacks of the same shape."""
    m, k, n = *a.shape[-2:], b.shape[-1]
    a_transposed, b_transposed = (x.strides[-2] == x.itemsize < x.strides[-1] for x in (a, b))
    _, sizes, a_offsets, k_offsets, b_offsets, c_offsets = layout(m, k, n, VECTOR_BYTES // a.itemsize, a_transposed)
    _multiply_each(
        math.prod(y.shape[:-2]), StackSizes(m, n, k, sizes.ldb, int(b_transposed)),
        flat(a.swapaxes(-1, -2) if a_transposed else a), a_offsets, k_offsets,
        flat(b.swapaxes(-1, -2) if b_transposed else b), b_offsets, c_offsets, y.reshape(-1),
        serial=y.size * k <= MIN_PARALLEL,
    )  # fmt: skip


def _multiply_into(c: Array, a: Array, b: Array, bias: Array | None) -> None:
    """Write a · b into c, plus ``bias`` (n,) in each row."""
    lanes, transposed = VECTOR_BYTES // c.itemsize, not a.flags.c_contiguous  # a rule passes a transposed view
    jobs, sizes, a_offsets, k_offsets, b_offsets, c_offsets = layout(*a.shape, b.shape[1], lanes, transposed)
    rows, wide = flat(a.T if transposed else a), pad_to_vectors(b, sizes, lanes)
    start = flat(np.zeros(sizes.n, c.dtype) if bias is None else bias)
    _multiply(jobs, sizes, rows, a_offsets, k_offsets, wide, b_offsets, c_offsets, start, c.reshape(-1))


@lru_cache(maxsize=512)
def layout(m: int, k: int, n: int, lanes: int, transposed: bool) -> tuple[int, GemmSizes, Array, Array, Array, Array]:
    """Return the number of jobs, the sizes, and the offsets: of A's rows and columns, B's rows, and the vectors of C."""
    vectors = -(-n // lanes)
    alone = m * n * k <= MIN_PARALLEL
    blocks = 1 if alone else -(-m // (2 * MR[0]))
    parts = 1 if alone else min(-(-JOBS // blocks), -(-vectors // NR[0]))
    sizes = GemmSizes(m, n, k, ldb=vectors * lanes, mc=-(-m // blocks), parts=parts)
    across, down = (m, 1) if transposed else (1, k)
    return (
        blocks * parts,
        sizes,
        np.arange(m) * down,
        np.arange(k) * across,
        np.arange(k) * sizes.ldb,
        np.arange(vectors) * lanes,
    )


def pad_to_vectors(b: Array, sizes: GemmSizes, lanes: int) -> Array:
    """Return the rows of b, each padded to whole vectors."""
    if b.flags.c_contiguous and sizes.ldb == sizes.n:
        return flat(b)
    wide = np.empty((sizes.k + lanes) * sizes.ldb, b.dtype)
    if b.flags.c_contiguous:
        _widen(-(-sizes.k // ROWS), sizes, flat(b), wide, serial=wide.size < MIN_COPY)
    else:
        _transpose(-(-sizes.k // ROWS), sizes, flat(b.T), wide, serial=wide.size < MIN_COPY)
    return flat(wide)


@parallel_for
def _widen(first: int, last: int, s: GemmSizes, b: Any, wide: Any) -> None:
    """Copy some rows of B (k, n) into B (k, ldb), for each job."""
    for k in range(first * ROWS, min(last * ROWS, s.k)):
        copy_row(wide, k * s.ldb, b, k * s.n, s.n)


@parallel_for
def _transpose(first: int, last: int, s: GemmSizes, transposed: Any, wide: Any) -> None:
    """Transpose Bᵀ (n, k) into some rows of B (k, ldb), for each job."""
    k = first * ROWS
    transpose_maps(wide, k * s.ldb, transposed, k, s.n, s.k, min(last * ROWS, s.k) - k)


@inlined
def multiply_rows(
    a: Any, a_at: int, a_offsets: Any, k_offsets: Any, b: Any, b_at: int, b_offsets: Any, c: Any, c_at: int,
    c_offsets: Any, left: int, rows: int, n: int, depth: int,
) -> None:  # fmt: skip
    """Add ``rows`` rows of A · B to C (m, n), from vector ``left`` on; the tables are those of `layout`."""
    lanes = VECTOR_BYTES // c.itemsize
    vectors = c_offsets.size - left
    strips = (vectors + NR[0] - 1) // NR[0]
    for k in range(0, depth, KC):
        steps = Depth(min(KC, depth - k))
        for strip in range(strips):
            v = left + strip * vectors // strips
            count = left + (strip + 1) * vectors // strips - v
            in_last = min(lanes, n - (v + count - 1) * lanes)
            for i in range(0, rows, MR[0]):
                numbers = Gathered(a, a_at, a_offsets, i, k_offsets, k)
                columns = PackedRows(b, b_at + v * lanes, b_offsets, k)
                at = c_at + i * n
                tile = Scattered(c, at, n, c_offsets, v, min(MR[0], rows - i), in_last)
                multiply_tile(TallTile(count), numbers, columns, tile, Start(c, at, accumulate=1), steps)


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
    bias: Any,
    c: Any,
) -> None:
    """Write a part of ``s.mc`` rows of A · B + bias into C (m, n) for each job; the tables are those of `layout`."""
    lanes, vectors = VECTOR_BYTES // c.itemsize, c_offsets.size
    for job in range(first, last):
        row, part = job // s.parts * s.mc, job % s.parts
        end, left, right = min(row + s.mc, s.m), part * vectors // s.parts, (part + 1) * vectors // s.parts
        for m in range(row, end):
            copy_row(c, m * s.n + left * lanes, bias, left * lanes, min(right * lanes, s.n) - left * lanes)
        multiply_rows(a, 0, a_offsets[row:], k_offsets, b, 0, b_offsets, c, row * s.n, c_offsets[:right], left,
                      end - row, s.n, s.k)  # fmt: skip


@parallel_for
def _multiply_each(
    first: int,
    last: int,
    s: StackSizes,
    a: Any,
    a_offsets: Any,
    k_offsets: Any,
    b: Any,
    b_offsets: Any,
    c_offsets: Any,
    c: Any,
) -> None:
    """Write A · B into C (m, n) for each job, which is an index into the stacks of A, B and C."""
    wide = np.empty((s.k + VECTOR_BYTES // c.itemsize) * s.ldb, c.dtype)
    for job in range(first, last):
        at = job * s.k * s.n
        if s.b_transposed:
            transpose_maps(wide, 0, b, at, s.n, s.k, s.k)
        else:
            for k in range(s.k):
                copy_row(wide, k * s.ldb, b, at + k * s.n, s.n)
        at, to = job * s.m * s.k, job * s.m * s.n
        c[to : to + s.m * s.n] = 0
        multiply_rows(a, at, a_offsets, k_offsets, wide, 0, b_offsets, c, to, c_offsets, 0, s.m, s.n, s.k)
