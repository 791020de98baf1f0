"""Sample calls of sums of a few rows and columns."""

import numpy as np

from autograd_cnn.kernels.taps import Taps
from autograd_cnn.ops.resampling import _resample
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

_normal = Draw("resampling").normal

_MEANS = Taps.of(np.array([[0.5, 0.5, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1.0]]))
_FINER = Taps.of(np.array([[1.0, 0], [0.75, 0.25], [0.25, 0.75], [0, 1], [-0.25, 1.25]]))

add_samples(
    _resample,
    sample(_normal(2, 1, 4, 2), rows=_MEANS, columns=_FINER),
    sample(_normal(3, 2, 4), rows=_FINER, columns=_MEANS),
    sample(_normal(4, 4), rows=_MEANS, columns=_MEANS),
    sample(_normal(0, 2, 2), rows=_FINER, columns=_FINER),
    linear="x",
)
