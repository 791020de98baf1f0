"""Activation functions and their adjoints, each in one pass: right to the last digits over the whole range.

Exponentials are of negative numbers alone, so nothing overflows; where they are denormal they are kept lifted by a
power of 2 until the result is there, so it is rounded once.
"""

from typing import Final

import numpy as np

from autograd_cnn.kernels.compiled.lanes import (
    Lanes,
    Power,
    at_least,
    at_most,
    exp,
    multiply_add,
    polynomial,
    where,
)
from autograd_cnn.kernels.compiled.map import function_of_one, function_of_two

NEAR: Final = 0.34
"""Up to here the series of the exponential holds."""

# --- the logistic function, and what is made of it --------------------------------------------


def _decay(x: Lanes) -> Power:
    """Return exp(-|x|)."""
    return exp(0.0 - at_most(abs(x), -x.format.least))


def _inside(x: Lanes) -> Lanes:
    """Return x, or a limit beyond which all tails are 0."""
    return at_most(at_least(x, x.format.least), -x.format.least)


def logistic(x: Lanes) -> Lanes:
    """Return ``1 / (1 + exp(-x))``."""
    e = _decay(x)
    return where(x < 0.0, e.value, 1.0) / (e.lifted + 1.0)


@function_of_one
def sigmoid(x: Lanes) -> Lanes:
    """Return ``1 / (1 + exp(-x))``."""
    return logistic(x)


def tanh(x: Lanes) -> Lanes:
    """Return ``(1 - e) / (1 + e)`` with ``e = exp(-2·|x|)``, and the sign of x; without cancellation near 0."""
    twice = at_least(abs(x) * -2.0, x.format.least)
    near = multiply_add(polynomial(x.format.powers, twice), twice * twice, twice)  # exp(twice) - 1
    less = where(twice > -NEAR, near, exp(twice).value - 1.0)
    return where(x < 0.0, less, 0.0 - less) / (less + 2.0)


@function_of_one
def sigmoid_slope(x: Lanes) -> Lanes:
    """Return the derivative of `sigmoid`, ``e / (1 + e)²`` with ``e = exp(-|x|)``."""
    return _slope(_decay(x))


@function_of_two
def sigmoid_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the derivative of `sigmoid`."""
    return g * _slope(_decay(x))


def _slope(e: Power) -> Lanes:
    whole = e.lifted + 1.0
    return e.lower(e.lifted / (whole * whole))


@function_of_one
def silu(x: Lanes) -> Lanes:
    """Return ``x / (1 + exp(-x))``."""
    e = _decay(x)
    negative = x < 0.0
    y = where(negative, at_least(x, x.format.least) * e.lifted, x) / (e.lifted + 1.0)
    return where(negative, e.lower(y), y)


@function_of_two
def silu_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the derivative of `silu`, ``(1 + e + x·e) / (1 + e)²``, turned round for x < 0."""
    e = _decay(x)
    near, whole, negative = _inside(x), e.lifted + 1.0, x < 0.0
    y = where(negative, e.lifted * (whole + near), multiply_add(near, e.lifted, whole)) / (whole * whole)
    return g * where(negative, e.lower(y), y)


# --- the normal distribution ------------------------------------------------------------------

# The probability beyond z ≥ 0, times exp(z²/2), as a ratio of polynomials without cancellation: fitted by least squares
# at Chebyshev points of 1 / (1 + z/2), up to where the tail is 0; right to 7.5e-9 for float32, to 6.8e-17 for float64.
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
"""From here on the tail is 0, and the ratio no longer fitted."""

_DENSITY: Final = (2 * np.pi) ** -0.5


def _bell_and_ratio(z: Lanes) -> tuple[Power, Lanes]:
    """Return exp(-z²/2), and the probability beyond z divided by it."""
    above, below = _MILLS[z.simd.size]
    head = z.rounded_to_half()  # the rounding of z² would count z² times
    bell = exp(head * head * -0.5, (z - head) * (z + head) * -0.5)
    return bell, polynomial(above, z) / polynomial(below, z)


def _distance(x: Lanes) -> Lanes:
    return at_most(abs(x), _FARTHEST[x.simd.size])


@function_of_one
def gelu(x: Lanes) -> Lanes:
    """Return x times the probability Φ(x) that a normal variable is below it."""
    z = _distance(x)
    bell, ratio = _bell_and_ratio(z)
    rest = bell.lower(z * (bell.lifted * ratio))
    return at_least(x, 0.0) - rest


@function_of_two
def gelu_wrt_x(g: Lanes, x: Lanes) -> Lanes:
    """Return g times the derivative of `gelu`, Φ(x) plus x times the density."""
    z = _distance(x)
    bell, ratio = _bell_and_ratio(z)
    lower = bell.lower(bell.lifted * multiply_add(z, -_DENSITY, ratio))
    return g * where(x < 0.0, lower, 1.0 - lower)
