"""Functions that NumPy lacks, accurate to the last digits over their whole range: logistic, error function, GELU.

Tails are computed directly, never as a difference from 1.
"""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.windows import Array

__all__ = [
    "erf",
    "gaussian",
    "gelu",
    "gelu_tanh",
    "gelu_tanh_wrt_x",
    "gelu_wrt_x",
    "sigmoid",
    "sigmoid_slope",
    "sigmoid_wrt_x",
    "silu",
    "silu_wrt_x",
    "softplus",
    "tanh_wrt_x",
]

# --- the logistic function --------------------------------------------------------------------


def sigmoid(x: Array) -> Array:
    """Return ``1 / (1 + exp(-x))`` of each element."""
    least = _log_of_smallest(x)
    if not np.fmin.reduce(x, axis=None, initial=0) < least:
        return 1 / (1 + np.exp(-x))
    y = 1 / (1 + np.exp(-np.maximum(x, least)))
    return np.where(x < least, np.exp(np.minimum(x, 0)), y)  # among the denormal numbers


def sigmoid_slope(x: Array) -> Array:
    """Return the derivative of `sigmoid`, ``e / (1 + e)²`` with ``e = exp(-|x|)``."""
    e = np.exp(np.copysign(x, -1))
    return e / np.square(1 + e)


def sigmoid_wrt_x(g: Array, x: Array) -> Array:
    """Return g times the derivative of `sigmoid`."""
    return g * sigmoid_slope(x)


def tanh_wrt_x(g: Array, x: Array) -> Array:
    """Return g times the derivative of tanh, which is 2 · sigmoid(2x) - 1."""
    return g * 4 * sigmoid_slope(x * 2)


def _log_of_smallest(x: Any) -> float:
    """Return the logarithm of the smallest normal number of the dtype in which ``x`` is computed."""
    return -87.0 if getattr(x, "dtype", None) == np.float32 else -708.0


def softplus(x: Array) -> Array:
    """Return ``log(1 + exp(x))`` of each element."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def silu(x: Array) -> Array:
    """Return ``x / (1 + exp(-x))`` of each element."""
    x = np.maximum(x, -1e3)  # below this it is 0; minus infinity times 0 would be NaN
    y = x * sigmoid(x)
    deep = x < _log_of_smallest(x) + 7
    if np.any(deep):  # the exponential is denormal, though the product may not be
        half = np.exp(np.minimum(x, 0) * 0.5)
        y = np.where(deep, x * half * half, y)
    return y


def silu_wrt_x(g: Array, x: Array) -> Array:
    """Return g times the derivative of `silu`."""
    near = np.clip(x, -1e3, 1e3)
    slope = sigmoid(x) + near * sigmoid_slope(x)
    deep = x < _log_of_smallest(x) + 7
    if np.any(deep):  # exp(x)·(1 + x), whose first factor may underflow before the product does
        root = np.exp(np.minimum(near, 0) * 0.5)
        slope = np.where(deep, root * (near + 1) * root, slope)
    return g * slope


# --- the error function and the normal distribution -------------------------------------------

# Rational approximations of Cody 1969, *Rational Chebyshev Approximations for the Error Function*, Math. Comp. 23:
# of erf(x) / x, and of exp(x²)·erfc(x) for middle and for large arguments. Numerators and denominators, highest power
# first.
_SMALL: Final = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)  # fmt: skip
_MIDDLE: Final = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_LARGE: Final = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip
_NEAR: Final = 0.46875
"""Up to here, erf itself is approximated; beyond, its complement."""

# erfc(x) = t·exp(-x² + p(t)) with t = 1 / (1 + x/2), for x ≥ 0 and to 1.2e-7 (Press et al. 1992, *Numerical Recipes*,
# section 6.2): all that float32 can hold.
_SINGLE: Final = (
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
    -1.26551223,
)  # fmt: skip


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    first, *others = coefficients
    y = np.full_like(x, first)
    for coefficient in others:
        y *= x
        y += coefficient
    return y


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    above, below = coefficients
    return _polynomial(above, x) / _polynomial(below, x)


def gaussian(x: Array, factor: float) -> Array:
    """Return ``exp(-factor·x²)``, for a factor that is a power of 2.

    In float64 the square is split into an exact one and a small rest (Cody 1969), because its rounding error would be
    magnified by x².
    """
    wide, single = _wide(x)
    return _gaussian(wide, factor, single).astype(np.float32 if single else np.float64)


def _gaussian(x: Array, factor: float, single: bool) -> Array:
    x = np.clip(x, -1e3, 1e3)  # beyond this it is 0, and infinity minus infinity would be NaN
    if single:
        return np.exp(-factor * np.square(x))
    head = np.rint(x * 256) / 256
    most = np.exp(-factor * np.square(head))
    return most + most * np.expm1(-factor * (x - head) * (x + head))


def _complement(x: Array, bell: Array, single: bool) -> Array:
    """Return erfc(x) for x ≥ 0, with ``bell`` for exp(-x²)."""
    if single:
        t = 1 / (1 + 0.5 * x)
        return bell * (t * np.exp(_polynomial(_SINGLE, t)))
    middle = _ratio(_MIDDLE, np.minimum(x, 4))
    inverse = 1 / np.square(np.maximum(x, 4))
    large = (1 / np.pi**0.5 - inverse * _ratio(_LARGE, inverse)) / np.maximum(x, 4)
    return bell * np.where(x <= 4, middle, large)


def erf(x: Array) -> Array:
    """Return the error function of each element."""
    wide, single = _wide(x)
    size = np.abs(wide)
    near = wide * _ratio(_SMALL, np.square(np.minimum(size, _NEAR)))
    far = np.copysign(1 - _complement(size, _gaussian(size, 1.0, single), single), wide)
    return np.where(size <= _NEAR, near, far).astype(np.float32 if single else np.float64)


def _normal_cdf(x: Array, single: bool) -> Array:
    """Return the probability that a normal variable is below each element."""
    z = np.abs(x) * 0.5**0.5
    tail = 0.5 * _complement(z, _gaussian(x, 0.5, single), single)
    far = np.where(x < 0, tail, 1 - tail)
    if single:
        return far
    near = 0.5 + 0.5 * np.copysign(z, x) * _ratio(_SMALL, np.square(np.minimum(z, _NEAR)))
    return np.where(z <= _NEAR, near, far)


def gelu(x: Array) -> Array:
    """Return each element times the probability that a normal variable is below it."""
    wide, single = _wide(x)
    wide = np.maximum(wide, -1e3)  # below this it is 0; minus infinity times 0 would be NaN
    y = wide * _normal_cdf(wide, single)
    deep = wide < -37
    if not single and np.any(deep):  # the exponential is denormal, though the product may not be
        low = np.minimum(wide, 0)
        half = _gaussian(low, 0.25, single)
        y = np.where(deep, low * (0.5 * _complement(-low * 0.5**0.5, half, single)) * half, y)
    return y.astype(np.float32 if single else np.float64)


def gelu_wrt_x(g: Array, x: Array) -> Array:
    """Return g times the derivative of `gelu`."""
    wide, single = _wide(x)
    density = _gaussian(wide, 0.5, single) * (2 * np.pi) ** -0.5
    slope = _normal_cdf(wide, single) + np.clip(wide, -1e3, 1e3) * density
    return g * slope.astype(np.float32 if single else np.float64)


def gelu_tanh(x: Array) -> Array:
    """Return x times the logistic function of a cubic polynomial."""
    return np.maximum(x, -50.0) * sigmoid(_cubic(x)[1])


def gelu_tanh_wrt_x(g: Array, x: Array) -> Array:
    """Return g times the derivative of `gelu_tanh`."""
    near, inside = _cubic(x)
    return g * (sigmoid(inside) + near * (np.square(near) * (3 * _CUBE) + _LINE) * sigmoid_slope(inside))


_CUBE, _LINE = (8 / np.pi) ** 0.5 * 0.044715, (8 / np.pi) ** 0.5


def _cubic(x: Array) -> tuple[Array, Array]:
    """Return x, clipped to where the result is neither 0 nor 1, and the polynomial."""
    near = np.clip(x, -50.0, 50.0)
    return near, near * (np.square(near) * _CUBE + _LINE)


def _wide(x: Any) -> tuple[Array, bool]:
    """Return numbers in float64, and whether they were float32."""
    x = np.asarray(x)
    return x.astype(np.float64), x.dtype == np.float32
