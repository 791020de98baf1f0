"""Optimisers and learning-rate schedules, with PyTorch's names and update rules."""

from typing import TYPE_CHECKING
from typing import NoReturn as _NoReturn

from autograd_cnn.optim.adam import Adam, AdamW, RMSprop
from autograd_cnn.optim.optimizer import Optimizer
from autograd_cnn.optim.schedule import CosineAnnealingLR, LinearLR, Schedule, StepLR
from autograd_cnn.optim.sgd import SGD
from autograd_cnn.spelling import missing as _missing

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


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> _NoReturn:
        """Say what takes the place of another library's name, or which name was meant."""
        raise _missing(__name__, name, __all__)
