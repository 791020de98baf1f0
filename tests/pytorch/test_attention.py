"""Attention as PyTorch has it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, agree, check, compare, few, generators, lengths
from pytorch.test_layers import agree_in_state, twins
from tables import for_each
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

import autograd_cnn as ag
from autograd_cnn import nn, ops


def theirs(query, key, value, bias=None, *, causal, scale):
    """PyTorch's in products and sums, which alone can be differentiated twice; queries that see nothing get zeros."""
    with sdpa_kernel(SDPBackend.MATH):
        return scaled_dot_product_attention(query, key, value, bias, is_causal=causal, scale=scale)


@st.composite
def calls(draw):
    rng, lead = draw(generators), draw(st.sampled_from([(), (2,), (2, 3)]))
    length, keys, width, values = (draw(lengths) for _ in range(4))
    shapes = [(length, width), (keys, width), (keys, values)]
    arrays = [rng.standard_normal((*lead, *shape)) for shape in shapes]
    biased = draw(st.booleans())
    if biased:
        bias = rng.standard_normal(draw(st.sampled_from([(length, keys), (*lead, 1, keys), (*lead, length, keys)])))
        hidden = rng.random(bias.shape) < 0.2
        hidden[..., 0] = False
        arrays.append(np.where(hidden, -np.inf, bias))
    return Call(
        tuple(arrays), {"causal": not biased and draw(st.booleans()), "scale": draw(st.sampled_from([None, 0.7]))}
    )


CASES = {ops.attention: Counterpart(theirs, calls())}


@pytest.mark.parametrize("backend", ["reference", "jit"])
@few
@given(data=st.data())
def test_values_and_gradients(backend, data):
    check(ops.attention, CASES[ops.attention], data.draw(CASES[ops.attention].calls), backend)


CALLS = [
    {},
    {"is_causal": True},
    {"attn_mask": np.tri(3, 5, 1, dtype=bool)},
    {"attn_mask": np.linspace(-1, 1, 30).reshape(2, 1, 3, 5)},
    {"dropout_p": 1.0},
    {"enable_gqa": True, "scale": 0.3},
]


@for_each("options", CALLS, ["plain", "causal", "shown", "added", "all dropped", "groups"])
def test_the_function(rng, options):
    heads = 2 if options.get("enable_gqa") else 4
    shapes = (2, 4, 3, 6), (2, heads, 5, 6), (2, heads, 5, 2)
    mask = options.get("attn_mask")
    known = options if mask is None else options | {"attn_mask": torch.tensor(mask)}
    compare(
        lambda *x: nn.functional.scaled_dot_product_attention(*x, **options),
        lambda *x: scaled_dot_product_attention(*x, **known),
        *map(rng.standard_normal, shapes),
    )


LAYERS = [
    # the layer's options, and the call's
    ({}, {}),
    ({"batch_first": True, "bias": False}, {"need_weights": False}),
    ({"kdim": 3, "vdim": 5}, {"average_attn_weights": False}),
    ({"add_bias_kv": True, "add_zero_attn": True}, {"attn_mask": True, "key_padding_mask": True}),
    ({"batch_first": True}, {"attn_mask": 0.5, "key_padding_mask": 0.5}),
    ({}, {"attn_mask": True, "key_padding_mask": True, "need_weights": False}),
]


def masks(rng, call, length, keys, batch):
    """Return our arguments and PyTorch's, with masks of bools or of floats instead of what says so."""
    shapes = {"attn_mask": (2 * batch, length, keys) if call.get("attn_mask") is True else (length, keys),
              "key_padding_mask": (batch, keys)}  # fmt: skip
    ours, theirs = dict(call), dict(call)
    for name, shape in shapes.items():
        if name in call:
            drawn = rng.standard_normal(shape)
            drawn[..., 0] = -1
            ours[name] = drawn > 0.5 if call[name] is True else drawn
            theirs[name] = torch.tensor(ours[name])
    return ours, theirs


@for_each("options, call", LAYERS)
def test_the_layer(rng, options, call):
    ours, theirs = twins("MultiheadAttention", 4, 2, **options)
    shapes = [(3, 2, 4), (5, 2, options.get("kdim", 4)), (5, 2, options.get("vdim", 4))]
    arrays = [rng.standard_normal(shape) for shape in shapes]
    if options.get("batch_first"):
        arrays = [x.swapaxes(0, 1).copy() for x in arrays]
    own, known = masks(rng, call, 3, 5, 2)
    tracked = [ag.tensor(x, requires_grad=True) for x in arrays]
    peers = [torch.tensor(x, requires_grad=True) for x in arrays]
    (y, weights), (z, expected) = ours(*tracked, **own), theirs(*peers, **known)
    agree(y, z)
    assert (weights is None) == (expected is None)
    if weights is not None:
        agree(weights, expected, "the weights")
    g = rng.standard_normal(y.shape)
    y.backward(g)
    z.backward(torch.tensor(g))
    for x, peer in zip(tracked, peers, strict=True):
        agree(x.grad, peer.grad, "the gradient of an input")
    agree_in_state(ours, theirs)


def test_attention_of_a_sequence_to_itself(rng):
    ours, theirs = twins("MultiheadAttention", 4, 2)
    compare(lambda x: ours(x, x, x)[0], lambda x: theirs(x, x, x)[0], rng.standard_normal((5, 4)))


@for_each("padding_idx", [None, 1, -1])
def test_embedding(rng, padding_idx):
    ours, theirs = twins("Embedding", 5, 3, padding_idx)
    indices, g = rng.integers(0, 5, (4, 2)), rng.standard_normal((4, 2, 3))
    y, z = ours(indices), theirs(torch.tensor(indices))
    agree(y, z)
    y.backward(g)
    z.backward(torch.tensor(g))
    agree_in_state(ours, theirs)


TRANSFORMERS = [
    # the layer's options, and the call's
    ({}, {}),
    ({"activation": "gelu", "batch_first": True, "norm_first": True}, {"src_key_padding_mask": True}),
    ({"bias": False, "layer_norm_eps": 0.1}, {"src_mask": True}),
]


@for_each("options, call", TRANSFORMERS)
@for_each("backend", ["reference", "jit"])
def test_the_transformers_layer(rng, options, call, backend):
    ours, theirs = twins("TransformerEncoderLayer", 4, 2, 6, 0.0, **options)
    x, mask = rng.standard_normal((3, 5, 4)), np.triu(np.ones((5, 5), bool), 1)
    mask = np.arange(5) >= [[5], [3], [4]] if "src_key_padding_mask" in call else mask
    if not options.get("batch_first"):
        x = x.swapaxes(0, 1).copy()
    with ag.set_backend(backend):
        compare(
            lambda x: ours(x, **dict.fromkeys(call, mask)),
            lambda x: theirs(x, **dict.fromkeys(call, torch.tensor(mask))),
            x,
        )
        x, g = ag.tensor(x, requires_grad=True), rng.standard_normal(x.shape)
        theirs.zero_grad()
        ours(x, **dict.fromkeys(call, mask)).backward(g)
    theirs(torch.tensor(x.numpy()), **dict.fromkeys(call, torch.tensor(mask))).backward(torch.tensor(g))
    agree_in_state(ours, theirs)
