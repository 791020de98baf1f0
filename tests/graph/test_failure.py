"""The graph of what had been computed when something failed."""

import gc
import weakref
from contextlib import suppress

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.engine.primitive import REGISTRY
from autograd_cnn.errors import AnomalyError, OperandError, ShapeError
from autograd_cnn.graph import Attribute, Edge, on_error

NOTE = "the graph up to this call is in the `graph` of what on_error() gave"


def _leaf(values, name=None):
    return ag.tensor(values, requires_grad=True, name=name)


def _told(node):
    return [(parameter.name, parameter.value) for parameter in node.parameters]


def test_an_operation_that_fails_is_the_last_node():
    x, w = _leaf(np.ones((2, 3)), "x"), _leaf(np.ones((2, 4)), "w")
    with pytest.raises(ShapeError) as error, on_error() as failure:
        ag.matmul(ag.exp(x), w)
    assert error.value.__notes__ == [NOTE]
    *_, failed = failure.graph.nodes
    assert (failed.kind, failed.name, failed.shape) == ("failure", "matmul", ())
    assert failed.problem == "ShapeError: matmul: x1 has 3 columns but x2 has 2 rows; shapes x1=(2, 3), x2=(2, 4)"
    assert _told(failed) == [("x1", "(2, 3)"), ("x2", "(2, 4)")]
    assert [(n.kind, n.name) for n in failure.graph.nodes[:-1]] == [
        ("parameter", "x"), ("operation", "exp"), ("parameter", "w"),
    ]  # fmt: skip
    assert failure.graph.edges == (Edge("n0", "n1", "x"), Edge("n1", "n3", "x1"), Edge("n2", "n3", "x2"))
    assert failure.graph.nodes[1].value.mean == pytest.approx(np.e)


def test_arrays_numbers_and_parameters_of_the_call_are_shown():
    x = _leaf(np.ones((1, 1, 4, 4)), "x")
    with pytest.raises(ShapeError), on_error() as failure:
        ag.correlate2d(x, np.ones((1, 2, 3, 3)), stride=2, padding=((1, 1), (0, 0)))
    assert [(n.kind, n.name) for n in failure.graph.nodes] == [
        ("parameter", "x"), ("input", "array"), ("failure", "correlate2d"),
    ]  # fmt: skip
    assert failure.graph.nodes[-1].parameters == (
        Attribute("x", "(1, 1, 4, 4)", default=False),
        Attribute("w", "(1, 2, 3, 3)", default=False),
        Attribute("stride", "2", default=False),
        Attribute("padding", "((1, 1), (0, 0))", default=False),
    )
    with pytest.raises(ValueError, match="broadcast"), on_error() as failure:
        ag.where(True, x, np.ones(3))  # noqa: FBT003  # a condition
    assert [(n.kind, n.name) for n in failure.graph.nodes] == [
        ("constant", "1"), ("parameter", "x"), ("input", "array"), ("failure", "where"),
    ]  # fmt: skip


def test_any_number_of_operands_are_counted():
    x, y = _leaf([1.0], "x"), _leaf([[1.0]], "y")
    with pytest.raises(ValueError, match="dimensions"), on_error() as failure:
        ag.concatenate([x, y])
    assert [edge.argument for edge in failure.graph.edges] == ["arrays[0]", "arrays[1]"]


def test_arguments_that_are_not_understood_are_told_by_name():
    x = _leaf([1.0], "x")
    with pytest.raises(OperandError), on_error() as failure:
        ag.multiply(x, "two")
    assert _told(failure.graph.nodes[-1]) == [("x1", "(1,)"), ("x2", "two")]
    with pytest.raises(OperandError), on_error() as failure:
        ag.sum(x, along=0)
    assert _told(failure.graph.nodes[-1]) == [("x", "(1,)"), ("along", "0")]


def test_an_operand_that_is_passed_twice_is_shown_twice():
    x = _leaf([1.0, 2.0], "x")
    with pytest.raises(OperandError), on_error() as failure:
        ag.sum(x, x=np.ones(3))
    assert _told(failure.graph.nodes[-1]) == [("x", "(2,)"), ("x", "(3,)")]


def test_the_module_that_was_called_is_known():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.Linear(5, 1, rng=0))
    with pytest.raises(ShapeError), on_error() as failure:
        model(np.ones((1, 1, 8, 8)))
    *_, failed = failure.graph.nodes
    assert (failed.name, failed.scope) == ("Linear.forward", "1")
    assert failed.problem == "ShapeError: Linear: x has the wrong shape: expected (..., 5), got (1, 2, 6, 6)"
    assert [n.name for n in failure.graph.nodes if n.kind == "operation"] == ["correlate2d"]


def test_an_error_of_your_own_is_shown_at_the_innermost_function_with_tensors():
    def unhappy(text):
        raise KeyError(text)

    def check(y, weights):
        parts = [y, y * 2]
        if len(parts) == 2:
            unhappy("no")

    with pytest.raises(KeyError) as error, on_error() as failure:
        check(ag.exp(_leaf([1.0], "x")), np.ones(3))
    assert error.value.__notes__ == [NOTE]
    *_, failed = failure.graph.nodes
    assert (failed.name, failed.problem) == ("check", "KeyError: 'no'")
    assert _told(failed) == [("y", "(1,)"), ("weights", "(3,)"), ("parts[0]", "(1,)"), ("parts[1]", "(1,)")]
    assert [n.name for n in failure.graph.nodes if n.kind == "operation"] == ["exp", "multiply"]


def test_an_anomaly_shows_the_operation_that_made_it():
    x = _leaf([-1.0], "x")
    with np.errstate(all="ignore"), ag.detect_anomaly(), pytest.raises(AnomalyError), on_error() as failure:
        ag.log(ag.sin(x))
    assert [n.name for n in failure.graph.nodes] == ["x", "sin", "log"]
    assert failure.graph.nodes[-1].problem.startswith("AnomalyError: log: its result holds the first NaN; ")


def test_a_backward_pass_that_fails_shows_the_operation_whose_rule_it_was():
    x = _leaf([0.0], "x")
    with np.errstate(all="ignore"), ag.detect_anomaly(), pytest.raises(AnomalyError), on_error() as failure:
        (ag.sqrt(x) * 0).sum().backward()
    assert [(n.name, n.kind) for n in failure.graph.nodes if n.problem] == [
        ("sqrt", "operation"), ("backward", "failure"),
    ]  # fmt: skip


def test_a_rule_that_raises_is_painted_on_its_operation(broken):
    x = _leaf([1.0], "x")
    with pytest.raises(RuntimeError), on_error() as failure:
        broken(ag.exp(x)).sum().backward()
    problems = [(n.name, n.problem) for n in failure.graph.nodes if n.problem]
    assert problems == [("broken", "RuntimeError: no"), ("backward", "RuntimeError: no")]


@pytest.fixture
def broken():
    """Return a primitive whose rule raises, and take it out of the registry again."""
    before = set(REGISTRY)

    @ag.primitive
    def broken(x):
        return x * 2

    @broken.vjp("x")
    def broken_wrt_x(g):
        raise RuntimeError("no")

    yield broken
    for name in REGISTRY.keys() - before:
        del REGISTRY[name]


def test_the_scope_of_an_operation_is_known():
    x = _leaf([1.0], "x")
    with pytest.raises(OperandError), on_error() as failure, ag.scope("outer"), ag.scope("inner"):
        ag.add(x, "one")
    assert failure.graph.nodes[-1].scope == "outer.inner"


def test_an_operation_whose_error_was_caught_is_not_blamed_for_another():
    def recover(x):
        with suppress(ShapeError):
            ag.matmul(x, np.ones((5, 5)))
        raise KeyError("later")

    with pytest.raises(KeyError), on_error() as failure:
        recover(_leaf(np.ones((2, 3)), "x"))
    assert (failure.graph.nodes[-1].name, failure.graph.nodes[-1].problem) == ("recover", "KeyError: 'later'")


def test_the_outermost_operation_on_tensors_is_the_one_that_failed():
    @ag.primitive
    def outer(x):
        return ag.matmul(x, np.ones((5, 5)))

    with pytest.raises(ShapeError), on_error() as failure:
        outer(_leaf(np.ones((2, 3)), "x"))
    assert failure.graph.nodes[-1].name == "outer"
    del REGISTRY[f"{__name__}.{outer.forward.__qualname__}"]


def test_blocks_inside_of_each_other_all_have_the_graph():
    x = _leaf([1.0], "x")
    with pytest.raises(OperandError), on_error() as outer, on_error() as inner:
        ag.add(x, "one")
    assert inner.graph == outer.graph
    assert inner.graph.nodes[-1].name == "add"


def test_nothing_is_kept_alive():
    x = _leaf(np.ones((2, 3)), "x")
    trace = weakref.ref(x)
    gc.disable()
    try:
        with suppress(ShapeError), on_error() as failure:
            ag.matmul(x, np.ones((5, 5)))
        del x
        assert trace() is None
    finally:
        gc.enable()
    assert failure.graph.nodes[-1].name == "matmul"


def test_without_tensors_there_is_no_graph():
    with pytest.raises(ZeroDivisionError) as error, on_error() as failure:
        _ = 1 / 0
    assert failure.graph is None
    assert not hasattr(error.value, "__notes__")


def test_a_block_that_works_has_no_graph():
    with on_error() as failure:
        _leaf([1.0]) * 2
    assert failure.graph is None


def test_a_failed_graph_is_drawn_in_red(golden):
    x = _leaf(np.ones((2, 3)), "x")
    with pytest.raises(ShapeError), on_error() as failure, ag.scope("head"):
        ag.linear(ag.exp(x), _leaf(np.ones((4, 5)), "w"))
    golden("failure.dot", failure.graph.to_dot().source)
