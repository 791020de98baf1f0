import json
import sys
from pathlib import Path

import pytest

from autograd_cnn.cli import main
from autograd_cnn.viz.drawing.render import ENDINGS

SOURCE = """\
import autograd_cnn as ag


def vector():
    return ag.square(ag.tensor([1.0, 2.0], requires_grad=True))


def number():
    return ag.tensor(1.0)


@ag.primitive
def broken(x):
    return x * 1


@broken.vjp("x")
def broken_wrt_x(g):
    raise KeyError("in the rule")


def ruled():
    return broken(ag.tensor(1.0, requires_grad=True))
"""


def _graph(*options):
    """Return the exit code of the command."""
    try:
        return main(["graph", *map(str, options)])
    except SystemExit as stop:
        return stop.code


def test_writes_dot(tmp_path, capsys):
    path = tmp_path / "g.dot"
    assert _graph("--model", "digits_net", "-o", path) == 0
    assert capsys.readouterr().out.startswith(f"{path}: ")
    text = path.read_text("utf-8")
    assert "correlate2d" in text
    assert "conv1.weight" in text


def test_a_page_is_opened_where_there_is_a_browser(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    opened = []
    monkeypatch.setattr("autograd_cnn.cli.graph.open_browser", lambda path: opened.append(path) or len(opened) == 1)
    for _ in range(2):
        assert _graph("--model", "FC", "--shape", 1, 2, 2, "--color", "flops", "--open") == 0
    assert opened == [Path("graph.html")] * 2
    assert capsys.readouterr().out.splitlines()[1:] == [
        "graph.html: 7 nodes",
        "no browser was found to open graph.html in",
    ]


@pytest.mark.parametrize("suffix", sorted({*ENDINGS} - {".png"}))  # which needs the program dot
def test_writes_every_kind_of_file(tmp_path, suffix):
    path = tmp_path / f"g{suffix}"
    assert _graph("--model", "FC", "--shape", 1, 2, 2, "-o", path) == 0
    assert path.stat().st_size > 100


def test_shape_and_backward(tmp_path):
    sizes = []
    for more in ([], ["--backward"]):
        path = tmp_path / "g.json"
        assert _graph("--model", "CONV -> FC", "--shape", 3, 6, 5, "-o", path, *more) == 0
        nodes = json.loads(path.read_text("utf-8"))["nodes"]
        assert [1, 3, 6, 5] in [node["shape"] for node in nodes]
        sizes.append(len(nodes))
    assert sizes[0] < sizes[1]


def test_depth_folds(tmp_path):
    path = tmp_path / "g.dot"
    assert _graph("--model", "resnet20", "-o", path, "--depth", 2) == 0
    assert " × " in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("color", "legend"), [("grad", "gradient norm"), ("bytes", "saved for"), ("flops", "FLOP"), ("time", "µs")]
)
def test_color(tmp_path, capsys, color, legend):
    path = tmp_path / "g.dot"
    assert _graph("--model", "digits_net", "-o", path, "--color", color) == 0
    text = path.read_text("utf-8")
    assert legend in text
    assert "backward pass" not in text.replace("saved for the backward pass", "")
    assert ("grad 0." in text) == (color == "grad")
    forward = capsys.readouterr().out
    assert _graph("--model", "digits_net", "-o", path) == 0
    assert capsys.readouterr().out == forward


SEE = "; see autograd-cnn graph --help"


@pytest.mark.parametrize(
    ("options", "code", "problem"),
    [
        (
            ["-o", "g.txt"],
            2,
            f"render: unknown kind of file: expected a name that ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, got 'g.txt'{SEE}",
        ),
        (
            ["--model", "lenet5", "--shape", "1", "8", "8"],
            2,
            f"--model: lenet5: image_size is out of range: expected at least 16, got 8{SEE}",
        ),
        (
            ["--model", "resnet20", "--shape", "3", "1", "1"],
            2,
            (
                "--model: BatchNorm2d: one value for each channel has no variance to train with: expected at least 2, "
                f"got shape (1, 16, 1, 1); it was given an image of the shape (3, 1, 1); --shape sets another{SEE}"
            ),
        ),
        *(
            (
                ["--model", model, "--shape", "99999999999999999999", "1", "1"],
                2,
                (
                    "--shape: the image is out of range: expected at most 1152921504606846975 elements, "
                    f"got (99999999999999999999, 1, 1){SEE}"
                ),
            )
            for model in ("FC", "digits_net", "net.py:build")
        ),
        (["--depth", "0"], 2, f"argument --depth: expected a whole number of at least 1, got '0'{SEE}"),
        (["--color", "red"], 2, f"argument --color: expected one of grad, bytes, flops, time, nan, dead, got 'red'{SEE}"),
        (["-o", "g.html", "--depth", "1"], 2, f"--depth: a .html file holds the whole graph and takes no --depth{SEE}"),
        (["-o", "g.json", "--direction", "right"], 2,
         f"--direction: a .json file holds the whole graph and takes no --direction{SEE}"),
        (["-o", "g.json", "--color", "grad"], 2, f"--color: a .json file holds the whole graph and takes no --color{SEE}"),
        (["--model", "net.py:none"], 2, f"--model: no such file: net.py{SEE}"),
        (["--model", "none.onnx"], 2, f"--model: can't read none.onnx: No such file or directory{SEE}"),
        (["-o", "none/g.dot"], 1, "--output: can't write to none/g.dot: No such file or directory"),
    ],
)  # fmt: skip
def test_refuses(tmp_path, monkeypatch, capsys, options, code, problem):
    monkeypatch.chdir(tmp_path)
    found = _graph(*options)
    assert (found, capsys.readouterr().err) == (code, f"autograd-cnn graph: {problem}\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ["net.py:vector", "--backward"],
            "--backward: net.py:vector returns no loss: expected one number, got shape (2,)",
        ),
        (
            ["net.py:vector", "--color", "grad"],
            "--color grad: net.py:vector returns no loss: expected one number, got shape (2,)",
        ),
        (["net.py:ruled", "--backward"], "--model: net.py:19: KeyError: 'in the rule'"),
        (
            ["net.py:number"],
            (
                "graph.capture: nothing was recorded for this output; "
                "make an input with requires_grad=True, and compute outside of no_grad()"
            ),
        ),
    ],
)
def test_refuses_a_tensor(tmp_path, monkeypatch, capsys, options, problem):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    (tmp_path / "net.py").write_text(SOURCE, "utf-8")
    assert _graph("--model", *options) == 2
    assert capsys.readouterr().err == f"autograd-cnn graph: {problem}{SEE}\n"
    assert _graph("--model", "net.py:vector", "-o", "g.dot") == 0
