"""The rectifier and the mask against plain Python."""

import numpy as np
import pytest
from tables import for_each

from autograd_cnn.kernels.reference import masked, relu

X = np.array([[-np.inf, -2.0, -0.0], [0.0, 3.0, np.inf]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relu(dtype):
    y, mask = relu(X.astype(dtype))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, [[max(v, 0.0) for v in row] for row in X])
    np.testing.assert_array_equal(mask, [[v > 0 for v in row] for row in X])


def test_relu_keeps_a_nan():
    assert np.isnan(relu(np.array([np.nan]))[0]).all()


def test_relu_of_integers():
    y, _ = relu(np.array([-1, 2]))
    assert y.dtype == np.int64
    np.testing.assert_array_equal(y, [0, 2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masked_leaves_nothing_of_what_is_not_finite(dtype):
    y = masked(np.array([np.nan, np.inf, 1.0], dtype), np.array([False, False, True]))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, [0, 0, 1])


@for_each("shape", [(), (1,), (0, 3), (2, 3)])
@for_each("dtype", [np.float16, np.float64])
def test_masked_keeps_the_shape(shape, dtype):
    x = np.ones(shape, dtype)
    assert masked(x, np.ones(shape, bool)).shape == shape
    np.testing.assert_array_equal(masked(x.T, np.zeros(shape, bool).T), np.zeros(shape).T)
