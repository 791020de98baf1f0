"""Contiguous copies of permuted arrays, such as maps with their channels last: by square blocks of vectors."""

from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.compiled.transposing import transpose_maps
from autograd_cnn.kernels.windows import Array

MIN_COMPILED: Final = 1 << 14  # elements; below this, NumPy is faster than the call of a kernel
MIN_PARALLEL: Final = 1 << 17  # elements; below this, one thread is done before another has started
VECTORS: Final = 16  # of each row in a job


class Rows(NamedTuple):
    """Stacks of rows: the number of rows in a stack, their length, and the number of jobs per stack."""

    number: int
    length: int
    jobs: int


def in_order(x: Array) -> Array:
    """Return the elements as one read-only row, as `flat` does."""
    if x.flags.c_contiguous or x.size < MIN_COMPILED or not supports(x) or (axes := _moved_axes(x)) is None:
        return flat(x)
    first, last = axes
    length, number, lanes = prod(x.shape[first:last]), prod(x.shape[last:]), VECTOR_BYTES // x.itemsize
    if length % lanes or number % lanes:
        return flat(x)
    rows = Rows(number, length, -(-length // (VECTORS * lanes)))
    y, stacks = np.empty(x.size, x.dtype), x.size // (length * number)
    _transpose(stacks * rows.jobs, rows, flat(_back(x, first, last)), y, serial=x.size < MIN_PARALLEL)
    y.setflags(write=False)
    return y


def _moved_axes(x: Array) -> tuple[int, int] | None:
    """Return the first and the end of the axes that, moved to the end, make the array contiguous; None if none do."""
    for first in range(x.ndim - 1):
        for last in range(first + 1, x.ndim):
            if _back(x, first, last).flags.c_contiguous:
                return first, last
    return None


def _back(x: Array, first: int, last: int) -> Array:
    axes = range(x.ndim)
    return x.transpose(*axes[:first], *axes[last:], *axes[first:last])


@parallel_for
def _transpose(first: int, last: int, s: Rows, x: Any, y: Any) -> None:
    """Write some columns of a stack of rows x (number, length) as rows of y (length, number), for each job."""
    together = VECTORS * VECTOR_BYTES // x.itemsize
    for job in range(first, last):
        begin, stack = job % s.jobs * together, job // s.jobs * s.number * s.length
        count = min(together, s.length - begin)
        transpose_maps(y, stack + begin * s.number, x, stack + begin, s.number, s.length, count)
