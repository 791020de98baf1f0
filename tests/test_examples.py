"""The examples run, and say what they promise."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def _output(name, cwd):
    environment = {**os.environ, "PYTHONWARNINGS": "error", "AUTOGRAD_CNN_BACKEND": "reference"}
    run = subprocess.run(
        [sys.executable, EXAMPLES / name], capture_output=True, text=True, check=True, cwd=cwd, env=environment
    )
    return run.stdout


def test_first_gradient_agrees_with_the_differences(tmp_path):
    slope, by_tape = re.search(r"w\[0, 1\]: (\S+), by the tape: (\S+)", _output("first_gradient.py", tmp_path)).groups()
    assert slope == by_tape != "0.000000"


def test_custom_primitive(tmp_path):
    assert _output("custom_primitive.py", tmp_path).endswith("tensor([1., 0., 1.])\n")


def test_train_digits_learns(tmp_path):
    accuracy = float(_output("train_digits.py", tmp_path).split()[-1])
    assert accuracy > 0.95


def test_no_example_is_forgotten():
    tested = set(re.findall(r'_output\("(\w+\.py)"', Path(__file__).read_text()))
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_begins_with_what_it_shows(path):
    assert path.read_text().startswith('"""')
