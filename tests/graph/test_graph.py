"""The captured graph as an object."""

import json

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.errors import FormatError
from autograd_cnn.graph import Graph, capture


def test_json_keeps_everything(model):
    _, build = model
    loss, leaves = build()
    graph = capture(loss, backward=True)
    assert Graph.from_json(graph.to_json()) == graph
    assert Graph.from_json(graph.to_json()).to_json() == graph.to_json()
    leaves.clear()


def test_json_holds_no_number_that_is_none():
    x = ag.tensor([np.nan, 1.0], requires_grad=True, name="x")
    graph = capture((x * np.inf).sum())
    assert "NaN" not in graph.to_json()
    assert Graph.from_json(graph.to_json()) == graph


def test_json_is_readable(square):
    fields = json.loads(capture(square).to_json())
    assert fields["version"] == 1
    assert fields["nodes"][0]["name"] == "x"
    assert fields["edges"][0] == {"source": "n0", "target": "n1", "argument": "x1"}


def test_a_drawing_of_what_was_read_is_the_same(convnet):
    graph = capture(convnet, backward=True)
    assert Graph.from_json(graph.to_json()).to_dot().source == graph.to_dot().source


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"version": 1, "nodes": [{}], "edges": []}', "[" * 5])
def test_another_text_is_no_graph(text):
    with pytest.raises(FormatError) as error:
        Graph.from_json(text)
    assert str(error.value) == "Graph.from_json: the text is no captured graph"


def test_another_version_is_not_read():
    with pytest.raises(FormatError) as error:
        Graph.from_json('{"version": 2, "nodes": [{"new": 1}], "edges": []}')
    assert str(error.value) == "Graph.from_json: the text is of another version: expected 1, got 2"


@pytest.mark.parametrize(("old", "new"), [('"id": "n0"', '"id": "x:y"'), ('"source": "n0"', '"source": "n9"')])
def test_ids_have_to_agree(square, old, new):
    text = capture(square).to_json()
    with pytest.raises(FormatError) as error:
        Graph.from_json(text.replace(old, new))
    assert str(error.value) == "Graph.from_json: the nodes' ids contradict each other"


def test_the_page_is_a_file(convnet, tmp_path):
    graph = capture(convnet)
    path = graph.to_html(str(tmp_path / "net.html"))
    assert path == tmp_path / "net.html"
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert graph.render(tmp_path / "same.html").read_bytes() == path.read_bytes()


def test_pictures_of_arrays_survive_json(convnet):
    node = Graph.from_json(capture(convnet).to_json()).nodes[1]
    assert (node.value.picture.planes, node.value.picture.rows, node.value.picture.columns) == (3, 3, 3)


def test_it_says_how_large_it_is(square):
    assert repr(capture(square)) == "<Graph: 3 nodes, 3 edges>"
