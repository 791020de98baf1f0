import os
import platform

import numpy as np

import autograd_cnn as ag
from autograd_cnn.cli import info, main


def test_prints_what_there_is(capsys):
    with ag.set_backend("reference"):
        assert main(["info"]) == 0
    facts = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert list(facts) == [
        "autograd-cnn", "Python", "NumPy", "Numba", "onnx", "svglib", "dot", "backend", "threads", "processor",
        "system",
    ]  # fmt: skip
    assert facts["autograd-cnn"] == ag.__version__
    assert facts["Python"] == platform.python_version()
    assert facts["NumPy"] == np.__version__
    assert facts["backend"] == "reference"
    assert int(facts["threads"]) >= 1


def test_tells_of_the_program_that_draws(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["info"]) == 0
    assert "dot           not found; it draws .png, and .svg, .pdf and .html need no program" in capsys.readouterr().out
    program = tmp_path / ("dot.exe" if os.name == "nt" else "dot")
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert main(["info"]) == 0
    assert f"dot           {program}\n" in capsys.readouterr().out


def test_says_how_to_get_what_is_missing():
    assert info._version("no-such-package", "fast") == (
        "not installed; try: python -m pip install 'autograd-cnn[fast]'"
    )


def test_tells_on_how_many_threads_the_kernels_run(monkeypatch, capsys):
    monkeypatch.setattr(info, "num_threads", lambda: 7)
    assert main(["info"]) == 0
    assert "\nthreads       7\n" in capsys.readouterr().out
