"""Replaying a tape: each call at its recorded operands, whatever the tape kept of them."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.engine.recording import recording
from autograd_cnn.engine.replay import Call
from autograd_cnn.testing.replay import calls, near


def _replayed(output):
    return [call if isinstance(call, Call) else str(call) for _, call in calls(output)]


def _only(output):
    (call,) = _replayed(output)
    return call


X = ag.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)


def test_a_float32_graph_runs_again_in_float64():
    rng = np.random.default_rng(0)
    model = nn.digits_net(rng=0)
    loss = nn.cross_entropy(model(rng.standard_normal((2, 1, 8, 8)).astype(np.float32)), [3, 1])
    replayed = _replayed(loss)
    assert {call.y.dtype for call in replayed} == {np.dtype(np.float64)}
    np.testing.assert_allclose(replayed[-1].y, loss.item(), rtol=1e-6)


def test_the_oldest_call_comes_first():
    y = ag.exp(ag.sin(X)) * X
    assert [call.primitive.name for call in _replayed(y)] == ["sin", "exp", "multiply"]


def test_kept_operands_are_those_of_that_time():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = ag.sin(x)
    x.data = [7.0, 8.0]
    np.testing.assert_array_equal(_only(y).operands[0], [1.0, 2.0])


def test_masks_and_labels_are_the_recorded_ones():
    rng = np.random.default_rng(0)
    dropped = nn.Dropout(0.5, rng=0)(X)
    after = _only(dropped)
    np.testing.assert_array_equal(after.y, dropped.numpy())
    labels = rng.integers(0, 2, 2)
    call = _only(ag.softmax_cross_entropy(X, labels=labels))
    np.testing.assert_array_equal(call.params["labels"], labels)
    assert call.params["labels"].dtype == labels.dtype


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ag.square(x + 3.0),
        lambda x: ag.relu(x - 2.5),
        lambda x: ag.exp(0.5 / x),
        lambda x: ag.square(ag.where([True, False], x, 7.0)),
        lambda x: ag.set_at(x, 7.0, index=0),
        lambda x: x + 3.0,
    ],
)
def test_numbers_are_kept(f):
    y = f(X)
    replayed = _replayed(y)
    np.testing.assert_allclose(replayed[-1].y, y.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ag.relu(x - np.array([1.0, 4.0])),
        lambda x: ag.set_at(x, np.array([7.0, 8.0]), index=0),
        lambda x: ag.sum(ag.linear(x, np.eye(2), np.array([5.0, 5.0]))),
        lambda x: ag.linear(np.ones((5, 3)), np.ones((2, 3)), x[0]),
    ],
)
def test_arrays_that_no_rule_asked_for_are_kept_under_tracing_alone(f):
    assert any(isinstance(call, str) for call in _replayed(f(X)))
    with ag.tracing():
        y = f(X)
    replayed = _replayed(y)
    np.testing.assert_allclose(replayed[-1].y, y.numpy(), rtol=1e-12)


def test_a_leaf_that_is_gone_is_named():
    y = ag.sum(ag.relu(ag.tensor([1.0, -1.0], requires_grad=True)))
    assert _replayed(y) == ["the tape did not keep x; record it under ag.tracing()"] * 2


@for_each(
    "f",
    [
        lambda x: ag.sum(x, axis=0, keepdims=True),
        lambda x: ag.max(x, axis=1, keepdims=True),
        lambda x: ag.logsumexp(x, axis=1, keepdims=True),
        lambda x: ag.broadcast_to(x, (3, 2, 2)),
        lambda x: ag.reshape(x, (4, 1)),
        lambda x: ag.astype(x, np.float32),
        lambda x: ag.pad(x, 1, constant_values=4.0),
        lambda x: ag.scatter_add(x, index=[0, 2], shape=(4, 2)),
    ],
)
def test_parameters_are_those_of_the_call(f):
    y = f(X)
    call = _only(y)
    assert call.y.dtype == np.float64
    np.testing.assert_allclose(call.y, y.numpy())


def _own(forward):
    made = ag.primitive(forward)

    @made.vjp("x")
    def made_wrt_x(g, *, x, y):
        return g

    return made(X)


def test_functions_that_do_not_run_again_are_passed_over():
    rng, ran = np.random.default_rng(0), []

    def narrow(x):
        return x.astype(np.float32)

    def refusing(x):
        if ran:
            raise ValueError("not again")
        ran.append(x)
        return x * 1.0

    def noisy(x):
        return x * rng.random()

    assert _replayed(_own(narrow)) == ["run again in float64, it gave float32 (2, 2)"]
    assert _replayed(_own(refusing)) == ["run again, it raised ValueError: not again"]
    assert _replayed(_own(noisy)) == ["run again, it did not give the recorded result; is it random?"]


def test_segments_are_run_again_and_their_calls_come_with_their_node():
    y = ag.checkpoint(lambda x: ag.checkpoint(ag.exp)(ag.sin(x)) * 2.0)(X)
    found = list(calls(ag.sum(y)))
    assert [call.primitive.name for _, call in found] == ["sin", "exp", "multiply", "sum"]
    assert [node is y.node for node, _ in found] == [True, True, True, False]
    np.testing.assert_allclose(found[-1][1].y, y.numpy().sum())


def test_what_is_no_primitive_and_no_segment_is_passed_over():
    y = ag.checkpoint(ag.exp)(X)
    del y.node.saved["run"]
    assert _replayed(y) == ["it is not a primitive, and does not tell how to run it again"]


def test_recording_is_left_as_it_was():
    before = recording.get()
    assert isinstance(_only(ag.checkpoint(ag.exp)(X)), Call)
    assert recording.get() == before


def test_near_allows_for_the_rounding_of_the_recorded_dtype():
    leaves = [ag.tensor([1.0, 2.0], dtype=dtype, requires_grad=True) for dtype in ("f8", "f4")]
    wide, narrow = (_only(ag.exp(x)) for x in leaves)
    assert near(narrow, narrow.y * (1 + 1e-5))
    assert not near(wide, wide.y * (1 + 1e-5))
    assert not near(narrow, narrow.y + 1.0)
