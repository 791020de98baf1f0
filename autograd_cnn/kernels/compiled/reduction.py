"""The sum over all axes but one, such as a bias's gradient: a thread sums whole maps, one after the other."""

from typing import Any, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, sum_vectors
from autograd_cnn.kernels.compiled.map import FEWEST
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array


class Maps(NamedTuple):
    """The size of what is summed at a time."""

    size: int


def sum(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Any:  # noqa: A001  # NumPy's name
    """Return the sum of each (C,), for an array (N, C, H, W) and the axes of all else."""
    if axis != (0, 2, 3) or keepdims or x.ndim != 4 or not supports(x) or x.size < FEWEST:
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
