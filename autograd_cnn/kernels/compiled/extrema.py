"""The largest and the smallest along the last axes; NaN wins."""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.compiled.lanes import Lanes, where
from autograd_cnn.kernels.compiled.map import Fold, vectorized
from autograd_cnn.kernels.compiled.parallel import parallel_for
from autograd_cnn.kernels.compiled.reduction import Maps, along_last_axes
from autograd_cnn.kernels.windows import Array


def max(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Any:  # noqa: A001  # NumPy's name
    """Return the largest along the last axes."""
    return along_last_axes(_find_largest, np.maximum, x, axis, keepdims)


def min(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Any:  # noqa: A001  # NumPy's name
    """Return the smallest along the last axes."""
    return along_last_axes(_find_smallest, np.minimum, x, axis, keepdims)


def _larger(a: Lanes, b: Lanes) -> Lanes:
    return where(a > b, a, where(a <= b, b, a + b))


def _smaller(a: Lanes, b: Lanes) -> Lanes:
    return where(a < b, a, where(a >= b, b, a + b))


_largest: Final = vectorized(lambda x: x, Fold(_larger, -np.inf))
_smallest: Final = vectorized(lambda x: x, Fold(_smaller, np.inf))


@parallel_for
def _find_largest(first: int, last: int, s: Maps, x: Any, found: Any) -> None:
    """Find the largest of a row, for each job."""
    for each in range(first, last):
        found[each] = _largest(each * s.size, (each + 1) * s.size, (), (x,))[0]


@parallel_for
def _find_smallest(first: int, last: int, s: Maps, x: Any, found: Any) -> None:
    """Find the smallest of a row, for each job."""
    for each in range(first, last):
        found[each] = _smallest(each * s.size, (each + 1) * s.size, (), (x,))[0]
