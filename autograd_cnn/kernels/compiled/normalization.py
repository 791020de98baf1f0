"""Standardised maps and their adjoints in the fewest possible passes over memory.

One pass sums every map, and the sums of a channel's maps are combined in float64, the variances by the method of
Chan et al. 1983, without cancellation. A second pass writes the result.

Shapes: x, y and g (N, C, H, W); weight and bias (C,); moments and sums (2, C), as in the reference.
"""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.elementwise import rectified
from autograd_cnn.kernels.compiled.lanes import Lanes
from autograd_cnn.kernels.compiled.map import MIN_COMPILED, MIN_PARALLEL, Line, both_summed, vectorized
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.compiled.reduction import BLOCK, Maps, sum_of_channel, sum_vectors
from autograd_cnn.kernels.windows import Array

SAMPLE: Final = 1 << 6  # elements whose mean is near enough to a map's to sum distances from


def moments(x: Array) -> Any:
    """Return mean and variance of each channel, in float64."""
    if not _is_worthwhile(x):
        return NotImplemented
    maps, sizes = _maps(x)
    means, squares, found = np.empty(maps), np.empty(maps), np.empty((2, sizes.channels))
    _moments_of_maps(maps, sizes, flat(x), means, squares, serial=x.size < MIN_PARALLEL)
    _join_moments(sizes.channels, sizes, means, squares, found.reshape(-1), serial=True)
    return found


def given_moments(mean: Array, var: Array) -> Any:
    """Return a mean and a variance for each channel in the format of `moments`, as a loop while loops are recorded."""
    if not RECORDING or mean.shape != var.shape or not supports(mean, var):
        return NotImplemented  # NumPy is faster
    found = np.empty((2, mean.size))
    _join_given(1, Line(mean.size), flat(mean), flat(var), found.reshape(-1), serial=True)
    return found


def standardize(x: Array, moments: Array, weight: Array, bias: Array, eps: float) -> Any:
    """Return z · weight + bias."""
    if not _is_worthwhile(x, weight, bias):
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    numbers = flat(moments), flat(weight), flat(bias), np.array([eps])
    _standardize(*_maps(x), flat(x), *numbers, y.reshape(-1), serial=x.size < MIN_PARALLEL)
    return y


def standardize_rectified(x: Array, moments: Array, weight: Array, bias: Array, eps: float, other: Array | None) -> Any:
    """Return relu(z · weight + bias + other), and the mask of where it is positive; ``other`` may be None."""
    if not _is_worthwhile(x, weight, bias) or not (other is None or (other.shape == x.shape and supports(x, other))):
        return NotImplemented
    y, mask = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
    numbers = flat(moments), flat(weight), flat(bias), np.array([eps])
    loop, others = (_rectify, ()) if other is None else (_add_and_rectify, (flat(other),))
    loop(*_maps(x), flat(x), *others, *numbers, y.reshape(-1), mask.reshape(-1), serial=x.size < MIN_PARALLEL)
    return y, mask


def standardized_sums(g: Array, x: Array, moments: Array, eps: float) -> Any:
    """Return for each channel the sums of g·z and of g."""
    if not _is_worthwhile(x, g):
        return NotImplemented
    maps, sizes = _maps(x)
    products, totals, sums = np.empty(maps), np.empty(maps), np.empty((2, sizes.channels), x.dtype)
    _sums_of_maps(maps, sizes, flat(g), flat(x), flat(moments), products, totals, serial=x.size < MIN_PARALLEL)
    arrays = flat(moments), products, totals, np.array([eps]), sums.reshape(-1)
    _join_sums(sizes.channels, sizes, *arrays, serial=True)
    return sums


def standardize_wrt_input(g: Array, x: Array, moments: Array, sums: Array, weight: Array, eps: float) -> Any:
    """Return r · weight · (g - mean(g) - z · mean(g·z))."""
    if not _is_worthwhile(x, g, sums, weight):
        return NotImplemented
    dx = np.empty(x.shape, x.dtype)
    numbers = flat(moments), flat(sums), flat(weight), np.array([eps])
    _standardize_wrt_input(*_maps(x), flat(g), flat(x), *numbers, dx.reshape(-1), serial=x.size < MIN_PARALLEL)
    return dx


def _is_worthwhile(x: Array, *others: Array) -> bool:
    return x.size >= MIN_COMPILED and supports(x, *others)


def _maps(x: Array) -> tuple[int, Maps]:
    """Return the number of jobs, a map each, and the sizes."""
    n, c, h, w = x.shape
    return n * c, Maps(n, c, h * w)


# --- formulas on maps -------------------------------------------------------------------------


def _distances(mean: Lanes, x: Lanes) -> tuple[Lanes, Lanes]:
    distance = x - mean
    return distance, distance * distance


_sum_distances: Final = both_summed(_distances, BLOCK, ways=4)
sum_products: Final = both_summed(lambda mean, g, x: (g * (x - mean), g), BLOCK, ways=4)
scale_map: Final = vectorized(lambda mean, scale, shift, x: (x - mean) * scale + shift)
_scale_and_rectify: Final = vectorized(lambda mean, scale, shift, x: rectified((x - mean) * scale + shift))
_scale_add_and_rectify: Final = vectorized(
    lambda mean, scale, shift, x, other: rectified((x - mean) * scale + shift + other)
)
_combine: Final = vectorized(lambda mean, slope, level, scale, g, x: (g - level - (x - mean) * slope) * scale)

# --- maps -------------------------------------------------------------------------------------


@inlined
def _correction(rounding: float, factor: float) -> float:
    """Return the correction for the rounding of a mean; 0 where it is not finite."""
    cost = rounding * factor
    return cost if -np.inf < cost < np.inf else 0.0


@parallel_for
def _moments_of_maps(first: int, last: int, s: Maps, x: Any, means: Any, squares: Any) -> None:
    """Find a map's mean, and the sum of the squared distances from it, for each job."""
    for each in range(first, last):
        begin, end = each * s.size, (each + 1) * s.size
        count = min(SAMPLE, s.size)
        middle = begin + (s.size - count) // 2  # borders are often different
        near = x.dtype.type(sum_vectors(middle, middle + count, (), (x,)) / count)
        total, squared = _sum_distances(begin, end, (near,), (x,))
        means[each] = near + total / s.size
        squares[each] = squared - total * total / s.size


@parallel_for
def _join_moments(first: int, last: int, s: Maps, means: Any, squares: Any, moments: Any) -> None:
    """Combine the moments of a channel's maps, for each job."""
    for channel in range(first, last):
        mean, squared = sum_of_channel(means, channel, s) / s.images, 0.0
        for each in range(channel, s.images * s.channels, s.channels):
            distance = means[each] - mean
            squared += squares[each] + distance * distance * s.size
        moments[channel], moments[s.channels + channel] = mean, squared / (s.images * s.size)


@parallel_for
def _join_given(first: int, last: int, s: Line, mean: Any, var: Any, moments: Any) -> None:
    """Write a mean and a variance for each channel, as one job."""
    for c in range(s.size):
        moments[c], moments[s.size + c] = mean[c], var[c]


@inlined
def _numbers(first: int, last: int, s: Maps, x: Any, moments: Any, weight: Any, bias: Any, eps: Any) -> Any:
    """Return for each channel of the jobs the numbers to subtract, to multiply by, and to add, (3, C)."""
    numbers = np.empty((3, s.channels), x.dtype)
    for each in range(first, min(last, first + s.channels)):
        c = each % s.channels
        mean, scale = x.dtype.type(moments[c]), weight[c] / np.sqrt(moments[s.channels + c] + eps[0])
        numbers[0, c], numbers[1, c] = mean, scale
        numbers[2, c] = bias[c] + _correction(mean - moments[c], scale)
    return numbers


@parallel_for
def _rectify(
    first: int, last: int, s: Maps, x: Any, moments: Any, weight: Any, bias: Any, eps: Any, y: Any, mask: Any
) -> None:
    """Standardise a map and rectify it, for each job."""
    numbers = _numbers(first, last, s, x, moments, weight, bias, eps)
    c = first % s.channels
    for at in range(first * s.size, last * s.size, s.size):
        _scale_and_rectify(at, at + s.size, (numbers[0, c], numbers[1, c], numbers[2, c]), (x, y, mask))
        c = c + 1 if c + 1 < s.channels else 0


@parallel_for
def _add_and_rectify(
    first: int, last: int, s: Maps, x: Any, other: Any, moments: Any, weight: Any, bias: Any, eps: Any, y: Any,
    mask: Any,
) -> None:  # fmt: skip
    """Standardise a map, add another and rectify the sum, for each job."""
    numbers = _numbers(first, last, s, x, moments, weight, bias, eps)
    c = first % s.channels
    for at in range(first * s.size, last * s.size, s.size):
        _scale_add_and_rectify(at, at + s.size, (numbers[0, c], numbers[1, c], numbers[2, c]), (x, other, y, mask))
        c = c + 1 if c + 1 < s.channels else 0


@parallel_for
def _standardize(
    first: int, last: int, s: Maps, x: Any, moments: Any, weight: Any, bias: Any, eps: Any, y: Any
) -> None:
    """Standardise a map, for each job."""
    numbers = _numbers(first, last, s, x, moments, weight, bias, eps)
    c = first % s.channels
    for at in range(first * s.size, last * s.size, s.size):
        scale_map(at, at + s.size, (numbers[0, c], numbers[1, c], numbers[2, c]), (x, y))
        c = c + 1 if c + 1 < s.channels else 0


@parallel_for
def _sums_of_maps(first: int, last: int, s: Maps, g: Any, x: Any, moments: Any, products: Any, totals: Any) -> None:
    """Sum a map of g, and g times the distance of x from its mean, for each job."""
    c = first % s.channels
    for each in range(first, last):
        exact = moments[c]
        c = c + 1 if c + 1 < s.channels else 0
        mean = x.dtype.type(exact)
        product, total = sum_products(each * s.size, (each + 1) * s.size, (mean,), (g, x))
        products[each], totals[each] = product + _correction(mean - exact, total), total


@parallel_for
def _join_sums(first: int, last: int, s: Maps, moments: Any, products: Any, totals: Any, eps: Any, sums: Any) -> None:
    """Combine the sums of a channel's maps, for each job."""
    for channel in range(first, last):
        deviation = np.sqrt(moments[s.channels + channel] + eps[0])
        sums[channel] = sum_of_channel(products, channel, s) / deviation
        sums[s.channels + channel] = sum_of_channel(totals, channel, s)


@parallel_for
def _standardize_wrt_input(
    first: int, last: int, s: Maps, g: Any, x: Any, moments: Any, sums: Any, weight: Any, eps: Any, dx: Any
) -> None:
    """Compute a map of dx, for each job."""
    numbers, count = np.empty((4, s.channels), x.dtype), s.images * s.size
    for each in range(first, min(last, first + s.channels)):
        c = each % s.channels
        mean, r = x.dtype.type(moments[c]), 1 / np.sqrt(moments[s.channels + c] + eps[0])
        slope = r * sums[c] / count
        numbers[0, c], numbers[1, c], numbers[3, c] = mean, slope, weight[c] * r
        numbers[2, c] = sums[s.channels + c] / count + _correction(mean - moments[c], slope)
    c = first % s.channels
    for at in range(first * s.size, last * s.size, s.size):
        _combine(at, at + s.size, (numbers[0, c], numbers[1, c], numbers[2, c], numbers[3, c]), (g, x, dx))
        c = c + 1 if c + 1 < s.channels else 0
