"""From a folder of images to a trained network that is used: train, resume, predict, eval, export, runs."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.cli import datasets, main
from autograd_cnn.cli.run import read_config, read_history, trained_model
from autograd_cnn.interop import load_onnx
from autograd_cnn.train import predict

SMALL = ["--model", "CONV -> POOL -> FC", "--epochs", "12", "--batch-size", "8", "--backend", "reference"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with images of bars, lying and standing, and a run that has learned to tell them apart."""
    home = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    for number in range(60):
        pixels = rng.integers(0, 60, (12, 10), np.uint8)
        name = ("lying", "standing")[number % 2]
        if number % 2:
            pixels[:, 2 + number % 5] += 180
        else:
            pixels[2 + number % 5] += 180
        path = home / "bars" / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    here = Path.cwd()
    os.chdir(home)
    try:
        assert main(["train", "--data", "bars", "--size", "8", *SMALL, "--lr", "0.01", "--out", "run"]) == 0
    finally:
        os.chdir(here)
    return home


@pytest.fixture(autouse=True)
def _at_home(home, monkeypatch):
    monkeypatch.chdir(home)


def _main(*options):
    try:
        return main([*options])
    except SystemExit as stop:
        return stop.code


def test_what_the_network_sees(capsys):
    assert _main("predict", "run", "bars/standing/1.png", "bars/lying/2.png", "--top", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" ")[0] for line in lines] == ["bars/standing/1.png: standing", "bars/lying/2.png: lying"]
    assert _main("predict", "run", "bars/lying/2.png") == 0
    name, shares = capsys.readouterr().out.strip().split(": ")
    assert name == "bars/lying/2.png"
    assert sum(float(share.split()[1]) for share in shares.split(", ")) == pytest.approx(1, abs=0.002)


def test_the_network_as_a_file(capsys, tmp_path):
    path = tmp_path / "bars.onnx"
    assert _main("export", "run", str(path)) == 0
    assert capsys.readouterr().out == f"{path}: x (N, 1, 8, 8) to y (N, 2): lying, standing\n"
    images = np.random.default_rng(0).random((3, 1, 8, 8), np.float32)
    ours = predict(trained_model("run"), images)
    np.testing.assert_allclose(predict(load_onnx(path), images), ours, atol=1e-5)
    said = []
    for network in ("run", str(path)):
        assert _main("predict", network, "bars/standing/1.png") == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


@for_each(
    "network, metadata, told",
    [
        (lambda x: ag.softmax(x[:, 0, :2, 0] * 0, axis=1), {}, "class 0 0.500, class 1 0.500"),  # of probabilities
        (lambda x: x[:, 0, :2, 0] * 0, {"classes": '["a", "b"]'}, "a 0.500, b 0.500"),
        (lambda x: x[:, 0, :2, 0] * 0, {"classes": '["a"]'}, "class 0 0.500, class 1 0.500"),
        (lambda x: x[:, 0, :2, 0] * 0, {"classes": "{"}, "class 0 0.500, class 1 0.500"),
    ],
)
def test_networks_from_elsewhere(capsys, tmp_path, network, metadata, told):
    ag.onnx.export(
        network, np.zeros((2, 1, 8, 8), np.float32), tmp_path / "a.onnx", dynamic_batch=True, metadata=metadata
    )
    assert _main("predict", str(tmp_path / "a.onnx"), "bars/lying/2.png") == 0
    assert capsys.readouterr().out == f"bars/lying/2.png: {told}\n"


@for_each(
    "network, shape, told",
    [
        (None, (), "RUN: can't read {}: No such file or directory"),
        (ag.sin, (2, 8), "{}: expected a network of images (1, C, H, W) with 1 or 3 channels, got (2, 8)"),
        (ag.sin, (1, 2, 8, 8), "{}: expected a network of images (1, C, H, W) with 1 or 3 channels, got (1, 2, 8, 8)"),
        (ag.sin, (1, 1, 8, 8), "{}: expected a network that returns scores (N, classes)"),
    ],
)
def test_files_that_are_no_classifiers(capsys, tmp_path, network, shape, told):
    path = tmp_path / "a.onnx"
    if network is not None:
        ag.onnx.export(network, np.zeros(shape, np.float32), path)
    assert _main("predict", str(path), "bars/lying/2.png") == 1
    assert capsys.readouterr().err == f"autograd-cnn predict: {told.format(path)}\n"


def test_how_well_it_does(capsys):
    assert _main("eval", "run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["lying", "standing", "recall", "precision", "F1"]
    assert [line.split()[0] for line in lines[1:3]] == ["lying", "standing"]
    assert lines[3].endswith(" on 12 images held out")
    accuracy = float(lines[3].split()[1])
    assert accuracy >= 0.9
    assert _main("runs", ".") == 0
    assert capsys.readouterr().out.splitlines() == [
        "run  data  model               epochs  held out",
        f"run  bars  CONV -> POOL -> FC  12/12   {accuracy:.4f}",
        "1 run in .",
    ]


def test_a_report(tmp_path, capsys):
    assert _main("report", "run", "-o", str(tmp_path / "page.html")) == 0
    assert capsys.readouterr().out == f"report in {tmp_path / 'page.html'}\n"
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "<h1>run</h1>" in text
    assert "<dt>data</dt><dd>bars</dd>" in text
    assert "<th>standing</th>" in text


@for_each("metrics", [b"{}", b"[" * 100_000, b"\xff", b'{"epoch": 1}', b"null\n"])
def test_damaged_metrics(tmp_path, capsys, metrics):
    shutil.copytree("run", tmp_path / "run", dirs_exist_ok=True)
    (tmp_path / "run" / "metrics.jsonl").write_bytes(metrics)
    told = f"{tmp_path / 'run' / 'metrics.jsonl'}: not the metrics of a run of this version\n"
    assert _main("report", str(tmp_path / "run")) == 1
    assert capsys.readouterr().err == f"autograd-cnn report: {told}"
    assert not (tmp_path / "run" / "report.html").exists()
    assert _main("runs", str(tmp_path)) == 0
    assert capsys.readouterr().out == f"left out: {told}0 runs in {tmp_path}\n"


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_to_the_same_bits(home, tmp_path, capsys):
    killed, metrics = tmp_path / "killed", tmp_path / "killed" / "metrics.jsonl"
    options = ["--data", "bars", "--size", "8", *SMALL, "--epochs", "60"]
    command = [sys.executable, "-m", "autograd_cnn", "train", *options, "--out", str(killed)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not (metrics.is_file() and len(metrics.read_bytes().splitlines()) >= 3) and time.monotonic() < deadline:
            time.sleep(0.005)
        process.kill()
    had = len(metrics.read_bytes().splitlines())
    assert 3 <= had < 60
    assert main(["train", "--resume", str(killed)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert int(lines[0].split()[1].partition("/")[0]) in {had, had + 1}  # the checkpoint is written last
    assert _main("train", *options, "--out", str(tmp_path / "whole")) == 0
    weights, again = (ag.load(tmp_path / name / "model.npz") for name in ("whole", "killed"))
    assert all(np.array_equal(again[name], value) for name, value in weights.items())
    assert len(metrics.read_bytes().splitlines()) == 60
    capsys.readouterr()
    assert _main("train", "--resume", str(killed)) == 1
    assert (
        capsys.readouterr().err
        == "autograd-cnn train: fit: the run has had its 60 epochs; to train longer, ask for more\n"
    )


def test_a_run_goes_on_for_longer_than_planned(tmp_path, capsys):
    run, seed = tmp_path / "run", str(2**125)
    options = ["--data", "bars", "--size", "8", *SMALL, "--backend", "reference", "--seed", seed]
    assert _main("train", *options, "--epochs", "2", "--lr", "0.01", "--out", str(run)) == 0
    shutil.copytree(run, tmp_path / "by hand")
    capsys.readouterr()
    assert _main("train", "--resume", str(run), "--epochs", "6") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "from epoch 3 on the learning rate falls as in a run of 6 epochs, not 2"
    assert [line.split()[1] for line in lines[1:5]] == ["3/6", "4/6", "5/6", "6/6"]
    rates = [epoch.learning_rate for epoch in read_history(run)]
    assert np.allclose(rates, [0.01 * (1 + np.cos(np.pi * t)) / 2 for t in (0, 1 / 2, 2 / 6, 3 / 6, 4 / 6, 5 / 6)])
    config = read_config(run)
    assert (config.epochs, config.planned, config.seed) == (6, (2,), 2**125)
    recipe = (run / "run.toml").read_text("utf-8").splitlines()
    assert recipe[1] == "# planned at first with epochs = 2, which --resume has changed"
    assert "epochs = 6" in recipe
    model, dataset = config.make_model(), ag.data.image_folder("bars", size=8)
    with ag.set_backend("reference"):
        again = ag.train.fit(nn.fuse(model), dataset, config, checkpoint=tmp_path / "by hand" / "checkpoint.npz")
    assert [epoch.loss for epoch in again] == [epoch.loss for epoch in read_history(run)]
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    for epochs in ("6", "4"):
        assert _main("train", "--resume", str(run), "--epochs", epochs) == 1
        told = "autograd-cnn train: fit: the run has had its 6 epochs; to train longer, ask for more\n"
        assert capsys.readouterr() == ("", told)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_stopping_early_keeps_the_best_weights_and_is_over(tmp_path, capsys):
    run = str(tmp_path / "run")
    options = ["--lr", "0.03", "--epochs", "60", "--patience", "2"]
    assert _main("train", "--data", "bars", "--size", "8", *SMALL, *options, "--out", run) == 0
    *_, best, _, accuracy = capsys.readouterr().out.splitlines()
    epochs = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()]
    losses = [epoch["test_loss"] for epoch in epochs]
    assert len(losses) < 60
    assert losses.index(min(losses)) == len(losses) - 3
    assert best == f"the best epoch was {len(losses) - 2}"
    assert accuracy == f"test accuracy {epochs[-3]['test_accuracy']:.4f}"
    assert _main("eval", run) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"accuracy {epochs[-3]['test_accuracy']:.4f} ")
    assert _main("train", "--resume", run) == 0
    assert capsys.readouterr().out.splitlines() == [best, f"results in {run}", accuracy]


@for_each("options, code, told", [
    (["train", "--resume", "run", "--seed", "1"], 2, "--seed does not go with --resume RUN, which does everything as RUN did"),
    (["train", "--resume", "bars"], 1, "bars: not a run of autograd-cnn train; it holds no config.json"),
    (["train", "--data", "brs"], 2, "--data: expected one of digits, mnist, fashion-mnist, cifar10, a folder of images, or a file that ends in .csv, .npz, .safetensors, got 'brs', which is not there"),
    (["train", "--data", "bars", "--root", "."], 2, "--root goes with a data set that has a name; --data alone says where yours is"),
    (["train", "--size", "8"], 2, "--size goes with a folder of images"),
    (["train", "--data", "bars/lying"], 1, "bars/lying: not a folder of classes: expected two or more subfolders, one for each class, got 0"),
    (["predict", "run", "nothing.png"], 1, "nothing.png: No such file or directory"),
    (["predict", "run", "run/config.json"], 1, "run/config.json: not an image that Pillow can read"),
    (["predict", "run"], 2, "the following arguments are required: IMAGE"),
    (["export", "run", "no/net.onnx"], 1, "can't write no/net.onnx: No such file or directory"),
    (["predict", "run", "run/config.json", "bars/lying"], 1, "bars/lying is a folder; pass the images in it, such as bars/lying/*.jpg"),
    (["export", "run", "net.pt"], 2, "argument FILE.onnx: expected a name that ends in .onnx, got 'net.pt'"),
    (["eval", "bars"], 1, "bars: not a run of autograd-cnn train; it holds no config.json"),
    (["runs", "rn"], 2, "argument DIR: expected a folder, got 'rn'; it does not exist"),
    (["eval", "run", "--data", ""], 2, "argument --data: expected a folder or a file, got ''"),
    (["eval", "rn"], 1, "rn: not a run of autograd-cnn train; the folder does not exist"),
    (["report", "run", "-o", "page.txt"], 1, "report.write: unknown kind of file: expected a name that ends in .html, got 'page.txt'"),
    (["report", "run", "-o", "no/page.html"], 1, "--output: can't write to no/page.html: No such file or directory"),
])  # fmt: skip
def test_what_can_not_be_done_is_said(capsys, options, code, told):
    capsys.readouterr()
    assert _main(*options) == code
    hint = f"; see autograd-cnn {options[0]} --help" if code == 2 else ""
    assert capsys.readouterr() == ("", f"autograd-cnn {options[0]}: {told}{hint}\n")


@for_each("config", [
    b"", b"[]", b"{}", b"[" * 100_000, b'{"classes": [], "image_shape": []}', b'{"classes": 3, "image_shape": 4}', b"\xff",
])  # fmt: skip
def test_a_damaged_configuration(tmp_path, capsys, config):
    (tmp_path / "config.json").write_bytes(config)
    for command in (["predict", str(tmp_path), "x.png"], ["eval", str(tmp_path)], ["train", "--resume", str(tmp_path)]):
        assert _main(*command) == 1
        assert capsys.readouterr().err == (
            f"autograd-cnn {command[0]}: {tmp_path / 'config.json'}: not the configuration of a run of this version\n"
        )
    assert _main("runs", str(tmp_path.parent)) == 0


def test_weights_of_another_network(tmp_path, capsys):
    shutil.copytree("run", tmp_path / "run")
    ag.save(tmp_path / "run" / "model.npz", {"weight": np.ones(3)})
    assert _main("predict", str(tmp_path / "run"), "bars/lying/2.png") == 1
    assert capsys.readouterr().err.startswith(
        f"autograd-cnn predict: {tmp_path / 'run' / 'model.npz'}: not the weights of the network that config.json names; "
    )


def test_images_that_have_moved(tmp_path, capsys):
    assert _main("eval", "run", "--data", str(Path("bars").resolve())) == 0
    told = capsys.readouterr().out
    (tmp_path / "there").mkdir()
    for name in ("bars", "run"):
        shutil.copytree(name, tmp_path / "there" / name)
    run, bars = tmp_path / "there" / "run", str(Path("bars").resolve())
    config = run / "config.json"
    config.write_text(config.read_text("utf-8").replace(json.dumps(bars)[1:-1], "/gone"), "utf-8")
    for command, hint in (
        (["eval", str(run)], "say with --data where they are now"),
        (["report", str(run)], "say with --data where they are now"),
        (["train", "--resume", str(run)], "move them back to go on"),
    ):
        assert _main(*command) == 1
        said = f"autograd-cnn {command[0]}: /gone: the images of the run are not there; {hint}\n"
        assert capsys.readouterr().err == said
    assert _main("eval", str(run), "--data", str(tmp_path / "there" / "bars")) == 0
    assert capsys.readouterr().out == told


def test_data_that_have_changed(tmp_path, capsys):
    shutil.copytree("run", tmp_path / "run")
    config = (tmp_path / "run" / "config.json").read_text("utf-8").replace('"standing"', '"sitting"')
    (tmp_path / "run" / "config.json").write_text(config, "utf-8")
    assert _main("eval", str(tmp_path / "run")) == 1
    assert capsys.readouterr().err.endswith(
        "bars: the classes have changed since: expected lying, sitting, got lying, standing\n"
    )
    assert _main("train", "--resume", str(tmp_path / "run")) == 1
    assert (
        "bars has changed since: expected 2 classes of images (1, 8, 8), got 2 of (1, 8, 8)" in capsys.readouterr().err
    )


def test_a_dataset_in_one_file(tmp_path, capsys):
    images, labels = (part[:80] for part in ag.data.digits().train)
    np.savez(tmp_path / "few.npz", images=images, labels=labels)
    assert _main("train", "--data", str(tmp_path / "few.npz"), *SMALL, "--out", str(tmp_path / "out")) == 0
    assert capsys.readouterr().out.startswith("CONV -> POOL -> FC, 2,730 parameters; few, ")


def test_images_that_stay_in_their_files_give_the_same_network(tmp_path):
    small = ["--data", "bars", "--size", "8", *SMALL[:2], "--epochs", "2", "--backend", "reference"]
    assert _main("train", *small, "--out", str(tmp_path / "memory")) == 0
    assert _main("train", *small, "--stream", "--workers", "2", "--out", str(tmp_path / "files")) == 0
    memory, files = ((tmp_path / out / "model.npz").read_bytes() for out in ("memory", "files"))
    assert memory == files
    assert _main("eval", str(tmp_path / "files")) == 0
    assert "stream = true" in (tmp_path / "files" / "run.toml").read_text()


def test_files_are_fetched_only_if_that_is_asked_for(tmp_path, monkeypatch):
    asked = []

    def load(root, *, download):
        asked.append((root, download))
        return ag.data.digits()

    monkeypatch.setitem(datasets.KNOWN, "mnist", datasets.KNOWN["mnist"]._replace(load=load, image_shape=(1, 8, 8)))
    small = ["--data", "mnist", "--root", str(tmp_path), "--model", "FC", "--epochs", "1", "--backend", "reference"]
    assert _main("train", *small, "--download", "--out", str(tmp_path / "one")) == 0
    assert _main("train", "--config", str(tmp_path / "one" / "run.toml"), "--out", str(tmp_path / "two")) == 0
    assert asked == [(tmp_path, True), (tmp_path, False)]
