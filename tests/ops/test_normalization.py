"""Batch normalisation: shapes, errors, and how its three sides hang together."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ShapeError


def test_all_sides_are_one_form(rng):
    x, g, u = (rng.standard_normal((3, 2, 4, 5)) for _ in range(3))
    weight = rng.standard_normal(2)
    form = np.vdot(g, ag.batch_norm(x, weight))
    np.testing.assert_allclose(np.vdot(weight, ag.batch_norm_wrt_weight(g, x)), form, rtol=1e-12)
    there, back = ag.batch_norm_wrt_input(g, x, weight), ag.batch_norm_wrt_input(u, x, weight)
    np.testing.assert_allclose(np.vdot(u, there), np.vdot(back, g), rtol=1e-12)


def test_nothing_flows_back_to_the_mean_and_along_z(rng):
    x = rng.standard_normal((3, 2, 4, 5))
    for g in (np.ones(x.shape), ag.batch_norm(x, eps=0.0)):
        np.testing.assert_allclose(ag.batch_norm_wrt_input(g, x, eps=0.0), 0, atol=1e-12)


def test_weight_and_bias_may_be_left_out(rng):
    x = rng.standard_normal((3, 2, 4, 5))
    np.testing.assert_array_equal(ag.batch_norm(x), ag.batch_norm(x, np.ones(2), np.zeros(2)))
    np.testing.assert_array_equal(ag.batch_norm(x, None, np.ones(2)), ag.batch_norm(x) + 1)


def test_eps_is_the_same_on_all_sides_unless_told_otherwise(rng):
    x, g = (rng.standard_normal((3, 2, 4, 5)) for _ in range(2))
    np.testing.assert_array_equal(ag.batch_norm(x), ag.batch_norm(x, eps=1e-5))
    for side in (ag.batch_norm_wrt_input, ag.batch_norm_wrt_weight):
        np.testing.assert_array_equal(side(g, x), side(g, x, eps=1e-5))


X, G = np.ones((2, 3, 4, 4)), np.ones((2, 3, 4, 5))


@for_each(
    "call, text",
    [
        (
            lambda: ag.batch_norm(X[0]),
            "batch_norm: x has the wrong shape: expected (N, C, H, W), not empty, got (3, 4, 4)",
        ),
        (
            lambda: ag.batch_norm(X[None]),
            "batch_norm: x has the wrong shape: expected (N, C, H, W), not empty, got (1, 2, 3, 4, 4)",
        ),
        (
            lambda: ag.batch_norm(X[:0]),
            "batch_norm: x has the wrong shape: expected (N, C, H, W), not empty, got (0, 3, 4, 4)",
        ),
        (
            lambda: ag.batch_norm(X, np.ones(2)),
            "batch_norm: weight has the wrong shape: expected one number for each channel, (3,), got (2,)",
        ),
        (
            lambda: ag.batch_norm(X, None, np.ones((3, 1))),
            "batch_norm: bias has the wrong shape: expected one number for each channel, (3,), got (3, 1)",
        ),
        (
            lambda: ag.batch_norm_wrt_input(G, X),
            "batch_norm_wrt_input: g has the wrong shape: expected (2, 3, 4, 4), got (2, 3, 4, 5)",
        ),
        (
            lambda: ag.batch_norm_wrt_input(X, G),
            "batch_norm_wrt_input: g has the wrong shape: expected (2, 3, 4, 5), got (2, 3, 4, 4)",
        ),
        (
            lambda: ag.batch_norm_wrt_input(X, X, np.ones(4)),
            "batch_norm_wrt_input: weight has the wrong shape: expected one number for each channel, (3,), got (4,)",
        ),
        (
            lambda: ag.batch_norm_wrt_weight(G, X),
            "batch_norm_wrt_weight: g has the wrong shape: expected (2, 3, 4, 4), got (2, 3, 4, 5)",
        ),
        (
            lambda: ag.batch_norm_wrt_weight(X[0], X[0]),
            "batch_norm_wrt_weight: x has the wrong shape: expected (N, C, H, W), not empty, got (3, 4, 4)",
        ),
    ],
)
def test_bad_shapes(call, text):
    with pytest.raises(ShapeError) as error:
        call()
    assert str(error.value) == text
