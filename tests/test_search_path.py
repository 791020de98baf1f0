"""What lies in the folder at hand; see ``tests/cli/test_command.py`` for the package's own command."""

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("argument", ["", "autograd_cnn", "-mautograd_cnn"])
def test_another_package_that_is_run_keeps_what_lies_beside_it(tmp_path, argument):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text("import autograd_cnn")
    (tmp_path / "own" / "__main__.py").write_text("import beside, sys\nprint(beside.two, sys.argv[1:])")
    (tmp_path / "beside.py").write_text("two = 2")
    command = [sys.executable, "-m", "own", argument]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == f"2 {[argument]}\n"


@pytest.mark.slow
@pytest.mark.parametrize("argv", [["-m"], ["-m", "a", "b", "c", "d", "e", "f"], []])
def test_a_program_may_set_its_arguments_as_it_likes(argv):
    code = f"import sys; sys.argv = {argv}; before = [*sys.path]; import autograd_cnn; assert sys.path == before"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("options", [["-m"], ["-P", "-m"]])
def test_the_package_that_is_run_leaves_the_others_alone(tmp_path, options):
    code = "raise SystemExit('taken for a library')"
    (tmp_path / "numpy.py").write_text(code)
    command = [sys.executable, *options, "autograd_cnn", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
