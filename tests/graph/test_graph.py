"""The captured graph as an object."""

import json

import numpy as np
import pytest
from tables import for_each

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
    assert fields["version"] == 3
    assert fields["nodes"][0]["name"] == "x"
    assert fields["edges"][0] == {"source": "n0", "target": "n1", "argument": "x1"}


def test_a_drawing_of_what_was_read_is_the_same(convnet):
    graph = capture(convnet, backward=True)
    assert Graph.from_json(graph.to_json()).to_dot().source == graph.to_dot().source


@for_each(
    "text",
    [
        "", "[]", "{}", "null", "1", '"a"', "[" * 5, "[" * 10**5, '{"version":' + "[" * 10**5, None, 3, b"\xff",
        '{"version": 3, "nodes": []}', '{"version": 3, "nodes": [], "edges": [], "more": 1}',
        '{"version": NaN, "nodes": [], "edges": []}', '{"version": ' + "9" * 5000 + "}",
    ],
)  # fmt: skip
def test_another_text_is_no_graph(text):
    with pytest.raises(FormatError) as error:
        Graph.from_json(text)
    assert str(error.value) == "Graph.from_json: the text is not a captured graph"


def test_another_version_is_not_read():
    with pytest.raises(FormatError) as error:
        Graph.from_json('{"version": 4, "nodes": [{"new": 1}], "edges": [], "calls": [], "more": []}')
    assert str(error.value) == "Graph.from_json: the text is of another version: expected 3, got 4"


@pytest.mark.parametrize("version", [1, 2, 3.0, True, "3", None, [3]])
def test_another_version_is_said_to_be_one(version):
    with pytest.raises(FormatError) as error:
        Graph.from_json(json.dumps({"version": version, "nodes": [], "edges": []}))
    assert str(error.value) == f"Graph.from_json: the text is of another version: expected 3, got {version!r}"


def _parts(value, path=()):
    """Yield the path of every part of what JSON holds."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from _parts(part, (*path, key))


def _at(value, path):
    for key in path:
        value = value[key]
    return value


def test_no_part_may_be_of_another_type(square):
    """Each field of each node, edge, summary and picture, one after the other."""
    text = capture(square, backward=True).to_json()
    paths = [path for path in _parts(json.loads(text)) if len(path) > 1]
    assert len(paths) > 200
    for path in paths:
        for other in (5, 2.5, True, "text", [], {}, [[]], 2**70, -1):
            fields = json.loads(text)
            before = _at(fields, path)
            if type(before) is type(other) or before is None or (isinstance(before, float) and type(other) is int):
                continue
            _at(fields, path[:-1])[path[-1]] = other
            with pytest.raises(FormatError) as error:
                Graph.from_json(json.dumps(fields))
            assert "\n" not in str(error.value)
            assert str(error.value).startswith("Graph.from_json: ")


@for_each(
    "path, value, problem",
    [
        (("nodes", 0, "kind"), "leaf",
         (": nodes[0].kind: expected operation or failure or parameter or input or constant or output or gradient, "
          "got 'leaf'")),
        (("nodes", 1, "shape"), ["2"], ": nodes[1].shape[0]: expected int, got '2'"),
        (("nodes", 1, "shape"), [-2], ": the shape of n1 is not a shape: expected lengths of at least 0, got (-2,)"),
        (("nodes", 0, "value", "min"), 10**400, None),
        (("nodes", 0, "value", "bad"), 2**64, f": nodes[0].value.bad: expected int, got {2**64}"),
        (("nodes", 1, "dtype"), "NaN", ": the dtype of n1 is not understood"),
        (("nodes", 1, "dtype"), "\ud800", ": the dtype of n1 is not understood"),
        (("nodes", 1, "value", "max"), None, ": a range of n1 lacks an end"),
        (("nodes", 0, "pair"), "n0", ": the nodes' ids contradict each other"),
        (("nodes", 0, "parameters"), [{"name": "a"}], ": nodes[0].parameters[0]: expected name, value, default, got 'name'"),
        (("edges", 0, "argument"), 5, ": edges[0].argument: expected str, got 5"),
        (("edges", 0, "source"), "n1", ": the nodes' ids contradict each other"),
        (("edges", 0, "source"), ["n0"], ": edges[0].source: expected str, got ['n0']"),
        (("edges", 0, "target"), "n0", ": the nodes' ids contradict each other"),
        (("edges",), {}, ": edges: expected a list, got {}"),
    ],
)  # fmt: skip
def test_the_part_that_is_wrong_is_named(square, path, value, problem):
    fields = json.loads(capture(square).to_json())
    _at(fields, path[:-1])[path[-1]] = value
    with pytest.raises(FormatError) as error:
        Graph.from_json(json.dumps(fields))
    assert problem is None or str(error.value) == f"Graph.from_json{problem}"


@pytest.mark.parametrize(
    ("part", "value"), [("cells", "!"), ("cells", ""), ("rows", 10**9), ("planes", -1), ("block", [0, 1])]
)
def test_a_picture_has_its_cells(convnet, part, value):
    fields = json.loads(capture(convnet).to_json())
    fields["nodes"][1]["value"]["picture"][part] = value
    with pytest.raises(FormatError) as error:
        Graph.from_json(json.dumps(fields))
    assert str(error.value) == "Graph.from_json: a picture of n1 does not fit its size"


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
