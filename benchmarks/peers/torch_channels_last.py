"""PyTorch with the channels of a pixel side by side in memory."""

import torch

from benchmarks.peers import _torch
from benchmarks.tasks import Convolution, Job, Network

PACKAGE = "torch"


def network(task: Network) -> Job:
    """Prepare a training step."""
    return _torch.network(task, torch.channels_last)


def convolution(task: Convolution) -> Job:
    """Prepare one side of a convolution."""
    return _torch.convolution(task, torch.channels_last)
