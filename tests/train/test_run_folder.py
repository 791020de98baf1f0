import json
from functools import partial

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, MissingDependencyError
from autograd_cnn.train import EpochMetrics, RunFolder, new_folder
from autograd_cnn.train.run_folder import FILES


def _epoch(number):
    return EpochMetrics(number, 0.5, 0.75, 0.25, 1.0, 1e-3, 100.0, 2.0, "jit")


class _Graph:
    """Stands for a graph, with or without something to draw it."""

    def __init__(self, content=None):
        self.content = content

    def render(self, path):
        if self.content is None:
            raise MissingDependencyError("nothing draws")
        path.write_text(self.content)


def _contents(path):
    return {each.relative_to(path).as_posix(): each.read_bytes() for each in path.rglob("*") if each.is_file()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "one"


@pytest.fixture
def earlier(path):
    """Leave a run of two epochs in the folder, and return what it consists of."""
    with RunFolder.open(path) as folder:
        folder.begin({"seed": 0}, {"w": np.zeros(2)})
        folder.draw(_Graph("earlier"))
        for number in (1, 2):
            folder.add(_epoch(number), {"w": np.full(2, float(number))})
    return _contents(path)


def test_begins_with_the_initial_weights(path):
    with RunFolder.open(path) as folder:
        assert folder.contents() == "nothing is kept"
        folder.begin({"seed": 0}, {"w": np.zeros(2)})
        assert sorted(_contents(path)) == ["config.json", "metrics.jsonl", "model.npz"]
        assert json.loads((path / "config.json").read_text("utf-8")) == {"seed": 0}
        assert ag.load(path / "model.npz")["w"].tolist() == [0, 0]
        assert folder.contents() == f"the initial weights are in {path / 'model.npz'}"


def test_keeps_each_epoch(path):
    with RunFolder.open(path) as folder:
        folder.begin({"seed": 0}, {"w": np.zeros(2)})
        for number in (1, 2):
            folder.add(_epoch(number), {"w": np.full(2, float(number))})
        assert folder.contents() == f"the weights of epoch 2 are in {path / 'model.npz'}"
    lines = (path / "metrics.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
    assert json.loads(lines[0]) == {
        "epoch": 1,
        "loss": 0.5,
        "accuracy": 0.75,
        "test_loss": 0.25,
        "test_accuracy": 1.0,
        "learning_rate": 1e-3,
        "images_per_second": 100.0,
        "seconds": 2.0,
        "backend": "jit",
        "gradients": {},
        "dead": {},
    }
    assert ag.load(path / "model.npz")["w"].tolist() == [2, 2]


# --- an earlier run ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_folder_that_holds_a_part_of_a_run_is_refused(path, name):
    path.mkdir(parents=True)
    (path / name).write_text("mine")
    with pytest.raises(ArgumentError) as error, RunFolder.open(path):
        pass
    assert str(error.value) == f"{path} holds an earlier run; choose another folder, or pass replace=True"
    assert _contents(path) == {name: b"mine"}


def test_other_files_are_nobodys_business(path):
    path.mkdir(parents=True)
    (path / "notes.txt").write_text("mine")
    with RunFolder.open(path) as folder:
        folder.begin({}, {"w": np.zeros(2)})
    assert (path / "notes.txt").read_text() == "mine"


def test_an_earlier_run_is_there_until_the_new_one_has_an_epoch(path, earlier):
    with RunFolder.open(path, replace=True) as folder:
        folder.begin({"seed": 1}, {"w": np.zeros(2)})
        folder.draw(_Graph("new"))
        assert earlier.items() <= _contents(path).items()
        assert folder.contents() == f"the earlier run is still in {path}"
        folder.add(_epoch(1), {"w": np.full(2, 7.0)})
        now = _contents(path)
        assert now.keys() == earlier.keys()
        assert (now["config.json"], now["graph.svg"]) == (b'{\n  "seed": 1\n}\n', b"new")
        assert now["metrics.jsonl"].count(b"\n") == 1
        assert ag.load(path / "model.npz")["w"].tolist() == [7, 7]
        folder.add(_epoch(2), {"w": np.full(2, 8.0)})
    assert ag.load(path / "model.npz")["w"].tolist() == [8, 8]
    assert [each.name for each in path.iterdir() if each.is_dir()] == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ag.errors.DivergedError])
def test_an_earlier_run_is_there_if_the_new_one_stops_before(path, earlier, stop):
    def stopped():
        with RunFolder.open(path, replace=True) as folder:
            folder.begin({"seed": 1}, {"w": np.zeros(2)})
            raise stop

    with pytest.raises(stop):
        stopped()
    assert _contents(path) == earlier


def test_a_picture_of_the_earlier_run_does_not_stay(path, earlier):
    with RunFolder.open(path, replace=True) as folder:
        folder.begin({"seed": 1}, {"w": np.zeros(2)})
        folder.add(_epoch(1), {"w": np.zeros(2)})
    assert sorted(_contents(path)) == ["config.json", "metrics.jsonl", "model.npz"]


def test_what_a_killed_run_left_is_cleared_away(path, earlier):
    (path / ".autograd-cnn-new").mkdir()
    (path / ".autograd-cnn-new" / "model.npz").write_text("half")
    (path / ".autograd-cnn-0123.draft").write_text("half")
    with RunFolder.open(path, replace=True):
        assert _contents(path) == earlier


# --- several runs -----------------------------------------------------------------------------


def test_one_run_at_a_time(path):
    with RunFolder.open(path), pytest.raises(ArgumentError) as error, RunFolder.open(path, replace=True):
        pass
    assert str(error.value) == f"a training is under way in {path}; choose another folder"


def test_new_folders_are_numbered(tmp_path):
    assert new_folder(tmp_path / "runs" / "a") == tmp_path / "runs" / "a"
    (tmp_path / "runs" / "a-2").write_text("a file")
    assert new_folder(tmp_path / "runs" / "a").name == "a-3"


# --- what goes wrong --------------------------------------------------------------------------


def test_unwritable(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "run", tmp_path / "file"):
        with pytest.raises(OSError, match="file"), RunFolder.open(path):
            pass
    with pytest.raises(OSError, match="file"):
        new_folder(tmp_path / "file" / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_is_not_a_path_is_refused():
    for function in (new_folder, lambda path: RunFolder.open(path).__enter__()):
        with pytest.raises(ag.errors.OperandError, match="expected a str or a path, got int"):
            function(3)


def test_draws_the_graph(path):
    with RunFolder.open(path) as folder:
        folder.begin({}, {"w": np.zeros(2)})
        with pytest.raises(MissingDependencyError, match="nothing draws"):
            folder.draw(_Graph())
        folder.draw(_Graph("<svg/>"))
    assert (path / "graph.svg").read_text() == "<svg/>"


def test_a_trainer_adds_its_epochs(path):
    model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    with RunFolder.open(str(path)) as folder:
        history = ag.train.fit(model, ag.data.digits(), ag.train.TrainConfig(epochs=2), callbacks=[folder])
        assert folder.epochs == history
        assert folder.contents() == f"the weights of epoch 2 are in {path / 'model.npz'}"
    assert all(np.array_equal(value, model.state_dict()[name]) for name, value in ag.load(path / "model.npz").items())


def test_a_callback_opens_its_own_folder(path):
    model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    few = ag.data.Dataset(*(ag.data.Split(part.images[:64], part.labels[:64]) for part in ag.data.digits()))
    fit = partial(ag.train.fit, model, few)
    fit(ag.train.TrainConfig(epochs=1), [RunFolder(str(path))])
    assert sorted(file.name for file in path.iterdir()) == ["checkpoint.npz", "metrics.jsonl", "model.npz"]
    with pytest.raises(ArgumentError) as error:
        fit(ag.train.TrainConfig(epochs=1), [RunFolder(path)])
    assert str(error.value) == f"{path} holds an earlier run; choose another folder, or pass replace=True"
    fit(ag.train.TrainConfig(epochs=2), [RunFolder(path)], checkpoint=path / "checkpoint.npz")
    assert len((path / "metrics.jsonl").read_text().splitlines()) == 2
    fit(ag.train.TrainConfig(epochs=1), [RunFolder(path, replace=True)])
    assert len((path / "metrics.jsonl").read_text().splitlines()) == 1
    with RunFolder.open(path, replace=True), pytest.raises(ArgumentError) as error:
        fit(ag.train.TrainConfig(epochs=1), [RunFolder(path, replace=True)])
    assert str(error.value) == f"a training is under way in {path}; choose another folder"
