"""The page as a text; tests/browser looks at it as people do."""

import os
import re
from base64 import b64encode
from hashlib import sha256

import numpy as np
import pytest
from page_data import data_of

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError
from autograd_cnn.graph import Edge, Graph, GraphNode, capture
from autograd_cnn.viz.page.html import page

HOSTILE = "</script><script>alert(1)</script><!--\u2028&amp;"


def _page(graph, **options):
    return page(graph.nodes, graph.edges, graph.calls, **options)


def test_the_same_graph_gives_the_same_page(convnet):
    graph = capture(convnet, backward=True)
    assert _page(graph) == _page(Graph.from_json(graph.to_json()))


def test_all_nodes_and_edges_are_in_it(convnet):
    graph = capture(convnet, backward=True)
    data = data_of(_page(graph))
    assert [node["name"] for node in data["nodes"]] == [node.name for node in graph.nodes]
    assert [tuple(edge.values()) for edge in data["edges"]] == [
        (int(edge.source[1:]), int(edge.target[1:]), edge.argument) for edge in graph.edges
    ]
    weight = data["nodes"][1]
    assert (weight["shape"], weight["dtype"], weight["count"], weight["bytes"]) == ([3, 1, 3, 3], "float32", 27, 108)


def test_a_module_that_has_only_parameters_in_one_pass_has_a_text_in_both():
    weights = [GraphNode(f"n{i}", "parameter", "w", (3,), "float64", "a") for i in (0, 1)]
    backward = [GraphNode(f"n{i}", "operation", "cos", (3,), "float64", "a", phase="backward") for i in (3, 4)]
    nodes = (*weights, GraphNode("n2", "operation", "add", (3,), "float64"), *backward)
    graph = Graph(nodes, (Edge("n3", "n4", "x"),))
    inner = data_of(_page(graph))["frames"][1]
    assert inner["lines"].keys() == {"forward", "backward"}


def test_operations_come_with_their_formula_their_place_and_their_rules(square):
    told = data_of(_page(capture(square)))["primitives"]
    assert list(told) == ["multiply"]
    assert told["multiply"]["formula"] == "``x1 * x2``, element by element."
    assert told["multiply"]["defined"].startswith("autograd_cnn.ops.elementwise, line ")
    assert told["multiply"]["rules"][0].startswith('@multiply.vjp("x1")\ndef multiply_vjp_x1(')


def test_nothing_is_a_page_too(tmp_path):
    assert Graph((), (), ()).to_html(tmp_path / "nothing.html").exists()


def test_a_hostile_name_is_data():
    x = ag.tensor([1.0], requires_grad=True, name=HOSTILE)
    text = _page(capture((x * x).sum()))
    assert data_of(text)["nodes"][0]["name"] == HOSTILE
    assert text.count("<script") == text.count("</script>") == 2
    assert "\u2028" not in text


def test_the_page_may_load_nothing_and_run_nothing_else(square):
    text = _page(capture(square))
    policy = re.search('http-equiv="Content-Security-Policy" content="(.*?)"', text)[1]
    script = re.search("<script>(.*?)</script>", text, re.DOTALL)[1]
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
    hashes = [b64encode(sha256(part.encode()).digest()).decode() for part in (script, style)]
    assert policy == (
        f"default-src 'none'; img-src data:; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert re.findall(r"https?://[^\s\"']*", text) == ["http://www.w3.org/2000/svg"]


def test_long_names_are_cut_in_boxes_alone():
    x = ag.tensor([1.0], requires_grad=True, name="x" * 1000)
    node = data_of(_page(capture((x * x).sum())))["nodes"][0]
    assert node["lines"] == ["x" * 16 + "…" + "x" * 23, "(1,) = 1"]
    assert len(node["name"]) == 1000


@pytest.mark.parametrize(
    ("highlight", "told"),
    [
        (
            3,
            (
                "to_html: highlight is not understood: expected weights by node and index, as in {'n0': {(0, 1): 8.0}}, "
                "got 3"
            ),
        ),
        (
            {"n0": {0: 1.0}},
            (
                "to_html: highlight is not understood: expected weights by node and index, as in {'n0': {(0, 1): 8.0}}, "
                "got {'n0': {0: 1.0}}"
            ),
        ),
        ({"x": {}}, "to_html: highlight names no node of the graph: expected n0 to n2, got 'x'"),
        (
            {"n0": {(0,): 1.0}},
            "to_html: highlight has an index that n0 has not: expected one into the shape scalar, got (0,)",
        ),
    ],
)
def test_what_is_not_there_cannot_be_pointed_out(square, highlight, told):
    with pytest.raises(ArgumentError) as error:
        _page(capture(square), highlight=highlight)
    assert str(error.value) == told


def test_what_is_pointed_out_is_in_the_page(diamond):
    highlight = {"n1": {(np.int64(1),): np.float32(0.5)}}
    assert data_of(_page(capture(diamond), highlight=highlight))["highlight"] == {"n1": [[[1], 0.5]]}


@pytest.mark.slow
def test_ten_thousand_operations_take_less_than_ten_seconds(rng):
    nodes = tuple(GraphNode(f"n{i}", "operation", "multiply", (3, 4), "float32") for i in range(10_000))
    edges = tuple(
        Edge(f"n{source}", f"n{i}", "x1")
        for i in range(1, 10_000)
        for source in sorted(set(rng.integers(max(0, i - 20), i, 2)))
    )
    before = os.times()
    text = _page(Graph(nodes, edges))
    after = os.times()
    assert sum(after[:4]) - sum(before[:4]) < 10
    assert len(text) < 10_000_000
