import json
from pathlib import Path

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.cli.fit import Epoch
from autograd_cnn.cli.folder import RunFolder
from autograd_cnn.errors import MissingDependencyError


def _epoch(number):
    return Epoch(number, 0.5, 0.75, 0.25, 1.0, 1e-3, 100.0, 2.0)


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "runs" / "one")
    folder.begin({"seed": 0}, {"w": np.zeros(2)})
    return folder


def test_begins_with_the_initial_weights(folder):
    assert sorted(path.name for path in folder.path.iterdir()) == ["config.json", "metrics.jsonl", "model.npz"]
    assert json.loads((folder.path / "config.json").read_text("utf-8")) == {"seed": 0}
    assert ag.load(folder.weights)["w"].tolist() == [0, 0]
    assert folder.kept == "the initial weights"


def test_keeps_each_epoch(folder):
    for number in (1, 2):
        folder.add(_epoch(number), {"w": np.full(2, float(number))})
    lines = (folder.path / "metrics.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
    assert json.loads(lines[0]) == {
        "epoch": 1, "loss": 0.5, "accuracy": 0.75, "test_loss": 0.25, "test_accuracy": 1.0, "learning_rate": 1e-3,
        "images_per_second": 100.0, "seconds": 2.0,
    }  # fmt: skip
    assert ag.load(folder.weights)["w"].tolist() == [2, 2]
    assert folder.kept == "the weights of epoch 2"


def test_a_new_run_replaces_an_old_one(folder):
    folder.add(_epoch(1), {"w": np.ones(2)})
    again = RunFolder(folder.path)
    again.begin({"seed": 1}, {"w": np.zeros(2)})
    assert (again.path / "metrics.jsonl").read_text("utf-8") == ""
    assert ag.load(again.weights)["w"].tolist() == [0, 0]


def test_unwritable(tmp_path):
    (tmp_path / "file").write_text("")
    folder = RunFolder(tmp_path / "file" / "run")
    with pytest.raises(OSError, match="--out") as err:
        folder.begin({}, {})
    assert str(err.value) == f"--out: can't write to {folder.path}: Not a directory"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


class _Graph:
    """Stands for a graph, with or without something to draw it."""

    def __init__(self, drawable):
        self.drawable = drawable

    def render(self, path):
        path = Path(path)
        if self.drawable:
            path.write_text("<svg/>")
        else:
            path.with_suffix(".dot").write_text("digraph {}")
            raise MissingDependencyError("a picture", "render")


@pytest.mark.parametrize(("drawable", "name"), [(True, "graph.svg"), (False, "graph.dot")])
def test_draws_or_says_how(folder, drawable, name):
    for old in ("graph.svg", "graph.dot"):
        (folder.path / old).write_text("old")
    advice = folder.draw(_Graph(drawable))
    assert [path.name for path in folder.path.glob("graph.*")] == [name]
    assert (folder.path / name).read_text() != "old"
    wanted = "a picture needs an extra; try: python -m pip install 'autograd-cnn[render]'"
    assert advice == (None if drawable else wanted)
