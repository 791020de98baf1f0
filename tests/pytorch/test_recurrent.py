"""Recurrent layers with PyTorch's own weights."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, agree, check, few, generators, lengths
from pytorch.test_layers import agree_in_state, twins
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import ops

SEQUENCES = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "num_layers": 2}),
    ("RNN", {"bias": False, "batch_first": True}),
    ("LSTM", {}),
    ("LSTM", {"num_layers": 3, "batch_first": True}),
    ("LSTM", {"bias": False}),
    ("GRU", {}),
    ("GRU", {"num_layers": 2, "bias": False}),
    ("GRU", {"batch_first": True}),
    ("RNN", {"bidirectional": True}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "proj_size": 2}),
    ("GRU", {"num_layers": 2, "bidirectional": True, "dropout": 1.0}),
]
CELLS = [("RNNCell", {"nonlinearity": "relu"}), ("RNNCell", {"bias": False}), ("LSTMCell", {}), ("GRUCell", {})]


def torch_lstm(u, weight, h, c):
    """PyTorch's, whose inputs go to the gates as they are."""
    weights = [torch.eye(len(weight), dtype=u.dtype), weight]
    y, _, last = torch.lstm(u, [h[None], c[None]], weights, False, 1, 0.0, False, False, False)  # noqa: FBT003
    return torch.cat([y, last])


def torch_gru(u, weight, bias, h):
    """PyTorch's, whose inputs go to the gates as they are."""
    weights = [torch.eye(len(weight), dtype=u.dtype), weight, torch.zeros_like(bias), bias]
    return torch.gru(u, h[None], weights, True, 1, 0.0, False, False, False)[0]  # noqa: FBT003


@st.composite
def operands(draw, gates, states):
    """Draw what a layer with so many gates is given."""
    steps, batch, units = draw(lengths), draw(lengths), draw(lengths)
    rows, rng = gates * units, draw(generators)
    shapes = [(steps, batch, rows), (rows, units), *([(rows,)] if gates == 3 else []), *[(batch, units)] * states]
    return Call(tuple(map(rng.standard_normal, shapes)), {})


CASES = {
    ops.lstm: Counterpart(torch_lstm, operands(4, 2)),
    ops.gru: Counterpart(torch_gru, operands(3, 1)),
}


@pytest.mark.parametrize("backend", ["reference", "jit"])
@pytest.mark.parametrize("primitive", CASES)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, backend, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls), backend)


def both(arrays):
    return [ag.tensor(a, requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]


def agree_in_all(rng, ours, theirs, outputs, known, inputs, peers):
    """Hold all outputs, and all gradients of a random sum of them, against PyTorch's."""
    weights = [rng.standard_normal(y.shape) for y in outputs]
    for y, z in zip(outputs, known, strict=True):
        agree(y, z)
    sum((y * g).sum() for y, g in zip(outputs, weights, strict=True)).backward()
    sum((z * torch.tensor(g)).sum() for z, g in zip(known, weights, strict=True)).backward()
    for x, peer in zip(inputs, peers, strict=True):
        agree(x.grad, peer.grad, "the gradient of an input")
    agree_in_state(ours, theirs)


@for_each("batch", [None, 2])
@for_each("given_state", [False, True])
@for_each("name, options", SEQUENCES)
def test_sequences(rng, name, options, given_state, batch):
    ours, theirs = twins(name, 3, 4, **options)
    lead = () if batch is None else (batch,)
    x_shape = (*lead, 5, 3) if options.get("batch_first") else (5, *lead, 3)
    state = options.get("num_layers", 1) * (1 + options.get("bidirectional", False)), *lead
    units = [options.get("proj_size", 4), *([4] if name == "LSTM" else [])] * given_state
    arrays = [rng.standard_normal(x_shape), *(rng.standard_normal((*state, count)) for count in units)]
    (x, *hx), (peer, *peer_hx) = both(arrays)
    y, last = ours(x, tuple(hx) if len(hx) > 1 else hx[0] if hx else None)
    z, known = theirs(peer, tuple(peer_hx) if len(peer_hx) > 1 else peer_hx[0] if peer_hx else None)
    last, known = (each if isinstance(each, tuple) else (each,) for each in (last, known))
    agree_in_all(rng, ours, theirs, [y, *last], [z, *known], [x, *hx], [peer, *peer_hx])


@pytest.mark.parametrize(("name", "options"), CELLS)
def test_cells(rng, name, options):
    ours, theirs = twins(name, 3, 4, **options)
    states = 2 if name == "LSTMCell" else 1
    arrays = [rng.standard_normal((2, 3)), *(rng.standard_normal((2, 4)) for _ in range(states))]
    (x, *hx), (peer, *peer_hx) = both(arrays)
    y = ours(x, tuple(hx) if states > 1 else hx[0])
    z = theirs(peer, tuple(peer_hx) if states > 1 else peer_hx[0])
    outputs, known = (list(each) if isinstance(each, tuple) else [each] for each in (y, z))
    agree_in_all(rng, ours, theirs, outputs, known, [x, *hx], [peer, *peer_hx])


def test_one_step_of_a_sequence_is_the_cell(rng):
    """The two agree with each other as PyTorch's do."""
    layer, theirs = twins("GRU", 3, 4)
    x = rng.standard_normal((1, 2, 3))
    outputs, last = layer(x)
    assert np.array_equal(outputs.numpy(), last.numpy())
    agree(outputs, theirs(torch.tensor(x))[0])
