"""The examples run, and say what they promise."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import autograd_cnn as ag

EXAMPLES = Path(__file__).parent.parent / "examples"


def _output(name, cwd, *arguments, backend="reference", command=(sys.executable,)):
    # Threads of BLAS take longer to wait for each other than such small products last.
    alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment = {**os.environ, **alone, "PYTHONWARNINGS": "error", "AUTOGRAD_CNN_BACKEND": backend}
    run = subprocess.run(
        [*command, EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        env=environment,
    )
    return run.stdout


@pytest.mark.slow
def test_first_gradient_agrees_with_the_differences(tmp_path):
    slope, by_tape = re.search(r"w\[0, 1\]: (\S+), by the tape: (\S+)", _output("first_gradient.py", tmp_path)).groups()
    assert slope == by_tape != "0.000000"


@pytest.mark.slow
def test_custom_primitive(tmp_path):
    assert _output("custom_primitive.py", tmp_path).endswith("tensor([1., 0., 1.])\n")


@pytest.mark.slow
def test_train_digits_learns(tmp_path):
    accuracy = float(_output("train_digits.py", tmp_path).split()[-1])
    assert accuracy > 0.95


@pytest.mark.slow
def test_an_lstm_reads_digits_row_by_row(tmp_path):
    assert float(_output("sequence_digits.py", tmp_path).split()[-1]) > 0.95


@pytest.mark.slow
def test_a_transformer_sorts(tmp_path):
    assert float(_output("tiny_transformer.py", tmp_path).split()[-1]) > 0.9


@pytest.mark.slow
def test_cells_are_found(tmp_path):
    by_brightness, found = map(float, re.findall(r"union by.*: (\S+)", _output("segment_cells.py", tmp_path)))
    assert by_brightness < 0.4
    assert found > 0.7


@pytest.mark.slow
def test_another_network_sees_what_one_dreams_of(tmp_path):
    for count in re.findall(r"recognises (\d+) of 10", _output("deep_dream.py", tmp_path, backend="jit")):
        assert int(count) >= 8


@pytest.mark.slow
def test_a_resnet_on_files_like_cifars_goes_on_where_it_stopped(tmp_path):
    rng = np.random.default_rng(0)
    for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
        records = rng.integers(0, 256, (2, 3073), np.uint8)
        records[:, 0] %= 10
        records.tofile(tmp_path / name)
    for epochs in ("1", "2"):
        lines = _output("cifar_resnet20.py", tmp_path, "--root", ".", "--epochs", epochs, backend="jit").splitlines()
        assert lines[0].startswith(f"epoch {epochs}  loss ")
        assert re.fullmatch(r"test accuracy 0\.\d{4}", lines[-1])
    assert ag.load(tmp_path / "runs" / "resnet20" / "model.npz")["norm.running_mean"].shape == (3,)


@pytest.mark.slow
def test_a_classifier_is_fooled(tmp_path):
    before, after = map(float, re.findall(r"(\S+) recognised", _output("fool_a_classifier.py", tmp_path)))
    assert before > 0.9
    assert after < 0.3


@pytest.mark.slow
def test_the_pinhole_is_found(tmp_path):
    found, spread = map(float, re.search(r"diameter (\S+) ± (\S+) µm", _output("fit_a_model.py", tmp_path)).groups())
    assert abs(found - 100) < 3 * spread < 1


@pytest.mark.slow
def test_the_generator_finds_the_ring(tmp_path):
    text = _output("gan_with_gradient_penalty.py", tmp_path)
    mean, spread = map(float, re.findall(r"centre (\S+) ± (\S+)", text)[-1])
    assert abs(mean - 1) < 0.15
    assert spread < 0.3
    assert min(map(float, text.split(": ")[-1].split())) > 0.08


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_it_was_committed_with(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_CNN_BACKEND", "reference")
    committed = nbformat.read(EXAMPLES / "look_at_a_network.ipynb", as_version=4)
    fresh = NotebookClient(copy.deepcopy(committed), resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert [_kinds(cell) for cell in fresh.cells] == [_kinds(cell) for cell in committed.cells]
    pictures = [output.data["image/svg+xml"] for cell in fresh.cells for output in _data(cell, "image/svg+xml")]
    assert len(pictures) == 4
    assert "correlate2d_wrt_weight" in pictures[1]
    assert (tmp_path / "network.html").stat().st_size > 10_000
    before, after = re.search(r"(\S+) before, (\S+) after", fresh.cells[-1].outputs[0].text).groups()
    assert float(after) < float(before)


@pytest.mark.slow
def test_dasks_workers_learn_together(tmp_path):
    pytest.importorskip("dask_mpi")
    mpiexec = (Path(sys.executable).parent / "mpiexec", "--allow-run-as-root", "--map-by", ":OVERSUBSCRIBE", "-n", "4")
    said = _output("train_on_dask.py", tmp_path, command=(*mpiexec, sys.executable, "-W", "ignore"))
    assert said.startswith("2 workers: 0.9")


def _data(cell, kind):
    return [output for output in cell.get("outputs", ()) if kind in output.get("data", {})]


def _kinds(cell):
    """Return of each output its type, and as what it can be shown."""
    return [(output.output_type, *sorted(output.get("data", ()))) for output in cell.get("outputs", ())]


def test_no_example_is_forgotten():
    tested = set(re.findall(r'_output\("(\w+\.py)"', Path(__file__).read_text()))
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_begins_with_what_it_shows(path):
    assert path.read_text().startswith('"""')
