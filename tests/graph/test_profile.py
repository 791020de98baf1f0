"""How long the calls of a step take."""

import re

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, GradientError, OperandError
from autograd_cnn.graph import capture, profile

X, LABELS = np.linspace(0.0, 1.0, 12, dtype=np.float32).reshape(3, 4), np.array([0, 1, 1])


def _net():
    return nn.Sequential(nn.Linear(4, 5, rng=0), nn.ReLU(), nn.Linear(5, 2, rng=1))


def test_each_call_of_both_passes_has_a_time():
    model = _net()
    found = profile(lambda x: nn.cross_entropy(model(x), LABELS), X, runs=2, names=model.named_parameters())
    plain = capture(nn.cross_entropy(model(X), LABELS), names=model.named_parameters(), backward=True)
    assert [(node.name, node.shape, node.scope) for node in found.graph.nodes] == [
        (node.name, node.shape, node.scope) for node in plain.nodes
    ]
    assert all((node.time is not None and node.time > 0) == (node.kind == "operation") for node in found.graph.nodes)
    assert found.seconds > 0 < found.forward
    assert all(parameter.grad is None for parameter in model.parameters())
    assert "not timed" not in found.graph.to_dot(color="time").source


def test_tables_add_up():
    model = _net()
    found = profile(lambda x: nn.cross_entropy(model(x), LABELS), X, runs=1)
    tables = [found.table(by) for by in ("call", "module", "primitive")]
    totals = [sum(row["time"] for row in table) for table in tables]
    assert totals == [pytest.approx(totals[0])] * 3
    assert all(table == sorted(table, key=lambda row: -row["time"]) for table in tables)
    assert {row["module"] for row in tables[1]} == {"0", "1", "2", ""}
    (linear,) = (row for row in tables[2] if row["primitive"] == "linear")
    assert linear["calls"] == 2
    (first,) = (row for row in tables[0] if (row["module"], row["primitive"]) == ("0", "linear"))
    assert first["flops per second"] == pytest.approx(2 * 3 * 4 * 5 / first["time"])
    lines = repr(found).splitlines()
    assert re.fullmatch(
        r"a step takes \S+ ms \(forward \S+ ms, backward \S+ ms\), the median of 1 run on the backend \w+", lines[0]
    )
    assert lines[3].split() == ["call", "module", "pass", "shape", "time", "share", "speed"]


def test_a_result_without_a_scalar_has_a_forward_pass_alone():
    model = _net()
    found = profile(model, X, runs=1)
    assert found.backward is None
    assert {node.phase for node in found.graph.nodes} == {"forward"}


def test_a_compiled_step_is_measured_as_its_plan_runs():
    model = _net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @ag.compile
    def step(x):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), LABELS)
        loss.backward()
        optimizer.step()
        return loss

    found = profile(step, X, runs=1)
    assert found.plan is step.plan
    assert all(node.time is not None for node in found.graph.nodes if node.kind == "operation")
    assert "SGD.step" in {row["primitive"] for row in found.table()}
    twin, after = _net(), step(X).item()  # the plan still runs as it did, and each run was a step
    optimizer, model = optim.SGD(twin.parameters(), lr=0.1), twin
    losses = []
    for _ in range(3 + 2 * 3 + 1):
        optimizer.zero_grad()
        loss = nn.cross_entropy(twin(X), LABELS)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] == after


def _backward(x):
    loss = (ag.tensor(x, requires_grad=True) ** 2).sum()
    loss.backward()
    return loss


@for_each(
    "step, kind, text",
    [
        (3, OperandError, "graph.profile: not a function: expected a step, got int"),
        (np.sum, OperandError, "graph.profile: the step returned something else: expected a tensor, such as its loss, got float32"),
        (ag.relu, OperandError, "graph.profile: the step returned something else: expected a tensor, such as its loss, got ndarray"),
        (ag.tensor, GradientError, "graph.profile: the step recorded nothing; give it a parameter, outside of no_grad()"),
        (_backward, GradientError,
         "graph.profile: the step has called backward itself; return the loss before that, or pass ag.compile(step)"),
    ],
)  # fmt: skip
def test_what_is_no_step_is_refused(step, kind, text):
    with pytest.raises(kind) as error:
        profile(step, X, runs=1)
    assert str(error.value) == text


def test_a_step_without_a_plan_says_why():
    @ag.compile
    def step(x):
        return ag.tensor(float(ag.sum(ag.tensor(x))))

    with pytest.warns(ag.errors.CompileWarning), pytest.raises(ArgumentError) as error:
        profile(step, X)
    assert str(error.value).startswith("graph.profile: the step runs without a plan: ")
    with pytest.raises(ArgumentError) as error:
        profile(_net(), X, runs=1).table("line")
    assert str(error.value) == "table: by is unknown: expected 'call', 'module' or 'primitive', got 'line'"
