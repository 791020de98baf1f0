"""The README's commands in an environment that has only what its first one installs: ``pytest tests/readme.py``.

It downloads and installs packages, which takes a minute or two. So a plain ``pytest`` leaves it to the continuous
integration; `test_readme` runs the README's blocks here.
"""

import ast
import io
import os
import re
import shutil
import subprocess
import tokenize
import venv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
TRAIN, TEST = re.findall(r"^    (python .*)$", TEXT, re.MULTILINE)
OWN = re.findall(r"^    (autograd-cnn .*)$", TEXT, re.MULTILINE)
COMMANDS = re.findall(r"`(autograd-cnn [^`]*)`", TEXT)
MARK = "---- end of a block ----"
OFFLINE = re.compile("NewConnectionError|name resolution|getaddrinfo|Network is unreachable", re.IGNORECASE)


def promised(block):
    """Return the lines that a block is said to print: the comments right after each ``print``."""
    calls = (node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Call))
    shown = {call.end_lineno for call in calls if ast.unparse(call.func) == "print"}
    lines = []
    for token in tokenize.generate_tokens(io.StringIO(block).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT and (line in shown or line - 1 in shown):
            shown.add(line)
            lines.append(token.string.removeprefix("# "))
    return lines


def printed(python, folder, environment):
    """Run all blocks in one process, as a reader would, and return the lines that each printed."""
    script = folder / "blocks.py"
    script.write_text("".join(f"{block}\nprint({MARK!r})\n" for block in BLOCKS), "utf-8")
    command = [python, "-X", "utf8", script.name]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [part.splitlines() for part in done.stdout.split(f"{MARK}\n")[:-1]]


def test_all_of_it_works_after_its_first_command(tmp_path):
    """In an environment that has only what the command installs, and away from the repository."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "autograd_cnn", source / "autograd_cnn", ignore=shutil.ignore_patterns("__pycache__"))
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AUTOGRAD"))}
    environment["PIP_NO_COMPILE"] = "1"  # of what is installed, little is imported
    environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"

    def run(command, folder):
        done = subprocess.run(  # noqa: S602  # as a reader types it
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if "pip" in command and done.returncode and OFFLINE.search(done.stderr):
            pytest.skip("no package index can be reached")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(command, folder):
        done = subprocess.run(  # noqa: S602  # as a reader types it
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        return done.stderr

    trained = run(TRAIN, source)
    assert float(trained.split()[-1]) > 0.98
    [folder] = (source / "runs").iterdir()
    assert (folder / "graph.svg").is_file()

    own = tmp_path / "own"
    for name, pixels in (("cat", [200, 40, 40]), ("dog", [40, 40, 200])):
        for number in range(20):
            path = own / "photos" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((40, 50, 3), pixels, np.uint8)).save(path)
    said = [run(command, own) for command in OWN]
    assert [line.split()[1] for line in said[-2].splitlines()] == ["cat", "dog"]
    assert (own / "runs" / "photos" / "report.html").is_file()
    assert (own / "photos.onnx").is_file()
    assert "has had its 20 epochs" in refused(COMMANDS[0], own)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert printed(programs / "python", elsewhere, environment) == [promised(block) for block in BLOCKS]
    run(COMMANDS[1], elsewhere)
    run(f"{COMMANDS[2]} --primitive relu", elsewhere)  # of all primitives it takes a minute
    assert {path.name for path in elsewhere.iterdir()} == {"blocks.py", "lenet.svg", "lenet.html"}
