"""Frames within frames."""

import pytest

from autograd_cnn.graph import Edge, GraphNode, capture
from autograd_cnn.viz.drawing.fold import Titles
from autograd_cnn.viz.page.frames import LIMIT, RUN, tree_of


def _chain(count, scope=lambda i: ""):
    nodes = [GraphNode(f"n{i}", "operation", "sin", (), "float64", scope(i)) for i in range(count)]
    return nodes, [Edge(f"n{i}", f"n{i + 1}", "x") for i in range(count - 1)]


def _paths(tree):
    return [frame.path for frame in tree.frames]


def test_modules_become_frames_but_not_for_a_single_operation(convnet):
    graph = capture(convnet)
    tree = tree_of(graph.nodes, graph.edges, Titles(graph.calls))
    assert sorted(_paths(tree)) == ["", "features", "features.conv", "head"]
    named = {node.name: scope for node, scope in zip(graph.nodes, tree.alone, strict=True) if scope}
    assert named == {"relu": "features.act", "max_pool": "features.pool"}


def test_every_node_has_one_slot_and_every_frame_holds_what_is_in_it(convnet):
    graph = capture(convnet, backward=True)
    tree = tree_of(graph.nodes, graph.edges, Titles(graph.calls))
    placed = [slot.of for frame in tree.frames for slot in frame.slots if slot.kind == "node"]
    assert sorted(placed) == list(range(len(graph.nodes)))
    for frame in tree.frames:
        inner = {slot.of for slot in frame.slots if slot.kind == "node"}
        for slot in frame.slots:
            inner |= set(tree.frames[slot.of].nodes) if slot.kind == "frame" else set()
        assert sorted(inner) == frame.nodes


def test_an_edge_is_cut_where_it_passes_a_border():
    nodes, edges = _chain(4, lambda i: "left" if i < 2 else "right.inner")
    tree = tree_of(nodes, edges, Titles(()))
    at = {path: tree.frames[i] for i, path in enumerate(_paths(tree))}
    told = {path: [tuple((frame.slots[end].kind, frame.slots[end].of) for end in wire[:2]) for wire in frame.wires]
            for path, frame in at.items()}  # fmt: skip
    left, right, inner = map(_paths(tree).index, ("left", "right", "right.inner"))
    assert told == {
        "": [(("frame", left), ("frame", right))],
        "left": [(("node", 0), ("node", 1)), (("node", 1), ("out", 1))],
        "right": [(("in", 1), ("frame", inner))],
        "right.inner": [(("in", 1), ("node", 2)), (("node", 2), ("node", 3))],
    }


def test_values_that_go_to_the_backward_pass_are_no_wires(diamond):
    graph = capture(diamond, backward=True)
    tree = tree_of(graph.nodes, graph.edges, Titles(graph.calls))
    phases = [(frame.slots[a].phase, frame.slots[b].phase) for frame in tree.frames for a, b, _ in frame.wires]
    assert set(phases) == {("forward", "forward"), ("backward", "backward")}


@pytest.mark.parametrize("count", [LIMIT, LIMIT + 1, 10 * LIMIT, LIMIT**2 + 1])
def test_too_many_nodes_are_put_into_runs(count):
    tree = tree_of(*_chain(count), Titles(()))
    assert (len(tree.frames) == 1) == (count == LIMIT)
    for frame in tree.frames:
        assert sum(slot.kind in ("node", "frame") for slot in frame.slots) <= LIMIT
    assert len(tree.frames[0].nodes) == count


def test_a_run_is_named_by_its_ends():
    tree = tree_of(*_chain(LIMIT + 1), Titles(()))
    ends = [(start, min(start + RUN - 1, LIMIT)) for start in range(0, LIMIT + 1, RUN)]
    assert [frame.title for frame in tree.frames[1:]] == [f"n{first} to n{last}" for first, last in ends]


def test_a_backward_pass_stays_with_its_forward_pass():
    nodes, edges = _chain(2 * LIMIT)
    nodes += [
        GraphNode(f"n{len(nodes) + i}", "operation", "cos", (), "float64", phase="backward", pair=f"n{i}")
        for i in range(2 * LIMIT)
    ]
    tree = tree_of(nodes, edges, Titles(()))
    assert tree.homes[: 2 * LIMIT] == tree.homes[2 * LIMIT :]
