"""Attention as a function and as a layer: masks, dropout, what is shown, and errors."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.nn.functional import scaled_dot_product_attention

X = np.ones((2, 3, 4))


def test_dropout_keeps_the_mean_and_follows_the_generator(rng):
    q, k = rng.standard_normal((2, 200, 3))
    value = np.ones((200, 1))
    y = scaled_dot_product_attention(q, k, value, dropout_p=0.5, rng=0)
    assert y.mean() == pytest.approx(1, abs=0.03)
    assert not np.allclose(y, 1)
    np.testing.assert_array_equal(scaled_dot_product_attention(q, k, value, dropout_p=0.5, rng=0), y)
    np.testing.assert_allclose(scaled_dot_product_attention(q, k, value), 1)


def test_weights_and_none_are_the_same_attention(rng):
    net, x = nn.MultiheadAttention(8, 2, rng=0, dtype=float), rng.standard_normal((5, 3, 8))
    y, weights = net(x, x, x)
    z, none = net(x, x, x, need_weights=False)
    np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=1e-12)
    assert none is None
    np.testing.assert_allclose(weights.numpy().sum(axis=-1), 1)
    each = net(x, x, x, average_attn_weights=False)[1]
    np.testing.assert_allclose(each.numpy().mean(axis=1), weights.numpy())


def test_dropout_of_the_layer_is_in_training_alone(rng):
    net, x = nn.MultiheadAttention(8, 2, dropout=0.5, rng=0), rng.standard_normal((5, 3, 8))
    for needed in (False, True):
        assert not np.array_equal(*(net(x, x, x, need_weights=needed)[0].numpy() for _ in range(2)))
    net.eval()
    assert np.array_equal(*(net(x, x, x)[0].numpy() for _ in range(2)))


@for_each("options", [{}, {"add_bias_kv": True}, {"add_zero_attn": True}])
def test_causal_is_the_mask_that_hides_what_is_later(rng, options):
    net, x = nn.MultiheadAttention(4, 2, rng=0, dtype=float, **options), rng.standard_normal((5, 3, 4))
    mask = np.triu(np.ones((5, 5), bool), 1)
    expected = net(x, x, x, attn_mask=mask)
    for found, known in zip(net(x, x, x, is_causal=True), expected, strict=True):
        np.testing.assert_allclose(found.numpy(), known.numpy(), rtol=1e-12)


def test_a_batch_is_its_sequences(rng):
    net, x = nn.MultiheadAttention(4, 2, rng=0, dtype=float, batch_first=True), rng.standard_normal((3, 5, 4))
    padding = rng.random((3, 5)) < 0.3
    y, weights = net(x, x, x, padding)
    for i in range(3):
        alone, own = net(x[i], x[i], x[i], padding[i])
        np.testing.assert_allclose(alone.numpy(), y.numpy()[i], rtol=1e-12)
        np.testing.assert_allclose(own.numpy(), weights.numpy()[i], rtol=1e-12)


def test_the_lines_they_show():
    assert repr(nn.MultiheadAttention(8, 2)).splitlines()[0] == "MultiheadAttention(8, 2): 288 parameters"
    options = {
        "dropout": 0.5,
        "bias": False,
        "add_bias_kv": True,
        "add_zero_attn": True,
        "kdim": 3,
        "batch_first": True,
    }
    assert repr(nn.MultiheadAttention(8, 2, **options)).splitlines()[0] == (
        "MultiheadAttention(8, 2, dropout=0.5, bias=False, add_bias_kv=True, add_zero_attn=True, kdim=3, "
        "batch_first=True): 232 parameters"
    )


NET = nn.MultiheadAttention(4, 2, kdim=3, rng=0)
KEY = np.ones((5, 3, 3))
VALUE = np.ones((5, 3, 4))
LAYER, FUNCTION = "MultiheadAttention", "scaled_dot_product_attention"
FIT = f"{LAYER}: query, key and value do not fit: expected (L, N, 4), (S, N, 3), (S, N, 4), got"
HEADS = f"{FUNCTION}: the heads do not go together: expected a multiple of the keys' and values' for the query, got"


@for_each(
    "error, call, text",
    [
        (ArgumentError, lambda: nn.MultiheadAttention(8, 3),
         f"{LAYER}: the heads do not divide embed_dim: expected a divisor of 8, got 3"),
        (ShapeError, lambda: NET(X, X, X), f"{FIT} (2, 3, 4), (2, 3, 4), (2, 3, 4)"),
        (ShapeError, lambda: NET(X, KEY[:, :2], VALUE[:, :2]), f"{FIT} (2, 3, 4), (5, 2, 3), (5, 2, 4)"),
        (ShapeError, lambda: NET(X[0], KEY[:, 0], VALUE[:4, 0]),
         f"{LAYER}: query, key and value do not fit: expected (L, 4), (S, 3), (S, 4), got (3, 4), (5, 3), (4, 4)"),
        (ShapeError, lambda: NET(X, KEY, VALUE, attn_mask=np.ones((5, 2))),
         f"{LAYER}: attn_mask has the wrong shape: expected (2, 5) or (6, 2, 5), got (5, 2)"),
        (ShapeError, lambda: NET(X, KEY, VALUE, np.ones((5, 3))),
         f"{LAYER}: key_padding_mask has the wrong shape: expected (3, 5), got (5, 3)"),
        (OperandError, lambda: NET(X, KEY, VALUE, np.ones((3, 5), int)),
         f"{LAYER}: key_padding_mask is not a mask: expected bools or floats, got int64"),
        (OperandError, lambda: scaled_dot_product_attention(X, X, X, np.ones((3, 3), int)),
         f"{FUNCTION}: attn_mask is not a mask: expected bools or floats, got int64"),
        (ArgumentError, lambda: scaled_dot_product_attention(X, X, X, np.ones((3, 3)), is_causal=True),
         f"{FUNCTION}: both a mask and is_causal; put what is_causal hides into the mask"),
        (ArgumentError, lambda: scaled_dot_product_attention(X, np.ones((4, 3, 4)), X, enable_gqa=True),
         f"{HEADS} (2, 3, 4) and (4, 3, 4)"),
    ],
)  # fmt: skip
def test_what_does_not_fit(error, call, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text


def test_a_recorded_step_draws_new_masks_and_sees_new_padding(rng):
    net = nn.MultiheadAttention(4, 2, batch_first=True, rng=0, dtype=float)
    x, one, other = rng.standard_normal((2, 5, 4)), np.zeros((2, 5), bool), np.zeros((2, 5), bool)
    other[:, 3:] = True

    @ag.compile
    def run(x, padding):
        with ag.no_grad():
            return net(x, x, x, padding, need_weights=False)[0]

    for padding in (one, other, one, other):
        np.testing.assert_array_equal(run(x, padding), net(x, x, x, padding, need_weights=False)[0].numpy())
