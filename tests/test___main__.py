import subprocess
import sys

import pytest

import autograd_cnn as ag


@pytest.mark.slow
def test_the_module_runs_as_the_command():
    run = subprocess.run(
        [sys.executable, "-m", "autograd_cnn", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"autograd-cnn {ag.__version__}\n"
