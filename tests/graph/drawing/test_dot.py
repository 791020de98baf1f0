"""Drawings."""

import math
import re
import time

import pytest

import autograd_cnn as ag
from autograd_cnn.engine.backward import toposort
from autograd_cnn.errors import ArgumentError
from autograd_cnn.graph import Graph, capture


def _kinds(source):
    found = re.findall(r'^\t*legend_\d+ \[label=(?:"(.*?)"|(\w+)) ', source, re.MULTILINE)
    return [quoted or plain for quoted, plain in found]


# --- what is drawn ----------------------------------------------------------------------------


@pytest.mark.parametrize("backward", [False, True])
def test_small_graphs_look_as_agreed(model, backward, golden):
    name, build = model
    loss, leaves = build()
    graph = capture(loss, backward=backward, values=False)
    golden(f"{name}{'_backward' if backward else ''}.dot", graph.to_dot().source)
    leaves.clear()


@pytest.mark.parametrize(
    "style",
    [
        {"depth": 1}, {"color": "grad"}, {"color": "bytes"}, {"color": "flops", "depth": 2}, {"theme": "dark"},
        {"show": "forward"}, {"show": "backward"}, {"legend": False},
    ],
    ids=lambda style: "_".join(f"{key}_{value}" for key, value in style.items()).lower(),
)  # fmt: skip
def test_styles_look_as_agreed(style, convnet, golden, request):
    graph = capture(convnet, backward=True)
    golden(f"style_{request.node.callspec.id}.dot", graph.to_dot(**style).source)


@pytest.mark.parametrize("depth", [None, 1])
def test_problems_are_red_and_say_what_is_wrong(depth, convnet, golden):
    pool = next(node for node in toposort(convnet.node) if node.scope.path == "features.pool")
    problem = "max_pool_wrt_x, the rule for 'x': 3 of 128 elements are wrong, the worst at (0, 0, 1, 5)"
    graph = capture(convnet, values=False, problems={pool.serial: problem})
    golden(f"problem_depth_{depth}.dot".lower(), graph.to_dot(depth=depth).source)


def test_two_models_built_alike_give_the_same_bytes(model):
    _, build = model
    built = [build() for _ in range(2)]
    first, second = (capture(loss, backward=True).to_dot().source for loss, _ in built)
    assert first == second


def test_modules_are_nested_clusters_and_small_ones_prefixes(convnet):
    source = capture(convnet).to_dot(legend=False).source
    assert re.findall(r"^(\t+)subgraph (\w+)", source, re.MULTILINE) == [
        ("\t", "cluster_0"), ("\t\t", "cluster_1"), ("\t", "cluster_2"),
    ]  # fmt: skip
    assert "label=features" in source
    assert 'label="act: relu' in source


def test_values_of_the_forward_pass_are_stubs_in_the_backward_one(square):
    source = capture(square, backward=True).to_dot(show="backward").source
    assert re.search(r"n0_n4 \[label=x .*shape=plaintext", source)
    assert "n0_n4 -> n4" in source
    assert not re.search(r"\tn1 \[", source)


def test_a_graph_without_a_backward_pass_has_none_to_show(square):
    dot = capture(square).to_dot(show="backward", legend=False)
    assert [line for line in dot.body if "n" in line] == []


# --- colour -----------------------------------------------------------------------------------


def test_what_was_not_computed_is_not_shown_as_zero(convnet):
    source = capture(convnet).to_dot(color="grad").source
    assert "not computed" in source
    assert _kinds(source) == ["gradient norm", "not computed"]


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
    boxes = re.findall(r"^\t+(n\d+) \[", capture(blocks(30)).to_dot(depth=2).source, re.MULTILINE)
    assert len(boxes) < 12


def test_a_long_chain_is_written_in_seconds():
    y = ag.tensor(1.0, requires_grad=True)
    for _ in range(5_000):
        y = -y
    graph = capture(y, backward=True)
    began = time.perf_counter()
    assert graph.to_dot().source.count("weight=20") == 10_000 - 1
    assert time.perf_counter() - began < 30


# --- what can't be drawn ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ({"show": "all"}, "to_dot: show is unknown: expected 'forward' or 'backward' or 'both', got 'all'"),
        ({"color": "size"}, "to_dot: color is unknown: expected 'grad' or 'bytes' or 'flops', got 'size'"),
        ({"theme": "blue"}, "to_dot: theme is unknown: expected 'light' or 'dark', got 'blue'"),
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
