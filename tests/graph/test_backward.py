"""The backward pass in readable primitives."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.engine.node import Node
from autograd_cnn.errors import GradientError
from autograd_cnn.graph import capture


def _backward(graph):
    return [node for node in graph.nodes if node.phase == "backward"]


def test_a_square_in_full(square):
    graph = capture(square, backward=True)
    assert [(n.id, n.kind, n.name, n.pair) for n in _backward(graph)] == [
        ("n3", "input", "seed", "n2"),
        ("n4", "operation", "multiply", "n1"),
        ("n5", "operation", "multiply", "n1"),
        ("n6", "operation", "add", "n0"),
        ("n7", "gradient", "x", "n0"),
    ]
    assert {(e.source, e.target) for e in graph.edges} >= {("n0", "n4"), ("n0", "n5"), ("n4", "n6"), ("n5", "n6")}
    assert graph.nodes[7].value.mean == graph.nodes[0].grad.mean == 6


def test_each_operation_belongs_to_the_one_whose_rule_made_it(convnet):
    graph = capture(convnet, backward=True)
    made = {}
    for node in _backward(graph):
        if node.kind == "operation":
            forward = graph.nodes[int(node.pair[1:])]
            made.setdefault(forward.name, []).append(node.name)
            assert node.scope == forward.scope
    assert made["correlate2d"][0] == "correlate2d_wrt_weight"
    assert "max_unpool" in made["max_pool"]
    assert made["getitem"] == ["scatter_add"]


def test_every_parameter_has_its_gradient(convnet):
    graph = capture(convnet, backward=True)
    found = {n.name: n.value.norm for n in graph.nodes if n.kind == "gradient"}
    assert sorted(found) == ["features.conv.bias", "features.conv.weight", "head.weight"]
    assert all(norm > 0 for norm in found.values())


def test_gradients_agree_with_the_engine():
    x = ag.tensor([[1.0, -2.0, 3.0]], requires_grad=True)
    w = ag.tensor([[0.5], [1.5], [-1.0]], requires_grad=True)
    loss = (ag.tanh(x @ w) ** 2).sum()
    norms = [n.value.norm for n in capture(loss, backward=True).nodes if n.kind == "gradient"]
    loss.backward()
    np.testing.assert_allclose(sorted(norms), sorted(np.linalg.norm(t.grad.numpy()) for t in (x, w)), rtol=1e-12)


def test_a_linear_pass_is_recorded_too():
    w = ag.tensor([1.0, 2.0], requires_grad=True, name="w")
    graph = capture((w * np.array([3.0, 4.0])).sum(), backward=True)
    names = [n.name for n in _backward(graph)]
    assert names[0] == "seed"
    assert "multiply" in names
    assert graph.nodes[-1].value.norm == 5


def test_a_rule_may_return_a_plain_array():
    @ag.primitive
    def step(x):
        return (x > 0) * 1.0

    @step.vjp("x")
    def step_wrt_x(g, *, x_shape):
        return np.zeros(x_shape)

    x = ag.tensor([1.0, -1.0], requires_grad=True, name="x")
    graph = capture(step(x).sum(), backward=True)
    gradient = graph.nodes[-1]
    assert (gradient.kind, gradient.value.norm) == ("gradient", 0)
    assert [e for e in graph.edges if e.target == gradient.id] == []


def test_a_leaf_that_no_rule_reaches_has_no_gradient():
    class Stop:
        name = "stop"

        def pullback(self, *_):
            return iter(())

    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    stopped = ag.Tensor.wrap(x.value, Node(Stop(), (x.node,), {}, (2,), x.dtype))
    graph = capture(stopped.sum(), backward=True)
    assert [n.name for n in graph.nodes if n.phase == "forward"] == ["x", "stop", "sum", "output"]
    assert [n for n in graph.nodes if n.kind == "gradient"] == []
    assert graph.nodes[0].grad is None


def test_only_a_number_has_a_gradient():
    with pytest.raises(GradientError) as error:
        capture(ag.tensor([1.0, 2.0], requires_grad=True) * 2, backward=True)
    assert str(error.value) == (
        "graph.capture: the output is not a scalar: expected one number, got shape (2,); "
        "reduce it with .sum() or .mean(), or leave out backward=True"
    )


def test_a_freed_graph_says_so(square):
    square.backward()
    with pytest.raises(GradientError) as error:
        capture(square, backward=True)
    assert str(error.value) == (
        "multiply: the graph has been freed by an earlier backward pass; pass retain_graph=True to that one"
    )
