"""Selection and comparisons against NumPy, and their conventions at limits, ties and NaNs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, mutually_broadcastable_shapes

import autograd_cnn as ag

BINARY = ["maximum", "minimum", "heaviside"]
COMPARISONS = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]

few_numbers = st.sampled_from([-2.0, -0.0, 0.0, 1.5, np.inf, -np.inf, np.nan])
shapes = mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0)


def _gradient(f, x):
    t = ag.tensor(x, requires_grad=True)
    f(t).backward(np.ones(f(t).shape))
    return t.grad.data


@pytest.mark.parametrize("name", [*BINARY, *COMPARISONS])
@given(data=st.data(), shapes=shapes)
def test_functions_of_two_are_numpys(name, data, shapes):
    x1, x2 = (data.draw(arrays(float, shape, elements=few_numbers)) for shape in shapes.input_shapes)
    np.testing.assert_array_equal(getattr(ag, name)(x1, x2), getattr(np, name)(x1, x2))


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_give_booleans_without_a_gradient(name):
    y = getattr(ag, name)(ag.tensor([1.0, 2.0], requires_grad=True), 1.0)
    assert y.dtype == bool
    assert not y.requires_grad


@pytest.mark.parametrize("limits", [(-1, 1), (None, 1), (-1, None), (None, None)])
def test_clip_is_numpys(limits, rng):
    x = 2 * rng.standard_normal((3, 4))
    np.testing.assert_array_equal(ag.clip(x, *limits), x if limits == (None, None) else np.clip(x, *limits))


def test_where_is_numpys(rng):
    condition = rng.random((3, 1)) > 0.5
    np.testing.assert_array_equal(ag.where(condition, [1.0, 2.0], -1), np.where(condition, [1.0, 2.0], -1))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_a_selection_leaves_out_does_not_spoil_the_gradient(value):
    x = np.array([1.0, value])
    np.testing.assert_array_equal(_gradient(lambda t: ag.where([True, False], t, 0), x), [1, 0])
    np.testing.assert_array_equal(_gradient(lambda t: ag.masked(t, np.array([True, False])), x), [1, 0])


# --- conventions ------------------------------------------------------------------------------


@pytest.mark.parametrize("select", [ag.maximum, ag.minimum])
def test_equal_operands_share_the_gradient_evenly(select):
    x1 = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x2 = ag.tensor([2.0, 2.0, 2.0], requires_grad=True)
    select(x1, x2).backward(np.ones(3))
    wins = [0, 0.5, 1] if select is ag.maximum else [1, 0.5, 0]
    np.testing.assert_array_equal(x1.grad.data, wins)
    np.testing.assert_array_equal(x2.grad.data, 1 - np.array(wins))


@pytest.mark.parametrize("select", [ag.maximum, ag.minimum])
def test_equal_infinities_share_the_gradient_evenly(select):
    x1, x2 = (ag.tensor([np.inf, -np.inf], requires_grad=True) for _ in range(2))
    select(x1, x2).backward(np.ones(2))
    np.testing.assert_array_equal(x1.grad.data, [0.5, 0.5])
    np.testing.assert_array_equal(x2.grad.data, [0.5, 0.5])


@pytest.mark.parametrize("select", ["maximum", "minimum"])
def test_a_nan_wins(select):
    np.testing.assert_array_equal(getattr(ag, select)([np.nan, 1.0], [1.0, np.nan]), [np.nan, np.nan])


def test_clip_has_derivative_1_at_its_limits():
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    np.testing.assert_array_equal(_gradient(lambda t: ag.clip(t, -1, 1), x), [0, 1, 1, 1, 0])
