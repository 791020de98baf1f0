"""The colours of boxes that a page picks from."""

from types import SimpleNamespace

import numpy as np
import pytest
from page_data import column_of, rows_of

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError
from autograd_cnn.graph import capture, difference
from autograd_cnn.viz.drawing.box import Box, Boxes
from autograd_cnn.viz.drawing.measures import Coloring, measures
from autograd_cnn.viz.page.colorings import BARS, colorings


def _colorings(graph, **options):
    boxes = Boxes(graph.nodes, graph.edges, graph.calls)
    return {
        each["name"]: SimpleNamespace(**each | {"nodes": column_of(**each["nodes"]), "frames": rows_of(each["frames"])})
        for each in colorings(graph.nodes, graph.edges, boxes, **options)
    }


def test_only_what_is_known_is_offered(convnet):
    assert list(_colorings(capture(convnet, values=False))) == ["bytes", "flops"]
    assert list(_colorings(capture(convnet, backward=True))) == ["grad", "bytes", "flops", "nan", "dead"]


def test_shades_and_texts_are_those_of_a_drawing(convnet):
    graph = capture(convnet, backward=True)
    source = graph.to_dot(color="flops", show="forward").source
    found = _colorings(graph)["flops"]
    texts = [text for (_, text), node in zip(found.nodes, graph.nodes, strict=True) if node.phase == "forward" and text]
    assert texts
    assert all(f'\\n{text}"' in source for text in texts)
    told = Coloring(measures(graph.nodes, graph.edges)["flops"], [Box((node,)) for node in graph.nodes])
    steps = [told.step(node.flops) for node in graph.nodes]
    assert [shade for shade, _ in found.nodes] == [
        "none" if node.kind != "operation" else "unknown" if step is None else str(step)
        for node, step in zip(graph.nodes, steps, strict=True)
    ]
    assert (
        found.frames[0]["forward"][1]
        == f"{sum(node.flops or 0 for node in graph.nodes if node.phase == 'forward') / 1000:.3g} kFLOP"
    )


def test_depth_has_the_forward_pass_in_its_order_and_not_too_many_bars():
    y = ag.tensor(np.ones(3), requires_grad=True, name="x")
    for _ in range(2 * BARS):
        y = y * 1.1
    found = _colorings(capture(y.sum(), backward=True))["grad"]
    assert BARS / 2 < len(found.depth) <= BARS
    heights = [height for _, height in found.depth]
    assert heights == sorted(heights, reverse=True)  # the earlier, the larger
    assert 0 <= heights[-1] < heights[0] <= 1


def test_a_page_begins_with_what_it_is_asked_for_or_with_what_has_changed(convnet):
    graph = capture(convnet, backward=True)
    assert [name for name, each in _colorings(graph, first="dead").items() if each.first] == ["dead"]
    assert not any(each.first for each in _colorings(graph).values())
    assert [name for name, each in _colorings(difference(graph, graph).graph).items() if each.first] == ["change"]


def test_an_unknown_quantity_is_refused(square, tmp_path):
    with pytest.raises(ArgumentError) as error:
        capture(square).to_html(tmp_path / "net.html", color="size")
    assert str(error.value).startswith("to_html: color is unknown: expected 'grad', 'bytes', ")
