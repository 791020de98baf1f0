"""Activations against the definitions, and where they are extreme."""

import math

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag

X = np.array([-1000.0, -30.0, -5.0, -1.0, -1e-8, 0.0, 1e-8, 0.5, 2.0, 30.0, 1000.0])

DEFINITIONS = {
    "relu": lambda x: x if x > 0 else 0.0,
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)) if x > -700 else 0.0,
    "softplus": lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))),
    "silu": lambda x: x / (1 + math.exp(-x)) if x > -700 else 0.0,
    "erf": math.erf,
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
}


def _gradient(f, x):
    t = ag.tensor(x, requires_grad=True)
    f(t).sum().backward()
    return t.grad.data


@for_each("name", DEFINITIONS)
def test_values_are_those_of_the_definition(name):
    np.testing.assert_allclose(getattr(ag, name)(X), [DEFINITIONS[name](x) for x in X], rtol=1e-14, atol=1e-15)


@for_each("name", DEFINITIONS)
@for_each("dtype", [np.float32, np.float64])
def test_nothing_overflows_far_out(name, dtype):
    x = ag.tensor([-1e4, 1e4], requires_grad=True, dtype=dtype)
    y = getattr(ag, name)(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype
    assert np.isfinite(y.data).all()
    assert np.isfinite(x.grad.data).all()


@for_each("name", DEFINITIONS)
def test_a_nan_stays(name):
    with np.errstate(invalid="ignore"):  # NumPy's logaddexp warns of it
        assert np.isnan(getattr(ag, name)(np.array([np.nan]))).all()


def test_relu_at_infinity_and_zero():
    x = np.array([-np.inf, -1.0, -0.0, 0.0, np.inf])
    np.testing.assert_array_equal(ag.relu(x), [0, 0, 0, 0, np.inf])
    assert not np.signbit(ag.relu(np.array([-1.0]))).any()
    np.testing.assert_array_equal(_gradient(ag.relu, x), [0, 0, 0, 0, 1])


def test_slopes_at_0():
    zero = np.zeros(1)
    assert _gradient(ag.leaky_relu, zero) == 0.01
    assert _gradient(lambda t: ag.leaky_relu(t, 0.25), zero) == 0.25
    assert _gradient(lambda t: ag.elu(t, 0.5), zero) == 0.5


def test_parameters():
    np.testing.assert_allclose(ag.leaky_relu([-2.0, 2.0], negative_slope=0.5), [-1, 2])
    np.testing.assert_allclose(ag.elu([-2.0, 2.0], alpha=3), [3 * math.expm1(-2), 2])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 5e-16), (np.float32, 4e-7)])
def test_erf_is_right_to_the_last_digits(dtype, tolerance):
    x = np.concatenate([np.linspace(-7, 7, 20001), [0.46875, -0.46875, 4, -4, 1e-300]]).astype(dtype)
    y = ag.erf(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, [math.erf(v) for v in x], rtol=tolerance)


def test_erf_at_infinity():
    np.testing.assert_array_equal(ag.erf([-np.inf, np.inf]), [-1, 1])


def test_activations_take_numbers_and_integers():
    for name, definition in DEFINITIONS.items():
        np.testing.assert_allclose(getattr(ag, name)(2.0), definition(2.0), rtol=1e-14)
        np.testing.assert_allclose(getattr(ag, name)(np.array([2])), [definition(2.0)], rtol=1e-14)
