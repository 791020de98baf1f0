"""The largest and the smallest element along the last axes, where NaN wins, and their gradient."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.compiled.lanes import Lanes, Mask, where
from autograd_cnn.kernels.compiled.map import MIN_LIGHT, SUM, Fold, vectorized
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.compiled.reduction import MIN_COMPILED_ROWS, Maps, along_last_axes, are_last
from autograd_cnn.kernels.windows import Array


def max(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Any:  # noqa: A001  # NumPy's name
    """Return the largest along the last axes."""
    return along_last_axes(_find_largest, np.maximum, x, axis, keepdims)


def min(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Any:  # noqa: A001  # NumPy's name
    """Return the smallest along the last axes."""
    return along_last_axes(_find_smallest, np.minimum, x, axis, keepdims)


def extremum_wrt_x(g: Array, x: Array, extremum: Array, axis: int | tuple[int, ...] | None) -> Any:
    """Return g, shared evenly among the extrema along the last axes, where a NaN counts as one."""
    if x.size < MIN_COMPILED_ROWS or not supports(x, g, extremum) or not are_last(axis, x.ndim):
        return NotImplemented
    dx, rows = np.empty(x.shape, x.dtype), g.size
    arrays = flat(g), flat(x), flat(extremum), dx.reshape(-1)
    _share(rows, Maps(1, rows, x.size // rows), *arrays, serial=x.size < MIN_LIGHT)
    return dx


def _larger(a: Lanes, b: Lanes) -> Lanes:
    return where(a > b, a, where(a <= b, b, a + b))


def _smaller(a: Lanes, b: Lanes) -> Lanes:
    return where(a < b, a, where(a >= b, b, a + b))


def _finding(combine: Callable[[Lanes, Lanes], Lanes], start: float) -> parallel_for:
    """Return a loop that combines the elements of a row, for each job."""
    find = vectorized(lambda x: x, Fold(combine, start), ways=4)

    def kernel(first: int, last: int, s: Maps, x: Any, found: Any) -> None:
        for each in range(first, last):
            found[each] = find(each * s.size, (each + 1) * s.size, (), (x,))[0]

    kernel.__name__ = kernel.__qualname__ = f"find{combine.__name__}"  # by which its code is kept
    return parallel_for(kernel)


_find_largest, _find_smallest = _finding(_larger, -np.inf), _finding(_smaller, np.inf)


def _is_extremum(extremum: Lanes, x: Lanes) -> Mask:
    return ~((x < extremum) | (x > extremum) | _is_nan(extremum)) | _is_nan(x)


def _is_nan(x: Lanes) -> Mask:
    return ~((x <= 0.0) | (x > 0.0))


_count: Final = vectorized(lambda extremum, x: where(_is_extremum(extremum, x), 1.0, 0.0), SUM, ways=4)
_choose: Final = vectorized(lambda extremum, share, x: where(_is_extremum(extremum, x), share, 0.0))


@parallel_for
def _share(first: int, last: int, s: Maps, g: Any, x: Any, extremum: Any, dx: Any) -> None:
    """Share g among the extrema of a row, for each job."""
    for row in range(first, last):
        begin, end = row * s.size, (row + 1) * s.size
        (count,) = _count(begin, end, (extremum[row],), (x,))
        _choose(begin, end, (extremum[row], g[row] / count), (x, dx))
