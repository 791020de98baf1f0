"""What is timed of this package runs as it is, and its results are those of the other backend."""

import numpy as np
from tables import for_each

import autograd_cnn as ag
from benchmarks.agreement import disagreements
from benchmarks.layers import (
    Attention,
    BatchNorm,
    Beside,
    Conv,
    Flatten,
    Gelu,
    GlobalMeanPool,
    LayerNorm,
    Linear,
    Lstm,
    MaxPool,
    Relu,
    Relu6,
    Residual,
    Upsample,
)
from benchmarks.peers import _ours
from benchmarks.tasks import Chain, Convolution, Inference, Network
from benchmarks.workload import workloads

BRANCHES = Residual((Conv(3, 4, 3, 2, 1), BatchNorm(4)), (Conv(3, 4, 1, 2), BatchNorm(4)))
TASKS = [
    Network((Conv(2, 3, 3, padding=1), Relu(), MaxPool(), Flatten(), Linear(12, 5)), (2, 4, 4), batch=7, classes=5),
    Network((Conv(1, 3, 3, padding=1), BRANCHES, GlobalMeanPool(), Flatten(), Linear(4, 5)), (1, 8, 8), 3, classes=5),
    Network((Beside((MaxPool(3, 2, 1), Upsample(2, 3), Relu6())), Conv(5, 5, 1)), (2, 4, 4), 2, classes=5),
    Network((Lstm(3, 4), Linear(4, 5)), (6, 3), 2, classes=5),
    Network(
        (Residual((LayerNorm(8), Attention(8, 2), Gelu()), rectified=False), Flatten(), Linear(48, 5)),
        (6, 8),
        2,
        classes=5,
        dtype="float64",
    ),
    Inference(
        (Conv(2, 4, 3, 1, 2, groups=2, dilation=2), BatchNorm(4), Relu(), Flatten(), Linear(64, 5)), (2, 4, 4), 1
    ),
    *(case.task for case in workloads()["operations"].cases if max(map(len, case.task.shapes)) == 2),
    *(Convolution(Conv(2, 3, 3, 2, 1), 5, 4, side) for side in ("forward", "wrt_input", "wrt_weight")),
    Chain(5),
]


def _checked(task):
    job = getattr(_ours, task.asks)(task)
    found = job.check()
    job.run()
    return found


@for_each("task", TASKS)
def test_both_backends_do_what_is_timed(task):
    chosen = ag.current_backend()
    try:
        ag.set_backend("reference")
        expected = _checked(task)
    finally:
        ag.set_backend(chosen)
    found = _checked(task)
    assert all(isinstance(value, np.ndarray) for value in found.values())
    assert disagreements({"jit": found, "reference": expected}, task.tolerance) == {}
