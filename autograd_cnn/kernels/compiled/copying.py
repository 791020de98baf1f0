"""Joining, and adding up what belongs to the same place."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.parallel import copyto, flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array


def concatenate(arrays: Sequence[Array], axis: int) -> Any:
    """Return arrays of one dtype, joined along an axis, where loops are written down; else NumPy is as fast."""
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


COLUMNS: Final = 1 << 8  # that are added up as one job
LIGHT: Final = 1 << 16  # elements that one thread has added before another is awake


class Rows(NamedTuple):
    """How many rows there are, in how many places they end, how long they are, and in how many parts they are added."""

    rows: int
    places: int
    columns: int
    parts: int


def scatter_add(x: Array, index: Array, length: int) -> Any:
    """Return zeros (A, length, D) to which x (A, n, D) is added at an index (n,), in its order."""
    if not supports(x):
        return NotImplemented
    total = np.zeros((x.shape[0], length, x.shape[2]), x.dtype)
    parts = -(-x.shape[2] // COLUMNS)
    sizes = Rows(x.shape[1], length, x.shape[2], parts)
    places = flat(index.astype(np.int64, copy=False))
    _scatter_add(x.shape[0] * parts, sizes, flat(x), places, total.reshape(-1), alone=x.size < LIGHT)
    return total


@parallel_for
def _scatter_add(first: int, last: int, s: Rows, x: Any, index: Any, total: Any) -> None:
    """Add some columns of all rows, for each job."""
    for job in range(first, last):
        begin = job % s.parts * COLUMNS
        count = min(COLUMNS, s.columns - begin)
        if s.columns == 1:
            y, terms = total[job * s.places :], x[job * s.rows :]
            for row in range(s.rows):
                y[index[row]] += terms[row]
            continue
        for row in range(s.rows):
            source = (job // s.parts * s.rows + row) * s.columns + begin
            target = (job // s.parts * s.places + index[row]) * s.columns + begin
            for i in range(count):
                total[target + i] += x[source + i]
