"""Products of a matrix with one vector, or with few, and outer products: the matrix is read once, without packing."""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.map import MIN_LIGHT, vectorized
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for
from autograd_cnn.kernels.compiled.softmax import sum_of_products
from autograd_cnn.kernels.windows import Array

MAX_VECTORS: Final = 8  # with more, packing the matrix is faster than reading it for each vector
COLUMNS: Final = 1 << 8  # of a job


class Sizes(NamedTuple):
    """The shape of the matrix, and how many vectors there are."""

    rows: int
    columns: int
    vectors: int


def multiply_vectors(a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return a (m, k) · b (k, n) + bias (n,), where m, n or k is 1, or m is small and b is stored as bᵀ."""
    (m, k), n = a.shape, b.shape[1]
    if m > 1 and n == 1:
        return multiply_vectors(b.T, a.T, None if bias is None else np.broadcast_to(bias, (m,))).reshape(m, 1)
    y, start = np.empty((m, n), a.dtype), flat(np.zeros(n, a.dtype) if bias is None else bias)
    if k == 1:
        _scale_row(m, Sizes(m, n, 1), flat(a), flat(b), start, y.reshape(-1), serial=y.size < MIN_LIGHT)
    elif b.flags.c_contiguous and n > 1:
        _add_rows(-(-n // COLUMNS), Sizes(k, n, 1), flat(a), flat(b), start, y.reshape(-1), serial=b.size < MIN_LIGHT)
    else:
        _multiply_rows(n, Sizes(n, k, m), flat(a), flat(b.T), start, y.reshape(-1), serial=b.size < MIN_LIGHT)
    return y


_add_scaled: Final = vectorized(lambda factor, row, total: row * factor + total)


@parallel_for
def _multiply_rows(first: int, last: int, s: Sizes, a: Any, b: Any, bias: Any, y: Any) -> None:
    """Write the product of each vector with a row of b (rows, columns), for each job."""
    for row in range(first, last):
        own = b[row * s.columns : (row + 1) * s.columns]
        for i in range(s.vectors):
            y[i * s.rows + row] = bias[row] + sum_of_products(0, s.columns, a[i * s.columns :], own)


@parallel_for
def _add_rows(first: int, last: int, s: Sizes, a: Any, b: Any, bias: Any, y: Any) -> None:
    """Sum up some columns of the rows of b (rows, columns), each times its number, for each job."""
    for at in range(first * COLUMNS, min(last * COLUMNS, s.columns), COLUMNS):
        end = min(at + COLUMNS, s.columns)
        total = y[at:end]
        total[:] = bias[at:end]
        for row in range(s.rows):
            _add_scaled(0, end - at, (a[row],), (b[row * s.columns + at : row * s.columns + end], total))


@parallel_for
def _scale_row(first: int, last: int, s: Sizes, a: Any, b: Any, bias: Any, y: Any) -> None:
    """Write the row b times a number of a, for each job."""
    for row in range(first, last):
        _add_scaled(0, s.columns, (a[row],), (b, bias, y[row * s.columns : (row + 1) * s.columns]))
