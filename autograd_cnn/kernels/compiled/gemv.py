"""Products of a matrix with a vector, and outer products: the matrix is read once, without packing.

The bits do not depend on how the matrix is stored: if its rows are not along the sum, there are as many partial sums as
a dot product has lanes in its vectors.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.map import MIN_LIGHT, vectorized
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.compiled.reduction import add_vectors
from autograd_cnn.kernels.compiled.softmax import BLOCK, WAYS, sum_of_products
from autograd_cnn.kernels.windows import Array

COLUMNS: Final = 1 << 7  # of a job, whose partial sums stay in the first-level cache


class Sizes(NamedTuple):
    """The shape of a matrix."""

    rows: int
    columns: int


def multiply_vector(y: Array, a: Array, b: Array, bias: Array | None = None) -> None:
    """Write a (m, k) · b (k, n) + bias (n,) into y, where m, n or k is 1."""
    (m, k), n = a.shape, b.shape[1]
    if m > 1 and n == 1:
        a, b, bias = b.T, a.T, None if bias is None else np.broadcast_to(bias, (m,))
        m, n = 1, m
    arrays = flat(np.zeros(n, a.dtype) if bias is None else bias), y.reshape(-1)
    if k == 1:
        _outer_product(m, Sizes(m, n), flat(a), flat(b), *arrays, serial=y.size < MIN_LIGHT)
    elif b.flags.c_contiguous and n > 1:
        _add_rows(-(-n // COLUMNS), Sizes(k, n), flat(a), flat(b), *arrays, serial=b.size < MIN_LIGHT)
    else:
        _multiply_rows(n, Sizes(n, k), flat(a), flat(b.T), *arrays, serial=b.size < MIN_LIGHT)


_add_scaled: Final = vectorized(lambda factor, row, total: row * factor + total)
_add_four_scaled: Final = vectorized(
    lambda f1, f2, f3, f4, row1, row2, row3, row4, total: total + row1 * f1 + row2 * f2 + row3 * f3 + row4 * f4
)


@parallel_for
def _multiply_rows(first: int, last: int, s: Sizes, a: Any, b: Any, bias: Any, y: Any) -> None:
    """Write the dot product of a and a row of b (rows, columns), for each job."""
    for row in range(first, last):
        y[row] = bias[row] + sum_of_products(0, s.columns, (), (a, b[row * s.columns :]))


@parallel_for
def _add_rows(first: int, last: int, s: Sizes, a: Any, b: Any, bias: Any, y: Any) -> None:
    """Add some columns of the rows of b (rows, columns), each times its number in a, for each job."""
    lanes = VECTOR_BYTES // b.itemsize
    partial, total = np.empty((WAYS * lanes, COLUMNS), b.dtype), np.empty(COLUMNS)
    for at in range(first * COLUMNS, min(last * COLUMNS, s.columns), COLUMNS):
        count = min(COLUMNS, s.columns - at)
        total[:] = 0
        for begin in range(0, s.rows, BLOCK):
            size = min(BLOCK, s.rows - begin)
            partial[:] = 0
            _add_to_partial(begin, size, at, count, s, a, b, partial)
            for way in range(1, WAYS):
                for lane in range(lanes):
                    add_vectors(0, count, (), (partial[way * lanes + lane], partial[lane]))
            half = lanes // 2
            while half:
                for lane in range(half):
                    add_vectors(0, count, (), (partial[lane + half], partial[lane]))
                half //= 2
            for i in range(count):
                total[i] += partial[0, i]
        for i in range(count):
            y[at + i] = bias[at + i] + total[i]


@inlined
def _add_to_partial(begin: int, size: int, at: int, count: int, s: Sizes, a: Any, b: Any, partial: Any) -> None:
    """Add each row to the partial sum that a dot product adds such an element to: four at a time, kept in registers."""
    step, lanes = len(partial), len(partial) // WAYS
    whole, apart = size // step * step, step * s.columns
    for place in range(step):
        row = place
        while row + 3 * step < whole:
            i, here = begin + row, (begin + row) * s.columns + at
            factors = a[i], a[i + step], a[i + 2 * step], a[i + 3 * step]
            rows = b[here:], b[here + apart :], b[here + 2 * apart :], b[here + 3 * apart :]
            _add_four_scaled(0, count, factors, (*rows, partial[place]))
            row += 4 * step
        while row < whole:
            _add_scaled(0, count, (a[begin + row],), (b[(begin + row) * s.columns + at :], partial[place]))
            row += step
    for row in range(whole, size):
        _add_scaled(0, count, (a[begin + row],), (b[(begin + row) * s.columns + at :], partial[row % lanes]))


@parallel_for
def _outer_product(first: int, last: int, s: Sizes, a: Any, b: Any, bias: Any, y: Any) -> None:
    """Write the row b times a number of a, for each job."""
    for row in range(first, last):
        _add_scaled(0, s.columns, (a[row],), (b, bias, y[row * s.columns : (row + 1) * s.columns]))
