"""Sorting, statistics, sequences, joining and polynomials: conventions at ties and ends, and what is refused."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, GradientError, ShapeError
from autograd_cnn.testing import check_vjp

X = np.array([[3.0, 1.0, 2.0], [0.5, 4.0, 1.5]])
ROW = np.array([1.0, 3.0, 6.0])


# --- ties, NaNs and ends ----------------------------------------------------------------------


def _gradient(f, x):
    return ag.grad(f)(np.array(x)).tolist()


def test_equal_elements_keep_their_own_gradients():
    weights = [1.0, 10.0, 100.0]
    assert _gradient(lambda x: ag.sum(ag.sort(x) * weights), [2.0, 1.0, 2.0]) == [10, 1, 100]
    assert _gradient(lambda x: ag.sum(ag.unique(x) * [1.0, 10.0]), [2.0, 1.0, 2.0]) == [10, 1, 0]
    assert _gradient(ag.median, [1.0, 2.0, 2.0, 5.0]) == [0, 0.5, 0.5, 0]
    assert _gradient(lambda x: ag.quantile(x, 0.25), [1.0, 5.0, 2.0]) == [0.5, 0, 0.5]


def test_nan_makes_statistics_nan_unless_it_is_left_out():
    x = np.array([1.0, np.nan, 3.0])
    for f in (ag.median, lambda x: ag.quantile(x, 0.2)):
        assert np.isnan(f(x))
    assert np.isnan(ag.sort(x)[-1])
    for f in (ag.nanmedian, ag.nanmean, ag.nansum, ag.nanmax, lambda x: ag.nanquantile(x, 0.5)):
        assert np.isfinite(f(x))
        assert _gradient(f, x)[1] == 0
    with np.errstate(invalid="ignore"):
        assert np.isnan([ag.nanmax(x[1:2]), ag.nanmin(x[1:2]), ag.nanmean(x[1:2]), ag.nanmedian(x[1:2])]).all()


def test_interpolation_at_and_beyond_the_ends():
    xp, fp = np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, 0.0])
    x = np.array([-1.0, 0.0, 1.0, 3.0, 4.0])
    np.testing.assert_array_equal(ag.interp(x, xp, fp), np.interp(x, xp, fp))
    assert _gradient(lambda x: ag.sum(ag.interp(x, xp, fp)), x) == [0, 1, -1, -1, 0]
    assert ag.interp(np.float32(2.0), np.float32([1.0]), np.float32([5.0])) == 5.0


def test_remainders_have_the_gradient_of_a_fixed_quotient():
    check_vjp(ag.remainder, [np.array([7.3, -7.3]), np.array([3.0, 3.1])])


def test_running_products_are_differentiated_at_zeros():
    check_vjp(ag.cumprod, [np.array([2.0, 0.0, 3.0, 0.0, 5.0])])


def test_conditions_choose():
    x = np.array([-1.0, 2.0, 3.0])
    y = ag.piecewise(x, [x < 0, x > 2], [lambda z: z * z, 7.0, lambda z: z + 1.0])
    assert y.tolist() == [1.0, 3.0, 7.0]
    assert ag.choose([0, 3, -1], [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]], mode="wrap").tolist() == [1.0, 2.0, 2.0]
    assert ag.choose([0, 3, -1], [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]], mode="clip").tolist() == [1.0, 2.0, 1.0]


@for_each("dtype", [np.float32, np.float64])
def test_bins_and_edges_are_numpys_to_the_last_bit(dtype, rng):
    for count in range(1, 20):
        a = rng.normal(size=60).round(count % 3 + 1).astype(dtype)  # some are at edges
        counts, edges = ag.histogram(ag.tensor(a), count)
        (grid, (first, second)), pairs = ag.histogramdd(ag.tensor(a.reshape(30, 2)), (count, 3)), a.reshape(30, 2)
        expected, (left, right) = np.histogramdd(pairs, (count, 3))
        for ours, theirs in zip(
            (counts, edges, grid, first, second), (*np.histogram(a, count), expected, left, right), strict=True
        ):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(np.asarray(getattr(ours, "value", ours)), theirs)


def test_roots_undo_poly():
    roots = np.array([-1.5, 0.25, 2.0])
    np.testing.assert_allclose(ag.jacobian(lambda r: ag.sort(ag.roots(ag.poly(r))))(roots), np.eye(3), atol=1e-12)


# --- what is refused --------------------------------------------------------------------------


@for_each(
    "call, kind, text",
    [
        (lambda: ag.roots([1.0, 0.0, 1.0]), ArgumentError,
         "roots: some are complex, which have no gradients here; use .numpy() to leave the tape"),
        (lambda: ag.roots(X), ArgumentError, "roots: p has the wrong rank: expected coefficients, in one axis, got (2, 3)"),
        (lambda: ag.grad(lambda p: ag.sum(ag.roots(p)))(np.array([1.0, -2.0, 1.0])), GradientError,
         "roots_vjp_p: 1.0 is a root twice, up to rounding, and has no gradient; compute from the coefficients"),
        (lambda: ag.histogram(ROW, weights=ROW[:2]), ShapeError, "histogram: weights do not fit x: expected (3,), got (2,)"),
        (lambda: ag.histogramdd(X, (2, 2)), ArgumentError,
         "histogramdd: bins does not fit: expected one for each of 3 axes, got 2"),
        (lambda: ag.histogram2d(ROW, ROW[:2]), ShapeError,
         "histogram2d: coordinates do not fit: expected shape (3,), got (2,)"),
        (lambda: ag.irfft(ROW, 0), ArgumentError,
         "irfft: can't be done: expected axes of lengths from 1 on, and a norm backward, ortho or forward, got (0,) and None"),
        (lambda: ag.partition(X, 3), ArgumentError, "partition: kth is out of range: expected less than 3, got 3"),
        (lambda: ag.searchsorted(ROW, 1.0, "middle"), ArgumentError,
         "searchsorted: side is unknown: expected 'left' or 'right', got 'middle'"),
        (lambda: ag.quantile(X, 1.5), ArgumentError, "quantile: q is out of range: expected from 0 to 1, or 100 %, got 1.5"),
        (lambda: ag.percentile(X, 150), ArgumentError,
         "percentile: q is out of range: expected from 0 to 1, or 100 %, got 1.5"),
        (lambda: ag.median(X[:0]), ArgumentError, "median: there is nothing to take it of: expected elements, got shape (0, 3)"),
        (lambda: ag.average(X, 0, ROW), ArgumentError,
         "average: weights do not fit: expected shape (2, 3), or the length of the axis, got shape (3,)"),
        (lambda: ag.cov(X[None]), ArgumentError,
         "cov: has more than two axes: expected variables and observations, got (1, 2, 3)"),
        (lambda: ag.cumulative_sum(X), ArgumentError,
         "cumulative_sum: axis is missing: expected an axis for arrays of more than one, got None"),
        (lambda: ag.gradient(X, 1.0, 1.0, 1.0), ArgumentError,
         "gradient: distances or edge_order are not understood: expected none, one or 2, and an edge_order of 1 or 2, got 3 and 1"),
        (lambda: ag.gradient(ROW[:1]), ArgumentError, "gradient: an axis is too short: expected at least 2 samples, got 1"),
        (lambda: ag.gradient(ROW, ROW[:2]), ShapeError, "gradient: coordinates do not fit: expected shape (3,), got (2,)"),
        (lambda: ag.interp(1.0, ROW, ROW, period=2.0), ArgumentError,
         "interp: period is not supported; reduce x with np.mod, and repeat the samples at the ends"),
        (lambda: ag.convolve(ROW, ROW, "half"), ArgumentError,
         "convolve: can't be done: expected a filter, and a mode full, same or valid, got 3 numbers, and 'half'"),
        (lambda: ag.block([[ROW], ROW]), ArgumentError,
         "block: the lists are not nested alike: expected lists of blocks at one depth, none empty, got 0, 1"),
        (lambda: ag.block([]), ArgumentError,
         "block: the lists are not nested alike: expected lists of blocks at one depth, none empty, got an empty list"),
        (lambda: ag.vsplit(ROW, 3), ArgumentError, "vsplit: x has too few axes: expected at least 2, got (3,)"),
        (lambda: ag.ravel(X, "F"), ArgumentError, "ravel: order is unknown: expected 'C', got 'F'"),
        (lambda: ag.rot90(X, 1, (0, -2)), ArgumentError, "rot90: axes are the same: expected two, got (0, -2)"),
        (lambda: ag.meshgrid(ROW, indexing="yx"), ArgumentError, "meshgrid: indexing is unknown: expected 'xy' or 'ij', got 'yx'"),
        (lambda: ag.choose([0, 2], [[1.0, 1.0], [2.0, 2.0]]), ArgumentError,
         "choose: a is out of range: expected from 0 to 1, got [0 2]"),
        (lambda: ag.bincount([0, 1], ROW), ShapeError, "bincount: weights do not fit x: expected (2,), got (3,)"),
        (lambda: ag.polyint(ROW, 2, [1.0, 2.0, 3.0]), ArgumentError,
         "polyint: k does not fit: expected one constant or 2, got (3,)"),
        (lambda: ag.poly(X), ArgumentError,
         "poly: the eigenvalues of a matrix may be complex: expected roots, in one axis, got (2, 3)"),
    ],
)  # fmt: skip
def test_what_is_refused(call, kind, text):
    with pytest.raises(kind) as err:
        call()
    assert str(err.value) == text
