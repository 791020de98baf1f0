"""Rectifiers and masks: passes over memory, shared by all threads."""

from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.lanes import Lanes, Mask, where
from autograd_cnn.kernels.compiled.map import CHUNK, FEWEST, Line, jobs_of, over_vectors
from autograd_cnn.kernels.compiled.parallel import RECORDING, flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

FEW: Final = 1 << 12  # elements; NumPy is done with fewer before a kernel has been called
SHORTEST: Final = 1 << 6  # elements of a row that is worth a loop of its own


class Rows(NamedTuple):
    """Rows, and how many numbers there are for them, in turn."""

    length: int
    numbers: int


def relu(x: Array) -> Any:
    """Return x where it is positive, else 0, and where that is; a NaN passes."""
    if not _is_worthwhile(x):
        return NotImplemented
    y, mask = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
    _relu(*jobs_of(x), flat(x), y.reshape(-1), mask.reshape(-1), alone=x.size < FEWEST)
    return y, mask


def masked(x: Array, mask: Array) -> Any:
    """Return x where the mask is set, else 0."""
    if not _is_worthwhile(x):
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    _masked(*jobs_of(x), flat(x), flat(mask), y.reshape(-1), alone=x.size < FEWEST)
    return y


def leaky_relu(x: Array, slope: float) -> Any:
    """Return x where it is positive, elsewhere x times the slope, and where it is."""
    if not _is_worthwhile(x):
        return NotImplemented
    y, mask = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
    slopes = np.full(1, slope, x.dtype)
    _leaky_relu(*jobs_of(x), slopes, flat(x), y.reshape(-1), mask.reshape(-1), alone=x.size < FEWEST)
    return y, mask


def damped(x: Array, mask: Array, factor: float) -> Any:
    """Return x where the mask is set, elsewhere x times the factor."""
    if not _is_worthwhile(x):
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    factors = np.full(1, factor, x.dtype)
    _damped(*jobs_of(x), factors, flat(x), flat(mask), y.reshape(-1), alone=x.size < FEWEST)
    return y


def multiply(x1: Array, x2: Array) -> Any:
    """Return x1 · x2, for an x2 of the shape of x1, or of one number for each of its rows, as a channel's maps are."""
    if x1.size < FEWEST or not supports(x1, x2):
        return NotImplemented
    if x1.shape == x2.shape:
        y = np.empty(x1.shape, x1.dtype)
        _multiply(*jobs_of(x1), flat(x1), flat(x2), y.reshape(-1))
        return y
    rows = _rows(x1.shape, x2.shape)
    if rows is None:
        return NotImplemented
    y = np.empty(x1.shape, x1.dtype)
    _multiply_rows(x1.size // rows.length, rows, flat(x1), flat(x2), y.reshape(-1))
    return y


def _rows(shape: tuple[int, ...], other: tuple[int, ...]) -> Rows | None:
    """Return the rows of an array to each of which one number of the other belongs; None if that is not so."""
    own = other[next((i for i, n in enumerate(other) if n != 1), len(other)) :]  # without ones in front
    axes = own
    while axes and axes[-1] == 1:
        axes = axes[:-1]
    first, last = len(shape) - len(own), len(shape) - len(own) + len(axes)
    length = prod(shape[last:])
    if not axes or first < 0 or len(other) > len(shape) or shape[first:last] != axes or length < SHORTEST:
        return None
    return Rows(length, prod(axes))


def _is_worthwhile(x: Any) -> bool:
    return type(x) is np.ndarray and (x.size >= FEW or bool(RECORDING)) and supports(x)


def _rectify(x: Lanes) -> tuple[Lanes, Mask]:
    passes = ~(x <= 0.0)
    return where(passes, x, 0.0), passes


def _mask(x: Lanes, mask: Mask) -> Lanes:
    return where(mask, x, 0.0)


def _leak(slope: Lanes, x: Lanes) -> tuple[Lanes, Mask]:
    positive = x > 0.0
    return where(positive, x, x * slope), positive


def _damp(factor: Lanes, x: Lanes, mask: Mask) -> Lanes:
    return where(mask, x, x * factor)


def _times(x1: Lanes, x2: Lanes) -> Lanes:
    return x1 * x2


_multiply_vectors: Final = over_vectors(_times)
_rectify_vectors: Final = over_vectors(_rectify)
_mask_vectors: Final = over_vectors(_mask)
_leak_vectors: Final = over_vectors(_leak)
_damp_vectors: Final = over_vectors(_damp)


@parallel_for
def _relu(first: int, last: int, s: Line, x: Any, y: Any, mask: Any) -> None:
    """Rectify a chunk of x (size,) into y, with the mask (bool) of what passed, for each job."""
    _rectify_vectors(first * CHUNK, min(last * CHUNK, s.size), (), (x, y, mask))


@parallel_for
def _masked(first: int, last: int, s: Line, x: Any, mask: Any, y: Any) -> None:
    """Write a chunk of x (size,) into y where the mask (bool) is set, else 0, for each job."""
    _mask_vectors(first * CHUNK, min(last * CHUNK, s.size), (), (x, mask, y))


@parallel_for
def _leaky_relu(first: int, last: int, s: Line, slope: Any, x: Any, y: Any, mask: Any) -> None:
    _leak_vectors(first * CHUNK, min(last * CHUNK, s.size), (slope[0],), (x, y, mask))


@parallel_for
def _damped(first: int, last: int, s: Line, factor: Any, x: Any, mask: Any, y: Any) -> None:
    _damp_vectors(first * CHUNK, min(last * CHUNK, s.size), (factor[0],), (x, mask, y))


@parallel_for
def _multiply(first: int, last: int, s: Line, x1: Any, x2: Any, y: Any) -> None:
    _multiply_vectors(first * CHUNK, min(last * CHUNK, s.size), (), (x1, x2, y))


@parallel_for
def _multiply_rows(first: int, last: int, s: Rows, x1: Any, x2: Any, y: Any) -> None:
    for row in range(first, last):
        _multiply_vectors(row * s.length, (row + 1) * s.length, (x2[row % s.numbers],), (x1, y))
