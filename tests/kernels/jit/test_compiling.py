"""What is compiled: once, for good, and for what it takes."""

import os
import subprocess
import sys
from typing import NamedTuple

import numba
import numpy as np
import pytest

from autograd_cnn.kernels.jit import compiling


class Sizes(NamedTuple):
    each: int


@compiling.inner
def _square(x):
    return x * x


@compiling.in_pieces
def _squares(first, last, s, x, y):
    for job in range(first, last):
        for i in range(job * s.each, (job + 1) * s.each):
            y[i] = _square(x[i])


@pytest.mark.parametrize("jobs", [1, compiling.PIECES - 1, compiling.PIECES, 3 * compiling.PIECES + 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alone", [False, True])
def test_all_jobs_are_done(jobs, dtype, alone):
    x, y = np.arange(2 * jobs + 1, dtype=dtype), np.zeros(2 * jobs + 1, dtype)
    _squares(jobs, Sizes(2), x, y, alone=alone)
    np.testing.assert_array_equal(y, [*x[:-1] ** 2, 0])


def test_flat_makes_every_input_of_one_type():
    x = np.arange(6.0).reshape(2, 3)
    locked = x.copy()
    locked.flags.writeable = False
    kinds = {numba.typeof(compiling.flat(each)) for each in (x, x.T, x[:, ::2], locked)}
    assert kinds == {numba.types.Array(numba.float64, 1, "C", readonly=True)}
    assert x.flags.writeable


@pytest.mark.parametrize(
    ("arrays", "taken"),
    [
        ([np.ones(2, np.float32)], True),
        ([np.ones(2), np.ones(3)], True),
        ([np.ones(2), np.ones(2, np.float32)], False),
        ([np.ones(2), np.ones(0)], False),
        ([np.ones(2, np.int32)], False),
        ([np.ones(2, np.float16)], False),
    ],
)
def test_takes(arrays, taken):
    assert compiling.takes(*arrays) is taken


PROGRAM = """
import numpy as np
from autograd_cnn.kernels import jit
from autograd_cnn.kernels.jit import compiling, correlation, panels
from autograd_cnn.kernels.windows import windows

x = np.ones((3, 1, 6, 6), np.float32)
jit.correlate2d(x, x[:1, :, :3, :3], None, windows("", (6, 6), 3), 1)
codes = [*correlation._correlate._compiled.values(), *panels._pack_tiles._compiled.values()]
misses = [sum(each.stats.cache_misses.values()) for each in (compiling._run, compiling._spread)]
print([each.code.cache_hits for each in codes], sum(misses))
"""


def test_a_second_process_compiles_nothing(tmp_path):
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM]
    runs = [subprocess.run(command, env=environment, capture_output=True, text=True, check=False) for _ in "12"]
    assert [run.stdout for run in runs] == ["[0, 0] 3\n", "[1, 1] 0\n"]
