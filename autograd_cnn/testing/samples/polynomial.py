"""Sample calls of polynomials."""

import numpy as np

from autograd_cnn.ops.polynomial import _roots
from autograd_cnn.testing.case import add_samples, sample

add_samples(
    _roots,
    sample(np.array([1.0, -0.5, -1.0])),
    sample(np.array([[1.0, 0.5, -2.0, -0.3], [-0.8, 0.3, 1.5, 0.2]])),
    sample(np.array([2.0, 1.0])),
    sample(np.array([3.0])),
    sample(np.ones((0, 3))),
)
