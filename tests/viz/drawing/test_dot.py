"""Drawings."""

import math
import re
import time

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.engine.backward import toposort
from autograd_cnn.errors import ArgumentError
from autograd_cnn.graph import Graph, Units, capture
from autograd_cnn.viz.drawing.dot import draw
from autograd_cnn.viz.drawing.render import svgs
from autograd_cnn.viz.drawing.style import PALETTES, SCALE, Scale, quantity_text
from autograd_cnn.viz.frames.view import GLANCE


def _kinds(source):
    found = re.findall(r'^\t*legend_\d+ \[label=(?:"(.*?)"|(\w+)) ', source, re.MULTILINE)
    return [quoted or plain for quoted, plain in found]


def _boxes(source):
    """Return the lines of boxes by their ids."""
    return dict(re.findall(r'^\t+"?([nf]\d[^\s"]*)"? (\[.*)$', source, re.MULTILINE))


# --- what is drawn ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "backward", "style"),
    [("square", False, {}), ("diamond", True, {}), ("convnet", False, {}), ("convnet", True, {"depth": 1})],
)
def test_graphs_look_as_agreed(network, backward, style, golden, request):
    graph = capture(request.getfixturevalue(network), backward=backward, values=False)
    golden(f"{network}{'_folded' * bool(style)}{'_backward' * backward}.dot", graph.to_dot(**style).source)


def test_problems_are_red_and_say_what_is_wrong(convnet, golden):
    pool = next(node for node in toposort(convnet.node) if node.scope.path == "features.pool")
    problem = "max_pool_wrt_x, the rule for 'x': 3 of 128 elements are wrong, the worst at (0, 0, 1, 5)"
    graph = capture(convnet, values=False, problems={pool.serial: problem})
    golden("problem_folded.dot", graph.to_dot(depth=1).source)
    (line,) = (line for line in graph.to_dot().source.splitlines() if problem in line)
    look = PALETTES["light"].problem
    assert f'color="{look.line}" fillcolor="{look.fill}"' in line


COLORS = re.compile(r"#[0-9a-f]{6}")


def _without_colors(source):
    return COLORS.sub("", source)


def test_a_dark_drawing_has_other_colors_and_is_the_same_otherwise(convnet):
    graph = capture(convnet, backward=True)
    light, dark = (graph.to_dot(theme=theme).source for theme in PALETTES)
    assert _without_colors(light) == _without_colors(dark)
    counterparts = set(zip(*(COLORS.findall(str(palette)) for palette in PALETTES.values()), strict=True))
    assert set(zip(COLORS.findall(light), COLORS.findall(dark), strict=True)) <= counterparts


def test_the_legend_comes_last_and_can_be_left_out(convnet):
    graph = capture(convnet, backward=True)
    shown, bare = (graph.to_dot(legend=legend).source for legend in (True, False))
    assert shown.startswith(bare.removesuffix("}\n"))
    assert _kinds(shown)
    assert not _kinds(bare)


def test_either_pass_can_be_drawn_by_itself(convnet):
    graph = capture(convnet, backward=True)
    both, forward, backward = (_boxes(graph.to_dot(show=show).source) for show in ("both", "forward", "backward"))
    assert both == forward | backward
    assert not forward.keys() & backward.keys()
    assert len(forward) == sum(node.phase == "forward" for node in graph.nodes)


def test_two_models_built_alike_give_the_same_bytes(model):
    _, build = model
    built = [build() for _ in range(2)]
    first, second = (capture(loss, backward=True).to_dot().source for loss, _ in built)
    assert first == second


def test_modules_are_nested_clusters_and_small_ones_prefixes(convnet):
    source = capture(convnet).to_dot(legend=False).source
    assert re.findall(r'^(\t+)subgraph "(\S+)"', source, re.MULTILINE) == [
        ("\t", "cluster_f1.forward"), ("\t\t", "cluster_f3.forward"), ("\t", "cluster_f2.forward"),
    ]  # fmt: skip
    assert "label=features" in source
    assert 'label="act: relu' in source


def _edges(source):
    return re.findall(r'^\t+"?([^"]+?)"? -> "?([^"]+?)"?(?: \[.*)?$', source, re.MULTILINE)


def test_wires_pass_the_borders_of_clusters_at_points(convnet):
    edges = _edges(capture(convnet).to_dot(legend=False).source)
    assert [ends for ends in edges if "in" in f"{ends}"][:3] == [
        ("3.in.3.forward", "n3"), ("1.in.0.forward", "3.in.3.forward"), ("2.in.6.forward", "n6"),
    ]  # fmt: skip


def test_the_backward_pass_stands_beside_the_forward_one_and_runs_up(square):
    source = capture(square, backward=True).to_dot().source
    assert 'label="forward pass"' in source
    assert 'label="backward pass"' in source
    assert re.search(r"n4 -> n3 \[.*dir=back", source)


def test_titles_are_drawn_over_wires(convnet):
    graph = capture(convnet)
    [svg] = svgs([draw(graph.nodes, graph.edges, graph.calls, placed=True).source], placed=True)
    assert svg.rindex('class="edge"') < svg.index("<title>title_f1.forward</title>")


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("show", ["forward", "backward", "both"])
def test_what_is_placed_is_the_same_as_what_graphviz_lays_out(blocks, show, direction):
    graph = capture(blocks(3), backward=True)
    loose, placed = (
        draw(graph.nodes, graph.edges, graph.calls, show=show, direction=direction, placed=placed).source
        for placed in (False, True)
    )
    assert _boxes(loose).keys() == _boxes(placed).keys()
    assert {frozenset(ends) for ends in _edges(loose)} == {frozenset(ends) for ends in _edges(placed)}
    assert f"rankdir={'TB' if direction == 'down' else 'LR'}" in loose
    assert all(
        (" pos=" in line) == (source is placed) for source in (loose, placed) for line in _boxes(source).values()
    )


def test_a_graph_without_a_backward_pass_has_none_to_show(square):
    dot = capture(square).to_dot(show="backward", legend=False)
    assert [line for line in dot.body if "n" in line] == []


# --- colour -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("color", "amount", "prefix", "unit", "make"),
    [
        ("grad", lambda node: node.grad and node.grad.norm, "grad ", "", Scale.decades),
        ("bytes", lambda node: node.saved_bytes, "saved ", "B", Scale.of),
        ("flops", lambda node: node.flops, "", "FLOP", Scale.of),
    ],
    ids=["grad", "bytes", "flops"],
)
def test_a_quantity_is_named_and_colors_the_boxes(color, amount, prefix, unit, make, convnet):
    graph = capture(convnet, backward=True)
    nodes = [node for node in graph.nodes if node.phase == "forward" and node.kind in ("operation", "parameter")]
    boxes = _boxes(graph.to_dot(color=color, show="forward", legend=False).source)
    assert {node.id for node in nodes} <= boxes.keys() == _boxes(graph.to_dot(show="forward").source).keys()
    scale = make(map(amount, nodes))
    for node in nodes:
        value = amount(node)
        if value is None:
            assert not any(f'fillcolor="{fill}"' in boxes[node.id] for fill, _ in SCALE)
        else:
            fill, ink = SCALE[scale.step(value)]
            assert f'\\n{prefix}{quantity_text(value, unit)}" ' in boxes[node.id]
            assert f'fillcolor="{fill}" fontcolor="{ink}"' in boxes[node.id]


def test_what_was_not_computed_is_not_shown_as_zero(convnet):
    source = capture(convnet).to_dot(color="grad").source
    assert "not computed" in source
    assert _kinds(source) == ["gradient norm", "not computed"]


def test_the_first_that_is_not_finite_is_told_from_what_follows():
    x = ag.tensor([0.0, 1.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        graph = capture((ag.log(x) * 2).sum())
    source = graph.to_dot(color="nan").source
    boxes = _boxes(source)
    said = {
        node.name: "first not" if "first not" in boxes[node.id] else "not finite" in boxes[node.id]
        for node in graph.nodes
        if node.kind != "constant"
    }
    assert said == {"x": False, "log": "first not", "multiply": True, "sum": True, "output": True}
    assert _kinds(source) == ["NaN and infinity", "finite", "not finite", "first not finite"]


def test_dead_units_are_counted_per_channel_and_feature():
    x = ag.tensor(np.ones((2, 1, 4, 4)), name="x")
    w = ag.tensor(np.stack([np.ones((1, 2, 2)), -np.ones((1, 2, 2))]), requires_grad=True)
    maps = ag.relu(ag.correlate2d(x * np.arange(16.0).reshape(4, 4), w))
    scores = maps.reshape(2, -1) @ np.ones((18, 3))
    graph = capture(scores.sum(axis=0).sum())
    found = {node.name: node.units for node in graph.nodes if node.units}
    assert found == {
        "correlate2d": Units(1, 2, ()), "relu": Units(1, 2, (1,)), "matmul": Units(1, 3, (0, 1, 2)),
    }  # fmt: skip
    source = graph.to_dot(color="dead").source
    assert "dead 50 %" in source
    assert "dead 100 %" in source


def test_a_folded_module_has_the_gradient_of_all_its_parameters(convnet):
    graph = capture(convnet, backward=True)
    parts = [n.grad.norm for n in graph.nodes if n.kind == "parameter" and n.scope == "features.conv"]
    assert f"grad {math.hypot(*parts):.3g}" in graph.to_dot(color="grad", depth=1, show="forward").source
    assert 'label="features\\ncorrelate2d, relu, max_pool\\n30 parameters\\n(2, 3, 4, 4)\\nnot computed"' in (
        capture(convnet).to_dot(color="grad", depth=1).source
    )


def test_a_gradient_of_zero_is_shown_as_such(diamond):
    zero = capture(diamond * 0, backward=True).to_dot(color="grad", show="forward").source
    assert "grad 0" in zero
    assert "0" in _kinds(zero)
    assert "not computed" not in zero


def test_freed_memory_is_not_shown_as_zero(convnet):
    convnet.backward()
    source = capture(convnet).to_dot(color="bytes").source
    assert "saved " not in source.replace("saved for the backward pass", "")
    assert "freed" in _kinds(source)


def test_uncounted_arithmetic_is_not_shown_as_zero(convnet):
    source = capture(convnet).to_dot(color="flops").source
    assert "relu\\n(2, 3, 8, 8)\\nnot counted" in source
    assert "6.91 kFLOP" in source  # 2 · 2·3·8·8 · 3·3


def test_the_legend_names_what_is_there(square):
    assert _kinds(capture(square).to_dot().source) == ["operation", "parameter", "output"]


# --- size -------------------------------------------------------------------------------------


def test_folding_makes_big_graphs_small(blocks):
    assert 3 < len(_boxes(capture(blocks(30)).to_dot(depth=1).source)) < 12


def test_a_long_chain_is_written_in_seconds():
    y = ag.tensor(1.0, requires_grad=True)
    for _ in range(5_000):
        y = -y
    graph = capture(y, backward=True)
    began = time.perf_counter()
    source = graph.to_dot().source
    assert "-4,999 of 5,002" not in source
    assert len(_boxes(source)) < 2 * GLANCE
    assert time.perf_counter() - began < 30


# --- what can't be drawn ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ({"show": "all"}, "to_dot: show is unknown: expected 'forward', 'backward' or 'both', got 'all'"),
        (
            {"color": "size"},
            "to_dot: color is unknown: expected 'grad', 'bytes', 'flops', 'time', 'nan', 'dead' or 'change', got 'size'",
        ),
        ({"theme": "blue"}, "to_dot: theme is unknown: expected 'light' or 'dark', got 'blue'"),
        ({"direction": "up"}, "to_dot: direction is unknown: expected 'down' or 'right', got 'up'"),
        ({"depth": "a"}, "to_dot: depth is not understood: expected an int of at least 1, got 'a'"),
        ({"depth": 0}, "to_dot: depth is out of range: expected an int of at least 1, got 0"),
    ],
)
def test_unknown_styles_are_errors(style, text, square):
    with pytest.raises(ArgumentError) as error:
        capture(square).to_dot(**style)
    assert str(error.value) == text


def test_an_empty_graph_is_an_empty_drawing():
    assert "->" not in Graph((), ()).to_dot().source
