"""Standardised rows and their adjoints: a row is summed, and used at once while it is in the cache.

Shapes: x, y and g (R, D); weight and bias (Q, E), as in the reference: one number for D / E neighbours.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.lanes import Lanes
from autograd_cnn.kernels.compiled.map import MIN_COMPILED, MIN_PARALLEL, both_summed, summed, vectorized
from autograd_cnn.kernels.compiled.normalization import scale_map, sum_products
from autograd_cnn.kernels.compiled.parallel import PIECES, flat, inlined, parallel_for, supports
from autograd_cnn.kernels.compiled.reduction import BLOCK, Maps, sum_vectors
from autograd_cnn.kernels.windows import Array

ROW_BLOCK: Final = 1 << 6  # rows that are summed in their own dtype; the sums of blocks are added in float64
BLOCKS: Final = 1 << 3  # into which fewer rows are split, for several threads


class Rows(NamedTuple):
    """How many rows there are, their length, after how many rows the weights repeat, and how many weights a row has.

    Jobs of sums have so many of the rows with the same weights.
    """

    number: int
    length: int
    period: int
    numbers: int
    block: int = 1


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


def layer_norm_wrt(g: Array, x: Array, moments: Array, weight: Array, of: str) -> Any:
    """Return r · (h - mean(h) - z · mean(h·z)) with h = g · weight, and the sums of g·z and of g over all elements with the same weight.

    ``of`` names the requested results, ``"x"``, ``"weight"`` or ``"x, weight"``; others are None.
    """
    if x.size < MIN_COMPILED or not supports(x, g, moments, weight):
        return NotImplemented
    (number, length), (period, numbers) = x.shape, weight.shape
    of_input, of_affine = "x" in of, "weight" in of
    same = -(-number // period)  # rows with the same weights
    least = (BLOCKS if numbers == length else PIECES) if x.size >= MIN_PARALLEL else 1
    block = max(1, min(ROW_BLOCK, -(-same // least)))
    rows, blocks = Rows(number, length, period, numbers, block), -(-same // block)
    dx = np.empty(x.shape if of_input else 0, x.dtype)
    sums = np.zeros((blocks if of_affine else 0, 2, period, numbers), x.dtype)
    loop = _layer_norm_wrt if numbers == length else _layer_norm_wrt_of_parts
    arrays = flat(g), flat(x), flat(moments), flat(weight), dx.reshape(-1), sums.reshape(-1)
    loop(blocks * period, rows, *arrays, serial=x.size < MIN_PARALLEL)
    if of_affine and blocks > 1:
        parts, sums = sums, np.empty((1, *sums.shape[1:]), x.dtype)
        _join_blocks(1, Maps(blocks, 1, sums.size), parts.reshape(-1), sums.reshape(-1), serial=True)
    return dx if of_input else None, sums[0] if of_affine else None


# --- formulas on rows -------------------------------------------------------------------------


def _square_of_distance(mean: Lanes, x: Lanes) -> Lanes:
    distance = x - mean
    return distance * distance


def _weighted_products(mean: Lanes, g: Lanes, x: Lanes, weight: Lanes) -> tuple[Lanes, Lanes]:
    h = g * weight
    return h * (x - mean), h


_combine_part: Final = vectorized(
    lambda mean, slope, level, scale, r, g, x: g * scale - (level + (x - mean) * slope) * r
)
_sum_squares: Final = summed(_square_of_distance, BLOCK, ways=4)
_sum_weighted: Final = both_summed(_weighted_products, BLOCK, ways=4)
_scale: Final = vectorized(lambda mean, r, x, weight, bias: (x - mean) * r * weight + bias)
_combine: Final = vectorized(lambda mean, slope, level, r, g, x, w: (g * w - level - (x - mean) * slope) * r)
_add_products: Final = vectorized(lambda mean, r, g, x, of_gz, of_g: (of_gz + g * ((x - mean) * r), of_g + g))

# --- rows -------------------------------------------------------------------------------------


@inlined
def _moments(x: Any, begin: int, end: int, eps: float) -> tuple[float, float]:
    """Return the mean of a row, rounded to its dtype, and 1 / sqrt(var + eps)."""
    mean = x.dtype.type(sum_vectors(begin, end, (), (x,)) / (end - begin))
    return mean, 1 / np.sqrt(_sum_squares(begin, end, (mean,), (x,)) / (end - begin) + eps)


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
            scale_map(at, at + size, (mean, scale, bias[first_number + part]), (x, y))


@inlined
def _rows_of(job: int, s: Rows) -> tuple[int, int]:
    """Return the first row of a job, and the end of its rows, each of which is a period after the one before."""
    first = job // s.period * s.block * s.period + job % s.period
    return first, min(first + s.block * s.period, s.number)


@parallel_for
def _layer_norm_wrt(
    first: int, last: int, s: Rows, g: Any, x: Any, moments: Any, weight: Any, dx: Any, sums: Any
) -> None:
    """Compute a block of rows of dx and its sums, for each job; an empty array is not asked for."""
    for job in range(first, last):
        own = job % s.period * s.length
        w, at_sums = weight[own : own + s.length], job // s.period * 2 * s.period * s.length + own
        for row in range(*_rows_of(job, s), s.period):
            begin, end = row * s.length, (row + 1) * s.length
            mean, r, rows = moments[row], moments[s.number + row], (g[begin:end], x[begin:end])
            if dx.size:
                product, total = _sum_weighted(0, s.length, (mean,), (*rows, w))
                slope, level = x.dtype.type(r * r * product / s.length), x.dtype.type(total / s.length)
                _combine(0, s.length, (mean, slope, level, r), (*rows, w, dx[begin:end]))
            if sums.size:
                of_gz, of_g = sums[at_sums:], sums[at_sums + s.period * s.length :]
                _add_products(0, s.length, (mean, r), (*rows, of_gz, of_g))


@parallel_for
def _layer_norm_wrt_of_parts(
    first: int, last: int, s: Rows, g: Any, x: Any, moments: Any, weight: Any, dx: Any, sums: Any
) -> None:
    """Do the same where a number belongs to several neighbours."""
    size, count = s.length // s.numbers, s.period * s.numbers
    parts = np.empty((2, s.numbers))
    for job in range(first, last):
        own = job % s.period * s.numbers
        at_sums = job // s.period * 2 * count + own
        for row in range(*_rows_of(job, s), s.period):
            mean, r, product, total = moments[row], moments[s.number + row], 0.0, 0.0
            for part in range(s.numbers):
                at = row * s.length + part * size
                of_products, of_g = sum_products(at, at + size, (mean,), (g, x))
                product, total = product + of_products * weight[own + part], total + of_g * weight[own + part]
                parts[0, part], parts[1, part] = of_products * r, of_g
            if sums.size:
                for part in range(s.numbers):
                    sums[at_sums + part] += parts[0, part]
                    sums[at_sums + count + part] += parts[1, part]
            if dx.size:
                slope, level = x.dtype.type(r * r * product / s.length), x.dtype.type(total / s.length)
                for part in range(s.numbers):
                    at = row * s.length + part * size
                    _combine_part(at, at + size, (mean, slope, level, r * weight[own + part], r), (g, x, dx))


@parallel_for
def _join_blocks(first: int, last: int, s: Maps, parts: Any, sums: Any) -> None:
    """Add the sums of all blocks (images, size), as one job."""
    for i in range(s.size):
        total = 0.0
        for block in range(s.images):
            total += parts[block * s.size + i]
        sums[i] = total
