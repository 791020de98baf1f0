import json

import pytest

from autograd_cnn.cli import main


def test_writes_dot(tmp_path, capsys):
    path = tmp_path / "g.dot"
    assert main(["graph", "--model", "digits_net", "-o", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"{path}: ")
    text = path.read_text("utf-8")
    assert "correlate2d" in text
    assert "conv1.weight" in text


def test_shape_and_backward(tmp_path):
    sizes = []
    for more in ([], ["--backward"]):
        path = tmp_path / "g.json"
        assert main(["graph", "--model", "CONV -> FC", "--shape", "3", "6", "5", "-o", str(path), *more]) == 0
        nodes = json.loads(path.read_text("utf-8"))["nodes"]
        assert [1, 3, 6, 5] in [node["shape"] for node in nodes]
        sizes.append(len(nodes))
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize(
    ("options", "code", "problem"),
    [
        (
            ["-o", "g.txt"],
            2,
            (
                "render: the ending of the file's name is unknown: "
                "expected .svg or .png or .pdf or .dot or .json, got 'g.txt'; see autograd-cnn graph --help"
            ),
        ),
        (
            ["--model", "lenet5", "--shape", "1", "8", "8"],
            2,
            "--model: lenet5: image_size is out of range: expected at least 16, got 8; see autograd-cnn graph --help",
        ),
        (["-o", "none/g.dot"], 1, "--output: can't write to none/g.dot: No such file or directory"),
    ],
)
def test_refuses(tmp_path, monkeypatch, capsys, options, code, problem):
    monkeypatch.chdir(tmp_path)
    try:
        found = main(["graph", *options])
    except SystemExit as stop:
        found = stop.code
    assert (found, capsys.readouterr().err) == (code, f"autograd-cnn graph: {problem}\n")
    assert not list(tmp_path.iterdir())
