"""Positions."""

import itertools
import re

import pytest

from autograd_cnn.graph import capture
from autograd_cnn.viz.frames import layout
from autograd_cnn.viz.frames.layout import Sizes, arrange, chip_size, size_of, width_of
from autograd_cnn.viz.frames.titles import Titles
from autograd_cnn.viz.frames.tree import tree_of


class _Chips(dict):
    def __missing__(self, key):
        return chip_size("weight")


def _arranged(graph, *, unfolded=False):
    tree = tree_of(graph.nodes, graph.edges, Titles(graph.calls))
    boxes = [size_of([node.name, str(node.shape)]) for node in graph.nodes]
    sizes = Sizes(boxes, [size_of(["module"], toggle=True)] * len(tree.frames), _Chips())
    layouts = arrange(tree, graph.nodes, sizes, unfolded=range(1, len(tree.frames)) if unfolded else ())
    return [(frame, layouts[index]) for index, frame in enumerate(tree.frames)]


def _apart(a, b):
    return abs(a[0] - b[0]) >= (a[2] + b[2]) / 2 - 0.2 or abs(a[1] - b[1]) >= (a[3] + b[3]) / 2 - 0.2


@pytest.mark.parametrize(("backward", "unfolded"), [(False, False), (True, False), (True, True)])
def test_boxes_are_within_their_pass_and_do_not_overlap(model, backward, unfolded):
    loss, leaves = model[1]()
    for frame, found in _arranged(capture(loss, backward=backward), unfolded=unfolded):
        for slot, (x, y, width, height) in zip(frame.slots, found.boxes, strict=True):
            assert -0.2 <= x - width / 2 <= x + width / 2 <= found.widths[slot.phase] + 0.2
            assert -0.2 <= y - height / 2 <= y + height / 2 <= found.height + 0.2
        for phase in found.widths:
            boxes = [box for slot, box in zip(frame.slots, found.boxes, strict=True) if slot.phase == phase]
            assert all(_apart(a, b) for a, b in itertools.combinations(boxes, 2))
    leaves.clear()


@pytest.mark.parametrize("unfolded", [False, True])
def test_wires_lead_from_box_to_box(convnet, unfolded):
    for frame, found in _arranged(capture(convnet, backward=True), unfolded=unfolded):
        for (source, target, _), spline in zip(frame.wires, found.wires, strict=True):
            assert len(spline) % 3 == 1
            for end, (x, y) in ((source, spline[0]), (target, spline[-1])):
                at_x, at_y, width, height = found.boxes[end]
                assert abs(x - at_x) <= width / 2 + 3
                assert abs(y - at_y) <= height / 2 + 3


def test_the_forward_pass_runs_down_and_the_backward_pass_up(convnet):
    for frame, found in _arranged(capture(convnet, backward=True)):
        for source, target, _ in frame.wires:
            below = found.boxes[target][1] - found.boxes[source][1]
            assert below >= -0.2 if frame.slots[source].phase == "forward" else below <= 0.2


def test_both_passes_of_a_module_are_level(convnet):
    for frame, found in _arranged(capture(convnet, backward=True)):
        heights = {}
        for slot, box in zip(frame.slots, found.boxes, strict=True):
            if slot.kind == "frame":
                heights.setdefault(slot.of, set()).add(box[1])
        assert all(len(each) == 1 for each in heights.values())


def test_values_come_in_at_the_border_beyond_all_boxes(convnet):
    for frame, found in _arranged(capture(convnet, backward=True)):
        levels = [(slot, box[1]) for slot, box in zip(frame.slots, found.boxes, strict=True)]
        solid = [y for slot, y in levels if slot.kind in ("node", "frame")]
        for slot, y in levels:
            if slot.kind in ("in", "out"):
                above = (slot.kind == "in") == (slot.phase == "forward")
                assert y < min(solid) if above else y > max(solid)


def test_equal_frames_are_laid_out_once(blocks, monkeypatch):
    drawn = []
    svgs = layout.svgs
    monkeypatch.setattr(layout, "svgs", lambda sources: svgs(drawn.append(len(sources)) or sources))
    graph = capture(blocks(12))
    frames = _arranged(graph)
    assert sum(frame.path.startswith("body.") for frame, _ in frames) == 12
    assert drawn[0] < len(frames) / 2


def test_a_wire_that_graphviz_gave_up_is_straight(square, monkeypatch):
    svgs = layout.svgs
    monkeypatch.setattr(layout, "svgs", lambda sources: [re.sub("<path.*?/>", "", svg) for svg in svgs(sources)])
    ((frame, found),) = _arranged(capture(square))
    centres = [box[:2] for box in found.boxes]
    assert found.wires == [[centres[a], centres[a], centres[b], centres[b]] for a, b, _ in frame.wires]


def test_a_box_fits_its_widest_and_longest_text():
    assert size_of(["ab", "abcd"], ["a", "b", "c"]) == pytest.approx((width_of("abcd") + 18, 51))
    assert size_of(["ab"], toggle=True)[0] == size_of(["ab"])[0] + 18
    assert width_of("iii") < width_of("aaa") < width_of("MMM")
