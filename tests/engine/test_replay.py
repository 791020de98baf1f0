"""What a tape keeps of its calls, and what follows from it."""

import weakref

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
import autograd_cnn.testing.samples  # fills SAMPLES
from autograd_cnn import nn
from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.node import Missing
from autograd_cnn.engine.replay import Call, Values, in_float64, operand, parameters, values
from autograd_cnn.testing.case import SAMPLES
from autograd_cnn.testing.pullback import leaf


def _leaf(values):
    return ag.tensor(values, requires_grad=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_computed_again_has_the_same_bits(dtype):
    rng = np.random.default_rng(0)
    x = ag.tensor(rng.standard_normal((2, 1, 12, 12)), dtype=dtype)
    v, b = (ag.tensor(rng.standard_normal(s), dtype=dtype, requires_grad=True) for s in ((3, 1, 5, 5), (3,)))
    recorded = [ag.correlate2d(x, v, b)]
    for step in (ag.relu, lambda x: ag.max_pool(x, 2), lambda x: x.reshape(2, -1), ag.log_softmax, lambda x: x[:, 3]):
        recorded.append(step(recorded[-1]))
    recorded.append(recorded[-1].mean(axis=0, keepdims=True))
    nodes = [y.node for y in recorded]
    found = values(nodes[-1], nodes, {})
    for y, node in zip(recorded, nodes, strict=True):
        assert found[node].dtype == y.dtype
        np.testing.assert_array_equal(found[node], y.numpy())


@pytest.mark.parametrize("primitive", [p for p in SAMPLES if p.rules], ids=lambda primitive: primitive.name)
@for_each("dtype", [np.float64, np.float32, np.float16])
def test_every_recorded_call_runs_again_from_the_tape_alone(primitive, dtype):
    """Under tracing, once its leaves are gone, a call of each sample gives the same bits."""
    for case in SAMPLES[primitive]:
        arrays = [a.astype(dtype) if i in case.differentiable else a for i, a in enumerate(case.arrays)]
        for position in case.differentiable:
            operands = [leaf(a) if i == position else a for i, a in enumerate(arrays)]
            with ag.tracing(), np.errstate(all="ignore"):
                y = primitive(*operands, **case.params)
                del operands
                call = Call.of(y.node, {})
                assert call.missing == [], str(case)
                again = np.asarray(call.y)
            assert (again.dtype, again.shape) == (y.dtype, y.shape), str(case)
            assert again.tobytes() == y.numpy().tobytes(), str(case)


def test_nothing_random_is_drawn_again():
    dropout = nn.Dropout(0.5, rng=0)
    x = _leaf(np.ones(50))
    y = dropout(x)
    np.testing.assert_array_equal(values(y.sum().node, [y.node], {})[y.node], y.numpy())


def test_each_node_is_computed_at_most_once_and_only_where_it_is_wanted():
    calls = []

    @ag.primitive
    def counted(x, *, label):
        calls.append(label)
        return x * 2

    @counted.vjp("x")
    def counted_wrt_x(g, *, label):
        return g * 2

    x = _leaf([1.0])
    tip = counted(x, label="tip")
    aside = counted(tip, label="aside")
    total = counted(tip, label="left") + counted(tip, label="right") + aside
    calls.clear()
    left = toposort(total.node)[2]
    assert values(total.node, [left], {})[left].item() == 4
    assert calls == ["tip", left.saved["label"]]


def test_an_array_lives_until_its_last_use():
    x = _leaf(np.ones((10, 100)))
    last = ag.roll(ag.roll(ag.roll(x, 1), 2), 3)
    tape = Values(toposort(last.node))
    alive = []
    made = []
    for node in tape.nodes:
        value = tape.take(node)
        alive.append([ref() is not None for ref in made])
        made.append(weakref.ref(value))
        del value
    assert alive == [[], [True], [True, False], [True, False, False]]
    assert [ref() is not None for ref in made] == [True, False, False, False]


@pytest.mark.parametrize(
    "build",
    [
        lambda x: x + np.ones(3),
        ag.checkpoint(lambda x: ag.sin(x) * 2),
        lambda x: ag.linear(x, ag.tensor(np.ones((2, 3))), np.ones(2)),
    ],
    ids=["array", "checkpoint", "bias"],
)
def test_what_was_not_kept_is_unknown(build):
    y = build(_leaf(np.ones(3)))
    assert values(y.sum().node, [y.node], {}) == {}


def test_what_has_been_freed_is_unknown():
    x = _leaf(np.ones(3))
    y = x.reshape(3, 1)
    loss = y.sum()
    loss.backward()
    assert values(loss.node, [y.node], {}) == {}


def test_a_leaf_of_another_shape_makes_its_results_unknown():
    w = _leaf(np.ones((2, 3)))
    y = -w
    z = y.sum()
    w.data = np.ones(4)
    assert values(z.node, [y.node], {}) == {}


def test_an_operation_that_no_longer_works_leaves_its_value_unknown():
    failing = False

    @ag.primitive
    def moody(x):
        if failing:
            raise RuntimeError("no")
        return x * 2

    @moody.vjp("x")
    def moody_wrt_x(g):
        return g * 2

    y = moody(_leaf([1.0]))
    failing = True
    assert values(y.sum().node, [y.node], {}) == {}


def test_given_values_come_first():
    y = -_leaf([1.0])
    assert values(y.node, [y.node], {y.node: np.array([5.0])})[y.node].item() == 5


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x: x.reshape(-1), {"shape": -1}),
        (lambda x: ag.sum(x, axis=np.int64(0)), {"axis": 0, "keepdims": False}),
        (lambda x: ag.max(x, axis=0, keepdims=True), {"axis": 0, "keepdims": True}),
        (lambda x: x.astype("float32"), {"dtype": np.dtype("float32")}),
        (ag.exp, {}),
        (lambda x: ag.pad(x, 1), {"pad_width": ((1, 1), (1, 1)), "constant_values": 0}),
    ],
    ids=["shape", "axis", "keepdims", "dtype", "none", "defaults"],
)
def test_a_node_keeps_the_parameters_of_its_call(build, expected):
    assert parameters(build(_leaf(np.ones((2, 3)))).node) == expected


def test_what_was_passed_may_change_afterwards():
    rows = np.array([0, 1])
    y = ag.getitem(_leaf(np.ones((2, 3))), index=rows)
    rows[:] = 5
    np.testing.assert_array_equal(parameters(y.node)["index"], [0, 1])


def test_a_freed_node_has_forgotten_its_parameters():
    y = ag.sum(_leaf(np.ones((2, 3))), axis=0)
    ag.sum(y).backward()
    assert parameters(y.node) == {}


def test_untracked_operands_are_kept_as_far_as_they_cost_nothing():
    x, array = _leaf(np.ones(3)), np.arange(3.0)
    assert (x + 3).node.operands == [None, 3]
    assert (array + x).node.operands == [Missing((3,), np.dtype(float)), None]
    assert ag.exp(x).node.operands == ()
    assert ag.linear(x, ag.tensor(np.ones((2, 3)))).node.operands[1:] == [Missing((2, 3), np.dtype(float)), None]


def test_under_tracing_arrays_are_kept_as_they_were():
    x, array = _leaf(np.ones(3)), np.arange(3.0)
    with ag.tracing():
        y = x + array
    array[:] = 7
    np.testing.assert_array_equal(operand(y.node, 1), [0, 1, 2])
    assert values(y.sum().node, [y.node], {})[y.node].tolist() == [1, 2, 3]


def test_operands_of_a_variadic_call_are_found_by_their_place():
    x = np.arange(6.0).reshape(2, 3)
    y = ag.einsum("ij,jk->ik", _leaf(np.ones((4, 2))), x)
    np.testing.assert_array_equal(operand(y.node, 1), x)
    assert operand(_leaf(1.0).node, 0) is None


def test_a_call_runs_again_on_other_operands():
    x = _leaf([[1.0, 2.0]])
    call = Call.of(ag.max(x, axis=1).node, {x.node: x.value})
    assert call.y.tolist() == [2.0]
    assert call.on({0: np.array([[5.0, 4.0]])}).y.tolist() == [5.0]


def test_a_call_names_what_it_lacks():
    x = _leaf([1.0])
    call = Call.of((x + np.ones(1)).node, {x.node: x.value})
    assert (call.missing, call.operands[1]) == (["x2"], Missing((1,), np.dtype(float)))
    assert Call.of(ag.concatenate([x, x]).node, {}).missing == ["arrays[0]", "arrays[1]"]


def test_a_call_in_float64():
    x = _leaf(np.float32([1.0, 2.0]))
    call = Call.of(x.astype(np.float32).node, {x.node: x.value}).in_float64()
    assert (call.y.dtype, call.operands[0].dtype) == (np.float64, np.float64)
    assert not call.operands[0].flags.writeable
    labels = np.arange(2)
    assert [in_float64(value) for value in (None, 2, labels)] == [None, 2, labels]


def test_a_call_is_recorded_for_one_operand_alone():
    x = _leaf([1.0, 2.0])
    call = Call.of((x * 3).node, {x.node: x.value})
    with ag.no_grad():
        y, leaf = call.record(1)
    assert y.node.parents == (None, leaf)
    assert set(y.node.saved) == {"x1"}
    assert (leaf.shape, leaf.dtype) == ((), np.float64)


def test_under_tracing_a_call_is_known_whatever_becomes_of_its_leaves():
    with ag.tracing():
        w = _leaf([1.0, 2.0])
        y = ag.sum(ag.relu(w) + ag.relu(_leaf([3.0, -1.0])))
    order = toposort(y.node)
    expected = {node: value.copy() for node, value in values(y.node, order, {}).items()}
    assert set(expected) == set(order)
    w.data = [7.0, 8.0]
    found = values(y.node, order, {})
    for node in order:
        if node.primitive is not None:
            np.testing.assert_array_equal(found[node], expected[node])
