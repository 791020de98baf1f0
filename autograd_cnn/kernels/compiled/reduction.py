"""The sum over all axes but one, such as a bias's gradient: a thread sums whole maps, one after the other."""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.map import FEW, FEWEST, Fold, over_vectors
from autograd_cnn.kernels.compiled.parallel import RECORDING, flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array


class Maps(NamedTuple):
    """The size of what is summed at a time."""

    size: int


class Rows(NamedTuple):
    """How many rows there are."""

    rows: int


def sum(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Any:  # noqa: A001  # NumPy's name
    """Return the sum of each (C,), for an array (N, C, H, W) and the axes of all else."""
    if keepdims or not supports(x):
        return NotImplemented
    if axis == (0,) and x.ndim == 2 and (x.size >= FEW or (RECORDING and _is_added_by_rows(x))):
        return _sum_of_rows(x)
    if axis != (0, 2, 3) or x.ndim != 4 or x.size < FEW:
        return NotImplemented
    n, c, h, w = x.shape
    sums = np.empty((n, c), x.dtype)
    _sum_maps(n * c, Maps(h * w), flat(x), sums.reshape(-1), alone=x.size < FEWEST)
    return _sum_of_rows(sums)


def _is_added_by_rows(x: Array) -> bool:
    """Whether NumPy adds the rows of x one after the other, so that a loop may do so in its place."""
    return x.flags.c_contiguous and x.shape[1] > 1


def _sum_of_rows(x: Array) -> Array:
    """Return the sum (K,) of the rows of x (N, K), one after the other, as NumPy adds them."""
    total = np.empty(x.shape[1], x.dtype)
    _sum_rows(1, Rows(len(x)), flat(x), total, alone=True)
    return total


@parallel_for
def _sum_rows(first: int, last: int, s: Rows, x: Any, total: Any) -> None:
    """Sum up rows, as one job: x (N, K), total (K,)."""
    total[:] = x[: total.size]
    for i in range(1, s.rows):
        for j in range(total.size):
            total[j] += x[i * total.size + j]


_sum_row: Final = over_vectors(lambda x: x, Fold(lambda a, b: a + b, 0.0))


@parallel_for
def _sum_maps(first: int, last: int, s: Maps, x: Any, sums: Any) -> None:
    """Sum up a map of x (N, C, H·W) into sums (N, C) for each job."""
    for each in range(first, last):
        sums[each] = _sum_row(each * s.size, (each + 1) * s.size, (), (x,))[0]
