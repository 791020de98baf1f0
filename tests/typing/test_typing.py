"""What a type checker sees of the public names."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import autograd_cnn as ag

PROGRAM = Path(__file__).parent / "program.py"


@pytest.mark.slow
def test_a_type_checker_finds_each_error_of_a_program_and_nothing_else(tmp_path, mypy_options):
    names = tmp_path / "names.py"  # whatever is there at run time, a checker knows
    parts = [ag, *(part for part in (getattr(ag, name) for name in ag.__all__) if isinstance(part, ModuleType))]
    known = {f"{part.__name__}.{name}" for part in parts for name in getattr(part, "__all__", ())}
    names.write_text("import autograd_cnn\n" + "".join(f"print({name})\n" for name in sorted(known)), "utf-8")
    command = [sys.executable, "-m", "mypy", *mypy_options, str(PROGRAM), str(names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROGRAM.parents[2])
    found = {int(line) for line in re.findall(r"^\S*program\.py:(\d+): error:", done.stdout, re.MULTILINE)}
    assert not re.search(r"names\.py:\d+: error:", done.stdout), done.stdout
    assert len(known) > 250
    lines = PROGRAM.read_text("utf-8").splitlines()
    expected = {i for i, line in enumerate(lines, 1) if line.endswith("# error")}
    assert len(expected) > 20
    assert found == expected, done.stdout + done.stderr


def test_what_passes_runs():
    spec = importlib.util.spec_from_file_location("program", PROGRAM)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    program.right()
