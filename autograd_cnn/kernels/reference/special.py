"""The error function, which NumPy lacks.

By the rational approximations of Cody 1969, *Rational Chebyshev Approximations for the Error
Function*, Math. Comp. 23: one for small arguments, two for the complement at larger ones.
"""

from typing import Final

import numpy as np

from autograd_cnn.kernels.windows import Array

# Numerators and denominators, highest power first.
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


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    above, below = coefficients
    return np.polyval(np.asarray(above, x.dtype), x) / np.polyval(np.asarray(below, x.dtype), x)


def erf(x: Array) -> Array:
    """Return the error function of each element, to the last digit or two of its dtype."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(float)
    size = np.minimum(np.abs(x), 6)  # beyond 6 it is 1 in double precision; a NaN stays
    small = x * _ratio(_SMALL, np.minimum(size, 0.5) ** 2)
    middle = 1 - np.exp(-size * size) * _ratio(_MIDDLE, np.minimum(size, 4))
    inverse = 1 / np.maximum(size, 4) ** 2
    tail = (1 / np.pi**0.5 - inverse * _ratio(_LARGE, inverse)) / np.maximum(size, 4)
    large = 1 - np.exp(-size * size) * tail
    return np.where(size <= 0.46875, small, np.copysign(np.where(size <= 4, middle, large), x))
