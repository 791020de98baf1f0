"""Sums along the last axes, or over all axes but the channels', as for the gradient of a bias."""

from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.map import MIN_COMPILED, MIN_LIGHT, summed, vectorized
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.windows import Array

BLOCK: Final = 1 << 12  # elements that are summed in their own dtype; the sums of blocks are added in float64
COLUMNS: Final = 1 << 9  # of a job
MIN_COMPILED_ROWS: Final = 1 << 13  # elements; NumPy is done with fewer before a kernel has been called


class Maps(NamedTuple):
    """The sizes of an array of maps."""

    images: int
    channels: int
    size: int  # of a map


def sum(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Any:  # noqa: A001  # NumPy's name
    """Return the sum along the last axes, or of each channel (C,) of an array (N, C, H, W) or (..., C)."""
    if x.size < MIN_COMPILED or not supports(x):
        return NotImplemented
    if axis == (0, 2, 3) and x.ndim == 4:
        total = _of_channels(x)
        return total.reshape(1, -1, 1, 1) if keepdims else total
    if axis and axis == tuple(range(x.ndim - 1)) and not keepdims:
        return _of_rows(x)
    return along_last_axes(_sum_maps, np.add, x, axis, keepdims)


def along_last_axes(
    loop: parallel_for, combine: np.ufunc, x: Array, axis: int | tuple[int, ...] | None, keepdims: bool
) -> Any:
    """Return the reduction of each row, which the last axes form, by a loop; partial sums are in float64."""
    if x.size < MIN_COMPILED_ROWS or not supports(x):
        return NotImplemented
    if not are_last(axis, x.ndim):
        return NotImplemented
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    kept = x.ndim - len(axes)
    rows = prod(x.shape[:kept])
    length = x.size // rows
    parts = length // BLOCK if rows == 1 and length % BLOCK == 0 else 1  # a single row is split among the threads
    found = np.empty(rows * parts, np.float64 if combine is np.add else x.dtype)
    loop(rows * parts, Maps(1, rows * parts, length // parts), flat(x), found, serial=x.size < MIN_LIGHT)
    found = found if parts == 1 else combine.reduce(found, keepdims=True)
    return found.astype(x.dtype, copy=False).reshape(x.shape[:kept] + (1,) * len(axes) * keepdims)[()]


def are_last(axis: int | tuple[int, ...] | None, ndim: int) -> bool:
    """Return whether a reduction is along the last of so many axes."""
    axes = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return sorted(a + ndim * (a < 0) for a in axes) == list(range(ndim - len(axes), ndim))


def _of_channels(x: Array) -> Array:
    n, c, h, w = x.shape
    maps, sums, sizes = np.empty(n * c), np.empty(c, x.dtype), Maps(n, c, h * w)
    _sum_maps(n * c, sizes, flat(x), maps, serial=x.size < MIN_LIGHT)
    _join_maps(c, sizes, maps, sums, serial=True)
    return sums


def _of_rows(x: Array) -> Array:
    total, columns = np.empty(x.shape[-1], x.dtype), x.shape[-1]
    sizes = Maps(x.size // columns, 1, columns)
    _sum_rows(-(-columns // COLUMNS), sizes, flat(x), total, serial=x.size < MIN_LIGHT)
    return total


sum_vectors: Final = summed(lambda x: x, BLOCK, ways=4)
add_vectors: Final = vectorized(lambda x, total: total + x)


@parallel_for
def _sum_maps(first: int, last: int, s: Maps, x: Any, sums: Any) -> None:
    """Sum a map of x (N, C, size) for each job."""
    for each in range(first, last):
        sums[each] = sum_vectors(each * s.size, (each + 1) * s.size, (), (x,))


@parallel_for
def _sum_rows(first: int, last: int, s: Maps, x: Any, sums: Any) -> None:
    """Sum up some columns of the rows x (images, size), for each job."""
    for at in range(first * COLUMNS, min(last * COLUMNS, s.size), COLUMNS):
        total = sums[at : min(at + COLUMNS, s.size)]
        total[:] = 0
        for row in range(s.images):
            add_vectors(0, total.size, (), (x[row * s.size + at :], total))


@inlined
def sum_of_channel(maps: Any, channel: int, s: Maps) -> float:
    """Return the sum of the numbers (N, C) of a channel's maps."""
    total = 0.0
    for each in range(channel, s.images * s.channels, s.channels):
        total += maps[each]
    return total


@parallel_for
def _join_maps(first: int, last: int, s: Maps, maps: Any, sums: Any) -> None:
    """Add the sums of a channel's maps (N, C) for each job."""
    for channel in range(first, last):
        sums[channel] = sum_of_channel(maps, channel, s)
