"""What is compiled: once, for good, and for what it takes."""

import subprocess
import sys

import numba
import numpy as np
import pytest

from autograd_cnn.kernels.jit import compiling


@compiling.inner
def _square(x):
    return x * x


@compiling.parallel
def _squares(x):
    y = np.empty_like(x)
    for i in numba.prange(x.size):
        y[i] = _square(x[i])
    return y


def test_a_parallel_function_calls_an_inner_one():
    np.testing.assert_array_equal(_squares(np.arange(5.0)), np.arange(5.0) ** 2)


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
from autograd_cnn.kernels.jit import correlation, panels
from autograd_cnn.kernels.windows import windows

x = np.ones((1, 1, 6, 6), np.float32)
jit.correlate2d(x, x[:, :, :3, :3], None, windows("", (6, 6), 3), 1)
print(sum(sum(each.stats.cache_misses.values()) for each in (correlation._correlate, panels.pack_rows)))
"""


def test_a_second_process_compiles_nothing(tmp_path):
    def run():
        environment = {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
        return subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        )

    assert [run().stdout.strip(), run().stdout.strip()] == ["2", "0"]
