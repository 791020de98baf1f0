"""Attention: what hides keys, memory, and errors."""

import numpy as np
import pytest
from peak import memory
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ShapeError
from autograd_cnn.ops.attention import _attention_backward

Q, K, V = np.ones((2, 3, 4)), np.ones((2, 5, 4)), np.ones((2, 5, 6))


def test_it_is_the_weights_times_the_values(rng):
    q, k, v = (rng.standard_normal(x.shape) for x in (Q, K, V))
    bias = np.where(rng.random((3, 5)) < 0.3, -np.inf, rng.standard_normal((3, 5)))
    for options in ({}, {"causal": True}, {"scale": 0.1}, {"bias": bias}, {"bias": bias, "causal": True}):
        weights = ag.attention_weights(q, k, **options)
        np.testing.assert_allclose(ag.attention(q, k, v, **options), weights @ v, rtol=1e-12, atol=1e-15)
        sums = weights.sum(axis=-1)
        assert ((abs(sums - 1) < 1e-12) | (sums == 0)).all()


def test_a_query_that_sees_nothing_gets_zeros_and_gives_none(rng):
    q, k, v = (ag.tensor(rng.standard_normal(x.shape), requires_grad=True) for x in (Q, K, V))
    bias = np.zeros((3, 5))
    bias[1] = -np.inf
    y = ag.attention(q, k, v, bias)
    assert (y.numpy()[:, 1] == 0).all()
    (y * y + y).sum().backward()
    assert (q.grad.numpy()[:, 1] == 0).all()
    assert np.isfinite(k.grad.numpy()).all()


def test_hidden_keys_and_values_do_not_matter(rng):
    q, k, v = (rng.standard_normal(x.shape) for x in (Q, K, V))
    bias = np.array([0.0, 0.0, 0.0, -np.inf, -np.inf])
    np.testing.assert_allclose(ag.attention(q, k, v, bias), ag.attention(q, k[:, :3], v[:, :3]), rtol=1e-12)
    np.testing.assert_allclose(ag.attention(q, k, v, causal=True)[:, 0], v[:, 0], rtol=1e-12)


def test_the_weights_are_never_there_at_once(rng):
    pytest.importorskip("numba")
    q, k, v = (ag.tensor(rng.standard_normal((1000, 8)).astype(np.float32), requires_grad=True) for _ in range(3))
    (ag.attention(q, k, v) ** 2).sum().backward()  # compiling takes memory, too
    with memory(1 << 20):  # a quarter of what 1000 x 1000 weights take
        (ag.attention(q, k, v) ** 2).sum().backward()


_QKV = "the operands do not go together: expected query (..., L, D) with key (..., S, D) and value (..., S, E), got"
_QK = "the operands do not go together: expected query (..., L, D) with key (..., S, D), got"
_BIAS = "bias has the wrong shape: expected one that broadcasts to the scores' (2, 3, 5), got"


@for_each(
    "call, text",
    [
        (lambda: ag.attention(Q, K[..., :3], V), f"attention: {_QKV} (2, 3, 4), (2, 5, 3), (2, 5, 6)"),
        (lambda: ag.attention(Q[0], K, V), f"attention: {_QKV} (3, 4), (2, 5, 4), (2, 5, 6)"),
        (lambda: ag.attention(Q, K, V[:, 1:]), f"attention: {_QKV} (2, 3, 4), (2, 5, 4), (2, 4, 6)"),
        (lambda: ag.attention_weights(Q, K[:1]), f"attention_weights: {_QK} (2, 3, 4), (1, 5, 4)"),
        (lambda: ag.attention(Q, K, V, np.ones((5, 3))), f"attention: {_BIAS} (5, 3)"),
        (lambda: ag.attention(Q, K, V, np.ones((1, 2, 3, 5))), f"attention: {_BIAS} (1, 2, 3, 5)"),
        (
            lambda: _attention_backward(Q, Q, K, V),
            "attention_backward: g has the wrong shape: expected (2, 3, 6), got (2, 3, 4)",
        ),
    ],
)
def test_bad_shapes(call, text):
    with pytest.raises(ShapeError) as error:
        call()
    assert str(error.value) == text
