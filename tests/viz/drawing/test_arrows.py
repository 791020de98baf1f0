"""Edges, and what keeps the drawing in shape."""

import re

import pytest

import autograd_cnn as ag
from autograd_cnn.engine.recording import scope
from autograd_cnn.graph import capture


def _edges(source, **attributes):
    found = re.findall(r"^\t(\w+) -> (\w+)(?: \[(.*)\])?$", source, re.MULTILINE)
    return [(a, b) for a, b, text in found if all(f"{key}={value}" in text for key, value in attributes.items())]


def test_a_square_has_two_labelled_edges(square):
    source = capture(square).to_dot().source
    assert re.findall(r"n0 -> n1 \[label=\" (x\d) \"\]", source) == ["x1", "x2"]


def test_the_backward_pass_stands_beside_the_forward_one(square):
    source = capture(square, backward=True).to_dot().source
    assert 'label="forward pass"' in source
    assert 'label="backward pass"' in source
    assert re.search(r"n4 -> n3 \[.*dir=back", source)
    assert re.search(r"n1 -> n4 \[.*style=dotted", source)


def test_parameters_stand_on_both_sides_of_their_operation(convnet):
    graph = capture(convnet)
    ids = {node.name: node.id for node in graph.nodes}
    source = graph.to_dot(legend=False).source
    conv = ids["correlate2d"]
    assert _edges(source, minlen=0)[:2] == [(ids["features.conv.weight"], conv), (conv, ids["features.conv.bias"])]
    assert _edges(source, dir="back") == [(conv, ids["features.conv.bias"])]


def test_a_parameter_with_several_uses_has_its_own_level(square):
    assert _edges(capture(square).to_dot().source, minlen=0) == []


def test_operations_are_pulled_into_a_line(diamond):
    assert _edges(capture(diamond).to_dot().source, weight=20) == [
        ("n1", "n3"), ("n2", "n3"), ("n3", "n4"), ("n4", "n5"),
    ]  # fmt: skip


def _two_modules():
    x = ag.tensor([[1.0, 2.0]], requires_grad=True, name="x")
    w = ag.tensor([[3.0, 4.0]], requires_grad=True, name="w")
    with scope("first"):
        y = ag.exp(x)
    with scope("second"):
        return (y @ ag.transpose(w)).sum(), [x, w]


def test_what_a_module_begins_with_stands_below_what_flows_into_it():
    loss, leaves = _two_modules()
    graph = capture(loss)
    ids = {node.name: node.id for node in graph.nodes}
    assert _edges(graph.to_dot(legend=False).source, style="invis") == [(ids["exp"], ids["transpose"])]
    leaves.clear()


@pytest.mark.parametrize("depth", [None, 1, 2])
@pytest.mark.parametrize("show", ["forward", "backward", "both"])
def test_spacers_close_no_circle(blocks, depth, show):
    source = capture(blocks(3), backward=True).to_dot(show=show, depth=depth).source
    below = {}
    for upper, lower in _edges(source):
        below.setdefault(upper, set()).add(lower)
    waiting, done = set(below), set()
    while waiting:
        free = {name for name in waiting if below[name] <= done | (set().union(*below.values()) - set(below))}
        assert free, "a circle"
        done |= free
        waiting -= free


def test_a_folded_module_is_joined_even_if_its_backward_pass_begins_with_a_number():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    with scope("pool"):
        y = x.mean()
    graph = capture(ag.exp(y), backward=True)
    pairs = _edges(graph.to_dot(depth=1).source, style="dotted")
    assert len(pairs) == 2


def test_every_operation_is_joined_to_its_backward_pass_once(convnet):
    graph = capture(convnet, backward=True)
    pairs = _edges(graph.to_dot().source, style="dotted")
    operations = {n.id for n in graph.nodes if n.kind == "operation" and n.phase == "forward"}
    assert len(pairs) == len({forward for forward, _ in pairs})
    assert operations <= {forward for forward, _ in pairs}
