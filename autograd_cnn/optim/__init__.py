"""Optimisers and learning-rate schedules, with PyTorch's names and update rules."""

from autograd_cnn.optim.adam import Adam, AdamW, RMSprop
from autograd_cnn.optim.optimizer import Optimizer
from autograd_cnn.optim.schedule import CosineAnnealingLR, LinearLR, Schedule, StepLR
from autograd_cnn.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "LinearLR",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "StepLR",
]
