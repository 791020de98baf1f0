"""Whole sequences as primitives: shapes, errors, and a backward pass that is made once for all operands."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import kernels, nn
from autograd_cnn.errors import ShapeError
from autograd_cnn.ops import recurrent
from autograd_cnn.ops.joint import Once

U, W, H = np.ones((3, 2, 8)), np.ones((8, 2)), np.ones((2, 2))
GRU = np.ones((3, 2, 6)), np.ones((6, 2)), np.ones(6), H


def test_a_state_in_between_is_where_a_sequence_goes_on(rng):
    u, w, h, c = rng.standard_normal((5, 2, 8)), rng.standard_normal((8, 2)), *rng.standard_normal((2, 2, 2))
    whole, first = ag.lstm(u, w, h, c), ag.lstm(u[:2], w, h, c)
    np.testing.assert_allclose(ag.lstm(u[2:], w, first[-2], first[-1]), whole[2:], rtol=1e-12)
    u, w, bias = rng.standard_normal((5, 2, 6)), rng.standard_normal((6, 2)), rng.standard_normal(6)
    whole, first = ag.gru(u, w, bias, h), ag.gru(u[:2], w, bias, h)
    np.testing.assert_allclose(ag.gru(u[2:], w, bias, first[-1]), whole[2:], rtol=1e-12)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_all_operands_share_one_pass_back_through_time(rng, monkeypatch, name):
    passes, kernel = [], getattr(kernels, f"{name}_wrt")
    counting = Once(lambda *arrays: passes.append(arrays) or kernel(*arrays))
    monkeypatch.setattr(recurrent, f"_{name}_wrt", counting)
    operands = (U, W, H, H) if name == "lstm" else GRU
    tensors = [ag.tensor(rng.standard_normal(x.shape), requires_grad=True) for x in operands]
    y = getattr(ag, name)(*tensors)
    for turn in (1, 2):
        (y * y).sum().backward(retain_graph=True)
        assert len(passes) == turn
    doubled = [x.grad.numpy() for x in tensors]
    for x in tensors:
        x.grad = None
    (y * y).sum().backward()
    for x, expected in zip(tensors, doubled, strict=True):
        np.testing.assert_array_equal(2 * x.grad.numpy(), expected)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_recorded_step_goes_back_through_time_once(rng, monkeypatch, kind):
    passes, name = [], f"{kind.lower()}_wrt"
    kernel = getattr(kernels, name)
    monkeypatch.setattr(recurrent, f"_{name}", Once(lambda *arrays: passes.append(arrays) or kernel(*arrays)))
    net, x = getattr(nn, kind)(2, 3, rng=0, dtype=float), rng.standard_normal((4, 2, 2))

    @ag.compile
    def step():
        net.zero_grad()
        (net(x)[0] ** 2).sum().backward()

    for _ in range(4):
        step()
    del passes[:]
    step()
    assert step.plan is not None
    assert len(passes) == 1


_LSTM = "the operands do not go together: expected u (T, N, 4·H) with weight (4·H, H) and states (N, H), and T > 0, got"
_GRU = "the operands do not go together: expected u (T, N, 3·H) with weight (3·H, H) and states (N, H), and T > 0, got"


@for_each(
    "call, text",
    [
        (lambda: ag.lstm(U[0], W, H, H), f"lstm: {_LSTM} (2, 8), (8, 2), (2, 2), (2, 2)"),
        (lambda: ag.lstm(U[:0], W, H, H), f"lstm: {_LSTM} (0, 2, 8), (8, 2), (2, 2), (2, 2)"),
        (lambda: ag.lstm(U, W.T, H, H), f"lstm: {_LSTM} (3, 2, 8), (2, 8), (2, 2), (2, 2)"),
        (lambda: ag.lstm(U, W, H, H[:1]), f"lstm: {_LSTM} (3, 2, 8), (8, 2), (2, 2), (1, 2)"),
        (lambda: ag.gru(U, *GRU[1:]), f"gru: {_GRU} (3, 2, 8), (6, 2), (2, 2)"),
        (lambda: ag.gru(*GRU[:2], np.ones(5), H), "gru: bias has the wrong shape: expected (6,), got (5,)"),
        (
            lambda: recurrent._lstm_backward(U, U, W, H, H),
            "lstm_backward: g has the wrong shape: expected (4, 2, 2), got (3, 2, 8)",
        ),
        (
            lambda: recurrent._gru_backward(U, *GRU),
            "gru_backward: g has the wrong shape: expected (3, 2, 2), got (3, 2, 8)",
        ),
    ],
)
def test_bad_shapes(call, text):
    with pytest.raises(ShapeError) as error:
        call()
    assert str(error.value) == text
