"""PyTorch with the channels of a pixel side by side in memory."""

import torch
from torch import set_num_threads

from benchmarks.peers import _torch
from benchmarks.tasks import Convolution, Inference, Job, Network, Operation

__all__ = ["PACKAGE", "convolution", "inference", "network", "operation", "set_num_threads"]

PACKAGE = "torch"


def network(task: Network) -> Job:
    """Prepare a training step."""
    return _torch.network(task, torch.channels_last)


def inference(task: Inference) -> Job:
    """Prepare scores without a tape."""
    return _torch.inference(task, torch.channels_last)


def operation(task: Operation) -> Job:
    """Prepare one operation and its gradient."""
    return _torch.operation(task, torch.channels_last)


def convolution(task: Convolution) -> Job:
    """Prepare one side of a convolution."""
    return _torch.convolution(task, torch.channels_last)
