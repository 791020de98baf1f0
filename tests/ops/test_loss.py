"""The cross-entropy of scores against its definition, at extreme scores, and what is refused."""

import math

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.ops.loss import softmax_cross_entropy

generators = st.builds(np.random.default_rng, st.integers(0, 2**32 - 1))


@given(rng=generators, n=st.integers(0, 4), k=st.integers(1, 5), smoothing=st.sampled_from([0.0, 0.1, 1.0]))
def test_it_is_the_cross_entropy_with_the_smoothed_labels(rng, n, k, smoothing):
    scores, labels = 3 * rng.standard_normal((n, k)), rng.integers(k, size=n)
    targets = np.full((n, k), smoothing / k)
    for row, label in enumerate(labels):
        targets[row, label] += 1 - smoothing
    t = ag.tensor(scores, requires_grad=True)
    y = softmax_cross_entropy(t, labels=labels, label_smoothing=smoothing)
    expected = -(targets * scipy.special.log_softmax(scores, axis=1)).sum(axis=1)
    np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-13)
    g = rng.standard_normal(n)
    y.backward(g)
    expected = g[:, None] * (scipy.special.softmax(scores, axis=1) - targets)
    np.testing.assert_allclose(t.grad.data, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows(dtype):
    scores = ag.tensor([[1e4, -1e4], [-1e4, 1e4], [1e4, 1e4]], dtype=dtype, requires_grad=True)
    y = softmax_cross_entropy(scores, labels=[1, 1, 0])
    y.sum().backward()
    np.testing.assert_allclose(y.data, [2e4, 0, math.log(2)], rtol=1e-6)
    np.testing.assert_allclose(scores.grad.data, [[1, -1], [0, 0], [-0.5, 0.5]], rtol=1e-6)


SCORES = np.zeros((2, 3))


@for_each(
    "scores, labels, kind, text",
    [
        (SCORES, [0.0, 1.0], OperandError, "labels are class indices: expected integers, got float64"),
        (SCORES, [True, False], OperandError, "labels are class indices: expected integers, got bool"),
        (SCORES, [1, 3], ArgumentError, "labels[1] is out of range: expected 0 to 2, got 3"),
        (SCORES, [0, 3], ArgumentError, "labels[1] is out of range: expected 0 to 2, got 3"),
        (np.zeros((2, 3, 2)), [[0, 1], [5, 0]], ArgumentError, "labels[1, 0] is out of range: expected 0 to 2, got 5"),
        (SCORES, [3, -1], ArgumentError, "labels[0] is out of range: expected 0 to 2, got 3"),
        (SCORES, [-1, 0], ArgumentError, "labels[0] is out of range: expected 0 to 2, got -1"),
        (
            SCORES,
            [0],
            ShapeError,
            "scores and labels do not go together: expected (N, K, ...) and (N, ...), got (2, 3) and (1,)",
        ),
        (
            SCORES,
            [[0], [1]],
            ShapeError,
            "scores and labels do not go together: expected (N, K, ...) and (N, ...), got (2, 3) and (2, 1)",
        ),
        (
            SCORES,
            [0, 1, 2],
            ShapeError,
            "scores and labels do not go together: expected (N, K, ...) and (N, ...), got (2, 3) and (3,)",
        ),
        (
            np.zeros((2, 3, 4)),
            [0, 1],
            ShapeError,
            "scores and labels do not go together: expected (N, K, ...) and (N, ...), got (2, 3, 4) and (2,)",
        ),
        (
            np.zeros(3),
            [0, 1, 2],
            ShapeError,
            "scores and labels do not go together: expected (N, K, ...) and (N, ...), got (3,) and (3,)",
        ),
    ],
)
def test_bad_labels(scores, labels, kind, text):
    with pytest.raises(kind) as err:
        softmax_cross_entropy(scores, labels=labels)
    assert str(err.value) == f"softmax_cross_entropy: {text}"


@pytest.mark.parametrize("smoothing", [-0.1, 1.5, math.nan])
def test_a_label_smoothing_out_of_range(smoothing):
    with pytest.raises(ArgumentError) as err:
        softmax_cross_entropy(SCORES, labels=[0, 1], label_smoothing=smoothing)
    expected = f"softmax_cross_entropy: label_smoothing is out of range: expected 0 to 1, got {smoothing}"
    assert str(err.value) == expected


@for_each("smoothing", [0.0, 0.1])
@for_each("label", [0, 1])
@for_each("odd", [math.nan, math.inf])
def test_nan_and_infinity_among_the_scores_are_not_lost(odd, label, smoothing):
    with np.errstate(invalid="ignore"):
        assert np.isnan(softmax_cross_entropy([[odd, 0.0]], labels=[label], label_smoothing=smoothing))
