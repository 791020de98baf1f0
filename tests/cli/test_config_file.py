"""Options from a TOML file, and a run that is done again from its own."""

import struct

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.cli import datasets, main
from autograd_cnn.cli.run import read_config, read_history
from autograd_cnn.data import Dataset, Split, digits

SMALL = """
model = "CONV -> RELU -> POOL -> FC"
epochs = 2
batch-size = 16
backend = "reference"
"""
MORE = """
augment = ["shift", "brightness"]
mixup = 0.3
accumulate = 2
clip_norm = 1
class_weights = "balanced"
ema = 0.9
patience = 1
seed = 3
tensorboard = true
"""


@pytest.fixture(autouse=True)
def _few_digits(tmp_path, monkeypatch):
    few = Dataset(*(Split(split.images[:64], split.labels[:64]) for split in digits()))
    monkeypatch.setattr(datasets, "digits", lambda: few)
    monkeypatch.chdir(tmp_path)


def _train(*options):
    try:
        return main(["train", *options])
    except SystemExit as stop:
        return stop.code


def test_a_run_is_done_again_from_its_own_file(tmp_path, capsys):
    (tmp_path / "my.toml").write_text(SMALL + MORE)
    assert _train("--config", "my.toml", "--out", "one") == 0
    config = read_config(tmp_path / "one")
    assert (config.epochs, config.batch_size, config.augment) == (2, 16, ("shift", "brightness"))
    assert (config.mixup, config.accumulate, config.clip_norm, config.class_weights) == (0.3, 2, 1.0, "balanced")
    assert (config.ema, config.patience, config.seed, config.tensorboard) == (0.9, 1, 3, True)
    assert _train("--config", "one/run.toml", "--out", "two") == 0
    assert read_config(tmp_path / "two") == config
    one, two = ((tmp_path / out / "model.npz").read_bytes() for out in ("one", "two"))
    assert one == two
    assert (tmp_path / "one" / "run.toml").read_bytes() == (tmp_path / "two" / "run.toml").read_bytes()
    assert _train("--config", "one/run.toml", "--seed", "4", "--augment", "none", "--out", "three") == 0
    assert read_config(tmp_path / "three").seed == 4  # the command line comes first
    assert read_config(tmp_path / "three").augment == ()
    assert 'augment = ["none"]' in (tmp_path / "three" / "run.toml").read_text()
    [first, *_] = read_history(tmp_path / "one")
    assert list(first.gradients) == ["conv1", "fc1"]
    assert list(first.dead) == ["relu1"]


@for_each(
    "text, problem",
    [
        ("epoch = 3", "unknown key 'epoch'; did you mean epochs?"),
        ("batchsize = 3", "unknown key 'batchsize'; did you mean batch_size?"),
        ("resume = 'x'", "unknown key 'resume'"),
        ("epochs = 0", "epochs: expected a whole number of at least 1, got '0'"),
        ("epochs = '3'", "epochs: expected a number without quotes or brackets, got '3'"),
        ("lr = [0.1]", "lr: expected a number without quotes or brackets, got '0.1'"),
        ("epochs = 2.5", "epochs: expected a whole number of at least 1, got '2.5'"),
        ("lr = true", "lr: expected a text or a number, or a list of these, got 'True'"),
        ("tensorboard = 1", "tensorboard: expected true or false, got '1'"),
        ("[train]\nepochs = 3", "unknown key 'train'"),
        ("augment = ['shiftt']", "augment: expected one of shift, flip, crop, rotate, erase, brightness, color, got 'shiftt'; did you mean shift?"),
        ("epochs = ", "not TOML: Invalid value (at end of document)"),
    ],
)  # fmt: skip
def test_a_file_that_says_something_else(tmp_path, capsys, text, problem):
    (tmp_path / "run.toml").write_text(text)
    assert _train("--config", "run.toml") == 2
    assert capsys.readouterr() == (
        "", f"autograd-cnn train: --config run.toml: {problem}; see autograd-cnn train --help\n"
    )  # fmt: skip


def test_no_such_file_and_a_run_that_goes_on(capsys):
    assert _train("--config", "none.toml") == 1
    assert capsys.readouterr().err == "autograd-cnn train: none.toml: No such file or directory\n"
    assert _train("--resume", "x", "--config", "none.toml") == 2
    assert "--config does not go with --resume RUN, which does everything as RUN did" in capsys.readouterr().err


def test_event_files(tmp_path, monkeypatch, capsys):
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    (tmp_path / "my.toml").write_text(SMALL + "tensorboard = true")
    assert _train("--config", "my.toml", "--out", "run") == 0
    [path] = (tmp_path / "run").glob("events.out.tfevents.*")
    data, found = path.read_bytes(), {}
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        for value in event_pb2.Event.FromString(data[12 : 12 + length]).summary.value:
            found.setdefault(value.tag, []).append(value)
        data = data[16 + length :]
    history = read_history(tmp_path / "run")
    losses = np.array([value.simple_value for value in found["loss/held_out"]])
    np.testing.assert_allclose(losses, [epoch.test_loss for epoch in history], rtol=1e-6)
    assert {"gradient/conv1", "dead/relu1", "accuracy/learned", "learning_rate"} <= found.keys()
    count = ag.load(tmp_path / "run" / "model.npz")["conv1.weight"].size
    assert [value.histo.num for value in found["conv1.weight"]] == [count, count]
    capsys.readouterr()
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    assert _train("--config", "my.toml", "--out", "other") == 1
    assert capsys.readouterr().err == (
        "autograd-cnn train: writing for TensorBoard needs an extra; "
        "try: python -m pip install 'autograd-cnn[tensorboard]'\n"
    )
    assert not (tmp_path / "other").exists()
