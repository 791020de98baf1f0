import json
import os
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.cli import ahead, datasets, main, train
from autograd_cnn.cli.datasets import KNOWN
from autograd_cnn.cli.train import run_name
from autograd_cnn.data import Dataset, Split, digits
from autograd_cnn.train import RunFolder, TrainConfig, Trainer, evaluate

PATTERN = "CONV -> POOL -> FC"
SOURCES = "digits, mnist, fashion-mnist, cifar10, a folder of images, or a file that ends in .csv, .npz, .safetensors"


@pytest.fixture(autouse=True)
def _few_digits(tmp_path, monkeypatch):
    """Work in an empty folder, on a few digits."""
    few = Dataset(*(Split(split.images[:64], split.labels[:64]) for split in digits()))
    monkeypatch.setattr(datasets, "digits", lambda: few)
    monkeypatch.chdir(tmp_path)


def _train(*options):
    try:
        return main(["train", *options])
    except SystemExit as stop:
        return stop.code


def _metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]


def _backends(folder):
    return [epoch["backend"] for epoch in _metrics(folder)]


def test_a_run_leaves_all_behind(tmp_path, capsys):
    assert _train("--epochs", "2", "--backend", "reference") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "digits_net, 38,282 parameters; digits, 64 images; backend reference"
    assert lines[1].startswith("epoch 1/2  loss ")
    folder = tmp_path / "runs" / "digits-digits_net-seed0"
    assert f"results in {folder.relative_to(tmp_path)}" in lines[3]
    metrics = _metrics(folder)
    assert lines[-1] == f"test accuracy {metrics[1]['test_accuracy']:.4f}"
    assert len(metrics) == 2
    assert json.loads((folder / "config.json").read_text("utf-8")) == {
        "data": "digits", "root": None, "size": None, "model": "digits_net", "classes": list("0123456789"),
        "image_shape": [1, 8, 8], "epochs": 2, "batch_size": 32, "lr": 0.002, "patience": None, "seed": 0, "backend": "reference",
        "version": ag.__version__, "augment": ["shift"], "mixup": None, "accumulate": 1, "clip_norm": None,
        "class_weights": None, "ema": None, "workers": 0, "stream": False, "tensorboard": False, "planned": [],
    }  # fmt: skip
    assert "conv1.weight" in (folder / "graph.svg").read_text("utf-8")
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint-before.npz", "checkpoint.npz", "config.json", "graph.svg", "metrics.jsonl", "model.npz",
        "run.toml",
    ]  # fmt: skip
    model = ag.nn.digits_net()
    model.load_state_dict(ag.load(folder / "model.npz"))
    assert evaluate(model, datasets.digits().test).accuracy == metrics[1]["test_accuracy"]


def test_same_seed_same_files(tmp_path):
    for out, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert _train("--model", PATTERN, "--epochs", "1", "--seed", seed, "--out", out) == 0
    one, two, other = ((tmp_path / out / "model.npz").read_bytes() for out in "abc")
    assert one == two
    assert one != other


def test_drawing_the_graph_changes_no_weights(tmp_path):
    assert _train("--model", "resnet20", "--epochs", "1", "--lr", "1e-30", "--batch-size", "64") == 0
    state = ag.load(tmp_path / "runs" / "digits-resnet20-seed0" / "model.npz")
    assert state["bn1.num_batches_tracked"] == 1  # the one batch of 64, and not the graph's


def test_a_loss_that_is_no_number_stops_the_run(tmp_path, capsys):
    assert _train("--lr", "1e30", "--out", "out") == 1
    assert capsys.readouterr().err == (
        "autograd-cnn train: the loss became nan in epoch 1, step 2; the initial weights are in out/model.npz; "
        "try a smaller --lr\n"
    )
    initial = ag.nn.digits_net(rng=0).state_dict()
    kept = ag.load(tmp_path / "out" / "model.npz")
    assert all(np.array_equal(kept[name], value) for name, value in initial.items())


@pytest.mark.parametrize(("stop", "told", "code"), [
    (ag.errors.DivergedError("the loss became nan in epoch 3, step 1"),
     "the loss became nan in epoch 3, step 1; the weights of epoch 2 are in out/model.npz; try a smaller --lr", 1),
    (KeyboardInterrupt(), "interrupted; the weights of epoch 2 are in out/model.npz; --resume out goes on", 130),
])  # fmt: skip
def test_the_last_good_weights_are_kept(tmp_path, capsys, monkeypatch, stop, told, code):
    good = []
    train_epoch = Trainer.train_epoch

    def two_epochs(trainer, loader):
        if len(good) == 2:
            next(trainer.model.parameters()).data = np.full((16, 1, 3, 3), np.nan, np.float32)
            raise stop
        metrics = train_epoch(trainer, loader)
        good.append(trainer.model.state_dict())
        return metrics

    monkeypatch.setattr(Trainer, "train_epoch", two_epochs)
    assert _train("--out", "out", "--epochs", "5") == code
    assert capsys.readouterr().err == f"autograd-cnn train: {told}\n"
    kept = ag.load(tmp_path / "out" / "model.npz")
    assert all(np.array_equal(kept[name], value) for name, value in good[1].items())
    assert len((tmp_path / "out" / "metrics.jsonl").read_text("utf-8").splitlines()) == 2


@pytest.mark.parametrize(("when", "kept"), [
    ("must_compile", "the initial weights are in out/model.npz"),
    ("capture", "the initial weights are in out/model.npz"),
    ("Progress", "the initial weights are in out/model.npz"),
    ("asdict", "nothing is kept"),
])  # fmt: skip
def test_an_interrupt_before_the_first_epoch_says_what_is_kept(capsys, monkeypatch, when, kept):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, when, stop)
    assert _train("--out", "out", "--epochs", "1") == 130
    assert capsys.readouterr().err == f"autograd-cnn train: interrupted before the first epoch ended; {kept}\n"


def test_the_first_epoch_is_saved_before_the_graph_is_drawn(capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(RunFolder, "draw", stop)
    assert _train("--out", "out", "--epochs", "2") == 130
    kept = "the weights of epoch 1 are in out/model.npz; --resume out goes on"
    assert capsys.readouterr().err == f"autograd-cnn train: interrupted; {kept}\n"


@pytest.mark.parametrize("link", ["loop", "dangling"])
def test_a_link_that_leads_nowhere(tmp_path, capsys, link):
    (tmp_path / link).symlink_to("loop" if link == "loop" else "nowhere")
    assert _train("--out", link) == 2
    assert capsys.readouterr().err == (
        f"autograd-cnn train: argument --out: expected a folder, got {link!r}; that is a link that leads nowhere; "
        "see autograd-cnn train --help\n"
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ["--data", "letters"],
            f"--data: expected one of {SOURCES}, got 'letters', which is not there",
        ),
        (
            ["--data", "minst"],
            f"--data: expected one of {SOURCES}, got 'minst', which is not there; did you mean mnist?",
        ),
        (["--epochs", "0"], "argument --epochs: expected a whole number of at least 1, got '0'"),
        (["--batch-size", "x"], "argument --batch-size: expected a whole number of at least 1, got 'x'"),
        (["--lr", "-1"], "argument --lr: expected a number above 0, got '-1'"),
        (["--lr", "nan"], "argument --lr: expected a number above 0, got 'nan'"),
        (["--epochs", "9" * 5000], f"argument --epochs: expected a whole number of at least 1, got '{'9' * 60}…'"),
        (["--batch-size", "65"], "--batch-size: expected at most 64, as many images as there are, got 65"),
        (["--accumulate", "33"], "--accumulate: expected at most 32, as many parts as a batch has images, got 33"),
        (["--data", ""], "argument --data: expected a data set, a folder or a file, got ''"),
        (["--config", ""], "argument --config: expected the name of a file, got ''"),
        (["--size", "70000"], "argument --size: expected at most 65535, got '70000'"),
        (["--out", ""], "argument --out: expected the name of a folder, got ''"),
        (["--force"], "--force goes with --out DIR, the folder whose run it replaces"),
        (
            ["--model", "lenet55"],
            (
                "--model: no network of this name: expected one of digits_net, lenet5, lenet1998, small_vgg, resnet20, "
                "resnet18, mobilenet_v2, tiny_vit, "
                "or a pattern, got 'lenet55'; did you mean lenet5?"
            ),
        ),
        (["--seed", "-1"], "argument --seed: expected a whole number of at least 0, got '-1'"),
        (["--backend", "gpu"], "argument --backend: expected one of auto, reference, jit, got 'gpu'"),
        (["--data", "mnist"], "--data mnist needs --root DIR, the folder with its files"),
        (["--root", "."], "--data digits takes no --root: the digits are in the package"),
        (
            ["--augment", "flip,turn"],
            "argument --augment: expected one of shift, flip, crop, rotate, erase, brightness, color, got 'turn'",
        ),
        (["--augment", "color"], "--augment color goes with images in colour"),
        (["--mixup", "0"], "argument --mixup: expected a number above 0, got '0'"),
        (["--accumulate", "0"], "argument --accumulate: expected a whole number of at least 1, got '0'"),
        (["--clip-norm", "-1"], "argument --clip-norm: expected a number above 0, got '-1'"),
        (
            ["--class-weights", "equal"],
            "argument --class-weights: expected balanced, or numbers of at least 0 with commas in between, not all 0, got 'equal'",
        ),
        (["--class-weights", "1,2"], "--class-weights: expected 10, one for each class, got 2"),
        (["--ema", "1"], "argument --ema: expected a number from 0 to below 1, got '1'"),
        (["--stream"], "--stream goes with a folder of images"),
        (["--download"], "--download goes with mnist, fashion-mnist, cifar10"),
        (["--model", "lenet5"], "--model: lenet5: image_size is out of range: expected at least 16, got 8"),
    ],
)
def test_usage_errors_come_before_anything_is_written(tmp_path, capsys, options, problem):
    assert _train(*options) == 2
    assert capsys.readouterr() == ("", f"autograd-cnn train: {problem}; see autograd-cnn train --help\n")
    assert not list(tmp_path.iterdir())


def test_a_pattern_is_shown_with_its_fault(capsys):
    assert _train("--model", "CONV -> POOOL") == 2
    assert capsys.readouterr().err == (
        "autograd-cnn train: --model: build: the pattern is not understood: "
        "expected CONV, RELU, POOL, FC or '[', got 'POOOL'\n"
        "  CONV -> POOOL\n"
        "          ^\n"
        "see autograd-cnn train --help\n"
    )


def test_an_unwritable_folder_comes_before_training(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert _train("--out", "file/run") == 1
    assert capsys.readouterr() == (
        "",
        "autograd-cnn train: --out: can't write to file/run: Not a directory\n",
    )


def test_a_file_in_place_of_a_folder(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    for options in (["--out", "file"], ["--data", "mnist", "--root", "file"]):
        assert _train(*options) == 2
        assert f"argument {options[-2]}: expected a folder, got 'file'; that is a file; " in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_an_earlier_run_is_not_replaced_without_a_word(tmp_path, capsys):
    small = ["--model", PATTERN, "--epochs", "1", "--backend", "reference"]
    assert _train(*small, "--out", "out") == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    capsys.readouterr()
    assert _train(*small, "--out", "out", "--seed", "1") == 1
    assert capsys.readouterr() == (
        "",
        "autograd-cnn train: --out: out holds an earlier run; choose another folder, or let --force replace it\n",
    )
    assert _train(*small, "--out", "out", "--lr", "1e30", "--force", "--model", "digits_net") == 1
    assert capsys.readouterr().err == (
        "autograd-cnn train: the loss became nan in epoch 1, step 2; the earlier run is still in out; "
        "try a smaller --lr\n"
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert _train(*small, "--out", "out", "--seed", "1", "--force") == 0
    assert (tmp_path / "out" / "model.npz").read_bytes() != before["model.npz"]


def test_a_folder_that_another_run_is_writing_to_is_refused(capsys):
    for force in ([], ["--force"]):
        with RunFolder.open("out"):
            assert _train("--model", "FC", "--epochs", "1", "--out", "out", *force) == 1
        assert capsys.readouterr() == (
            "",
            "autograd-cnn train: --out: a training is under way in out; choose another folder\n",
        )


def test_a_disk_that_is_full_in_the_middle_names_the_option(capsys, monkeypatch):
    def full(path, state):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("autograd_cnn.train.run_folder.save", full)
    assert _train("--model", "FC", "--epochs", "1", "--out", "out") == 1
    assert capsys.readouterr().err == "autograd-cnn train: --out: can't write to out: No space left on device\n"


def test_without_a_name_each_run_has_a_folder_of_its_own(tmp_path, capsys):
    for _ in range(2):
        assert _train("--model", "FC", "--epochs", "1", "--backend", "reference") == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["digits-fc-seed0", "digits-fc-seed0-2"]
    assert "results in runs/digits-fc-seed0-2\n" in capsys.readouterr().out


def test_missing_files(tmp_path, capsys):
    assert _train("--data", "cifar10", "--root", "data") == 1
    assert capsys.readouterr().err == (
        "autograd-cnn train: cifar10: file not found: expected data_batch_1.bin in data, got none; "
        "download=True or --download fetches it; or put cifar-10-binary.tar.gz or cifar-10-python.tar.gz of "
        "https://www.cs.toronto.edu/~kriz/cifar.html there\n"
    )
    assert not list(tmp_path.iterdir())


def test_learns_from_files_of_the_users(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        images, labels = rng.integers(0, 256, (8, 28, 28), np.uint8), rng.integers(0, 10, 8, np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (tmp_path / f"{part}-{kind}-ubyte").write_bytes(header + array.tobytes())
    assert _train("--data", "fashion-mnist", "--root", ".", "--epochs", "1") == 0
    assert capsys.readouterr().out.startswith("lenet5, 44,426 parameters; fashion-mnist, 8 images; backend ")


@pytest.mark.parametrize("name", KNOWN)
def test_every_recipe_has_a_network_that_fits(name):
    assert train.make_model(KNOWN[name].recipe.model, KNOWN[name].image_shape, 0).training


@pytest.mark.parametrize(
    ("model", "name"),
    [("lenet5", "mnist-lenet5-seed2"), ("[CONV -> POOL?]*2 -> FC", "mnist-conv-pool-2-fc-seed2")],
)
def test_run_name(model, name):
    assert run_name("mnist", model, 2) == name


@pytest.fixture
def process(monkeypatch):
    """Stand in for the process that compiles, on a machine without kernels: 0 or 1 after some looks at it."""

    class Process:
        ends, returncode = [], None

        def poll(self):
            self.returncode = self.ends.pop(0) if self.ends else None
            return self.returncode

    process = Process()
    monkeypatch.setattr(train, "must_compile", lambda: True)
    monkeypatch.setattr(ahead, "Popen", lambda *_, **__: process)
    return process


def test_who_asks_for_the_kernels_waits_for_them(process, tmp_path, capsys):
    assert _train("--model", PATTERN, "--epochs", "1", "--backend", "jit", "--out", "out") == 0
    assert capsys.readouterr().out.startswith("compiling the kernels for this machine, once: some ten seconds\n")
    assert _backends(tmp_path / "out") == ["jit"]


@for_each("ends, told, backends", [
    ([None, 0], "the kernels are compiled and do the work from epoch 3 on", ["reference", "reference", "jit", "jit"]),
    ([0], "the kernels are compiled and do the work from epoch 2 on", ["reference", "jit", "jit", "jit"]),
    ([1], "the kernels could not be compiled, and NumPy goes on; --backend jit shows the reason", ["reference"] * 4),
    ([], "the kernels are still being compiled, for the next run", ["reference"] * 4),
])  # fmt: skip
def test_numpy_begins_while_the_kernels_are_compiled(process, tmp_path, capsys, ends, told, backends):
    process.ends = ends
    before = ag.current_backend()
    assert _train("--model", PATTERN, "--epochs", "4", "--out", "out", "--force") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "NumPy begins, while another process compiles the kernels, once per machine; --backend jit waits for them"
    )
    assert told in lines
    assert _backends(tmp_path / "out") == backends
    assert ag.current_backend() == before


def test_epochs_before_the_kernels_have_the_bits_of_numpy(process, tmp_path):
    process.ends = [None, None, 0]
    assert _train("--model", PATTERN, "--epochs", "4", "--out", "mixed") == 0
    assert _train("--model", PATTERN, "--epochs", "4", "--out", "numpy", "--backend", "reference") == 0
    mixed, numpy = (_metrics(tmp_path / out) for out in ("mixed", "numpy"))
    assert [epoch["test_loss"] for epoch in mixed[:3]] == [epoch["test_loss"] for epoch in numpy[:3]]
    assert mixed[3]["test_loss"] == pytest.approx(numpy[3]["test_loss"], rel=1e-4)


def test_the_other_process_meets_all_sizes_of_batches(monkeypatch):
    seen = []
    monkeypatch.setattr(ahead, "fit", lambda model, dataset, config, watch: seen.append((model, dataset, config)))
    monkeypatch.setattr(ahead, "Popen", lambda command, **_: seen.append(command))
    images = np.zeros((600, 1, 8, 8), np.float32)
    labels = np.arange(600) % 3
    ahead.CompileAhead(
        PATTERN,
        Dataset(Split(images[:70], labels[:70]), Split(images, labels)),
        TrainConfig(1, 32, augment=("flip",), class_weights=(1, 2, 3)),
    )
    path, arguments = map(json.loads, seen[0][-2:])
    assert path == sys.path
    ahead.compile_kernels(*arguments)
    model, (learned, tested), config = seen[1]
    assert len(learned.labels) == 32 + 6
    assert config == TrainConfig(4, 32, augment=("flip",), class_weights=(1, 2, 3))
    assert len(tested.labels) == 256 + 600 % 256
    assert model(learned.images).shape == (38, 3)


@pytest.mark.slow
def test_the_first_run_of_all_does_not_wait_for_the_kernels_and_leaves_them_to_the_next(tmp_path):
    """From an empty cache the first epoch is over in a small part of the time that it takes to compile: a fortieth."""
    variables = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "AUTOGRAD_CNN_BACKEND": "auto"}
    command = [sys.executable, "-m", "autograd_cnn", "train", "--model", "FC", "--out"]
    began = {}
    with subprocess.Popen([*command, "first", "--epochs", "1000000"], stdout=subprocess.PIPE, env=variables) as first:
        for line in first.stdout:
            began.setdefault(line.split()[0], time.monotonic())  # the first line with this word
            if line.startswith(b"the kernels are compiled and do the work from epoch "):
                break
        first.kill()
    assert began[b"epoch"] - began[b"NumPy"] < (began[b"the"] - began[b"NumPy"]) / 4
    compiled = sorted((tmp_path / "cache").rglob("*.code"))
    assert compiled
    done = subprocess.run(
        [*command, "next", "--epochs", "2"], capture_output=True, text=True, check=True, env=variables
    )
    assert done.stdout.startswith("FC, 650 parameters; digits, 1,437 images; backend jit\n")
    assert sorted((tmp_path / "cache").rglob("*.code")) == compiled
