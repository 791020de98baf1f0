"""Kernels touch their operands and nothing beside them; and a touch beside them is seen."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="mprotect is POSIX's")]

TESTS = Path(__file__).parents[2]

REACHING = """
import os
from typing import NamedTuple
import numpy as np
import guard_pages
from autograd_cnn.kernels.compiled import parallel

class Places(NamedTuple):
    source: int
    target: int

@parallel.parallel_for
def copy(first, last, s, x, y):
    y[s.target] = x[s.source]

run = guard_pages.guarded(parallel.parallel_for.__call__)

def outcome(source, target):
    if not (child := os.fork()):
        run(copy, 1, Places(source, target), x, np.zeros(3), serial=True)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

x = np.arange(3.0)
copy(1, Places(0, 0), x, np.zeros(3), serial=True)  # compiles
print(*[outcome(*places) for places in [(0, 2), (3, 0), (0, 3), (-4, 0), (0, -4)]])
guard_pages.pytest_configure()
if not (child := os.fork()):
    copy(1, Places(0, 0), x, parallel.flat(np.zeros(3)), serial=True)  # writes to what loops only read
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def _python(*arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False, cwd=TESTS.parent
    )


def test_a_touch_before_or_after_an_operand_or_a_write_to_one_ends_the_process():
    done = _python("-c", REACHING)
    assert [*map(int, done.stdout.split())] == [0] + 5 * [-signal.SIGSEGV], done.stderr


def test_kernels_touch_their_operands_alone():
    """In many layouts and sizes; `nox -s guards` does it with all laws and tests of kernels."""
    tests = "tests/kernels/test_operands.py"
    done = _python("-m", "pytest", "-q", "-p", "guard_pages", "-p", "no:cacheprovider", tests, "-k", "any_layout")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arrays of 2" in done.stdout  # kernels, and some
