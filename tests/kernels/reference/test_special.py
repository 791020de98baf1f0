"""The error function against the C library's."""

import math

import numpy as np
import pytest

from autograd_cnn.kernels.reference import erf

# In each of the three intervals, at their borders, and where it is 1 to the last digit.
X = np.concatenate([np.linspace(-6.5, 6.5, 5001), [0.46875, -0.46875, 4, -4, 1e-300, 0.0, -0.0, 30, np.inf, -np.inf]])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 5e-16), (np.float32, 4e-7)])
def test_erf_is_right_to_the_last_digit_or_two(dtype, tolerance):
    y = erf(X.astype(dtype))
    assert y.dtype == dtype
    np.testing.assert_allclose(y, [math.erf(x) for x in X.astype(dtype)], rtol=tolerance)


def test_erf_is_odd():
    np.testing.assert_array_equal(erf(-X), -erf(X))
    np.testing.assert_array_equal(np.signbit(erf(X)), np.signbit(X))


def test_erf_of_integers_and_nan():
    assert erf(np.array([2])) == math.erf(2)
    assert np.isnan(erf(np.array(np.nan)))
