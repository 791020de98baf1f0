"""Losses of single numbers, and their adjoints, each in one pass."""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.compiled.activation import decay
from autograd_cnn.kernels.compiled.lanes import Lanes, at_least, at_most, log1p, where
from autograd_cnn.kernels.compiled.map import (
    CHUNK,
    MIN_COMPILED,
    MIN_PARALLEL,
    SUM,
    Line,
    Operands,
    binary,
    jobs_of,
    vectorized,
    with_numbers,
)
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array


def _loss_of_distance(delta: Lanes, x: Lanes, t: Lanes) -> Lanes:
    size = abs(x - t)
    return where(size <= delta, size * (size * 0.5), delta * (size - delta * 0.5))


@with_numbers(2)
def huber(delta: Lanes, scale: Lanes, x: Lanes, t: Lanes) -> Lanes:
    """Return half the square of x - t up to delta, and linear from there, times the scale."""
    return _loss_of_distance(delta, x, t) * scale


def total_huber(x: Array, t: Array, delta: float, scale: float) -> Any:
    """Return the sum of `huber`."""
    if x.size < MIN_COMPILED or x.shape != t.shape or not supports(x, t):
        return NotImplemented
    jobs, line = jobs_of(x)
    sums, numbers = np.empty(jobs), np.array([delta], x.dtype)
    _sum_huber(jobs, line, numbers, flat(x), flat(t), sums, serial=x.size < MIN_PARALLEL)
    return x.dtype.type(sums.sum() * scale)


_add_losses: Final = vectorized(_loss_of_distance, SUM, ways=4)


@parallel_for
def _sum_huber(first: int, last: int, s: Line, delta: Any, x: Any, t: Any, sums: Any) -> None:
    """Add up the losses of a chunk, for each job."""
    for job in range(first, last):
        sums[job] = _add_losses(job * CHUNK, min((job + 1) * CHUNK, s.size), (delta[0],), (x, t))[0]


def huber_wrt_x(g: Array, x: Array, t: Array, delta: float, scale: float) -> Any:
    """Return g, an array or one number, times the scale times x - t, which is limited to delta."""
    if x.size < MIN_COMPILED or x.shape != t.shape or g.shape not in {(), x.shape} or not supports(x, t, g):
        return NotImplemented
    y, jobs = np.empty(x.shape, x.dtype), -(-x.size // CHUNK)
    arrays = np.array([delta, scale], x.dtype), flat(g), flat(x), flat(t), y.reshape(-1)
    _slope_of_huber(jobs, Operands(x.size, int(g.ndim > 0)), *arrays, serial=x.size < MIN_PARALLEL)
    return y


def _slope(delta: Lanes, g: Lanes, x: Lanes, t: Lanes) -> Lanes:
    return g * at_least(at_most(x - t, delta), 0.0 - delta)


_slopes: Final = vectorized(_slope)
_scaled_slopes: Final = vectorized(lambda delta, scale, g, x, t: _slope(delta, g * scale, x, t))


@parallel_for
def _slope_of_huber(first: int, last: int, s: Operands, numbers: Any, g: Any, x: Any, t: Any, y: Any) -> None:
    """Write the slopes of a chunk, for each job."""
    begin, end = first * CHUNK, min(last * CHUNK, s.size)
    if s.a:
        _scaled_slopes(begin, end, (numbers[0], numbers[1]), (g, x, t, y))
    else:
        _slopes(begin, end, (numbers[0], numbers[1] * g[0]), (x, t, y))


@binary
def logistic_loss(x: Lanes, t: Lanes) -> Lanes:
    """Return ``t·softplus(-x) + (1 - t)·softplus(x)``: the common term is the one that targets of 0 and 1 lack."""
    return where(x < 0.0, t, 1.0 - t) * abs(x) + log1p(decay(x).value)


@with_numbers(0)
def logistic_loss_wrt_x(g: Lanes, x: Lanes, t: Lanes) -> Lanes:
    """Return g times ``(1 - t)·sigmoid(x) - t·sigmoid(-x)``, without a difference to 1."""
    e = decay(x).value
    rest = 1.0 - t
    return g * (where(x < 0.0, rest * e - t, rest - t * e) / (e + 1.0))
