"""Arithmetic, powers, rectifiers and masks: one pass over memory each, on all threads."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled import lanes
from autograd_cnn.kernels.compiled.broadcasting import NUMBERS, broadcasting
from autograd_cnn.kernels.compiled.lanes import Lanes, Mask, at_least, at_most
from autograd_cnn.kernels.compiled.lanes import where as select
from autograd_cnn.kernels.compiled.map import (
    CHUNK,
    MIN_LIGHT,
    Line,
    Operands,
    as_row,
    binary,
    binary_loop,
    jobs_of,
    unary,
    vectorized,
    with_numbers,
)
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

MIN_COMPILED: Final = 1 << 12  # elements; below this, NumPy is faster than the call of a kernel


@broadcasting
def add(x1: Lanes, x2: Lanes) -> Lanes:
    """Return x1 + x2."""
    return x1 + x2


@broadcasting
def subtract(x1: Lanes, x2: Lanes) -> Lanes:
    """Return x1 - x2."""
    return x1 - x2


@broadcasting
def multiply(x1: Lanes, x2: Lanes) -> Lanes:
    """Return x1 · x2."""
    return x1 * x2


@broadcasting
def divide(x1: Lanes, x2: Lanes) -> Lanes:
    """Return x1 / x2."""
    return x1 / x2


@with_numbers(0)
def divide_wrt_x2(g: Lanes, y: Lanes, x2: Lanes) -> Lanes:
    """Return -g · y / x2."""
    return -g * y / x2


@binary
def square_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g · 2x."""
    return g * (x * 2.0)


@unary
def sqrt(x: Lanes) -> Lanes:
    """Return the square root."""
    return lanes.sqrt(x)


@binary
def sqrt_wrt_x(g: Lanes, y: Lanes) -> Lanes:
    """Return g / 2y."""
    return g * 0.5 / y


@unary
def exp(x: Lanes) -> Lanes:
    """Return e to the power of x."""
    return lanes.exponential(x)


@unary
def exp2(x: Lanes) -> Lanes:
    """Return 2 to the power of x."""
    return lanes.exponential_of_2(x)


@broadcasting
def maximum(x1: Lanes, x2: Lanes) -> Lanes:
    """Return the larger of two; NaN where either is NaN."""
    return select(x1 > x2, x1, select(x1 <= x2, x2, x1 + x2))


@broadcasting
def minimum(x1: Lanes, x2: Lanes) -> Lanes:
    """Return the smaller of two; NaN where either is NaN."""
    return select(x1 < x2, x1, select(x1 >= x2, x2, x1 + x2))


def negative(x: Array) -> Any:
    """Return -x."""
    return _negative(x, x) if _is_worthwhile(x) else NotImplemented


_negative: Final = binary_loop(lambda x, _: -x, "negative", MIN_LIGHT, exact=True)


@unary
def absolute(x: Lanes) -> Lanes:
    """Return x without its sign."""
    return abs(x)


@binary
def absolute_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the sign of x."""
    return g * _sign(x)


@unary
def sign(x: Lanes) -> Lanes:
    """Return -1, 0 or 1; NaN for NaN."""
    return _sign(x)


def _sign(x: Lanes) -> Lanes:
    return select(x > 0.0, 1.0, select(x < 0.0, -1.0, x + 0.0))  # 0 without its sign, as in NumPy


def relu(x: Array) -> Any:
    """Return x where it is positive, else 0, and the mask of where it passed; a NaN passes."""
    if not _is_worthwhile(x):
        return NotImplemented
    y, mask = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
    _relu(*jobs_of(x), flat(x), y.reshape(-1), mask.reshape(-1), serial=x.size < MIN_LIGHT)
    return y, mask


def masked(x: Array, mask: Array) -> Any:
    """Return x where the mask is set, else 0."""
    if not _is_worthwhile(x):
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    _masked(*jobs_of(x), flat(x), flat(mask), y.reshape(-1), serial=x.size < MIN_LIGHT)
    return y


def leaky_relu(x: Array, slope: float) -> Any:
    """Return x where it is positive, elsewhere x times the slope, and the mask of where it is positive."""
    return _leak(x, slope, slope)


def hardtanh(x: Array, least: float, most: float) -> Any:
    """Return x limited to a range, and the mask of where it is strictly inside, or NaN."""
    return _limit_inside(x, least, most)


def shrink(x: Array, lambd: float, bias: float) -> Any:
    """Return x moved towards 0 by the bias, or 0 from -lambd to lambd, and the mask of where it is outside, or NaN."""
    return _shrunk(x, lambd, bias)


@unary
def hardsigmoid(x: Lanes) -> Lanes:
    """Return x + 3 limited to [0, 6], divided by 6."""
    shifted = x + 3.0
    return select(shifted >= 6.0, 1.0, select(shifted <= 0.0, 0.0, shifted * (1 / 6)))


@binary
def hardsigmoid_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the derivative of `hardsigmoid`, which is 0 at the ends."""
    return select(x <= -3.0, 0.0, select(x >= 3.0, 0.0, g * (1 / 6)))


@unary
def hardswish(x: Lanes) -> Lanes:
    """Return x times its `hardsigmoid`."""
    return x * (at_least(at_most(x + 3.0, 6.0), 0.0) * (1 / 6))


@binary
def hardswish_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the derivative of `hardswish`."""
    return g * select(x <= -3.0, 0.0, select(x >= 3.0, 1.0, x * (1 / 3) + 0.5))


def clip(x: Array, least: float | None, most: float | None) -> Any:
    """Return x limited to a range, and the mask of where it is inside, ends included, or NaN."""
    return _limit(x, -np.inf if least is None else least, np.inf if most is None else most)


def damped(x: Array, mask: Array, factor: float) -> Any:
    """Return x where the mask is set, elsewhere x times the factor."""
    if not _is_worthwhile(x):
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    factors = np.array([factor], x.dtype)
    _damped(*jobs_of(x), factors, flat(x), flat(mask), y.reshape(-1), serial=x.size < MIN_LIGHT)
    return y


def where(mask: Array, x1: Any, x2: Any) -> Any:
    """Return x1 where the mask is set, elsewhere x2; one of them may be a number."""
    x = x1 if type(x1) is np.ndarray else x2
    if not _is_worthwhile(x) or np.shape(mask) != x.shape or mask.dtype.kind != "b":
        return NotImplemented
    arrays = [each for each in (x1, x2) if type(each) not in NUMBERS]
    if any(np.shape(each) != x.shape for each in arrays) or not supports(*arrays):
        return NotImplemented
    # A number becomes an array as long as a job.
    (row, step), (other, step_of_other) = (
        (np.full(CHUNK, each, x.dtype), 0) if type(each) in NUMBERS else as_row(each) for each in (x1, x2)
    )
    y, sizes = np.empty(x.shape, x.dtype), Operands(x.size, step, step_of_other)
    _where(jobs_of(x)[0], sizes, row, other, flat(mask), y.reshape(-1), serial=x.size < MIN_LIGHT)
    return y


def _is_worthwhile(x: Any) -> bool:
    return type(x) is np.ndarray and (x.size >= MIN_COMPILED or bool(RECORDING)) and supports(x)


def rectified(x: Lanes) -> tuple[Lanes, Mask]:
    """Return x where it is positive, else 0, and the mask of where it passed; a NaN passes."""
    passes = ~(x <= 0.0)
    return select(passes, x, 0.0), passes


def _mask(x: Lanes, mask: Mask) -> Lanes:
    return select(mask, x, 0.0)


def _damp(factor: Lanes, x: Lanes, mask: Mask) -> Lanes:
    return select(mask, x, x * factor)


def _choose(x1: Lanes, x2: Lanes, mask: Mask) -> Lanes:
    return select(mask, x1, x2)


_choose_vectors: Final = vectorized(_choose)
_rectify_vectors: Final = vectorized(rectified)
_mask_vectors: Final = vectorized(_mask)
_damp_vectors: Final = vectorized(_damp)


def _with_mask(formula: Callable[[Lanes, Lanes, Lanes], tuple[Lanes, Mask]]) -> Callable[[Array, float, float], Any]:
    """Return a function of an array and two numbers, giving values and a mask; the formula takes the numbers first."""
    apply = vectorized(formula)

    def kernel(first: int, last: int, s: Line, numbers: Any, x: Any, y: Any, mask: Any) -> None:
        apply(first * CHUNK, min(last * CHUNK, s.size), (numbers[0], numbers[1]), (x, y, mask))

    kernel.__qualname__ = f"with_mask.{formula.__name__}"  # by which its code is kept
    loop = parallel_for(kernel)

    def function(x: Array, a: float, b: float) -> Any:
        if not _is_worthwhile(x):
            return NotImplemented
        y, mask = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
        loop(
            *jobs_of(x), np.array([a, b], x.dtype), flat(x), y.reshape(-1), mask.reshape(-1), serial=x.size < MIN_LIGHT
        )
        return y, mask

    return function


@_with_mask
def _leak(slope: Lanes, _: Lanes, x: Lanes) -> tuple[Lanes, Mask]:
    positive = x > 0.0
    return select(positive, x, x * slope), positive


@_with_mask
def _limit(least: Lanes, most: Lanes, x: Lanes) -> tuple[Lanes, Mask]:
    below, above = x < least, x > most
    return select(below, least, select(above, most, x)), ~(below | above)


@_with_mask
def _shrunk(lambd: Lanes, bias: Lanes, x: Lanes) -> tuple[Lanes, Mask]:
    within = abs(x) <= lambd
    return select(within, 0.0, select(x > 0.0, x - bias, x + bias)), ~within


@_with_mask
def _limit_inside(least: Lanes, most: Lanes, x: Lanes) -> tuple[Lanes, Mask]:
    below, above = x <= least, x >= most
    return select(above, most, select(below, least, x)), ~(below | above)


@parallel_for
def _relu(first: int, last: int, s: Line, x: Any, y: Any, mask: Any) -> None:
    """Rectify a chunk of x (size,) into y, with the mask (bool) of what passed, for each job."""
    _rectify_vectors(first * CHUNK, min(last * CHUNK, s.size), (), (x, y, mask))


@parallel_for
def _masked(first: int, last: int, s: Line, x: Any, mask: Any, y: Any) -> None:
    """Write a chunk of x (size,) into y where the mask (bool) is set, else 0, for each job."""
    _mask_vectors(first * CHUNK, min(last * CHUNK, s.size), (), (x, mask, y))


@parallel_for
def _damped(first: int, last: int, s: Line, factor: Any, x: Any, mask: Any, y: Any) -> None:
    _damp_vectors(first * CHUNK, min(last * CHUNK, s.size), (factor[0],), (x, mask, y))


@parallel_for
def _where(first: int, last: int, s: Operands, x1: Any, x2: Any, mask: Any, y: Any) -> None:
    for at in range(first * CHUNK, min(last * CHUNK, s.size), CHUNK):
        end = min(at + CHUNK, s.size)
        _choose_vectors(0, end - at, (), (x1[s.a * at :], x2[s.b * at :], mask[at:end], y[at:end]))
