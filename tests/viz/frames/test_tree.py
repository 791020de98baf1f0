"""Frames within frames."""

from graphlib import TopologicalSorter

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.engine.recording import scope
from autograd_cnn.graph import Edge, GraphNode, capture
from autograd_cnn.viz.frames.titles import Titles
from autograd_cnn.viz.frames.tree import LIMIT, RUN, tree_of
from autograd_cnn.viz.frames.view import direction_of, first_view


def _chain(count, scope=lambda i: "", alike=False):
    nodes = [GraphNode(f"n{i}", "operation", "sin", () if alike else (i,), "float64", scope(i)) for i in range(count)]
    return nodes, [Edge(f"n{i}", f"n{i + 1}", "x") for i in range(count - 1)]


def _tree(output, **options):
    graph = capture(output, **options)
    return tree_of(graph.nodes, graph.edges, Titles(graph.calls))


def _paths(tree):
    return [frame.path for frame in tree.frames]


def _titles(tree, kind):
    return [frame.heading for frame in tree.frames if frame.kind == kind]


def _chips(tree, frame, way):
    return [slot.of for slot in tree.frames[frame].slots if slot.kind == way]


def test_a_block_that_is_entered_again_is_another_frame():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    w = ag.tensor([3.0, 4.0], requires_grad=True, name="w")
    y = x
    for _ in range(2):
        with scope("outer"):
            with scope("inner"):
                y = ag.sin(y) * ag.exp(y)
            y = ag.tanh(y * w)
        y = ag.exp(y)
    tree = _tree(ag.sum(y), backward=True)
    assert sorted(_paths(tree)) == ["", "outer", "outer#2", "outer#2.inner#2", "outer.inner"]
    assert {frame.path: {slot.phase for slot in frame.slots} for frame in tree.frames[1:]} == {
        path: {"forward", "backward"} for path in _paths(tree)[1:]
    }
    for frame in tree.frames:
        TopologicalSorter({wire.target: [wire.source] for wire in frame.wires}).prepare()
        assert all(wire.source != wire.target for wire in frame.wires)


def test_a_leaf_that_is_used_before_its_module_is_outside_of_it():
    scopes = ["block", "", "block", "block", ""]
    nodes = [
        GraphNode(f"n{i}", "operation" if i else "input", "sin", (i,), "float64", path) for i, path in enumerate(scopes)
    ]
    edges = [Edge(f"n{source}", f"n{target}", "x") for source, target in [(0, 1), (1, 2), (0, 2), (2, 3), (3, 4)]]
    tree = tree_of(nodes, edges, Titles([]))
    assert tree.homes == [0, 0, 1, 1, 0]


def test_modules_become_frames_but_not_for_a_single_operation(convnet):
    graph = capture(convnet)
    tree = tree_of(graph.nodes, graph.edges, Titles(graph.calls))
    assert sorted(_paths(tree)) == ["", "features", "features.conv", "head"]
    named = {node.name: scope for node, scope in zip(graph.nodes, tree.alone, strict=True) if scope}
    assert named == {"relu": "features.act", "max_pool": "features.pool"}


def test_the_mask_of_a_dropout_stands_beside_it_and_an_input_before_all():
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(0.5, rng=0)), nn.Linear(4, 2, rng=0))
    graph = capture(model(np.ones((2, 3), np.float32)).sum(), names=model.named_parameters())
    tree = tree_of(graph.nodes, graph.edges, Titles(graph.calls))
    homes = [tree.frames[home].path for node, home in zip(graph.nodes, tree.homes, strict=True) if node.kind == "input"]
    assert homes == ["", "0"]


def test_every_node_has_one_slot_and_every_frame_holds_what_is_in_it(convnet):
    graph = capture(convnet, backward=True)
    tree = tree_of(graph.nodes, graph.edges, Titles(graph.calls))
    placed = [slot.of for frame in tree.frames for slot in frame.slots if slot.kind == "node"]
    numbers = {i for i, node in enumerate(graph.nodes) if node.kind == "constant"}
    assert numbers == tree.sharing.numbers.keys()
    assert sorted(placed) == sorted(set(range(len(graph.nodes))) - numbers)
    for frame in tree.frames:
        inner = {slot.of for slot in frame.slots if slot.kind == "node"}
        for slot in frame.slots:
            inner |= set(tree.frames[slot.of].nodes) if slot.kind == "frame" else set()
        assert sorted(inner) == [number for number in frame.nodes if number not in numbers]


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
        "right": [(("in", 0), ("frame", inner))],
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
    ends = [(start + 1, min(start + RUN, LIMIT + 1)) for start in range(0, LIMIT + 1, RUN)]
    assert [frame.title for frame in tree.frames[1:]] == [f"{first} to {last} of {LIMIT + 1}" for first, last in ends]


def test_a_backward_pass_stays_with_its_forward_pass():
    nodes, edges = _chain(2 * LIMIT)
    nodes += [
        GraphNode(f"n{len(nodes) + i}", "operation", "cos", (), "float64", phase="backward", pair=f"n{i}")
        for i in range(2 * LIMIT)
    ]
    tree = tree_of(nodes, edges, Titles(()))
    assert tree.homes[: 2 * LIMIT] == tree.homes[2 * LIMIT :]


# --- what repeats -----------------------------------------------------------------------------


def test_equal_modules_in_a_row_are_one_frame_but_two_are_not(blocks):
    tree = _tree(blocks(12))
    (repeat,) = (frame for frame in tree.frames if frame.times > 1)
    assert (repeat.path, repeat.heading) == ("body", "0 to 11 × 12")
    assert [frame.path for frame in tree.frames if frame.parent == tree.frames.index(repeat)] == [
        f"body.{i}" for i in range(12)
    ]
    assert {frame.times for frame in _tree(blocks(2)).frames} == {1}


def test_the_blocks_of_a_network_are_one_frame():
    tree = _tree(nn.resnet20(rng=0)(np.zeros((2, 3, 8, 8), np.float32)).sum(), backward=True, values=False)
    assert _titles(tree, "repeat") == ["BasicBlock × 3"]


def test_equal_operations_in_a_row_are_one_frame():
    tree = tree_of(*_chain(500, alike=True), Titles(()))
    assert _titles(tree, "repeat") == ["sin × 499"]  # the first has no operand
    assert all(len(frame.slots) <= LIMIT + 2 for frame in tree.frames)


def test_repeated_steps_are_found_without_modules():
    w = ag.tensor(np.ones((3, 3)), requires_grad=True, name="w")
    h = ag.tensor(np.ones((2, 3)), requires_grad=True, name="h")
    for _ in range(5):
        h = ag.tanh(ag.matmul(h, w) * 2) + 1
    tree = _tree(h.sum())
    assert _titles(tree, "repeat") == ["matmul, multiply, tanh, add × 5"]
    assert _titles(tree, "unit") == [f"{step} of 5" for step in range(1, 6)]


def test_what_is_wired_otherwise_does_not_repeat():
    nodes, _ = _chain(200, alike=True)
    edges = [Edge(f"n{(7 * i * i) % i if i > 1 else 0}", f"n{i}", "x") for i in range(1, 200)]
    assert _titles(tree_of(nodes, edges, Titles(())), "repeat") == []


# --- what is shared ---------------------------------------------------------------------------


@pytest.fixture
def steps():
    """Return what unrolls a recurrent cell over some steps, as a scalar."""
    cell = nn.RNNCell(2, 3, rng=0, dtype=np.float64)

    def unroll(count):
        h = ag.tensor(np.zeros((1, 3)), requires_grad=True, name="h")
        for _ in range(count):
            h = cell(ag.tensor(np.ones((1, 2))), h)
        return h.sum()

    return unroll


def test_a_parameter_of_several_calls_is_a_chip_in_each(steps):
    tree = _tree(steps(4))
    assert len(tree.sharing.leaves) == 4
    cells = [i for i, frame in enumerate(tree.frames) if frame.path.startswith("RNNCell")]
    for cell in cells:
        taken = {slot.of for slot in tree.frames[cell].slots if slot.kind == "from"}
        assert taken <= tree.sharing.leaves.keys() | tree.sharing.derived.keys()
        assert len(taken) == 4
    assert {i for i in tree.sharing.leaves if not tree.sharing.has_box(i)} == set(tree.sharing.leaves)


def test_contributions_to_the_gradient_of_a_chip_are_chips_too(steps):
    tree = _tree(steps(6), backward=True)
    assert _titles(tree, "sum") == ["sum of 6 gradients"] * 4
    sums = set(tree.sharing.sums.values())
    contributions = [slot.of for frame in tree.frames for slot in frame.slots if slot.kind == "to" and slot.of in sums]
    assert sorted(contributions) == sorted(6 * list(sums))


def test_a_value_with_few_uses_in_one_place_is_wires(diamond):
    tree = _tree(diamond)
    assert not tree.sharing.leaves
    assert len(tree.frames[0].wires) == 6


def test_a_fan_of_many_wires_becomes_chips():
    x = ag.tensor(np.ones(3), requires_grad=True, name="x")
    y = ag.exp(x)
    parts = [ag.sin(y * float(i)) for i in range(1, 10)]
    tree = _tree(ag.stack(parts).sum())
    assert len({of for frame in range(len(tree.frames)) for of in _chips(tree, frame, "from")}) == 1


def test_edges_between_the_same_boxes_are_one_wire():
    x = ag.tensor(np.ones(3), requires_grad=True, name="x")
    with scope("first"):
        a, b = ag.sin(x), ag.cos(x)
    with scope("second"):
        c = ag.exp(a) * ag.exp(b)
    tree = _tree(c.sum())
    assert [len(wire.values) for wire in tree.frames[0].wires if len(wire.values) > 1] == [2]


# --- what is seen at first --------------------------------------------------------------------


def test_a_recurrent_network_runs_to_the_right(steps, blocks):
    for output, direction in ((steps(5), "right"), (blocks(5), "down")):
        graph = capture(output)
        titles = Titles(graph.calls)
        assert direction_of(tree_of(graph.nodes, graph.edges, titles), titles) == direction


@pytest.mark.parametrize(("most", "unfolded"), [(3, 0), (80, 5)])
def test_as_much_is_unfolded_as_can_be_taken_in(blocks, most, unfolded):
    tree = _tree(blocks(4))
    found = first_view(tree, most)
    assert (len(found) > 4) == (unfolded > 0)
    assert all(tree.frames[frame].parent in (0, *found) for frame in found)
