"""Concatenation and scatter-add."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.parallel import copyto, flat, parallel_for, supports
from autograd_cnn.kernels.compiled.reduction import add_vectors
from autograd_cnn.kernels.windows import Array


def concatenate(arrays: Sequence[Array], axis: int) -> Any:
    """Return arrays of one dtype, joined along an axis, while loops are recorded; otherwise NumPy is as fast."""
    if not RECORDING or len({x.dtype for x in arrays}) > 1:
        return NotImplemented
    shape = list(arrays[0].shape)
    shape[axis] = sum(x.shape[axis] for x in arrays)
    y, start = np.empty(shape, arrays[0].dtype), 0
    for x in arrays:
        part = (slice(None),) * (axis % y.ndim) + (slice(start, start := start + x.shape[axis]),)
        if x.size and copyto(y[part], x) is NotImplemented:
            return NotImplemented
    return y


COLUMNS: Final = 1 << 8  # of a job
MIN_PARALLEL: Final = 1 << 16  # elements; below this, one thread is done before another has started


class Rows(NamedTuple):
    """How many rows there are, of the operand and of the result, their columns, and the number of parts of a row."""

    rows: int
    length: int
    columns: int
    parts: int


def scatter_add(x: Array, index: Array, length: int) -> Any:
    """Return zeros (A, length, D) to which x (A, n, D) is added at an index (n,), row by row."""
    if not supports(x):
        return NotImplemented
    total = np.zeros((x.shape[0], length, x.shape[2]), x.dtype)
    parts = -(-x.shape[2] // COLUMNS)
    sizes = Rows(x.shape[1], length, x.shape[2], parts)
    indices = flat(index.astype(np.int64, copy=False))
    _scatter_add(x.shape[0] * parts, sizes, flat(x), indices, total.reshape(-1), serial=x.size < MIN_PARALLEL)
    return total


@parallel_for
def _scatter_add(first: int, last: int, s: Rows, x: Any, index: Any, total: Any) -> None:
    """Add a part of the columns of all rows, for each job."""
    for job in range(first, last):
        begin = job % s.parts * COLUMNS
        count = min(COLUMNS, s.columns - begin)
        if s.columns == 1:
            y, terms = total[job * s.length :], x[job * s.rows :]
            for row in range(s.rows):
                y[index[row]] += terms[row]
            continue
        for row in range(s.rows):
            source = (job // s.parts * s.rows + row) * s.columns + begin
            target = (job // s.parts * s.length + index[row]) * s.columns + begin
            add_vectors(0, count, (), (x[source:], total[target:]))
