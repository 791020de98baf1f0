"""Pages in notebooks and in the browser."""

import re
import sys
import webbrowser
from html import unescape
from types import SimpleNamespace

import nbformat
import pytest
from nbclient import NotebookClient
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.viz.web.showing import frame, open_browser, show


def test_a_frame_holds_the_page_and_nothing_of_it_gets_out():
    text = '<p title="a">&amp;</p>"\'><script>'
    element = frame(text, title='"><b>', height=300)
    assert unescape(re.search('srcdoc="([^"]*)"', element)[1]) == text
    assert "<script" not in element
    assert element.count("<") == 2
    assert "allow-same-origin" not in element


@pytest.mark.slow
def test_jupyter_shows_it_wherever_in_the_cell_it_is_called():
    source = (
        "import autograd_cnn as ag\nx = ag.tensor(2.0, requires_grad=True)\nag.graph.capture(x * x).show(height=321)\n1"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, kernel_name="python3").execute()
    shown, one = notebook.cells[0].outputs
    assert shown.data["text/plain"] == "Computation graph"
    assert shown.data["text/html"].startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
    assert 'height="321"' in shown.data["text/html"]
    assert one.data["text/plain"] == "1"


def test_marimo_shows_it(monkeypatch):
    shown = []
    marimo = SimpleNamespace(running_in_notebook=lambda: True, Html=str, output=SimpleNamespace(append=shown.append))
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    assert show("page", title="t", height=10) is None
    assert shown == [frame("page", title="t", height=10)]


@for_each(
    "platform, variables, opened",
    [("linux", {}, False), ("linux", {"DISPLAY": ":0"}, True), ("linux", {"BROWSER": "x"}, True), ("darwin", {}, True)],
)
def test_elsewhere_the_browser_opens_a_file_if_there_is_one(tmp_path, monkeypatch, platform, variables, opened):
    asked = []
    with monkeypatch.context() as patch:
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
            patch.delenv(name, raising=False)
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setattr(sys, "platform", platform)
        patch.setattr(webbrowser, "open", lambda address: asked.append(address) or True)
        assert open_browser(tmp_path / "a b.html") is opened
    assert asked == ([(tmp_path / "a b.html").as_uri()] if opened else [])


def test_what_is_shown_outside_of_notebooks_is_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("autograd_cnn.viz.web.showing.open_browser", lambda path: False)
    x = ag.tensor(2.0, requires_grad=True)
    graph = ag.graph.capture(x * x)
    path = graph.show()
    assert tmp_path in path.parents
    assert path.read_text("utf-8") == graph.to_html(tmp_path / "same.html").read_text("utf-8")
