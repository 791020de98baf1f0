"""Softmax and its kin against SciPy, at ordinary and at extreme scores."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import autograd_cnn as ag

scores = arrays(float, array_shapes(max_dims=3, max_side=4), elements=st.floats(-50, 50))


@given(x=scores, data=st.data())
def test_values_are_scipys(x, data):
    axis = data.draw(st.sampled_from([*range(-x.ndim, x.ndim), tuple(range(x.ndim))]))
    np.testing.assert_allclose(ag.softmax(x, axis), scipy.special.softmax(x, axis), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(ag.log_softmax(x, axis), scipy.special.log_softmax(x, axis), rtol=1e-12, atol=1e-12)
    for keepdims in (False, True):
        expected = scipy.special.logsumexp(x, axis, keepdims=keepdims)
        np.testing.assert_allclose(ag.logsumexp(x, axis, keepdims), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e2, 1e4, 1e30])
def test_nothing_overflows(dtype, size):
    x = np.array([[-size, 0, size], [size, size, size]], dtype)
    np.testing.assert_allclose(ag.softmax(x), [[0, 0, 1], [1 / 3] * 3], rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(ag.log_softmax(x), [[-2 * size, -size, 0], [-np.log(3)] * 3], rtol=1e-6, atol=1e-40)
    np.testing.assert_allclose(ag.logsumexp(x, axis=1), [size, size + np.log(3)], rtol=1e-6)
    for f in (ag.softmax, ag.log_softmax, lambda t: ag.logsumexp(t, axis=1)):
        t = ag.tensor(x, requires_grad=True)
        y = f(t)
        y.backward(np.ones(y.shape, dtype))
        assert np.isfinite(t.grad.data).all()


def test_a_score_of_minus_infinity_has_no_share():
    x = ag.tensor([0.0, -np.inf, 0.0], requires_grad=True)
    np.testing.assert_array_equal(ag.softmax(x).data, [0.5, 0, 0.5])
    np.testing.assert_array_equal(ag.log_softmax(x).data[1], -np.inf)
    ag.logsumexp(x).backward()
    np.testing.assert_allclose(x.grad.data, [0.5, 0, 0.5], rtol=1e-15)


def test_logsumexp_of_infinities():
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(ag.logsumexp([[-np.inf, -np.inf], [np.inf, 0.0]], axis=1), [-np.inf, np.inf])


def test_a_nan_stays():
    for f in (ag.softmax, ag.log_softmax, ag.logsumexp):
        assert np.isnan(f(np.array([1.0, np.nan]))).any()


def test_a_shift_of_all_scores_changes_nothing(rng):
    x = rng.standard_normal((3, 4))
    np.testing.assert_allclose(ag.softmax(x + 1e3), ag.softmax(x), rtol=1e-11)
    np.testing.assert_allclose(ag.logsumexp(x + 1e3), ag.logsumexp(x) + 1e3, rtol=1e-14)


def test_softmax_adds_up_to_1(rng):
    np.testing.assert_allclose(ag.softmax(rng.standard_normal((3, 4)), axis=0).sum(axis=0), np.ones(4), rtol=1e-14)
