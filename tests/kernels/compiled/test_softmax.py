"""Softmax and its kin by rows: as the reference has them, whatever the length, the layout and the number of threads."""

import importlib

import mpmath
import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.kernels import reference

compiled = importlib.import_module("autograd_cnn.kernels.compiled.softmax")


@pytest.fixture(autouse=True)
def _any_size(monkeypatch):
    """Let the kernels have arrays for which NumPy is as good, too."""
    monkeypatch.setattr(compiled, "MIN_COMPILED", 0)


FORWARD, ADJOINTS, LOSSES = (
    ["softmax", "log_softmax", "logsumexp"],
    ["softmax_wrt_x", "log_softmax_wrt_x"],
    ["softmax_cross_entropy", "softmax_error"],
)
SHAPES = [(3, 1), (5, 10), (4, 16), (3, 17), (2, 3, 64), (7,), (2, compiled.BLOCK + 1), (300, 70)]


ACROSS = [((2, 5, 8, 9), 1), ((3, 70), 0), ((2, 300, 20), -2), ((4, 5, 600), 1)]
"""Maps of classes along other axes than the last."""


def _arguments(name, x, g, axis=-1):
    if name in ADJOINTS:
        return g, getattr(reference, name.removesuffix("_wrt_x"))(x, axis), axis
    return x, axis


def _assert_near(ours, theirs, dtype):
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, theirs, rtol=100 * np.finfo(dtype).eps, atol=100 * np.finfo(dtype).eps)


@for_each("dtype", [np.float32, np.float64])
@for_each("shape", SHAPES)
@for_each("name", FORWARD + ADJOINTS)
def test_they_agree_with_the_reference(rng, name, shape, dtype):
    x, g = ((rng.standard_normal(shape) * 3).astype(dtype) for _ in range(2))
    arguments = _arguments(name, x, g)
    _assert_near(getattr(compiled, name)(*arguments), getattr(reference, name)(*arguments), dtype)


@for_each("dtype", [np.float32, np.float64])
@for_each("case", ACROSS)
@for_each("name", FORWARD + ADJOINTS)
def test_they_agree_along_other_axes(rng, name, case, dtype):
    shape, axis = case
    x, g = ((rng.standard_normal(shape) * 3).astype(dtype) for _ in range(2))
    arguments = _arguments(name, x, g, axis)
    _assert_near(getattr(compiled, name)(*arguments), getattr(reference, name)(*arguments), dtype)


def test_small_maps_and_infinite_scores_are_the_references(rng):
    x = rng.standard_normal((9, 20)).astype(np.float32)
    for name in FORWARD:
        call = getattr(compiled, name)
        assert call(x, 0) is not NotImplemented
        assert call(x[:, :15], 0) is call(x, 2) is call(x, (0, 1)) is call(x, None) is NotImplemented
    x[3, 4] = np.inf
    for name in FORWARD:
        assert getattr(compiled, name)(x, 0) is NotImplemented


@for_each("dtype", [np.float32, np.float64])
@for_each("shape", [(3, 1), (5, 10), (3, 17), (300, 70)])
@for_each("smoothing", [0.0, 0.3])
@for_each("name", LOSSES)
def test_the_losses_do_too(rng, name, smoothing, shape, dtype):
    x, labels = (rng.standard_normal(shape) * 3).astype(dtype), rng.integers(0, shape[1], shape[0]).astype(np.uint8)
    g = rng.standard_normal(len(x)).astype(dtype)
    arguments = (*((g,) if name == "softmax_error" else ()), x, labels, smoothing)
    _assert_near(getattr(compiled, name)(*arguments), getattr(reference, name)(*arguments), dtype)


def test_ties_share_what_is_largest():
    x = np.array([[1.0, 1.0, 1.0, -3.0]])
    _assert_near(compiled.log_softmax(x, -1), reference.log_softmax(x, -1), float)
    y, g = np.array([[0.5, 0.5, 0.0]]), np.array([[1.0, 3.0, 9.0]])
    _assert_near(compiled.softmax_wrt_x(g, y, -1), reference.softmax_wrt_x(g, y, -1), float)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_rows_are_summed_with_care(rng, dtype):
    x = rng.uniform(-1, 1, (1, 200_000)).astype(dtype)
    exact = x.astype(np.longdouble)
    powers = np.exp(exact - exact.max())
    np.testing.assert_allclose(compiled.softmax(x, -1), powers / powers.sum(), rtol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_probabilities_are_right_among_the_denormals_too(dtype):
    x = np.array([[0.0, *-np.linspace(1, 103 if dtype == np.float32 else 744, 60)]], dtype)
    powers = [mpmath.exp(mpmath.mpf(float(each))) for each in x[0]]
    total = mpmath.fsum(powers)
    smallest, eps = float(np.finfo(dtype).smallest_subnormal), float(np.finfo(dtype).eps)
    for found, power in zip(compiled.softmax(x, -1)[0].tolist(), powers, strict=True):
        assert abs(found - power / total) <= 2 * smallest + 4 * eps * power


@for_each("dtype", [np.float32, np.float64])
@for_each("gap", [1.0, 10.0, 20.0, 60.0, 100.0])
def test_what_is_left_of_a_winners_probability_is_not_lost(gap, dtype):
    x, winner = np.array([[gap, 0.0, -1.0]], dtype), np.array([[1.0, 0.0, 0.0]], dtype)
    others = mpmath.exp(-gap) + mpmath.exp(-gap - 1)
    rel = (4 + gap) * float(np.finfo(dtype).eps)
    assert float(compiled.log_softmax(x, -1)[0, 0]) == pytest.approx(float(-mpmath.log1p(others)), rel=rel)
    slope = compiled.softmax_wrt_x(winner, compiled.softmax(x, -1), -1)[0, 0]
    assert float(slope) == pytest.approx(float(others / (1 + others) ** 2), rel=rel)
    label = np.zeros(1, int)
    assert float(compiled.softmax_cross_entropy(x, label, 0.0)[0]) == pytest.approx(
        float(mpmath.log1p(others)), rel=rel
    )
    assert float(compiled.softmax_error(x[:, 1] + 1, x, label, 0.0)[0, 0]) == pytest.approx(
        float(-others / (1 + others)), rel=rel
    )


def test_minus_infinity_has_no_probability_and_nan_makes_its_row_nan():
    x = np.array([[1.0, -np.inf, 2.0], [1.0, np.nan, 2.0], [1.0, 2.0, 3.0]])
    for name in FORWARD:
        np.testing.assert_allclose(getattr(compiled, name)(x, -1), getattr(reference, name)(x, -1))


def test_rows_without_a_finite_largest_are_left_to_the_reference():
    for row in ([-np.inf, -np.inf], [np.inf, 0.0], [np.nan, np.nan]):
        x = np.array([[1.0, 2.0], row])
        assert compiled.softmax(x, -1) is compiled.log_softmax(x, -1) is NotImplemented


@pytest.mark.filterwarnings("ignore:invalid value|overflow:RuntimeWarning")
@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0])
def test_losses_of_rows_without_a_finite_largest(smoothing):
    rows = [[-np.inf] * 3, [np.inf, 0.0, 900.0], [np.nan, 1.0, -np.inf], [np.inf, -np.inf, np.inf], [np.nan] * 3]
    g = np.array([2.0, 0.5, 1.0, 3.0, 1.0])
    for label in range(3):
        x, labels = np.array(rows), np.full(5, label)
        for name, given in (("softmax_cross_entropy", ()), ("softmax_error", (g,))):
            found, expected = (
                getattr(backend, name)(*given, x, labels, smoothing) for backend in (compiled, reference)
            )
            np.testing.assert_allclose(found, expected, rtol=1e-15, err_msg=f"{name}, label {label}")


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@for_each("smoothing", [0.0, 0.3, 1.0])
@for_each("shape", [(4, 3), (4, 3, 5)])
def test_a_cotangent_that_is_not_finite_reaches_what_depends_on_it(rng, shape, smoothing):
    x, labels = rng.standard_normal(shape), rng.integers(0, 3, (shape[0], *shape[2:]))
    g = rng.choice([np.inf, -np.inf, np.nan, 1.0], labels.shape)
    found, expected = (backend.softmax_error(g, x, labels, smoothing) for backend in (compiled, reference))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_other_axes_and_dtypes_are_declined():
    x = np.ones((3, 4))
    for axis in (0, None, (0, 1), (1,)):
        assert compiled.softmax(x, axis) is NotImplemented
    for other in (np.ones((3, 4), int), np.ones((0, 3)), np.ones((3, 0)), np.float64(1)):
        assert compiled.log_softmax(other, -1) is NotImplemented
    for g in (np.ones((3, 4), np.float32), np.ones((1, 4))):
        assert compiled.softmax_wrt_x(g, x, 1) is compiled.log_softmax_wrt_x(g, x, 1) is NotImplemented


def test_views_of_any_layout(rng):
    x = rng.standard_normal((30, 20))[::-2, 1::2]
    for name in FORWARD:
        expected = getattr(compiled, name)(np.ascontiguousarray(x), -1)
        np.testing.assert_array_equal(getattr(compiled, name)(x, -1), expected)


def test_the_bits_do_not_depend_on_the_threads(rng):
    x, g = rng.standard_normal((2, 500, 70)).astype(np.float32)
    before, found = ag.num_threads(), []
    try:
        for count in (1, before):
            ag.set_num_threads(count)
            found.append([getattr(compiled, name)(*_arguments(name, x, g)) for name in FORWARD + ADJOINTS])
    finally:
        ag.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
