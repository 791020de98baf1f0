"""Sums along axes against plain loops."""

import numpy as np

from autograd_cnn.kernels import reference


def test_sum(rng):
    x = rng.integers(-9, 9, (2, 3, 4)).astype(np.float32)
    found = reference.sum(x, (0, 2), keepdims=False)
    assert found.dtype == np.float32
    assert found.tolist() == [sum(float(x[i, j, k]) for i in range(2) for k in range(4)) for j in range(3)]
    assert reference.sum(x, None, keepdims=True).shape == (1, 1, 1)
