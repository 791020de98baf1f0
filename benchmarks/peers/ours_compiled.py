"""autograd_cnn with the kernels that Numba compiles, and with steps and inference recorded by `autograd_cnn.compile`."""

import autograd_cnn as ag
from autograd_cnn import set_num_threads
from benchmarks.peers import _ours
from benchmarks.tasks import Inference, Job, Network

__all__ = ["PACKAGE", "inference", "network", "set_num_threads"]

PACKAGE = "autograd-cnn"

ag.set_backend("jit")


def network(task: Network) -> Job:
    """Prepare a training step that is recorded."""
    return _ours.network(task, compiled=True)


def inference(task: Inference) -> Job:
    """Prepare scores whose computation is recorded."""
    return _ours.inference(task, compiled=True)
