"""What is said of one number, as data and as text."""

import json
import re

import numpy as np

import autograd_cnn as ag
from autograd_cnn.explanations import explain
from autograd_cnn.explanations.explanation import LINES


def _leaf(values, **options):
    return ag.tensor(values, requires_grad=True, **options)


# --- how it reads -----------------------------------------------------------------------------


def _text(explanation):
    return str(explanation).splitlines()


def test_long_sums_are_cut_and_say_what_is_left():
    x = _leaf(np.arange(25.0))
    found = explain(x.sum())
    lines = _text(found)
    assert lines[:4] == ["sum = 300", "  The sum along axis.", "  the sum of 25 terms:", "  24  =  x[24] 24"]
    assert lines[-1] == "  ... and 5 more, adding up to 10"
    assert len(lines) == 4 + LINES


def test_a_choice_marks_the_winner():
    assert _text(explain(ag.maximum(_leaf([1.0, 5.0]), 3.0), 1))[2:] == [
        "  the choice among 2 numbers:", "  5  x1[1]  chosen", "  3  x2",
    ]  # fmt: skip


def test_a_function_tells_its_derivative():
    assert _text(explain(ag.relu(_leaf([[-2.0, 4.0]])), (0, 0))) == [
        "relu[0, 0] = 0",
        "  max(x, 0); the derivative at 0 counts as 0.",
        "  it depends on 1 number:",
        "  x[0, 0]  = -2  derivative 0",
    ]


def test_a_single_element_is_called_so():
    x = _leaf([[1.0, 2.0]])
    assert _text(explain(ag.transpose(x), (1, 0)))[2:] == ["  it is a single term:", "  2  =  x[0, 1] 2"]


def test_an_element_that_nothing_flows_into_says_so():
    assert _text(explain(ag.pad(_leaf([1.0]), 1), 0)) == ["pad[0] = 0", "  no element of its operands takes part"]


def test_unknown_operands_of_a_function_are_named():
    assert explain(ag.exp(_leaf([1.0]) + np.ones(1)), 0).note == (
        "the tape did not keep x; record it under ag.tracing()"
    )


def test_a_checkpoint_says_where_to_look():
    y = ag.checkpoint(lambda x: ag.sin(x) * 2)(_leaf([1.0]))
    assert _text(explain(y, 0)) == [
        "checkpoint[0] = 1.68294", "  what happened inside was not kept; explain a result inside of the function",
    ]  # fmt: skip


def test_tables_have_a_row_for_each_number():
    x = _leaf([[1.0, 5.0]])
    assert explain(x * 2, (0, 1)).table() == [
        {"value": 10.0, "coefficient": 1.0, "x1": 5.0, "x1 index": (0, 1), "x2": 2.0, "x2 index": (), "text": ""}
    ]
    assert explain(ag.max(x, axis=1), 0).table() == [
        {"argument": "x", "index": (0, 1), "number": 5.0, "chosen": True},
        {"argument": "x", "index": (0, 0), "number": 1.0, "chosen": False},
    ]
    assert explain(ag.square(x), (0, 1)).table() == [{"argument": "x", "index": (0, 1), "number": 5.0, "slope": 10.0}]


# --- in the page ------------------------------------------------------------------------------


def _marked(page):
    (found,) = re.findall(r'"highlight":(\{.*?\}),?["}]', page)
    return json.loads(found)


def test_the_page_points_at_the_elements(tmp_path):
    x, w = _leaf([[1.0, 2.0, 3.0]], name="x"), _leaf([[10.0, 20.0]], name="w")
    y = ag.correlate2d(x, w)
    page = explain(y, (0, 1)).to_html(tmp_path / "why.html").read_text("utf-8")
    assert _marked(page) == {
        "n2": [[[0, 1], 80.0]],
        "n0": [[[0, 1], 20.0], [[0, 2], 60.0]],
        "n1": [[[0, 0], 20.0], [[0, 1], 60.0]],
    }


def test_the_page_points_at_parts_of_a_longer_sum_and_at_rivals(tmp_path):
    x = _leaf([1.0, 2.0], name="x")
    y = ag.exp(x) + ag.sin(x) + x
    page = explain(y, 0).to_html(tmp_path / "why.html").read_text("utf-8")
    assert set(_marked(page)) == {"n0", "n1", "n2", "n4"}
    page = explain(ag.max(x)).to_html(tmp_path / "why.html").read_text("utf-8")
    assert _marked(page)["n0"] == [[[1], 2.0], [[0], 0.0]]
