"""A graph as a page whose elements say why they are what they are."""

import re

import numpy as np
import pytest
from page_data import data_of
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import GradientError, OperandError
from autograd_cnn.explanations import explain, to_html


@pytest.fixture
def step():
    """Return what is convolved, the filter, and a loss; values that give no ties."""
    image = ag.tensor(np.linspace(-1.0, 1.0, 16).reshape(4, 4), requires_grad=True, name="image")
    w = ag.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True, name="w")
    with ag.tracing():
        loss = (ag.correlate2d(image, w) ** 2).sum()
    return image, w, loss


def test_answers_are_those_of_explain(step, tmp_path):
    _, w, loss = step
    data = data_of(to_html(loss, tmp_path / "why.html").read_text("utf-8"))
    loss.backward(create_graph=True)
    told = data["explanations"]
    weight = next(node for node in data["nodes"] if node["name"] == "w" and node["kind"] == "parameter")
    answer = told["nodes"][told["gradients"][weight["id"]]]
    assert len(answer["elements"]) == 4
    for index, element in zip(np.ndindex(2, 2), answer["elements"], strict=True):
        why = explain(w.grad, index)
        lines = [re.sub(r" +", " ", line.strip()) for line in str(why).splitlines()]
        assert element["title"] == lines[0]
        assert [element["what"], *(text for text, _ in element["rows"])] == lines[2:]


def test_rows_point_at_the_elements_that_they_name(step, tmp_path):
    image, _, loss = step
    data = data_of(to_html(loss, tmp_path / "why.html").read_text("utf-8"))
    told = data["explanations"]
    node = next(node for node in data["nodes"] if node["name"] == "correlate2d")
    answer = told["nodes"][node["id"]]
    assert [data["nodes"][int(operand[1:])]["name"] for _, operand in answer["operands"]] == ["image", "w"]
    for text, places in answer["elements"][4]["rows"]:  # of the pixel (1, 1)
        (_, pixel), (_, weight) = sorted(map(tuple, places))
        found = re.search(r"x\[(\d), (\d)\] (\S+) × w\[(\d), (\d)\]", text)
        assert pixel == 4 * int(found[1]) + int(found[2])
        assert weight == 2 * int(found[4]) + int(found[5])
        assert float(found[3]) == pytest.approx(image.numpy().flat[pixel], rel=1e-5)


@for_each(
    "options, explained, rows",
    [({}, 9, 9), ({"elements": 4}, 2, 9), ({"total": 5}, 2, 9), ({"terms": 2}, 9, 2)],
)
def test_sizes_are_limited(options, explained, rows, step, tmp_path):
    *_, loss = step
    told = data_of(to_html(loss, tmp_path / "why.html", **options).read_text("utf-8"))["explanations"]
    assert len(told["nodes"]) == explained
    assert max(len(element["rows"]) for node in told["nodes"].values() for element in node["elements"]) == rows
    if rows == 2:
        assert any("more, adding up to" in each["rest"] for node in told["nodes"].values() for each in node["elements"])
    assert told["limit"] == options.get("elements", 512)


def test_a_result_that_is_no_scalar_has_its_forward_pass_explained(tmp_path):
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    told = data_of(to_html(x * 3, tmp_path / "why.html").read_text("utf-8"))["explanations"]
    assert told["gradients"] == {}
    (answer,) = told["nodes"].values()
    assert [element["title"] for element in answer["elements"]] == ["multiply[0] = 3", "multiply[1] = 6"]


@for_each("output, kind", [(3.0, OperandError), (ag.tensor(3.0), GradientError)])
def test_what_was_not_recorded_is_refused(output, kind, tmp_path):
    with pytest.raises(kind) as error:
        to_html(output, tmp_path / "why.html")
    assert str(error.value).startswith("graph.capture: ")
