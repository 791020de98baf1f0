"""Modules as boxes, and equal ones in a row as one."""

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.graph import capture
from autograd_cnn.viz.drawing.fold import fold, with_stubs
from autograd_cnn.viz.frames.titles import Titles
from autograd_cnn.viz.frames.tree import tree_of


def _boxes(graph, depth):
    titles = Titles(graph.calls)
    return fold(tree_of(graph.nodes, graph.edges, titles), graph.nodes, graph.edges, depth, titles)


def test_without_a_depth_every_node_is_a_box(convnet):
    graph = capture(convnet)
    boxes, edges = _boxes(graph, None)
    assert [box.members for box in boxes] == [(node,) for node in graph.nodes]
    assert edges == list(graph.edges)


def test_a_depth_folds_the_modules_at_that_level(convnet):
    graph = capture(convnet)
    assert [box.module for box in _boxes(graph, 1)[0] if box.module] == ["features", "head"]
    boxes = _boxes(graph, 2)[0]
    assert [(box.module, box.scope) for box in boxes if box.module] == [
        ("features.conv", "features"), ("features.act", "features"), ("features.pool", "features"), ("head", ""),
    ]  # fmt: skip
    assert [node.name for node in next(b for b in boxes if b.module == "features.conv").members] == [
        "features.conv.weight", "features.conv.bias", "correlate2d",
    ]  # fmt: skip


def test_between_boxes_there_is_one_edge(blocks):
    boxes, edges = _boxes(capture(blocks(1)), 2)
    into_body = [e for e in edges if e.target == next(b.id for b in boxes if b.module == "body.0")]
    assert len(into_body) == 1


def test_equal_modules_in_a_row_are_one_box(blocks):
    boxes, edges = _boxes(capture(blocks(4)), 2)
    stem, body, head = [box for box in boxes if box.module]
    assert [box.times for box in (stem, body, head)] == [1, 4, 1]
    assert [node.scope for node in body.members if node.name == "relu"] == ["body.0", "body.1", "body.2", "body.3"]
    assert len([e for e in edges if e.target == body.id]) == len([e for e in edges if e.source == body.id]) == 1
    assert [e for e in edges if e.source == e.target] == []


def test_the_backward_pass_of_equal_modules_has_the_same_name(blocks):
    boxes, _ = _boxes(capture(blocks(4), backward=True), 2)
    (body,) = [box for box in boxes if box.times > 1 and box.phase == "backward"]
    assert (body.module, body.times) == ("body", 4)


def test_layers_with_numbers_for_names_keep_to_themselves():
    """Of a `Sequential`, whose layers' paths look like the numbers of frames."""
    layers = [nn.Sequential(nn.Linear(4, 4, rng=0), nn.ReLU()) for _ in range(3)]
    model = nn.Sequential(nn.Linear(4, 4, rng=0), *layers, nn.Tanh(), nn.Sigmoid(), nn.Linear(4, 2, rng=0))
    graph = capture(ag.sum(model(np.ones((1, 4), np.float32))), names=model.named_parameters(), backward=True)
    boxes, _ = _boxes(graph, 1)
    for phase in ("forward", "backward"):
        told = [(box.title, box.times) for box in boxes if box.module and box.phase == phase]
        assert sorted(told) == [
            ("0: Linear", 1), ("4: Tanh", 1), ("5: Sigmoid", 1), ("6: Linear", 1), ("Sequential", 3)
        ]  # fmt: skip
    seen = [node.id for box in boxes if not box.stub for node in box.members]
    assert len(seen) == len(set(seen))


def test_modules_that_differ_stay_apart(convnet):
    boxes, _ = _boxes(capture(convnet), 2)
    assert {box.times for box in boxes} == {1}


def test_the_backward_pass_folds_by_itself(convnet):
    boxes, _ = _boxes(capture(convnet, backward=True), 1)
    assert [(b.module, b.phase) for b in boxes if b.module] == [
        ("features", "forward"), ("head", "forward"), ("head", "backward"), ("features", "backward"),
    ]  # fmt: skip


def test_stubs_stand_in_for_the_other_pass(square):
    graph = capture(square, backward=True)
    boxes, edges = with_stubs(*_boxes(graph, None))
    stubs = [box for box in boxes if box.stub]
    assert [(box.id, box.node.name, box.phase) for box in stubs] == [
        ("n0_n4", "x", "backward"), ("n0_n5", "x", "backward"),
    ]  # fmt: skip
    phases = {box.id: box.phase for box in boxes}
    assert all(phases[e.source] == phases[e.target] for e in edges)


def test_folded_modules_need_no_stubs(convnet):
    boxes, _ = with_stubs(*_boxes(capture(convnet, backward=True), 1))
    targets = {box.id.partition("_")[2] for box in boxes if box.stub}
    assert targets.isdisjoint(box.id for box in boxes if box.module)


def test_numbers_stand_in_the_boxes_that_use_them():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    boxes, edges = _boxes(capture((x * 0.5 + 1).sum()), None)
    assert [(box.node.name, box.numbers) for box in boxes][1:3] == [("multiply", ("x2=0.5",)), ("add", ("x2=1",))]
    assert len(edges) == 4


def test_a_parameter_of_several_calls_is_a_chip_at_each():
    layer = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh())
    graph = capture(layer(layer(np.ones((1, 2), np.float32))).sum(), backward=True)
    chips = [box for box in _boxes(graph, None)[0] if box.chip]
    assert [(box.chip, box.scope) for box in chips if box.phase == "forward"] == [
        (name, scope) for scope in ("Sequential.0", "Sequential#2.0") for name in ("weight", "bias")
    ]
    assert not any(box.chip for box in _boxes(graph, 1)[0])
