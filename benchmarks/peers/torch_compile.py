"""PyTorch with the forward and the backward pass compiled; it needs a C++ compiler."""

from benchmarks.peers import _torch
from benchmarks.tasks import Job, Network

PACKAGE = "torch"


def network(task: Network) -> Job:
    """Prepare a training step."""
    return _torch.network(task, compiled=True)
