"""Activation functions and their adjoints, each in one pass: accurate to the last digits over the whole range.

Only negative numbers are exponentiated, so nothing overflows. Where an exponential would be denormal, it is scaled by
a power of 2 until the result is computed, which is rounded once.
"""

from typing import Final

import numpy as np

from autograd_cnn.kernels.compiled.lanes import (
    Lanes,
    Power,
    at_least,
    at_most,
    exp,
    expm1,
    log1p,
    multiply_add,
    polynomial,
    sqrt,
    where,
)
from autograd_cnn.kernels.compiled.map import binary, unary, with_numbers

# --- exponential on one side ------------------------------------------------------------------


@with_numbers(1)
def elu(alpha: Lanes, x: Lanes) -> Lanes:
    """Return x where it is positive, else alpha · (exp(x) - 1)."""
    return where(x > 0.0, x, expm1(at_most(x, 0.0)) * alpha)


@with_numbers(1)
def elu_wrt_x(alpha: Lanes, g: Lanes, x: Lanes) -> Lanes:
    """Return g where x is positive, else g · alpha · exp(x)."""
    e = exp(at_most(at_least(x, x.format.least), 0.0))
    return where(x > 0.0, g, g * e.value * alpha)


NEAR: Final = 0.34
"""Up to here the series of the exponential converges fast enough."""

# --- the logistic function and its relatives --------------------------------------------------


def decay(x: Lanes) -> Power:
    """Return exp(-|x|)."""
    return exp(0.0 - at_most(abs(x), -x.format.least))


def _inside(x: Lanes) -> Lanes:
    """Return x, or a limit beyond which all tails are 0."""
    return at_most(at_least(x, x.format.least), -x.format.least)


def logistic(x: Lanes, e: Power | None = None) -> Lanes:
    """Return ``1 / (1 + exp(-x))``; ``e`` is `decay` of x, if it is known."""
    e = decay(x) if e is None else e
    return where(x < 0.0, e.value, 1.0) / (e.lifted + 1.0)


@unary
def sigmoid(x: Lanes) -> Lanes:
    """Return ``1 / (1 + exp(-x))``."""
    return logistic(x)


def tanh(x: Lanes) -> Lanes:
    """Return ``(1 - e) / (1 + e)`` with ``e = exp(-2·|x|)``, and the sign of x; without cancellation near 0."""
    twice = at_least(abs(x) * -2.0, x.format.least)
    near = multiply_add(polynomial(x.format.powers, twice), twice * twice, twice)  # exp(twice) - 1
    less = where(twice > -NEAR, near, exp(twice).value - 1.0)
    return where(x < 0.0, less, 0.0 - less) / (less + 2.0)


@unary
def sigmoid_slope(x: Lanes) -> Lanes:
    """Return the derivative of `sigmoid`, ``e / (1 + e)²`` with ``e = exp(-|x|)``."""
    return _slope(decay(x))


@binary
def sigmoid_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the derivative of `sigmoid`."""
    return g * _slope(decay(x))


@binary
def tanh_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the derivative of tanh, which is 2 · sigmoid(2x) - 1."""
    return g * 4.0 * _slope(decay(x * 2.0))


@unary
def softplus(x: Lanes) -> Lanes:
    """Return ``log(1 + exp(x))``."""
    return at_least(x, 0.0) + log1p(decay(x).value)


@binary
def logaddexp(x1: Lanes, x2: Lanes) -> Lanes:
    """Return ``log(exp(x1) + exp(x2))``; for equal infinities, whose difference is NaN, that infinity."""
    differ = ~((x1 <= x2) | (x1 >= x2)) | (x1 < x2) | (x1 > x2)
    return where(differ, at_least(x1, x2) + log1p(decay(x1 - x2).value), x1 + np.log(2))


def _slope(e: Power) -> Lanes:
    whole = e.lifted + 1.0
    return e.lower(e.lifted / (whole * whole))


@unary
def silu(x: Lanes) -> Lanes:
    """Return ``x / (1 + exp(-x))``."""
    e = decay(x)
    negative = x < 0.0
    y = where(negative, at_least(x, x.format.least) * e.lifted, x) / (e.lifted + 1.0)
    return where(negative, e.lower(y), y)


@binary
def silu_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the derivative of `silu`, ``(1 + e + x·e) / (1 + e)²``, mirrored for x < 0."""
    e = decay(x)
    near, whole, negative = _inside(x), e.lifted + 1.0, x < 0.0
    y = where(negative, e.lifted * (whole + near), multiply_add(near, e.lifted, whole)) / (whole * whole)
    return g * where(negative, e.lower(y), y)


# --- the normal distribution ------------------------------------------------------------------

# The probability beyond z ≥ 0, times exp(z²/2), as a ratio of polynomials without cancellation: fitted by least squares
# at Chebyshev points of 1 / (1 + z/2), up to where the tail is 0; accurate to 7.5e-9 for float32, 6.8e-17 for float64.
_MILLS: Final = {
    4: (
        (4.088731790556343521e-3, 4.0465542936327650963e-2, 1.8276745874557168937e-1, 4.3771211829379891069e-1,
         5.0000000241016222967e-1),
        (1.0248811549495825844e-2, 1.0143853920539953932e-1, 4.6822817360413623113e-1, 1.2006382247864103855,
         1.6733091560441356244, 1.0),
    ),
    8: (
        (1.3642781003356562702e-6, 3.6787446043571401849e-5, 4.8539997157545080102e-4, 4.0553182778966198088e-3,
         2.3465238982491873051e-2, 9.7193303150404622294e-2, 2.8822272041420438374e-1, 5.9251643286886986217e-1,
         7.7383640658605654209e-1, 4.9999999999999998152e-1),
        (3.4197380607717572387e-6, 9.2212452402085343183e-5, 1.220137031522370707e-3, 1.025738789884914537e-2,
         6.0028509761362140223e-2, 2.5360822023426551667e-1, 7.7888686628620088142e-1, 1.7094336228152904143,
         2.5565168809099300621, 2.3455573739749708963, 1.0),
    ),
}  # fmt: skip
_FARTHEST: Final = {4: 15.0, 8: 39.5}
"""Beyond this the tail is 0, and the ratio is not fitted."""

_DENSITY: Final = (2 * np.pi) ** -0.5


def _bell(factor: Lanes | float, z: Lanes) -> Power:
    """Return exp(-factor · z²)."""
    head = z.rounded_to_half()  # the rounding of z² would count z² times
    return exp(head * head * factor * -1.0, (z - head) * (z + head) * factor * -1.0)


def _bell_and_ratio(z: Lanes) -> tuple[Power, Lanes]:
    """Return exp(-z²/2), and the probability beyond z divided by it."""
    above, below = _MILLS[z.simd.size]
    return _bell(0.5, z), polynomial(above, z) / polynomial(below, z)


def _distance(x: Lanes) -> Lanes:
    return at_most(abs(x), _FARTHEST[x.simd.size])


@unary
def gelu(x: Lanes) -> Lanes:
    """Return x times the probability Φ(x) that a normal variable is below it."""
    z = _distance(x)
    bell, ratio = _bell_and_ratio(z)
    rest = bell.lower(z * (bell.lifted * ratio))
    return at_least(x, -0.0) - rest  # far out, -0.0


@binary
def gelu_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the derivative of `gelu`, Φ(x) plus x times the density."""
    z = _distance(x)
    bell, ratio = _bell_and_ratio(z)
    lower = bell.lower(bell.lifted * multiply_add(z, -_DENSITY, ratio))
    return g * where(x < 0.0, lower, 1.0 - lower)


# --- near the normal distribution -------------------------------------------------------------

CUBIC: Final = (8 / np.pi) ** 0.5 * 0.044715, (8 / np.pi) ** 0.5
"""The coefficients of x³ and x in a polynomial whose logistic function approximates Φ(x)."""
_WIDE: Final = 50.0
"""Beyond this it is 0 or 1."""


@unary
def gelu_tanh(x: Lanes) -> Lanes:
    """Return x times the logistic function of a cubic polynomial."""
    near = at_most(at_least(x, -_WIDE), _WIDE)
    return at_least(x, -_WIDE) * logistic(near * multiply_add(near * near, *CUBIC))


@binary
def gelu_tanh_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the derivative of `gelu_tanh`."""
    near = at_most(at_least(x, -_WIDE), _WIDE)
    inside = near * multiply_add(near * near, *CUBIC)
    e = decay(inside)
    slope = multiply_add(near * near, 3 * CUBIC[0], CUBIC[1])
    return g * (logistic(inside, e) + near * slope * _slope(e))


@with_numbers(1)
def gaussian(factor: Lanes, x: Lanes) -> Lanes:
    """Return exp(-factor · x²), for a factor that is a power of 2."""
    farthest = sqrt(0.5 * _FARTHEST[x.simd.size] ** 2 / factor)
    return _bell(factor, at_most(abs(x), farthest)).value


_ERF: Final = {
    4: (4.7190825672188138798e-3, -2.6757732735015515622e-2, 1.1282831428465861874e-1, -3.7612609007469802928e-1,
        1.1283791656017914552),
    8: (-1.4620913409451748679e-7, 1.6371234425770000733e-6, -1.4923003368152098786e-5, 1.2055286202005713254e-4,
        -8.5483265107247963985e-4, 5.2239776220169363623e-3, -2.6866170644999719804e-2, 1.1283791670954869097e-1,
        -3.7612638903183750520e-1, 1.1283791670955125739),
}  # fmt: skip
"""erf(x) / x as powers of x², for x up to 1/2, interpolated at Chebyshev points."""


@unary
def erf(x: Lanes) -> Lanes:
    """Return the error function: 1 minus the probability beyond ±x√2, or near 0, where that cancels, its series."""
    size = abs(x)
    bell, ratio = _bell_and_ratio(at_most(size * 2**0.5, _FARTHEST[x.simd.size]))
    far = 1.0 - 2.0 * (bell.value * ratio)
    return where(size < 0.5, x * polynomial(_ERF[x.simd.size], x * x), where(x < 0.0, 0.0 - far, far))
