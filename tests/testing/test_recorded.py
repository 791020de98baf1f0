"""Checks of a recorded graph: what is right passes, the tape stays as it is, and a fault says where it is."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
import autograd_cnn.testing.samples  # fills SAMPLES
from autograd_cnn import nn
from autograd_cnn.engine.backward import gradients, toposort
from autograd_cnn.errors import ArgumentError, GradientError, OperandError
from autograd_cnn.testing import check_tape
from autograd_cnn.testing.case import SAMPLES
from autograd_cnn.testing.pullback import tracked


def _leaf(*shape, dtype=None):
    return ag.tensor(np.random.default_rng(shape).uniform(-1, 1, shape), dtype=dtype, requires_grad=True)


def _zeros(*shape):
    return ag.tensor(np.zeros(shape), requires_grad=True)


def _given(*values):
    return ag.tensor(values, requires_grad=True)


def _images(*shape):
    return np.random.default_rng(5).standard_normal(shape).astype(np.float32)


@ag.primitive
def doubled(x):
    """Have a rule that is wrong."""
    return 2 * x


@doubled.vjp("x")
def doubled_wrt_x(g):
    return g


# --- no false alarms --------------------------------------------------------------------------


def _gradient(x):
    (g,) = gradients(ag.sum(ag.exp(x) * x), [x], create_graph=True)
    return ag.sum(g * g)


def _sorted(x):
    @ag.primitive(residuals=("order",))
    def sort(x):
        order = np.argsort(x)
        return x[order], order

    @sort.vjp("x")
    def sort_wrt_x(g, *, order):
        return ag.set_at(np.zeros(order.shape), g, index=order)

    return ag.sum(sort(x) * np.arange(3.0))


def _nested(x):
    return ag.sum(ag.checkpoint(lambda x: ag.checkpoint(ag.exp)(ag.sin(x)) * x)(x))


NEAR = [1e-3, -1e-4, 1e-5, 3e-6, -1e-7, 1e-9, 0.0, -1.0]
FAIR = {
    "relu at 0": (lambda x: ag.sum(ag.relu(x)), _zeros(3)),
    "relu near 0": (lambda x: ag.sum(ag.relu(x)), _given(*NEAR)),
    "leaky relu at 0": (lambda x: ag.sum(ag.leaky_relu(x)), _zeros(3)),
    "elu at 0": (lambda x: ag.sum(ag.elu(x, alpha=2.0)), _zeros(3)),
    "absolute at 0": (lambda x: ag.sum(ag.abs(x)), _zeros(3)),
    "maxima that tie": (lambda x: ag.max(x) - ag.min(x) + ag.sum(ag.max(x, axis=0)), _zeros(4, 3)),
    "maxima near by": (lambda x: ag.max(1.0 + x), _given(*NEAR)),
    "two that meet": (lambda x: ag.sum(ag.maximum(x, x * 2) - ag.minimum(x, 0.0)), _zeros(3)),
    "one with itself": (lambda x: ag.sum(ag.maximum(x, x)), _zeros(3)),
    "constant image": (lambda x: ag.sum(ag.max_pool(x, 3, stride=2) * _images(1, 2, 2, 2)), _zeros(1, 2, 5, 5)),
    "relu before pooling": (lambda x: ag.sum(ag.max_pool(ag.relu(x), 2)), _leaf(1, 2, 6, 6)),
    "bounds": (lambda x: ag.sum(ag.clip(x, 0.0, 1.0) + ag.clip(x, -1.0, 0.0)), _zeros(3)),
    "edge of a domain": (lambda x: ag.sum(ag.sqrt(x)), _given(0.0, 4.0)),
    "no spread": (ag.std, _zeros(3)),
    "no elements": (lambda x: ag.sum(ag.exp(x)), _zeros(0, 3)),
    "one number": (lambda x: x**3, _given(2.0)),
    "large and small": (lambda x: ag.sum(ag.log(x) * 1e6), _given(1e-12, 1e8)),
    "steep": (lambda x: ag.sum(ag.sin(x * 1e4)), _given(1.0, 2.0)),
    "huge scores": (lambda x: ag.sum(ag.softmax(x) ** 2), _given(1e4, 1e4 + 1, -3.0)),
    "saturated": (lambda x: ag.sum(ag.tanh(x)), _given(50.0, -50.0)),
    "indices": (lambda x: ag.sum(x[np.array([0, 0, 4])] ** 2), _leaf(5, 2)),
    "own primitive": (_sorted, _leaf(3)),
    "own primitive at a tie": (_sorted, _zeros(3)),
    "second order": (_gradient, _leaf(3)),
    "checkpoint": (_nested, _leaf(3)),
    "einsum": (lambda x: ag.sum(ag.einsum("ij,kj->ik", x, x) ** 2), _leaf(2, 3)),
    "kept axes": (lambda x: ag.sum(ag.mean(ag.sum(x, axis=1, keepdims=True), keepdims=True)), _leaf(3, 2)),
    "leaf": (lambda x: x, _leaf(3)),
}


@for_each("case", FAIR)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_is_right_raises_no_alarm(case):
    f, x = FAIR[case]
    report = check_tape(f(x))
    assert report.ok, report
    assert {finding.kind for finding in report.findings} <= {"kink"}


@pytest.mark.parametrize("primitive", [p for p in SAMPLES if p.rules], ids=lambda primitive: primitive.name)
def test_each_primitive_is_checked_at_its_samples(primitive):
    for case in SAMPLES[primitive]:
        with ag.tracing():
            y = primitive(*tracked(case), **case.params)
        report = check_tape(y)
        assert report.ok, (str(case), report)
        unchecked = [finding.text for finding in report.findings if finding.kind == "unchecked"]
        flat = primitive is ag.prod and not case.params and np.sum(case.arrays[0] == 0) > 2  # to the second order, too
        assert unchecked == (["x: differences are too rough here"] if flat else []), str(case)
        assert report.checked == len(case.differentiable) - len(unchecked), str(case)


class Recurrent(nn.Module):
    """The outputs of an LSTM after the last step, (N, H)."""

    def __init__(self):
        self.layer = nn.LSTM(3, 3, rng=0)

    def forward(self, x):
        return self.layer(x)[0][-1]


MODELS = {
    "digits_net": (lambda: nn.digits_net(rng=0), (2, 1, 8, 8)),
    "lenet5": (lambda: nn.lenet5(rng=0), (1, 1, 28, 28)),
    "small_vgg": (lambda: nn.small_vgg(rng=0, image_size=8), (1, 3, 8, 8)),
    "resnet20": (lambda: nn.resnet20(rng=0), (2, 3, 4, 4)),
    "LSTM": (Recurrent, (4, 2, 3)),
    "dropout": (lambda: nn.Sequential(nn.Linear(4, 8, rng=0), nn.ReLU(), nn.Dropout(0.5, rng=0)), (3, 4)),
    "subsampling": (lambda: nn.Sequential(nn.Subsample2d(2, 2), nn.Tanh(), nn.Flatten()), (2, 2, 4, 4)),
    "normalisation in use": (lambda: nn.Sequential(nn.BatchNorm2d(2), nn.Flatten()).eval(), (2, 2, 3, 3)),
}


@pytest.mark.parametrize("name", MODELS)
def test_whole_models_are_checked_throughout(name):
    make, shape = MODELS[name]
    model = make()
    scores = model(_images(*shape))
    report = check_tape(nn.cross_entropy(scores, np.zeros(len(scores), int)))
    assert report.ok, report
    assert {finding.kind for finding in report.findings} <= {"kink"}
    assert report.checked >= report.nodes


def test_one_of_two_that_meet_may_take_it_all():
    @ag.primitive
    def larger(x1, x2):
        return np.maximum(x1, x2)

    @larger.vjp("x1")
    def larger_wrt_x1(g, *, x1, x2):
        return g * (x1 >= x2)

    @larger.vjp("x2")
    def larger_wrt_x2(g, *, x1, x2):
        return g * (x2 > x1)

    x, y = _zeros(3), _zeros(3)
    report = check_tape(larger(x * 1.0, y * 1.0))
    assert [(finding.argument, finding.kind) for finding in report.findings] == [("x1", "kink"), ("x2", "kink")]


# --- what a finding says ----------------------------------------------------------------------


def test_kinks_are_listed_and_are_no_fault():
    x = _zeros(3)
    report = check_tape(ag.sum(ag.relu(x)))
    (finding,) = report.findings
    assert (finding.primitive, finding.argument, finding.kind, finding.fault) == ("relu", "x", "kink", False)
    assert finding.got == 0.0
    assert finding.text == "x: a kink or a tie; the rule's choice is a fair one"
    assert report.problems == {}


def test_both_gradients_and_the_place_are_given():
    x = _leaf(3)
    y = doubled(x)
    report = check_tape(y)
    (finding,) = report.findings
    assert finding.expected == pytest.approx(2 * finding.got)
    assert report.problems == {
        y.node.serial: f"x: its gradient at {finding.index} is {finding.got:.6g}, by differences {finding.expected:.6g}"
    }


def test_a_fault_is_named_at_each_use():
    x = _leaf(3)
    first, second = doubled(x), doubled(x)
    report = check_tape(first * second)
    assert [finding.serial for finding in report.findings] == [first.node.serial, second.node.serial]


def test_a_fault_inside_of_a_checkpoint_is_named_at_its_node():
    x = _leaf(3)
    y = ag.checkpoint(lambda x: ag.checkpoint(doubled)(ag.sin(x)))(x)
    (finding,) = check_tape(ag.sum(y)).findings
    assert (finding.serial, finding.primitive, finding.kind) == (y.node.serial, "doubled", "wrong")


def test_a_fault_says_in_which_module_and_line_it_was_recorded():
    class Doubling(nn.Module):
        def forward(self, x):
            return doubled(x)

    model = nn.Sequential(nn.Linear(2, 2, rng=0), Doubling())
    with ag.detect_anomaly():
        loss = ag.sum(model(_images(3, 2)))
    (finding,) = check_tape(loss).findings
    assert finding.scope == "1"
    assert finding.origin.endswith(": return doubled(x)")


def test_arguments_behind_a_star_have_numbers():
    @ag.primitive
    def added(*terms):
        return sum(terms)

    @added.vjp("terms")
    def added_wrt_term(g, *, index):
        return g * index

    leaves = [_leaf(2), _leaf(2), _leaf(2)]
    report = check_tape(added(*leaves))
    assert [(finding.argument, finding.kind) for finding in report.findings] == [
        ("terms[0]", "wrong"), ("terms[2]", "wrong"),
    ]  # fmt: skip


def test_a_rule_that_has_gone_is_reported(monkeypatch):
    x = _leaf(2)
    loss = doubled(x)
    monkeypatch.delitem(doubled.rules, "x")
    (finding,) = check_tape(loss).findings
    assert finding.kind == "error"
    assert (
        finding.text
        == "x: GradientError: doubled: no rule for a gradient with respect to 'x'; pass it detached, or define a rule for it"
    )


def test_what_the_tape_did_not_keep_is_named_and_tracing_keeps_it():
    def loss(bias):
        features = ag.linear(np.ones((2, 4)), np.ones((3, 4)), bias)
        return ag.sum(ag.concatenate([features, np.ones((1, 3))]) ** 2)

    bias = _zeros(3)
    report = check_tape(loss(bias))
    assert report.ok
    assert [(finding.primitive, finding.kind, finding.text) for finding in report.findings] == [
        ("linear", "unchecked", "the tape did not keep x and w; record it under ag.tracing()"),
        ("concatenate", "unchecked", "the tape did not keep arrays[0] and arrays[1]; record it under ag.tracing()"),
    ]
    assert str(report).startswith("check_tape: every rule is right: 2 arguments of 4 calls, 2 not checked\n")
    with ag.tracing():
        report = check_tape(loss(bias))
    assert (report.ok, report.findings, report.checked) == (True, (), 4)


def test_a_leaf_that_is_gone_is_known_under_tracing():
    def loss():
        return ag.sum(ag.relu(ag.tensor([1.0, -1.0], requires_grad=True)))

    assert [finding.kind for finding in check_tape(loss()).findings] == ["unchecked", "unchecked"]
    with ag.tracing():
        y = loss()
    assert (check_tape(y).findings, check_tape(y).checked) == ((), 2)


def test_what_is_random_is_not_judged():
    rng = np.random.default_rng(0)

    @ag.primitive
    def noisy(x):
        return x * rng.random()

    @noisy.vjp("x")
    def noisy_wrt_x(g):
        return g

    x = _leaf(3)
    findings = check_tape(ag.sum(noisy(x))).findings
    assert [(finding.primitive, finding.argument, finding.kind, finding.text) for finding in findings] == [
        ("noisy", "x", "unchecked", "run twice, it gave two results; is it random?"),
        ("sum", "", "unchecked", "run again, it did not give the recorded result; is it random?"),
    ]


# --- what it leaves alone, and what it refuses ------------------------------------------------


def test_a_backward_pass_afterwards_gives_the_same_bits():
    def gradient(checked):
        model = nn.digits_net(rng=0)
        loss = nn.cross_entropy(model(_images(2, 1, 8, 8)), [0, 1])
        order = toposort(loss.node)
        saved = [node.saved for node in order]
        if checked:
            assert check_tape(loss).ok
        assert all(before is node.saved for before, node in zip(saved, order, strict=True))
        loss.backward()
        return [parameter.grad.numpy().tobytes() for parameter in model.parameters()]

    assert gradient(checked=True) == gradient(checked=False)


def test_a_report_depends_on_the_seed_alone():
    x = _leaf(3)
    loss = ag.sum(doubled(x))
    assert check_tape(loss, seed=3) == check_tape(loss, seed=3)
    assert check_tape(loss, seed=3) != check_tape(loss, seed=4)


def test_the_tolerance_decides():
    @ag.primitive
    def scaled(x):
        return x * 1.001

    @scaled.vjp("x")
    def scaled_wrt_x(g):
        return g

    x = _leaf(3)
    loss = scaled(x)
    assert not check_tape(loss).ok
    assert check_tape(loss, tolerance=1e-2).ok


def test_long_graphs_are_walked_without_recursion():
    x = y = _given(0.5)
    for _ in range(3_000):
        y = -y
    report = check_tape(y)
    assert report.ok
    assert (report.checked, report.nodes) == (3_000, 3_000)
    assert x.grad is None


def test_a_freed_graph_is_refused_as_the_engine_does():
    loss = ag.sum(ag.exp(_leaf(2)))
    loss.backward()
    with pytest.raises(GradientError) as err:
        check_tape(loss)
    assert str(err.value) == (
        "exp: the graph has been freed by an earlier backward pass; pass retain_graph=True to that one"
    )


def test_what_was_not_recorded_is_refused():
    with pytest.raises(ArgumentError) as err:
        check_tape(ag.tensor(1.0))
    assert str(err.value) == (
        "check_tape: nothing was recorded for this output; "
        "make an input with requires_grad=True, and compute outside of no_grad()"
    )
    with pytest.raises(OperandError) as refused:
        check_tape(np.ones(3))
    assert str(refused.value) == "check_tape: no tape: expected a tensor, got ndarray"


@pytest.mark.parametrize("odd", [np.nan, np.inf])
@pytest.mark.parametrize("f", [ag.max, ag.min, ag.prod])
def test_what_is_not_finite_is_not_taken_for_random(f, odd):
    report = check_tape(f(ag.tensor([odd, 1.0, 2.0], requires_grad=True)))
    assert "random" not in str(report)
