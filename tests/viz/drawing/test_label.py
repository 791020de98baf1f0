"""The text in the boxes."""

import re

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.engine.backward import toposort
from autograd_cnn.errors import ShapeError
from autograd_cnn.graph import capture, on_error
from autograd_cnn.viz.drawing.box import Box
from autograd_cnn.viz.drawing.label import lines, shape_text, texts, visible

HOSTILE = [
    'say "hi"', "<b>bold</b>", "a\\nb", "line\nbreak", "\\", '"', "<", ">", "<x>", "&lt;", "&amp;", "{a|b}",
    "tab\t", "\x00null", "]; n0 -> n1 [", "<script>alert(1)</script>", "\\N \\G \\E", "ü ∂ 漢", "\u202eback",
    "", " ", "<<i>x</i>>", "\\\"", "a:b", "/* no */", "// no", "# no",
]  # fmt: skip


@pytest.mark.parametrize(("shape", "text"), [((), "scalar"), ((3,), "(3,)"), ((2, 3), "(2, 3)")])
def test_shapes_read_as_in_python(shape, text):
    assert shape_text(shape) == text


def test_control_characters_are_written_out():
    assert visible("a\nb\x00") == "a\\\\nb\\\\x00"


def test_empty_lines_are_left_out():
    assert lines("a", "", "b") == "a\\nb"


@for_each("name", HOSTILE)
def test_a_hostile_name_stays_text(name):
    x = ag.tensor([1.0, 2.0], requires_grad=True, name=name)
    with ag.scope(name.replace(".", "")):
        y = ag.sin(x) * ag.exp(x)
    source = capture(y.sum(), names=[(name, x)]).to_dot().source
    unquoted = re.sub(r'"(?:[^"\\]|\\.)*"', "", source)
    assert "script" not in unquoted
    assert "<" not in unquoted
    assert sorted(re.findall(r"^\t+(n\d+) \[", unquoted, re.MULTILINE)) == ["n0", "n1", "n2", "n3", "n4", "n5"]
    assert unquoted.count("{") == unquoted.count("}")


def test_the_texts_of_a_box_are_as_given(square):
    x = capture(square).nodes[0]
    assert texts(Box((x,), prefix="<b>")) == ["<b>: x", "scalar = 3"]


def test_only_new_parameters_are_shown():
    x = ag.tensor(np.ones((1, 1, 6, 6)), requires_grad=True)
    source = capture(ag.max_pool(x, 2, stride=1)).to_dot().source
    assert "max_pool\\nwindow=2, stride=1\\n(1, 1, 5, 5)" in source
    assert 'label="reshape\\n(36,)"' in capture(x.reshape(36)).to_dot().source


def test_parameters_are_short():
    x = ag.tensor(np.ones((1, 1, 6, 6)), requires_grad=True)
    pooled = ag.max_pool(x, (2, 2), stride=(3, 3), ceil_mode=True)
    assert "max_pool\\nwindow=2, stride=3, ceil_mode\\n" in capture(pooled).to_dot().source
    assert "index=(0, 0)" in capture(ag.getitem(x, index=(0, 0))).to_dot().source


def test_a_number_is_shown_with_its_value(square):
    assert 'label="output\\nscalar = 9"' in capture(square).to_dot().source
    assert 'label="output\\nscalar"' in capture(square, values=False).to_dot().source


def test_a_long_list_of_parameters_is_cut():
    x = ag.tensor(np.ones((1, 1, 40, 40)), requires_grad=True)
    y = ag.max_pool(x, (2, 3), stride=(3, 4), padding=(1, 1), dilation=(2, 2))
    assert "window=(2, 3), stride=(3, 4), p…" in capture(y).to_dot().source


def test_what_lies_under_the_mouse():
    x = ag.tensor([1.0, float("inf"), 3.0], requires_grad=True, name="x")
    with ag.scope("inner"):
        y = ag.exp(x)
    source = capture(y).to_dot().source
    assert r"n0: inner.x (3,) float64\nin inner\nvalue 1 to 3, mean 2, 1 not finite" in source
    assert r"n1: exp (3,) float64\nin inner\nsaved 24 B\nvalue 2.718 to 20.09, mean 11.4, 1 not finite" in source


def _painted(loss, *texts, **style):
    """Draw a graph with problems at the first operations."""
    nodes = [node for node in reversed(toposort(loss.node)) if node.primitive]
    problems = {node.serial: text for node, text in zip(nodes, texts, strict=False)}
    return capture(loss, problems=problems).to_dot(**style).source


def test_what_is_wrong_is_wrapped_and_a_long_story_cut(square):
    source = _painted(square, "word " * 50)
    story = re.search(r'label="multiply\\nscalar = 9\\n(.*?)"', source).group(1).split("\\n")
    assert len(story) == 4
    assert all(len(line) <= 40 for line in story)
    assert story[-1].endswith(" …")


def test_a_folded_module_tells_its_first_problem_and_counts_the_others(blocks):
    source = _painted(blocks(), "zeroth", "first", "second", depth=1)
    assert "correlate2d: first (and 1 more)" in source


def test_a_failure_has_operands_but_no_shape():
    x = ag.tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(ShapeError), on_error() as failure:
        ag.matmul(x, x)
    source = failure.graph.to_dot().source
    assert r"matmul\nx1=(2, 3), x2=(2, 3)\nShapeError: matmul: x1 has 3 columns but\nx2" in source
    assert r"n1: matmul\nx1=(2, 3), x2=(2, 3)\nproblem: ShapeError" in source
