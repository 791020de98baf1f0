"""Saturating functions and their rules, to units in the last place, over the whole range of both dtypes."""

import mpmath
import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn

mpmath.mp.dps = 40
mpf = mpmath.mpf

ULPS = 4
REACH = {np.float32: 104.0, np.float64: 745.0}
"""Beyond these exp(-x) is 0 even among the denormal numbers."""


def _points(dtype, reach):
    rng = np.random.default_rng(0)
    few = [0.0, -0.0, 1e-30, -1e-30, 1e-5, 0.46875, -0.46875, 4.0, -4.0, 8.0, -8.0, 20.0, -20.0, reach, -reach]
    drawn = [rng.uniform(-low, low, count) for low, count in ((reach, 120), (6.0, 60), (0.6, 30))]
    return np.concatenate([few, *drawn]).astype(dtype)


def _apart(found, exact, dtype):
    """Return the largest distance in units in the last place of the exact numbers; among denormals, in the smallest."""
    info = np.finfo(dtype)
    worst = 0.0
    for number, right in zip(found.tolist(), exact, strict=True):
        if abs(right) > float(info.max):
            assert number == float(right) or abs(number) == np.inf
            continue
        size = max(abs(right), mpf(float(info.smallest_normal)))
        unit = mpf(2) ** (mpmath.floor(mpmath.log(size, 2)) - info.nmant)
        worst = max(worst, float(abs(mpf(number) - right) / unit))
    return worst


def _logistic(x):
    return 1 / (1 + mpmath.exp(-x))


def _slope(x):
    e = mpmath.exp(-abs(x))
    return e / (1 + e) ** 2


def _density(x):
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)


FUNCTIONS = {
    "sigmoid": (ag.sigmoid, _logistic, _slope),
    "tanh": (ag.tanh, mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "softplus": (ag.softplus, lambda x: mpmath.log1p(mpmath.exp(x)), _logistic),
    "elu": (ag.elu, lambda x: x if x > 0 else mpmath.expm1(x), lambda x: 1 if x > 0 else mpmath.exp(x)),
    "expm1": (ag.expm1, mpmath.expm1, mpmath.exp),
    "erf": (ag.erf, mpmath.erf, lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)),
    "silu": (ag.silu, lambda x: x * _logistic(x), None),
    "gelu": (ag.gelu, lambda x: x * mpmath.ncdf(x), None),
}
"""With the exact function and its derivative; that of the last two crosses 0, where no relative error can be held."""


@for_each("dtype", REACH)
@for_each("name", FUNCTIONS)
@for_each("backend", ["reference", "auto"])
def test_values_and_slopes_are_right_in_the_tails_too(name, dtype, backend):
    f, exact, slope = FUNCTIONS[name]
    x = _points(dtype, REACH[dtype])
    with ag.set_backend(backend), np.errstate(over="ignore"):  # exp itself overflows where it should
        leaf = ag.tensor(x, requires_grad=True)
        y = f(leaf)
        ag.sum(y).backward()
    points = [mpf(float(number)) for number in x]
    assert y.dtype == leaf.grad.dtype == dtype
    assert _apart(y.numpy(), map(exact, points), dtype) <= ULPS + (f is ag.gelu)
    if slope is not None:
        assert _apart(leaf.grad.numpy(), map(slope, points), dtype) <= ULPS


@pytest.mark.parametrize("dtype", REACH)
@pytest.mark.parametrize(
    ("f", "slope", "size", "least"),
    [
        (ag.silu, lambda x: _logistic(x) + x * _slope(x), lambda x: _logistic(x) + abs(x) * _slope(x), lambda x: 1),
        (ag.gelu, lambda x: mpmath.ncdf(x) + x * _density(x), lambda x: mpmath.ncdf(x) + abs(x) * _density(x), abs),
    ],
)
@pytest.mark.parametrize("backend", ["reference", "auto"])
def test_slopes_that_cross_0_are_right_relative_to_their_terms(f, slope, size, least, dtype, backend):
    x = _points(dtype, REACH[dtype])
    with ag.set_backend(backend):
        found = ag.grad(lambda x: ag.sum(f(x)))(x)
    for number, point in zip(found.tolist(), [mpf(float(number)) for number in x], strict=True):
        denormal = least(point) * float(np.finfo(dtype).smallest_subnormal)  # gelu multiplies one by the point
        unit = max(size(point) * float(np.finfo(dtype).eps), denormal)
        assert abs(mpf(number) - slope(point)) <= ULPS * unit


@for_each("dtype", REACH)
@for_each("f", [ag.sigmoid, ag.tanh, ag.softplus, ag.elu, ag.erf, ag.silu, ag.gelu, ag.expm1])
def test_second_derivatives_are_right_in_the_tails_too(f, dtype):
    x = np.array([-20.0, -9.0, -3.0, 0.3, 3.0, 9.0, 20.0] * 10, dtype)  # enough for the kernels that are compiled
    found = ag.grad(lambda x: ag.sum(ag.grad(lambda x: ag.sum(f(x)))(x)))(x)
    name = f.__name__
    with mpmath.workdps(300):
        exact = [mpmath.diff(FUNCTIONS[name][1], mpf(float(number)), 2) for number in x[:7]] * 10
    for number, right in zip(found.tolist(), exact, strict=True):
        assert abs(number - float(right)) <= 5e-5 * abs(float(right)) + float(np.finfo(dtype).smallest_normal)


# --- at infinity and beside NaN ---------------------------------------------------------------

LIMITS = {
    ag.sigmoid: ([0, 1], [0, 0]),
    ag.tanh: ([-1, 1], [0, 0]),
    ag.softplus: ([0, np.inf], [0, 1]),
    ag.silu: ([0, np.inf], [0, 1]),
    ag.gelu: ([0, np.inf], [0, 1]),
    ag.elu: ([-1, np.inf], [0, 1]),
    ag.erf: ([-1, 1], [0, 0]),
    ag.relu: ([0, np.inf], [0, 1]),
    ag.leaky_relu: ([-np.inf, np.inf], [0.01, 1]),
    ag.expm1: ([-1, np.inf], [0, np.inf]),
}


@for_each("dtype", REACH)
@for_each("f", LIMITS)
def test_infinities_have_their_limits_and_nan_stays_nan(f, dtype):
    values, slopes = LIMITS[f]
    x = ag.tensor([-np.inf, np.inf, np.nan], dtype=dtype, requires_grad=True)
    y = f(x)
    y.backward(np.ones(3, dtype))
    np.testing.assert_allclose(y.numpy(), [*values, np.nan], rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy()[:2], slopes, rtol=1e-6)
    assert x.grad.numpy()[2] != 0


def test_a_nan_takes_the_gradient_of_what_it_makes_nan():
    for f in (ag.maximum, ag.minimum):
        assert ag.grad(lambda x: f(x, 1.0))(np.nan) == 1  # noqa: B023  # called at once
        assert ag.grad(lambda x: f(1.0, x))(np.nan) == 1  # noqa: B023
    assert ag.grad(lambda x: ag.clip(x, 0, 1))(np.nan) == 1
    for f in (ag.max, ag.min):
        np.testing.assert_array_equal(ag.grad(f)(np.array([1.0, np.nan, 2.0])), [0, 1, 0])


# --- softmax and the losses -------------------------------------------------------------------


@for_each("dtype", REACH)
@for_each("gap", [1.0, 10.0, 20.0, 60.0, 100.0])
def test_what_is_left_of_a_winners_probability_is_not_lost(gap, dtype):
    x = np.array([gap, 0.0, -1.0], dtype)
    e = [mpmath.exp(mpf(float(number) - gap)) for number in x]
    others = e[1] + e[2]
    ulps = (4 + gap) * float(np.finfo(dtype).eps)
    assert float(ag.log_softmax(x)[0]) == pytest.approx(float(-mpmath.log1p(others)), rel=ulps)
    slope = ag.grad(lambda x: ag.softmax(x)[0])(x)[0]
    assert float(slope) == pytest.approx(float(others / (1 + others) ** 2), rel=ulps)
    loss, gradient = ag.value_and_grad(lambda x: nn.cross_entropy(x, [0]))(x[None])
    assert float(loss) == pytest.approx(float(mpmath.log1p(others)), rel=ulps)
    assert float(gradient[0, 0]) == pytest.approx(float(-others / (1 + others)), rel=ulps)
    assert float(ag.logsumexp(x - x[0])) == pytest.approx(float(mpmath.log1p(others)), rel=ulps)


@for_each("dtype", REACH)
@for_each("target", [0.0, 1.0])
@for_each("z", [-80.0, -20.0, -3.0, 0.0, 3.0, 20.0, 80.0])
def test_binary_cross_entropy_of_confident_answers(z, target, dtype):
    wrong = z if target == 0 else -z
    loss, gradient = ag.value_and_grad(nn.bce_with_logits)(np.array([z], dtype), np.array([target], dtype))
    assert float(loss) == pytest.approx(float(mpmath.log1p(mpmath.exp(wrong))), rel=1e-6)
    assert float(gradient[0]) == pytest.approx(float(_logistic(mpf(wrong)) * (1 if target == 0 else -1)), rel=1e-6)


@pytest.mark.parametrize("dtype", REACH)
@pytest.mark.parametrize("t", [-20.0, -60.0, -87.0])
def test_a_confident_wrong_answer_is_unlearned(t, dtype):
    loss, slope = ag.value_and_grad(lambda t: nn.bce_loss(ag.sigmoid(t), np.ones(1, dtype)))(np.array([t], dtype))
    assert float(loss) == pytest.approx(-t, rel=1e-6)
    assert float(slope[0]) == pytest.approx(-1, rel=1e-5)


def test_where_a_probability_has_come_to_0_the_loss_stays_finite():
    for dtype, least in ((np.float32, np.log(np.finfo(np.float32).tiny)), (np.float64, -100)):
        p = np.zeros(1, dtype)
        loss, slope = ag.value_and_grad(nn.bce_loss)(p, np.ones(1, dtype))
        assert float(loss) == pytest.approx(-least, rel=1e-6)
        assert np.isfinite(slope[0])
        assert slope[0] < 0


def test_masked_scores():
    x = np.array([[1.0, -np.inf, 2.0], [-np.inf, -np.inf, -np.inf]])
    with np.errstate(invalid="ignore"):
        found, slopes = ag.softmax(x[:1]), ag.grad(lambda x: ag.sum(ag.log_softmax(x)[:, ::2]))(x[:1])
        assert np.isnan(ag.log_softmax(x)[1]).all()
        assert ag.logsumexp(x, axis=1)[1] == -np.inf
    np.testing.assert_allclose(found, [[0.26894142, 0, 0.73105858]])
    np.testing.assert_allclose(slopes, [[1 - 2 * 0.26894142, 0, 1 - 2 * 0.73105858]])


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3)])
@pytest.mark.parametrize("axis", [-1, 0])
def test_along_an_empty_axis(shape, axis):
    x = np.zeros(shape)
    for f in (ag.softmax, ag.log_softmax):
        y, pullback = ag.vjp(lambda x: f(x, axis=axis), x)  # noqa: B023
        assert y.shape == pullback(y)[0].shape == shape
    y, pullback = ag.vjp(lambda x: ag.logsumexp(x, axis=axis), x)
    assert (y == -np.inf).all()
    assert pullback(y)[0].shape == shape


# --- integers ---------------------------------------------------------------------------------


@for_each(
    "f",
    [
        ag.exp, ag.expm1, ag.log, ag.log1p, ag.sqrt, ag.sin, ag.cos, ag.tanh, ag.sigmoid, ag.softplus, ag.silu, ag.gelu,
        ag.elu, ag.erf, ag.softmax, ag.log_softmax, ag.logsumexp, ag.mean, ag.var,
    ],
)  # fmt: skip
@for_each("dtype", [np.uint8, np.int8, np.int16, bool])
def test_integers_are_computed_in_float64(f, dtype):
    x = np.array([1, 100, 3], dtype)
    found = f(x)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, f(x.astype(float)), rtol=1e-12)


def test_scores_of_integers():
    scores = np.array([[1, 250, 3]], np.uint8)
    assert float(nn.cross_entropy(scores, [0])) == pytest.approx(249)
