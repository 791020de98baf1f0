"""The sum over all axes but one, such as a bias's gradient.

Of maps a thread sums whole ones, one after the other; sums of rows are their product with ones.
"""

from typing import Any, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.gemm import matmul
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, sum_vectors
from autograd_cnn.kernels.compiled.map import FEWEST
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array


class Maps(NamedTuple):
    """The size of what is summed at a time."""

    size: int


def sum(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Any:  # noqa: A001  # NumPy's name
    """Return the sum of each (C,), for an array (N, C, H, W) or (..., C) and the axes of all else."""
    if not axis or keepdims or x.size < FEWEST or not supports(x):
        return NotImplemented
    if axis == tuple(range(x.ndim - 1)):
        rows = x.reshape(-1, x.shape[-1])
        y = matmul(np.ones((1, len(rows)), x.dtype), rows)
        return y if y is NotImplemented else y[0]
    if axis != (0, 2, 3) or x.ndim != 4:
        return NotImplemented
    n, c, h, w = x.shape
    lanes = VECTOR_BYTES // x.itemsize
    sums, starts = np.empty((n, c), x.dtype), np.arange(0, h * w, lanes)
    masks = (1 << np.minimum(h * w - starts, lanes)) - 1
    _sum_maps(n * c, Maps(h * w), flat(x), starts, masks, sums.reshape(-1))
    return sums.sum(axis=0)  # (C,)


@parallel_for
def _sum_maps(first: int, last: int, s: Maps, x: Any, starts: Any, masks: Any, sums: Any) -> None:
    """Sum up a map of x (N, C, H·W) into sums (N, C) for each job; ``starts`` and ``masks`` are of its vectors."""
    lanes = VECTOR_BYTES // x.itemsize
    part = np.empty(lanes, x.dtype)
    for each in range(first, last):
        sum_vectors(part, 0, x, each * s.size, starts, 0, masks, 0, 0, starts.size, lanes)
        total = part[0]
        for lane in range(1, lanes):
            total += part[lane]
        sums[each] = total
