"""Standardised rows and their adjoints: a row is summed, and used at once while it is in the cache.

Shapes: x, y and g (R, D); weight and bias (Q, E), as the reference has them: one number for D / E neighbours.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.lanes import Lanes
from autograd_cnn.kernels.compiled.map import MIN_COMPILED, MIN_PARALLEL, vectorized
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.compiled.reduction import BLOCK, SUM, sum_vectors
from autograd_cnn.kernels.windows import Array

ROW_BLOCK: Final = 1 << 6  # rows that are summed in their own dtype; the sums of blocks are added in float64


class Rows(NamedTuple):
    """How many rows there are, their length, after how many rows the weights repeat, and how many weights a row has."""

    number: int
    length: int
    period: int
    numbers: int


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Any:
    """Return z · weight + bias, and the moments."""
    if x.size < MIN_COMPILED or not supports(x, weight, bias):
        return NotImplemented
    y, moments, rows = (
        np.empty(x.shape, x.dtype),
        np.empty((2, x.shape[0]), x.dtype),
        Rows(len(x), x.shape[1], *weight.shape),
    )
    arrays = np.array([eps]), flat(x), flat(weight), flat(bias), y.reshape(-1), moments.reshape(-1)
    _layer_norm(rows.number, rows, *arrays, serial=x.size < MIN_PARALLEL)
    return y, moments


def layer_norm_wrt_input(g: Array, x: Array, moments: Array, weight: Array) -> Any:
    """Return r · (h - mean(h) - z · mean(h·z)) with h = g · weight."""
    if x.size < MIN_COMPILED or not supports(x, g, moments, weight):
        return NotImplemented
    dx, rows = np.empty(x.shape, x.dtype), Rows(len(x), x.shape[1], *weight.shape)
    arrays = flat(g), flat(x), flat(moments), flat(weight), dx.reshape(-1)
    loop = _layer_norm_wrt_input if rows.numbers == rows.length else _layer_norm_wrt_input_of_parts
    loop(rows.number, rows, *arrays, serial=x.size < MIN_PARALLEL)
    return dx


def layer_norm_sums(g: Array, x: Array, moments: Array, period: int, numbers: int) -> Any:
    """Return the sums of g·z and of g over all elements with the same weight, (2, Q, E)."""
    if x.size < MIN_COMPILED or not supports(x, g, moments):
        return NotImplemented
    rows, parts = Rows(len(x), x.shape[1], period, numbers), -(-x.shape[0] // (ROW_BLOCK * period))
    sums = np.zeros((parts, 2, period, numbers), x.dtype)
    loop = _sum_products if numbers == rows.length else _sum_products_of_parts
    loop(parts * period, rows, flat(g), flat(x), flat(moments), sums.reshape(-1), serial=x.size < MIN_PARALLEL)
    return sums[0] if parts == 1 else sums.sum(axis=0, dtype=np.float64).astype(x.dtype)


# --- formulas on rows -------------------------------------------------------------------------


def _square_of_distance(mean: Lanes, x: Lanes) -> Lanes:
    distance = x - mean
    return distance * distance


def _weighted_products(mean: Lanes, g: Lanes, x: Lanes, weight: Lanes) -> tuple[Lanes, Lanes]:
    h = g * weight
    return h * (x - mean), h


_add_products_of_part: Final = vectorized(lambda mean, g, x: (g * (x - mean), g), SUM, SUM, ways=4)
_scale_part: Final = vectorized(lambda mean, scale, shift, x: (x - mean) * scale + shift)
_combine_part: Final = vectorized(
    lambda mean, slope, level, scale, r, g, x: g * scale - (level + (x - mean) * slope) * r
)
_sum_squares: Final = vectorized(_square_of_distance, SUM, ways=4)
_sum_weighted: Final = vectorized(_weighted_products, SUM, SUM, ways=4)
_scale: Final = vectorized(lambda mean, r, x, weight, bias: (x - mean) * r * weight + bias)
_combine: Final = vectorized(lambda mean, slope, level, r, g, x, w: (g * w - level - (x - mean) * slope) * r)
_add_products: Final = vectorized(lambda mean, r, g, x, of_gz, of_g: (of_gz + g * ((x - mean) * r), of_g + g))

# --- rows -------------------------------------------------------------------------------------


@inlined
def _moments(x: Any, begin: int, end: int, eps: float) -> tuple[float, float]:
    """Return the mean of a row, rounded to its dtype, and 1 / sqrt(var + eps)."""
    total, squares = 0.0, 0.0
    for at in range(begin, end, BLOCK):
        total += sum_vectors(at, min(at + BLOCK, end), (), (x,))[0]
    mean = x.dtype.type(total / (end - begin))
    for at in range(begin, end, BLOCK):
        squares += _sum_squares(at, min(at + BLOCK, end), (mean,), (x,))[0]
    return mean, 1 / np.sqrt(squares / (end - begin) + eps)


@inlined
def _sums_of_part(g: Any, x: Any, begin: int, end: int, mean: float) -> tuple[float, float]:
    """Return the sums of g·(x - mean) and of g."""
    product, total = 0.0, 0.0
    for at in range(begin, end, BLOCK):
        of_products, of_g = _add_products_of_part(at, min(at + BLOCK, end), (mean,), (g, x))
        product, total = product + of_products, total + of_g
    return product, total


@parallel_for
def _layer_norm(first: int, last: int, s: Rows, eps: Any, x: Any, weight: Any, bias: Any, y: Any, moments: Any) -> None:
    """Standardise a row, for each job."""
    for row in range(first, last):
        begin, end = row * s.length, (row + 1) * s.length
        mean, moments[s.number + row] = _moments(x, begin, end, eps[0])
        moments[row] = mean
        first_number, r = row % s.period * s.numbers, moments[s.number + row]
        if s.numbers == s.length:
            own = slice(first_number, first_number + s.length)
            _scale(0, s.length, (mean, r), (x[begin:end], weight[own], bias[own], y[begin:end]))
            continue
        size = s.length // s.numbers
        for part in range(s.numbers):
            at, scale = begin + part * size, r * weight[first_number + part]
            _scale_part(at, at + size, (mean, scale, bias[first_number + part]), (x, y))


@parallel_for
def _layer_norm_wrt_input(first: int, last: int, s: Rows, g: Any, x: Any, moments: Any, weight: Any, dx: Any) -> None:
    """Compute a row of dx, for each job."""
    for row in range(first, last):
        begin, end = row * s.length, (row + 1) * s.length
        mean, r, product, total = moments[row], moments[s.number + row], 0.0, 0.0
        own = weight[row % s.period * s.length :][: s.length]
        for at in range(begin, end, BLOCK):
            to = min(at + BLOCK, end)
            arrays = g[at:to], x[at:to], own[at - begin : to - begin]
            of_products, part = _sum_weighted(0, to - at, (mean,), arrays)
            product, total = product + of_products, total + part
        slope, level = x.dtype.type(r * r * product / s.length), x.dtype.type(total / s.length)
        _combine(0, s.length, (mean, slope, level, r), (g[begin:end], x[begin:end], own, dx[begin:end]))


@parallel_for
def _layer_norm_wrt_input_of_parts(
    first: int, last: int, s: Rows, g: Any, x: Any, moments: Any, weight: Any, dx: Any
) -> None:
    """Do the same where a number belongs to several neighbours."""
    size = s.length // s.numbers
    for row in range(first, last):
        begin, own = row * s.length, row % s.period * s.numbers
        mean, r, product, total = moments[row], moments[s.number + row], 0.0, 0.0
        for part in range(s.numbers):
            at = begin + part * size
            of_products, of_g = _sums_of_part(g, x, at, at + size, mean)
            product, total = product + of_products * weight[own + part], total + of_g * weight[own + part]
        slope, level = x.dtype.type(r * r * product / s.length), x.dtype.type(total / s.length)
        for part in range(s.numbers):
            at = begin + part * size
            _combine_part(at, at + size, (mean, slope, level, r * weight[own + part], r), (g, x, dx))


@parallel_for
def _sum_products(first: int, last: int, s: Rows, g: Any, x: Any, moments: Any, sums: Any) -> None:
    """Sum g·z and g over a block of rows with the same weights, for each job."""
    size = s.period * s.length
    for job in range(first, last):
        part, own = job // s.period, job % s.period
        of_gz = sums[2 * part * size + own * s.length :][: s.length]
        of_g = sums[(2 * part + 1) * size + own * s.length :][: s.length]
        begin_row = part * ROW_BLOCK * s.period + own
        for row in range(begin_row, min(begin_row + ROW_BLOCK * s.period, s.number), s.period):
            begin, end = row * s.length, (row + 1) * s.length
            _add_products(
                0, s.length, (moments[row], moments[s.number + row]), (g[begin:end], x[begin:end], of_gz, of_g)
            )


@parallel_for
def _sum_products_of_parts(first: int, last: int, s: Rows, g: Any, x: Any, moments: Any, sums: Any) -> None:
    """Do the same where a number belongs to several neighbours."""
    size, count = s.length // s.numbers, s.period * s.numbers
    for job in range(first, last):
        block, own = job // s.period, job % s.period
        begin_row = block * ROW_BLOCK * s.period + own
        for part in range(s.numbers):
            of_gz, of_g = 0.0, 0.0
            for row in range(begin_row, min(begin_row + ROW_BLOCK * s.period, s.number), s.period):
                at = row * s.length + part * size
                product, total = _sums_of_part(g, x, at, at + size, moments[row])
                of_gz, of_g = of_gz + product * moments[s.number + row], of_g + total
            at = 2 * block * count + own * s.numbers + part
            sums[at], sums[at + count] = of_gz, of_g
