import subprocess
import sys

import pytest

import autograd_cnn as ag
from autograd_cnn.cli import main


def _stopped(argv):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    return stop.value.code


def test_version(capsys):
    assert _stopped(["--version"]) == 0
    assert capsys.readouterr().out == f"autograd-cnn {ag.__version__}\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["train", "graph", "info"]),
        (["train"], ["default: digits", "examples:", "autograd-cnn train --data mnist", "metrics.jsonl"]),
        (["graph"], ["default: lenet5", "examples:", "--output"]),
        (["info"], ["backend"]),
    ],
)
def test_help(capsys, command, words):
    assert _stopped([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    for word in words:
        assert word in shown
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        ([], "autograd-cnn: the following arguments are required: COMMAND; see autograd-cnn --help"),
        (["train", "--fast"], "autograd-cnn: unrecognized arguments: --fast; see autograd-cnn --help"),
        (["train", "--ep", "3"], "autograd-cnn: unrecognized arguments: --ep 3; see autograd-cnn --help"),
    ],
)
def test_usage_errors_are_one_sentence(capsys, argv, problem):
    assert _stopped(argv) == 2
    assert capsys.readouterr() == ("", f"{problem}\n")


def test_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "autograd_cnn", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"autograd-cnn {ag.__version__}\n", "")


def test_the_package_and_its_command_load_numpy_alone():
    code = (
        "import sys, autograd_cnn.cli; "
        "print([name for name in ('rich', 'graphviz', 'numba', 'safetensors', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
