"""PyTorch with the forward and the backward pass compiled; it needs a C++ compiler."""

import torch

from benchmarks.peers import _torch
from benchmarks.tasks import Inference, Job, Network

PACKAGE = "torch"


def network(task: Network) -> Job:
    """Prepare a training step, compiled for this batch and not for one of any size."""
    torch.compiler.reset()
    return _torch.network(task, compiled=True)


def inference(task: Inference) -> Job:
    """Prepare scores without a tape, compiled for this batch."""
    torch.compiler.reset()
    return _torch.inference(task, compiled=True)
