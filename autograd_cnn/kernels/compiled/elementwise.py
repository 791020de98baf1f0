"""Arithmetic, rectifiers and masks: passes over memory, shared by all threads."""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.compiled.broadcasting import function_with_broadcasting
from autograd_cnn.kernels.compiled.lanes import Lanes, Mask, where
from autograd_cnn.kernels.compiled.map import CHUNK, LIGHT, Line, jobs_of, over_vectors
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

FEW: Final = 1 << 12  # elements; NumPy is done with fewer before a kernel has been called


@function_with_broadcasting
def add(x1: Lanes, x2: Lanes) -> Lanes:
    """Return x1 + x2."""
    return x1 + x2


@function_with_broadcasting
def subtract(x1: Lanes, x2: Lanes) -> Lanes:
    """Return x1 - x2."""
    return x1 - x2


@function_with_broadcasting
def multiply(x1: Lanes, x2: Lanes) -> Lanes:
    """Return x1 · x2."""
    return x1 * x2


@function_with_broadcasting
def divide(x1: Lanes, x2: Lanes) -> Lanes:
    """Return x1 / x2."""
    return x1 / x2


def relu(x: Array) -> Any:
    """Return x where it is positive, else 0, and where that is; a NaN passes."""
    if not _is_worthwhile(x):
        return NotImplemented
    y, mask = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
    _relu(*jobs_of(x), flat(x), y.reshape(-1), mask.reshape(-1), alone=x.size < LIGHT)
    return y, mask


def masked(x: Array, mask: Array) -> Any:
    """Return x where the mask is set, else 0."""
    if not _is_worthwhile(x):
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    _masked(*jobs_of(x), flat(x), flat(mask), y.reshape(-1), alone=x.size < LIGHT)
    return y


def leaky_relu(x: Array, slope: float) -> Any:
    """Return x where it is positive, elsewhere x times the slope, and where it is."""
    if not _is_worthwhile(x):
        return NotImplemented
    y, mask = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
    slopes = np.full(1, slope, x.dtype)
    _leaky_relu(*jobs_of(x), slopes, flat(x), y.reshape(-1), mask.reshape(-1), alone=x.size < LIGHT)
    return y, mask


def damped(x: Array, mask: Array, factor: float) -> Any:
    """Return x where the mask is set, elsewhere x times the factor."""
    if not _is_worthwhile(x):
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    factors = np.full(1, factor, x.dtype)
    _damped(*jobs_of(x), factors, flat(x), flat(mask), y.reshape(-1), alone=x.size < LIGHT)
    return y


def _is_worthwhile(x: Any) -> bool:
    return type(x) is np.ndarray and x.size >= FEW and supports(x)


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
