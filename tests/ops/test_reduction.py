"""Reductions against NumPy's of the same name, and the conventions at ties and zeros."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError

REDUCTIONS = ["sum", "mean", "var", "std", "max", "min", "prod"]

blocks = arrays(float, array_shapes(max_dims=4, max_side=3), elements=st.floats(-4, 4, allow_subnormal=False))


def _axes(x):
    """Draw None, one axis, or several, counted from either end."""
    one = st.integers(-x.ndim, x.ndim - 1)
    several = st.lists(st.integers(0, x.ndim - 1), unique=True, min_size=1).map(tuple)
    return st.one_of(st.none(), one, several)


def _gradient(f, x):
    t = ag.tensor(x, requires_grad=True)
    y = f(t)
    y.backward(np.ones(y.shape))
    return t.grad.data


@pytest.mark.parametrize("name", REDUCTIONS)
@given(x=blocks, data=st.data(), keepdims=st.booleans())
def test_reductions_are_numpys(name, x, data, keepdims):
    axis = data.draw(_axes(x))
    expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(getattr(ag, name)(x, axis=axis, keepdims=keepdims), expected, rtol=1e-14)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@given(x=blocks, data=st.data(), keepdims=st.booleans())
def test_positions_are_numpys(name, x, data, keepdims):
    axis = data.draw(st.one_of(st.none(), st.integers(-x.ndim, x.ndim - 1)))
    expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(getattr(ag, name)(x, axis=axis, keepdims=keepdims), expected)


@given(x=blocks, data=st.data())
def test_cumsum_is_numpys(x, data):
    axis = data.draw(st.one_of(st.none(), st.integers(-x.ndim, x.ndim - 1)))
    np.testing.assert_allclose(ag.cumsum(x, axis=axis), np.cumsum(x, axis=axis), rtol=1e-14)


@for_each("ours, initial, running", [(ag.cumulative_sum, 0, np.cumsum), (ag.cumulative_prod, 1, np.cumprod)])
def test_running_totals_of_the_array_standard(ours, initial, running, rng):
    x = rng.standard_normal((3, 4, 2))
    for axis in (0, 1, -1, -2):
        np.testing.assert_array_equal(ours(x, axis), running(x, axis))
        start = np.full_like(np.take(x, [0], axis), initial)
        np.testing.assert_array_equal(
            ours(x, axis, include_initial=True), np.concatenate([start, running(x, axis)], axis)
        )
    np.testing.assert_array_equal(ours(x[0, :, 0]), running(x[0, :, 0]))
    for shape in ((), (2, 3)):
        with pytest.raises(ArgumentError, match=f"^{ours.__name__}: axis is missing"):
            ours(np.ones(shape))


def test_too_few_elements_have_no_variance():
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        gradient = _gradient(lambda t: ag.var(t, ddof=2), np.ones(1))
    assert np.isnan(gradient).all()


@pytest.mark.parametrize("name", ["var", "std"])
def test_ddof_is_numpys(name, rng):
    x = rng.standard_normal((4, 3))
    np.testing.assert_allclose(getattr(ag, name)(x, 0, 1), getattr(np, name)(x, 0, ddof=1), rtol=1e-15)


def test_std_has_the_gradient_of_its_definition(rng):
    x = rng.standard_normal((4, 3))
    expected = (x - x.mean(axis=0)) / x.std(axis=0) / 4
    np.testing.assert_allclose(_gradient(lambda t: ag.std(t, axis=0), x), expected, rtol=1e-13)


def test_std_has_the_gradient_0_where_it_is_0_as_norms_have():
    for x in (np.float64(3.0), np.full(2, 0.5, np.float32)):
        gradient = _gradient(ag.std, x)
        np.testing.assert_array_equal(gradient, np.zeros(x.shape))
        assert gradient.dtype == x.dtype
    gradient = _gradient(lambda t: ag.std(t, axis=0), np.array([[1.0, 2.0], [1.0, 4.0]]))
    np.testing.assert_array_equal(gradient, [[0.0, -0.5], [0.0, 0.5]])


# --- ties and zeros ---------------------------------------------------------------------------


@pytest.mark.parametrize(("extremum", "sign"), [(ag.max, 1), (ag.min, -1)])
def test_ties_share_the_gradient_evenly(extremum, sign):
    x = sign * np.array([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]])
    np.testing.assert_array_equal(_gradient(lambda t: extremum(t, axis=1), x), [[0, 0.5, 0.5], [1, 0, 0]])
    np.testing.assert_array_equal(_gradient(extremum, np.full(4, sign)[None] * 2.0), [[0.25] * 4])


@pytest.mark.parametrize("extremum", [ag.max, ag.min])
def test_extrema_of_infinities(extremum):
    for value in (np.inf, -np.inf):
        np.testing.assert_array_equal(_gradient(extremum, np.array([value, value])), [0.5, 0.5])


@for_each("name", REDUCTIONS)
def test_a_nan_stays(name):
    assert np.isnan(getattr(ag, name)(np.array([1.0, np.nan, 2.0])))


@pytest.mark.parametrize(
    ("x", "gradient"),
    [
        ([2.0, 3.0, 4.0], [12, 8, 6]),
        ([2.0, 0.0, 4.0], [0, 8, 0]),
        ([0.0, 0.0, 4.0], [0, 0, 0]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
        ([5.0], [1]),
    ],
)
def test_prod_is_exact_at_zeros(x, gradient):
    np.testing.assert_array_equal(_gradient(ag.prod, np.array(x)), gradient)


def test_prod_of_a_long_line(rng):
    x = rng.choice([-1.0, 1.0], 37)
    np.testing.assert_array_equal(_gradient(ag.prod, x), np.prod(x) / x)


# --- what is there not ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sum", "prod"])
def test_of_nothing(name):
    assert getattr(ag, name)(np.zeros((0, 3))) == getattr(np, name)(np.zeros((0, 3)))


def test_the_mean_of_nothing_warns_as_numpys():
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"), np.errstate(invalid="ignore"):
        assert np.isnan(ag.mean(np.zeros((0, 3))))


@pytest.mark.parametrize("name", ["sum", "mean", "max", "cumsum", "argmax"])
def test_an_axis_out_of_range_is_numpys_error(name):
    with pytest.raises(np.exceptions.AxisError):
        getattr(ag, name)(np.zeros((2, 3)), axis=2)


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "max"])
def test_integers_stay_integers(name):
    x = np.array([[1, 2], [3, 4]])
    y = getattr(ag, name)(ag.tensor(x), axis=0)
    assert y.dtype == getattr(np, name)(x, axis=0).dtype
    np.testing.assert_array_equal(y.data, getattr(np, name)(x, axis=0))


def test_the_mean_of_booleans_is_their_share():
    assert ag.mean([True, False, True, True]) == 0.75
    assert ag.mean(ag.tensor([[True], [False]])).item() == 0.5


def test_the_gradient_of_a_product_over_more_factors_than_products(rng):
    x = ag.tensor(rng.uniform(0.5, 2.0, (2, 9)), requires_grad=True)
    ag.prod(x, axis=1).sum().backward()
    others = [[np.prod(np.delete(row, i)) for i in range(9)] for row in x.numpy()]
    np.testing.assert_allclose(x.grad.numpy(), others, rtol=1e-14)
