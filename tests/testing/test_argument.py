"""Judging single rules: every planted fault is found, named, and placed; choices at kinks are told from faults."""

from functools import cache

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, ops
from autograd_cnn.engine import replay
from autograd_cnn.engine.backward import unbroadcast_to
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.ops.reduction import count, spread
from autograd_cnn.testing import check_tape
from autograd_cnn.testing.argument import Argument, between
from autograd_cnn.testing.replay import calls


@cache
def _leaf(*shape):
    """Return the leaf of this shape; it stays alive, since the tape does not keep it."""
    return ag.tensor(np.random.default_rng(shape).uniform(-1.0, 1.0, shape), dtype="float32", requires_grad=True)


def _images(*shape):
    return np.random.default_rng(5).standard_normal(shape).astype(np.float32)


# --- graphs in which a fault is planted -------------------------------------------------------


def _convolutional(stride=1, groups=1):
    x, w, b = _images(2, 2, 6, 6), _leaf(4, 2, 3, 3), _leaf(4)
    v, c = _leaf(4, 4 // groups, 3, 3), _leaf(4)
    h = ag.relu(ag.correlate2d(x, w, b, padding=1))
    h = ag.max_pool(ag.correlate2d(h, v, c, stride=stride, padding=1, groups=groups), 2)
    scores = ag.linear(ag.reshape(h, (2, -1)), _leaf(3, int(np.prod(h.shape[1:]))), _leaf(3))
    return ag.mean(ag.softmax_cross_entropy(scores, labels=[0, 2]))


def _strided():
    return _convolutional(stride=2)


def _grouped():
    return _convolutional(groups=2)


def _pooled():
    y = ag.mean_pool(ag.tanh(_leaf(2, 2, 5, 5)), 3, stride=2, padding=1, count_include_pad=False)
    return ag.sum(ag.sigmoid(y) * y)


def _recurrent():
    layer = nn.LSTM(3, 3, rng=0)
    out, _ = layer(_images(3, 2, 3))
    return ag.square(out - np.ones(out.shape, np.float32)).mean()


def _normalised():
    norm = nn.BatchNorm2d(2, affine=False)
    return ag.sum(ag.exp(norm(_leaf(2, 2, 3, 3))) * _images(2, 2, 3, 3))


def _varied():
    x = _leaf(3, 4)
    return ag.sum(ag.exp(x / ag.sqrt(ag.var(x, axis=0) + 1.0)))


def _attention():
    q, k = _leaf(3, 3), _leaf(3, 3) + 2.0
    scores = ag.softmax(q @ k / ag.sqrt(ag.sum(k * k, axis=0)))
    return ag.sum(ag.log_softmax(scores @ q) * _images(3, 3))


def _selected():
    x, y = _leaf(4, 3), _leaf(4, 3)
    picked = ag.where(np.arange(3) > 0, x, y)
    return ag.sum(ag.concatenate([ag.transpose(picked)[[0, 2, 0]], ag.cumsum(y, axis=0)[:2, :1] * np.ones((2, 4))]))


def _tied():
    x = ag.tensor(np.ones((2, 3)), requires_grad=True)
    return ag.sum(ag.max(x * 2.0, axis=1) * ag.tensor([1.0, 3.0]))


def _met():
    x = _leaf(3)
    return ag.sum(ag.maximum(x * 2.0, x + x))


def _wide():
    return ag.sum(ag.exp(_leaf(40, 30)))


# --- faults -----------------------------------------------------------------------------------


def _without_dilation(g, *, w, x_shape, **form):
    """Treat the sensitivities of a strided correlation as if they lay next to each other."""
    rows, columns = x_shape[-2:]
    wide = ag.pad(g, ((0, 0), (0, 0), (0, rows - g.shape[-2]), (0, columns - g.shape[-1])))
    return ag.correlate2d_wrt_input(wide, w, x_shape=x_shape, **form | {"stride": 1})


def _raising(g):
    raise RuntimeError("out of cheese")


def _spoiled(g, *, y):
    return ag.set_at(g * y, 0.0, index=(17, 23))


def _to_all_tied(g, *, x, y, axis):
    return spread(g, x.shape, axis) * (x == spread(y, x.shape, axis))


def _in_whole(g, *, x1, x2):
    return g * (x1 >= x2)


# What is planted where: the graph, the primitive, the argument, and the wrong rule.
WRONG = {
    "sign": (_recurrent, ops.subtract, "x1", lambda g: -g),
    "factor of a square": (_recurrent, ops.square, "x", lambda g, *, x: g * x),
    "derivative of tanh": (_recurrent, ops.tanh, "x", lambda g, *, y: g * (1 - y)),
    "half of a sigmoid": (_recurrent, ops.sigmoid, "x", lambda g, *, y: g * y),
    "zeros": (_recurrent, ops.sigmoid, "x", lambda g: g * 0.0),
    "swapped operands": (_recurrent, ops.multiply, "x1", lambda g, *, x1: g * x1),
    "transposed factor": (_attention, ops.matmul, "x1", lambda g, *, x2: g @ x2),
    "left factor": (_attention, ops.matmul, "x2", lambda g, *, x1: x1 @ g),
    "half of a root": (_attention, ops.sqrt, "x", lambda g, *, y: g / y),
    "denominator": (_attention, ops.divide, "x2", lambda g, *, y: -g * y),
    "numerator": (_attention, ops.divide, "x1", lambda g: g),
    "wrong axis of a sum": (
        _attention, ops.sum, "x", lambda g, *, x_shape, axis: spread(g, x_shape, -1 if axis == 0 else axis),
    ),
    "softmax alone": (_attention, ops.softmax, "x", lambda g, *, y: g * y * (1 - y)),
    "axis of log-softmax": (_attention, ops.log_softmax, "x", lambda g, *, y: g - ag.exp(y) * ag.sum(g, axis=0)),
    "unflipped kernel": (
        _convolutional, ops.correlate2d, "x",
        lambda g, *, w, x_shape, **form: ag.correlate2d_wrt_input(g, ag.flip(w, axis=(-2, -1)), x_shape=x_shape, **form),
    ),
    "sum over the batch": (
        _convolutional, ops.correlate2d, "bias", lambda g: ag.reshape(ag.sum(g[:1], axis=(0, 2, 3)), -1),
    ),
    "padding off by one": (
        _convolutional, ops.correlate2d, "w",
        lambda g, *, x, w_shape, **form: ag.correlate2d_wrt_weight(ag.roll(x, 1, -1), g, w_shape=w_shape, **form),
    ),
    "sensitivities not spread": (_strided, ops.correlate2d, "x", _without_dilation),
    "groups mixed up": (
        _grouped, ops.correlate2d, "x",
        lambda g, *, w, x_shape, **form: ag.correlate2d_wrt_input(g, ag.roll(w, 2, 0), x_shape=x_shape, **form),
    ),
    "another winner": (
        _convolutional, ops.max_pool, "x",
        lambda g, *, indices, x_shape, **geometry: ag.max_unpool(
            g, indices=(indices + 1) % 4, x_shape=x_shape, **geometry),
    ),
    "dropped mask": (_convolutional, ops.relu, "x", lambda g: g),
    "sum over rows": (_convolutional, ops.linear, "bias", lambda g: g[0]),
    "without the label": (
        _convolutional, ops.softmax_cross_entropy, "scores",
        lambda g, *, scores, labels: g[:, None] * ag.softmax(scores),
    ),
    "count of a mean": (_convolutional, ops.mean, "x", lambda g, *, x_shape: spread(g, x_shape, None)),
    "count of a window": (
        _pooled, ops.mean_pool, "x",
        lambda g, *, x_shape, **geometry: ag.mean_pool_wrt_input(g, x_shape=x_shape, **geometry) * 9,
    ),
    "count with the border": (
        _pooled, ops.mean_pool, "x",
        lambda g, *, x_shape, **geometry: ag.mean_pool_wrt_input(
            g, x_shape=x_shape, **geometry | {"count_include_pad": True}),
    ),
    "spread of a variance": (
        _varied, ops.var, "x",
        lambda g, *, x, axis: spread(g, x.shape, axis) * x * (2 / count(x.shape, axis)),
    ),
    "means that do not depend on x": (
        _normalised, ops.batch_norm, "x",
        lambda g, *, x, weight, eps: g / ag.sqrt(ag.var(x, axis=(0, 2, 3), keepdims=True) + eps),
    ),
    "not a number": (_normalised, ops.exp, "x", lambda g: g * np.nan),
    "slightly off": (_normalised, ops.exp, "x", lambda g, *, y: g * y * (1 + 1e-4)),
    "one element of many": (_wide, ops.exp, "x", _spoiled),
    "branches": (_selected, ops.where, "x2", lambda g, *, condition: ag.where(condition, g, 0)),
    "permutation": (_selected, ops.transpose, "x", lambda g, *, x_shape: ag.reshape(g, x_shape)),
    "repeated index": (
        _selected, ops.getitem, "x",
        lambda g, *, x_shape, index: ag.set_at(np.zeros(x_shape), g, index=index),
    ),
    "direction of a running sum": (_selected, ops.cumsum, "x", lambda g, *, axis: ag.cumsum(g, axis=axis)),
    "shares of a tie": (_tied, ops.max, "x", _to_all_tied),
    "shares of two that meet": (_met, ops.maximum, "x1", _in_whole),
}  # fmt: skip

# Rules that do not even return a cotangent, and what is said of them.
BROKEN = {
    "raises": (_raising, "x: RuntimeError: out of cheese"),
    "nothing": (
        lambda g: None,
        "x: OperandError: <lambda>: a cotangent has the wrong dtype: expected float64, got NoneType",
    ),
    "dtype": (
        lambda g, *, y: (g * y).astype(np.float32),
        "x: OperandError: <lambda>: a cotangent has the wrong dtype: expected float64, got float32",
    ),
    "shape": (
        lambda g, *, y: (g * y)[:1, :7],
        (
            "x: ShapeError: <lambda>: a cotangent has the wrong shape: "
            "expected (40, 30) or a shape that broadcasting makes of it, got (1, 7)"
        ),
    ),
}


def _swap(monkeypatch, primitive, operand, rule):
    """Give a primitive another rule, for the length of a test; return the right one."""
    right = primitive.rules[operand]
    other = Primitive(primitive.forward, primitive.residuals, constant=False)
    other.vjp(operand)(rule)
    monkeypatch.setitem(primitive.rules, operand, other.rules[operand])
    return right


def _differs(loss, finding, right):
    """Tell whether the planted rule and the right one differ at a finding's element."""
    call = next(call for node, call in calls(loss) if node.serial == finding.serial)
    position = next(i for i in range(len(call.operands)) if replay.argument(call.primitive, i) == finding.argument)
    y, leaf = call.record(position)
    g = np.random.default_rng(1).standard_normal(y.value.shape)[()]
    planted = call.primitive.rules[right.operand].apply(g, y.node.saved, position)
    true = right.apply(g, {source.name: _saved(source, call) for source in right.sources}, position)
    planted, true = (unbroadcast_to(cotangent, leaf, "rule")[finding.index] for cotangent in (planted, true))
    return not np.isclose(planted, true, rtol=1e-7)


def _saved(source, call):
    """Return what a call would save for a rule."""
    if source.kind in ("operand", "shape"):
        operand = call.operands[source.key]
        return operand if source.kind == "operand" else np.shape(operand)
    if source.kind == "parameter":
        return call.params[source.name]
    result = call.primitive.forward(*call.operands, **call.params)
    return result[1 + source.key] if source.kind == "residual" else np.asarray(result)


@for_each("build", {build for build, *_ in WRONG.values()})
def test_graphs_without_a_fault_pass(build):
    with ag.tracing():
        loss = build()
    report = check_tape(loss)
    assert report.ok, report
    assert report.checked >= report.nodes
    assert not [finding for finding in report.findings if finding.kind == "unchecked"]


@pytest.mark.parametrize("fault", WRONG)
def test_every_planted_fault_is_found_and_named(fault, monkeypatch):
    build, primitive, operand, rule = WRONG[fault]
    right = _swap(monkeypatch, primitive, operand, rule)
    with ag.tracing():
        loss = build()
    report = check_tape(loss)
    assert not report.ok
    faults = [finding for finding in report.findings if finding.fault]
    assert {(f.primitive, f.argument, f.kind) for f in faults} == {(primitive.name, operand, "wrong")}
    assert all(_differs(loss, finding, right) for finding in faults)
    assert set(report.problems) == {finding.serial for finding in faults}


@pytest.mark.parametrize("fault", BROKEN)
def test_rules_that_break_off_are_reported_not_raised(fault, monkeypatch):
    rule, text = BROKEN[fault]
    _swap(monkeypatch, ops.exp, "x", rule)
    report = check_tape(_wide())
    (finding,) = report.findings
    assert (finding.primitive, finding.argument, finding.kind, finding.index) == ("exp", "x", "error", None)
    assert finding.text == text
    assert report.problems == {finding.serial: text}


# --- kinks ------------------------------------------------------------------------------------


def _relu_with(slope):
    """Return a ReLU whose rule has the given slope at 0."""

    @ag.primitive
    def rectified(x):
        return np.maximum(x, 0)

    @rectified.vjp("x")
    def rectified_wrt_x(g, *, x):
        return g * np.where(x == 0, slope, x > 0)

    return rectified


def _max_with(shares):
    """Return a maximum of all whose rule deals the gradient out by ``shares`` of which elements are largest."""

    @ag.primitive
    def largest(x):
        return np.max(x)

    @largest.vjp("x")
    def largest_wrt_x(g, *, x, y):
        return g * shares(x == y)

    return largest


def _kinds(f, values):
    x = ag.tensor(values, requires_grad=True)
    return [finding.kind for finding in check_tape(f(x)).findings]


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_any_slope_between_both_sides_is_fair(slope):
    kinds = _kinds(_relu_with(slope), [0.0, -1.0, 0.0, 2.0])
    assert kinds == ([] if slope == 0.5 else ["kink"])  # the mean is what differences give


@pytest.mark.parametrize("slope", [-0.1, 1.1, 2.0])
def test_a_slope_beyond_both_sides_is_wrong(slope):
    assert _kinds(_relu_with(slope), [0.0, -1.0, 0.0, 2.0]) == ["wrong"]


@pytest.mark.parametrize(
    "shares",
    [lambda tied: tied / tied.sum(), lambda tied: tied * [0.3, 0.3, 0.4, 0.0], lambda tied: tied * [0, 1, 0, 0]],
)
def test_any_shares_of_a_tie_that_add_up_are_fair(shares):
    assert _kinds(_max_with(shares), [1.0, 1.0, 1.0, 0.0]) in ([], ["kink"])


@pytest.mark.parametrize(
    "shares",
    [
        lambda tied: tied * 0.5,  # just what differences give for each of three, and still too much
        lambda tied: tied * 1.0,
        lambda tied: tied * 0.0,
        lambda tied: tied * [2.0, -1.0, 0.0, 0.0],
        lambda tied: tied / tied.sum() + ~tied * 0.5,
    ],
)
def test_shares_of_a_tie_that_do_not_add_up_are_wrong(shares):
    assert _kinds(_max_with(shares), [1.0, 1.0, 1.0, 0.0]) == ["wrong"]


@pytest.mark.parametrize("wrong", [lambda g, *, mask: 2 * g * mask, lambda g, *, mask: g * mask - g * ~mask])
def test_faults_beside_kinks_are_found(wrong, monkeypatch):
    _swap(monkeypatch, ops.relu, "x", wrong)
    x = ag.tensor(np.concatenate([np.zeros(50), [1.0, -1.0]]), requires_grad=True)
    (finding,) = check_tape(ag.relu(x)).findings
    assert (finding.kind, finding.index[0] >= 50) == ("wrong", True)


def test_a_fault_beside_the_edge_of_a_domain_is_found(monkeypatch):
    _swap(monkeypatch, ops.sqrt, "x", lambda g, *, y: g / y)
    x = ag.tensor([0.0, 4.0, 9.0], requires_grad=True)
    (finding,) = check_tape(ag.sqrt(x)).findings
    assert (finding.kind, finding.index in [(1,), (2,)]) == ("wrong", True)
    assert finding.got == pytest.approx(2 * finding.expected)


@for_each("distance", [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12])
def test_near_a_kink_there_is_no_alarm(distance):
    assert set(_kinds(ag.max, [1.0, 1.0 - distance, 1.0 - 3 * distance])) <= {"kink"}


@pytest.mark.parametrize("distance", [1e-3, 1e-4, 1e-5, 1e-6, 1e-10, 1e-12])
def test_near_a_kink_faults_are_found(distance):
    values = [1.0, 1.0 - distance, 1.0 - 3 * distance]
    assert _kinds(_max_with(lambda tied: tied * 1.5), values) == ["wrong"]


def test_where_kinks_of_both_kinds_meet_nothing_is_said():
    @ag.primitive
    def difference(x):
        return abs(x[0]) - 2 * max(x[1], 0.0) + np.sort(x[2:])[1]

    @difference.vjp("x")
    def difference_wrt_x(g):
        return g * np.array([1.0, 0.0, 1.0, 0.0, 0.0])

    x = ag.tensor(np.zeros(5), requires_grad=True)
    (finding,) = check_tape(difference(x)).findings
    assert (finding.kind, finding.index) == ("kink", None)
    assert finding.text == "x: several kinks meet here, so there is nothing to hold the rule against"


def test_a_value_lies_between_both_sides():
    g, ahead, behind = np.array([1.0, 2.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert [between(value, g, ahead, behind) for value in (-0.1, 0.0, 1.5, 3.0, 3.1)] == [
        False, True, True, True, False,
    ]  # fmt: skip


def test_one_argument_can_be_judged_alone():
    x = ag.tensor([2.0, 3.0], requires_grad=True)
    ((_, call),) = calls(x * x)
    argument = Argument(call, 1, np.random.default_rng(0), tolerance=1e-6)
    np.testing.assert_array_equal(argument.pullback(np.array([1.0, 10.0])), [2.0, 30.0])
    assert argument.slope(np.ones(2), np.array([0.0, 1.0]), 1.0) == pytest.approx(3.0)
    assert argument.verdict() is None
