"""Batch normalisation: shapes, errors, and how its three sides hang together."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import kernels, nn
from autograd_cnn.errors import ShapeError


def test_all_sides_are_one_form(rng):
    x, g, u = (rng.standard_normal((3, 2, 4, 5)) for _ in range(3))
    weight = rng.standard_normal(2)
    bias = rng.standard_normal(2)
    form = np.vdot(g, ag.batch_norm(x, weight, bias))
    np.testing.assert_allclose(np.vdot([weight, bias], ag.batch_norm_wrt_affine(g, x)), form, rtol=1e-12)
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
    for side in (ag.batch_norm_wrt_input, ag.batch_norm_wrt_affine):
        np.testing.assert_array_equal(side(g, x), side(g, x, eps=1e-5))


@pytest.fixture
def counted(monkeypatch):
    """Count how often kernels pass over the maps to sum them up."""
    calls = Counter()
    for name in ("moments", "standardized_sums"):
        kernel = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *args, n=name, k=kernel: calls.update([n]) or k(*args))
    return calls


@for_each("recorded", [False, True], ids=["plain", "compiled"])
def test_a_step_counts_once(rng, counted, recorded):
    layers = [nn.BatchNorm2d(2) for _ in range(3)]
    w = [ag.tensor(rng.standard_normal((2, 2, 3, 3)), dtype=np.float32, requires_grad=True) for _ in range(2)]

    def step(x):
        h = [norm(x * each) for norm, each in zip(layers, w, strict=False)]  # both get one and the same cotangent
        layers[2](h[0] + h[1]).sum().backward()

    step = ag.compile(step) if recorded else step
    for _ in range(3):
        counted.clear()
        step(rng.standard_normal((2, 2, 3, 3)).astype(np.float32))
    assert counted == {"moments": 3, "standardized_sums": 3}


@for_each("with_bias", [False, True])
def test_sums_are_of_their_own_call(rng, with_bias):
    x, z = (ag.tensor(rng.standard_normal((3, 2, 4, 5)), requires_grad=True) for _ in range(2))
    g, sizes = rng.standard_normal(x.shape), (1e-5, 1.0)
    weights = [ag.tensor(rng.standard_normal(2), requires_grad=True) for _ in range(4)]
    bias = ag.tensor(np.zeros(2), requires_grad=True) if with_bias else None
    calls = [(w, h, eps) for w, (h, eps) in zip(weights, product((x, z), sizes), strict=True)]
    found = ag.gradients(sum(ag.batch_norm(h, w, bias, eps=eps) for w, h, eps in calls), weights, g)
    for (_, h, eps), dw in zip(calls, found, strict=True):
        expected = (g * ag.batch_norm(h.numpy(), eps=eps)).sum((0, 2, 3))
        np.testing.assert_allclose(dw.numpy(), expected, rtol=1e-10)
    y = ag.batch_norm(x, weights[0])
    for scale in (1, 2):  # a cotangent that is written to, and passed again
        g[...] = scale
        again = ag.gradients(y, [weights[0]], g, retain_graph=True)[0].numpy()
        np.testing.assert_allclose(again, scale * ag.batch_norm(x.numpy()).sum((0, 2, 3)), atol=1e-12)


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
            lambda: ag.batch_norm_wrt_affine(G, X),
            "batch_norm_wrt_affine: g has the wrong shape: expected (2, 3, 4, 4), got (2, 3, 4, 5)",
        ),
        (
            lambda: ag.batch_norm_wrt_affine(X[0], X[0]),
            "batch_norm_wrt_affine: x has the wrong shape: expected (N, C, H, W), not empty, got (3, 4, 4)",
        ),
    ],
)
def test_bad_shapes(call, text):
    with pytest.raises(ShapeError) as error:
        call()
    assert str(error.value) == text
