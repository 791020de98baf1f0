"""PyTorch with its defaults: eager, images as (N, C, H, W)."""

import torch
from torch import set_num_threads

from benchmarks.peers._modules import scalars
from benchmarks.peers._torch import convolution, inference, network, operation
from benchmarks.tasks import Chain, Job

__all__ = ["PACKAGE", "chain", "convolution", "inference", "network", "operation", "set_num_threads"]

PACKAGE = "torch"


def chain(task: Chain) -> Job:
    """Prepare a chain of scalars."""
    return scalars(task, lambda value: torch.tensor(value, requires_grad=True))
