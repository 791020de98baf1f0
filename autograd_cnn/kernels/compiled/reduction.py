"""The sum over all axes but one, such as a bias's gradient: of each map by itself, and then of a channel's maps."""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.map import FEW, FEWEST, Fold, over_vectors
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

BLOCK: Final = 1 << 12  # elements that are summed in their own dtype; sums of sums are in float64
SUM: Final = Fold(lambda a, b: a + b, 0.0)


class Maps(NamedTuple):
    """The sizes of what is worked on."""

    images: int
    channels: int
    size: int  # of a map


def sum(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Any:  # noqa: A001  # NumPy's name
    """Return the sum of each channel (C,), for an array (N, C, H, W) and the axes of all else."""
    if axis != (0, 2, 3) or keepdims or x.ndim != 4 or not supports(x) or x.size < FEW:
        return NotImplemented
    n, c, h, w = x.shape
    maps, sums, sizes = np.empty(n * c), np.empty(c, x.dtype), Maps(n, c, h * w)
    _sum_maps(n * c, sizes, flat(x), maps, alone=x.size < FEWEST)
    _join_maps(c, sizes, maps, sums, alone=True)
    return sums


sum_vectors: Final = over_vectors(lambda x: x, SUM)


@parallel_for
def _sum_maps(first: int, last: int, s: Maps, x: Any, sums: Any) -> None:
    """Sum up a map of x (N, C, size) for each job."""
    for each in range(first, last):
        total = 0.0
        for at in range(each * s.size, (each + 1) * s.size, BLOCK):
            total += sum_vectors(at, min(at + BLOCK, (each + 1) * s.size), (), (x,))[0]
        sums[each] = total


@parallel_for
def _join_maps(first: int, last: int, s: Maps, maps: Any, sums: Any) -> None:
    """Sum up the maps (N, C) of a channel for each job."""
    for channel in range(first, last):
        total = 0.0
        for each in range(channel, s.images * s.channels, s.channels):
            total += maps[each]
        sums[channel] = total
