"""Sample calls of rounding and remainders."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.ops.rounding import _exponent
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw, Numbers, broadcasting, elementwise

spaced = Draw("rounding").spaced


def _divisor(*shape: int) -> Numbers:
    """Return divisors for which no quotient of `spaced` numbers is near an integer."""
    return np.full(shape, 1.7)


add_samples(ops.floor, *elementwise(spaced))
add_samples(ops.ceil, *elementwise(spaced))
add_samples(ops.trunc, *elementwise(spaced))
add_samples(ops.rint, *elementwise(spaced))
add_samples(ops.round, *elementwise(spaced), sample(spaced(5), decimals=1))
add_samples(_exponent, *elementwise(spaced))
add_samples(ops.floor_divide, *broadcasting(spaced, _divisor))
add_samples(ops.remainder, *broadcasting(spaced, _divisor), sample(spaced(3), 1.7))
add_samples(ops.fmod, *broadcasting(spaced, _divisor), sample(spaced(3), 1.7))
