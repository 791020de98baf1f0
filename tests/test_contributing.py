"""CONTRIBUTING's recipe for a primitive, carried out word by word in a copy of the repository."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from autograd_cnn.files import DRAFTS

ROOT = Path(__file__).parents[1]
COPIED = ["autograd_cnn", "docs", "examples", "tests", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "pyproject.toml"]
BLOCK = re.compile(r"^ +```(python|diff)\n(.*?)^ +```$", re.DOTALL | re.MULTILINE)


def _carry_out(recipe, root):
    """Append what a block of Python shows to the file that it names, and apply what a diff shows."""
    for language, text in BLOCK.findall(recipe):
        first, _, body = dedent(text).partition("\n")
        path = root / first.removeprefix("# " if language == "python" else "--- ")
        source = path.read_text("utf-8")
        if language == "python":
            path.write_text(f"{source}\n\n{body}", "utf-8")
            continue
        lines = body.splitlines()
        before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
        assert source.count(f"{before}\n") == 1
        path.write_text(source.replace(before, "\n".join(line[1:] for line in lines)), "utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        if (ROOT / name).is_dir():
            # Compiled kernels come along: what the recipe changes is none of them.
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("*.pyc*", DRAFTS))
        else:
            shutil.copy(ROOT / name, root)
    _carry_out((ROOT / "CONTRIBUTING.md").read_text("utf-8"), root)
    return root


def _run(root, *command):
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_name_is_public(copy):
    program = """
        import inspect, autograd_cnn as ag
        assert ag.logit(0.5) == 0 and "logit" in ag.__all__ and "logit" in ag.ops.__all__
        x = ag.tensor([0.5, 0.75], requires_grad=True)
        ag.logit(x).sum().backward()
        print(inspect.getfile(ag.logit.forward), x.grad.tolist())
    """
    assert _run(copy, "-c", dedent(program)) == f"{copy / 'autograd_cnn/ops/elementwise.py'} [4.0, 5.333333333333333]\n"


@pytest.mark.slow
def test_the_laws_and_all_other_tests_know_it(copy):
    pytorch = ["tests/pytorch/test_completeness.py"] if importlib.util.find_spec("torch") else []
    tests = ["testing/test_laws.py", "test_docs.py", "test_init.py", "test_layout.py", "testing/test_samples.py"]
    chosen = "logit or reference or public or operation or primitive"
    options = ["-q", "-p", "no:cacheprovider", "-m", "not slow", "-k", chosen]
    said = _run(copy, "-m", "pytest", *options, *(f"tests/{test}" for test in tests), *pytorch)
    assert re.search(r"^\d\d+ passed", said, re.MULTILINE), said
    said = _run(copy, "-m", "pytest", *options, "autograd_cnn/ops/elementwise.py", "--doctest-modules")
    assert re.search(r"^1 passed", said, re.MULTILINE), said


@pytest.mark.slow
def test_a_type_checker_knows_it(copy, mypy_options):
    (copy / "program.py").write_text("import autograd_cnn as ag\nreveal_type(ag.logit(ag.tensor(1.0)))\n", "utf-8")
    said = _run(copy, "-m", "mypy", *mypy_options, "program.py")
    assert 'Revealed type is "autograd_cnn.tensor.tensor.Tensor"' in said


@pytest.mark.slow
def test_it_is_told(copy):
    assert "\n- `ag.logit`: " in (copy / "CHANGELOG.md").read_text("utf-8")
