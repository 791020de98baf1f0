"""The tape as plain data."""

import gc
import time
import weakref

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.primitive import REGISTRY
from autograd_cnn.engine.recording import scope
from autograd_cnn.errors import AnomalyError, ArgumentError, GradientError, OperandError
from autograd_cnn.graph import Edge, capture


@pytest.fixture
def wrong():
    """Return a primitive whose rule has the wrong sign, and take it out of the registry again."""
    before = set(REGISTRY)

    @ag.primitive
    def wrong(x):
        return x * 2

    @wrong.vjp("x")
    def wrong_wrt_x(g):
        return g * -2

    yield wrong
    for name in REGISTRY.keys() - before:
        del REGISTRY[name]


def _by_name(graph, name):
    return [node for node in graph.nodes if node.name == name]


def _one(graph, name):
    (node,) = _by_name(graph, name)
    return node


# --- nodes and edges --------------------------------------------------------------------------


def test_a_square_has_two_edges_from_one_leaf(square):
    graph = capture(square)
    assert [(n.id, n.kind, n.name) for n in graph.nodes] == [
        ("n0", "parameter", "x"), ("n1", "operation", "multiply"), ("n2", "output", "output"),
    ]  # fmt: skip
    assert graph.edges == (Edge("n0", "n1", "x1"), Edge("n0", "n1", "x2"), Edge("n1", "n2"))


def test_a_diamond_shares_its_tip(diamond):
    graph = capture(diamond)
    assert [n.name for n in graph.nodes] == ["x", "sin", "exp", "multiply", "sum", "output"]
    assert [(e.source, e.target) for e in graph.edges if e.source == "n0"] == [("n0", "n1"), ("n0", "n2")]


def test_every_node_stands_behind_what_it_depends_on(convnet):
    graph = capture(convnet, backward=True)
    assert [node.id for node in graph.nodes] == [f"n{i}" for i in range(len(graph.nodes))]
    assert all(int(e.source[1:]) < int(e.target[1:]) for e in graph.edges)


def test_equal_models_give_equal_graphs(model):
    _, build = model
    loss, leaves = build()
    first = capture(loss, backward=True)
    between = [ag.tensor(1.0, requires_grad=True) + 1 for _ in range(7)]
    again, more_leaves = build()
    assert capture(again, backward=True) == first
    assert len(between + leaves + more_leaves) > 7


def test_modules_shapes_and_dtypes(convnet):
    graph = capture(convnet)
    conv = _one(graph, "correlate2d")
    assert (conv.scope, conv.shape, conv.dtype) == ("features.conv", (2, 3, 8, 8), "float32")
    assert _one(graph, "output").scope == ""


def test_parameters_of_an_operation_are_told_from_defaults(convnet):
    told = {p.name: (p.value, p.default) for p in _one(capture(convnet), "correlate2d").parameters}
    assert told == {"stride": ("1", True), "padding": ("1", False), "dilation": ("1", True), "groups": ("1", True)}


def test_arrays_in_parameters_are_told_by_their_shape():
    x = ag.tensor(np.ones((4, 3)), requires_grad=True)
    picked = x[np.array([0, 1]), 1:3].sum()
    (index,) = _one(capture(picked), "getitem").parameters
    assert index.value == "(array(2,), 1:3)"
    (index,) = _one(capture(x[..., ::2].sum()), "getitem").parameters
    assert index.value == "(..., ::2)"


def test_operands_of_a_variadic_operation_are_counted():
    x, y = (ag.tensor([1.0], requires_grad=True, name=name) for name in "xy")
    graph = capture(ag.concatenate([x, y]).sum())
    assert [e.argument for e in graph.edges] == ["arrays[0]", "arrays[1]", "x", ""]
    assert _by_name(graph, "concatenate")


def test_an_einsum_knows_its_arrays():
    x, w = ag.tensor(np.ones((2, 3)), requires_grad=True, name="x"), np.ones((3, 4))
    graph = capture(ag.einsum("ij,jk->ik", x, w).sum())
    assert [n.name for n in graph.nodes] == ["x", "array", "einsum", "sum", "output"]


def test_numbers_are_constants_and_arrays_inputs():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    array = ag.tensor([5.0, 6.0])
    graph = capture((x * array * array * 2.5).sum())
    assert [(n.kind, n.name) for n in graph.nodes if n.kind in ("input", "constant")] == [
        ("input", "array"), ("constant", "2.5"),
    ]  # fmt: skip
    array_id = _one(graph, "array").id
    assert len([e for e in graph.edges if e.source == array_id]) == 2


def test_a_leaf_can_be_the_output():
    graph = capture(ag.tensor([1.0], requires_grad=True, name="w"))
    assert [(n.kind, n.name) for n in graph.nodes] == [("parameter", "w"), ("output", "w")]


def test_a_checkpoint_is_one_node():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    graph = capture(ag.checkpoint(lambda x: ag.sin(x) * 2)(x).sum(), backward=True)
    forward = [n.name for n in graph.nodes if n.phase == "forward"]
    assert forward == ["x", "checkpoint", "sum", "output"]
    recomputed = [n for n in graph.nodes if n.pair == _one(graph, "checkpoint").id and n.kind == "operation"]
    assert {"cos", "multiply"} <= {n.name for n in recomputed}


# --- names ------------------------------------------------------------------------------------


def test_a_leaf_is_called_by_its_module_and_name(convnet):
    names = [n.name for n in capture(convnet).nodes if n.kind == "parameter"]
    assert names == ["features.conv.weight", "features.conv.bias", "head.weight"]


@pytest.mark.parametrize("form", [dict, lambda pairs: pairs, iter])
def test_names_can_be_given(form):
    x, w = ag.tensor([1.0, 2.0]), ag.tensor([3.0, 4.0], requires_grad=True, name="own")
    y = (x * w).sum()
    graph = capture(y, names=form([("left", x), ("net.right", w), ("loss", y)]))
    assert [n.name for n in graph.nodes if n.kind != "operation"] == ["left", "net.right", "loss"]


def test_declared_inputs_are_inputs_outside_of_modules():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    mask = np.array([0.0, 1.0])
    mask.flags.writeable = False
    with scope("inner"):
        y = (x * mask).sum()
    graph = capture(y, inputs=[x, mask], names={"mask": mask})
    assert [(n.kind, n.name, n.scope) for n in graph.nodes[:2]] == [("input", "x", ""), ("input", "mask", "")]


def test_a_tensor_that_is_gone_leaves_its_place():
    y = ag.tensor([1.0], requires_grad=True, name="gone") * 2
    (leaf, *_) = capture(y).nodes
    assert (leaf.kind, leaf.name, leaf.shape) == ("parameter", "leaf", (1,))


# --- values -----------------------------------------------------------------------------------


def test_known_values_are_summarised(convnet):
    graph = capture(convnet)
    bias = _one(graph, "features.conv.bias").value
    assert (bias.min, bias.max, bias.mean, bias.std) == (0, 0, 0, 0)
    assert _one(graph, "output").value.mean == pytest.approx(convnet.item())
    scores = _one(graph, "log_softmax").value
    assert scores.min < scores.mean < scores.max < 0
    assert _one(graph, "getitem").value.mean == pytest.approx(-_one(graph, "output").value.mean)  # computed again


def test_what_follows_from_numbers_is_known():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    graph = capture(ag.exp((x + 3) * 2).sum())
    assert all(n.value is not None for n in graph.nodes if n.kind == "operation")
    assert [(n.name, n.kind) for n in graph.nodes if n.kind == "constant"] == [("3", "constant"), ("2", "constant")]


def test_what_the_tape_did_not_keep_of_a_sum_with_an_array_is_unknown():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    graph = capture(ag.exp((x + np.ones(2)) * 2).sum())
    assert [n.name for n in graph.nodes if n.kind == "operation" and n.value is None] == ["add", "multiply"]


def test_values_can_be_left_out(convnet):
    graph = capture(convnet, values=False, backward=True)
    assert {(n.value, n.grad) for n in graph.nodes} == {(None, None)}


def test_the_gradient_of_a_leaf_is_known_once_it_is_there(diamond):
    assert capture(diamond).nodes[0].grad is None
    x = ag.tensor([3.0, 4.0], requires_grad=True)
    y = (x * x / 2).sum()
    y.backward(retain_graph=True)
    assert capture(y).nodes[0].grad.norm == 5


def test_after_a_backward_pass_the_freed_parts_are_unknown(convnet):
    convnet.backward()
    conv = _one(capture(convnet), "correlate2d")
    assert (conv.saved_bytes, conv.parameters) == (None, ())


def test_no_array_is_kept_alive():
    x = ag.tensor(np.arange(6.0), requires_grad=True)
    y = ag.exp(x)
    loss = (y * y).sum()
    arrays = [weakref.ref(value) for value in (x.value, y.value)]
    graph = capture(loss, backward=True)
    gc.disable()
    try:
        del x, y, loss
        assert [array() for array in arrays] == [None, None]
    finally:
        gc.enable()
    assert graph.nodes[0].value.max == 5


def test_the_tape_stays_as_it_is():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = ag.exp(x)
    y.retain_grad()
    seen = []
    x.register_hook(seen.append)
    capture((y * x).sum(), backward=True)
    assert (x.grad, y.grad, seen) == (None, None, [])
    (y * x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1.0, 2.0]) * [2.0, 3.0])


def test_a_capture_works_under_no_grad(square):
    with ag.no_grad():
        assert len(capture(square, backward=True).nodes) > 3


# --- problems ---------------------------------------------------------------------------------


def test_problems_are_told_of_the_nodes_that_have_them(diamond):
    exp = next(node for node in toposort(diamond.node) if node.primitive and node.primitive.name == "exp")
    graph = capture(diamond, problems={exp.serial: "its rule is wrong"})
    assert [(n.name, n.problem) for n in graph.nodes if n.problem] == [("exp", "its rule is wrong")]


def test_an_anomaly_can_be_painted():
    x = ag.tensor([0.0, 1.0], requires_grad=True)
    with ag.detect_anomaly():
        loss = (ag.sqrt(x) * 0).sum()
        with np.errstate(all="ignore"), pytest.raises(AnomalyError) as error:
            loss.backward()
    graph = capture(loss, problems=error.value.problems)
    assert [n.problem for n in graph.nodes if n.problem] == [str(error.value)]


def test_a_checked_tape_can_be_painted(wrong):
    x = ag.tensor([0.5, 1.0], requires_grad=True)
    loss = ag.exp(wrong(x)).sum()
    graph = capture(loss, problems=ag.testing.check_tape(loss).problems)
    assert [n.name for n in graph.nodes if n.problem] == ["wrong"]


def test_a_problem_elsewhere_is_an_error(square):
    with pytest.raises(ArgumentError) as error:
        capture(square, problems={-1: "nowhere"})
    assert str(error.value) == (
        "graph.capture: there is a problem with a node that is not in the graph: "
        "expected serial numbers of what the output depends on, got -1"
    )


# --- size -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_long_chain_takes_seconds():
    y = ag.tensor(1.0, requires_grad=True)
    for _ in range(100_000):
        y = -y
    began = time.perf_counter()
    graph = capture(y)
    assert time.perf_counter() - began < 30
    assert len(graph.nodes) == 100_002


def test_a_tower_of_diamonds_takes_no_time():
    y = ag.tensor(1.0, requires_grad=True)
    for _ in range(60):
        y = y + y
    graph = capture(y, backward=True)
    assert graph.nodes[0].grad.norm == 2.0**60
    assert len(graph.nodes) < 200


# --- what can't be captured -------------------------------------------------------------------


def test_an_array_has_no_tape():
    with pytest.raises(OperandError) as error:
        capture(np.ones(3))
    assert str(error.value) == "graph.capture: output has no tape: expected a tensor, got ndarray"


def test_nothing_was_recorded():
    with pytest.raises(GradientError) as error:
        capture(ag.tensor(1.0) * 2)
    assert str(error.value) == (
        "graph.capture: nothing was recorded for this output; "
        "make an input with requires_grad=True, and compute outside of no_grad()"
    )


@pytest.mark.parametrize("inputs", ["x", 3, np.ones(3), ag.tensor(1.0)])
def test_inputs_that_are_none(inputs):
    with pytest.raises(OperandError) as error:
        capture(ag.tensor(1.0, requires_grad=True) * 2, inputs=inputs)
    assert str(error.value) == (
        f"graph.capture: inputs are not understood: expected a sequence of tensors or arrays, got {type(inputs).__name__}"
    )


@pytest.mark.parametrize("names", ["loss", 3, [np.ones(3)], nn.Sequential(nn.Linear(2, 2), nn.ReLU())])
def test_names_that_are_none(names):
    loss = (ag.tensor(np.ones(2), requires_grad=True) * 2).sum()
    with pytest.raises(OperandError) as error:
        capture(loss, names=names)
    assert str(error.value) == (
        f"graph.capture: names are not understood: expected a mapping of names to arrays, or pairs, got "
        f"{type(names).__name__}; a model's are model.named_parameters()"
    )
