"""What is timed of this package runs as it is, and its results are those of the other backend."""

import numpy as np
import pytest

import autograd_cnn as ag
from benchmarks.peers import _ours
from benchmarks.tasks import (
    BatchNorm,
    Chain,
    Conv,
    Convolution,
    Flatten,
    GlobalMeanPool,
    Linear,
    MaxPool,
    Network,
    Relu,
    Residual,
)

BRANCHES = Residual((Conv(3, 4, 3, 2, 1), BatchNorm(4)), (Conv(3, 4, 1, 2), BatchNorm(4)))
TASKS = [
    Network((Conv(2, 3, 3, padding=1), Relu(), MaxPool(), Flatten(), Linear(12, 5)), (2, 4, 4), batch=7, classes=5),
    Network((Conv(1, 3, 3, padding=1), BRANCHES, GlobalMeanPool(), Flatten(), Linear(4, 5)), (1, 8, 8), 3, classes=5),
    *(Convolution(Conv(2, 3, 3, 2, 1), 5, 4, side) for side in ("forward", "wrt_input", "wrt_weight")),
    Chain(5),
]


def _checked(task):
    job = getattr(_ours, task.asks)(task)
    found = job.check()
    job.run()
    return found


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.asks)
def test_both_backends_do_what_is_timed(task):
    chosen = ag.current_backend()
    try:
        ag.set_backend("reference")
        expected = _checked(task)
    finally:
        ag.set_backend(chosen)
    found = _checked(task)
    assert found.keys() == expected.keys()
    for name, value in found.items():
        assert isinstance(value, np.ndarray)
        np.testing.assert_allclose(value, expected[name], rtol=1e-3, atol=1e-5)
