"""Learning-rate schedules.

A schedule has a rate for every epoch, which depends only on the epoch number and the group's initial rate. This is the
group's rate unless something else sets it. If another schedule or the user does, the schedule applies its own relative
change to the rate that it finds, like PyTorch's chainable forms. So a warm-up and a decay can be combined. `LambdaLR`,
`CosineAnnealingWarmRestarts` and `OneCycleLR` always set their own rate, as in PyTorch.
`ReduceLROnPlateau` depends on a metric, and is not a `Schedule`.
"""

from typing import TYPE_CHECKING

from autograd_cnn.optim.lr_scheduler.cycles import CosineAnnealingWarmRestarts, LambdaLR, OneCycleLR
from autograd_cnn.optim.lr_scheduler.decay import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from autograd_cnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from autograd_cnn.optim.lr_scheduler.schedule import Schedule
from autograd_cnn.optim.lr_scheduler.sequential import SequentialLR
from autograd_cnn.spelling import teller as _teller

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "Schedule",
    "SequentialLR",
    "StepLR",
]

if not TYPE_CHECKING:  # a type checker would take it that every name is there
    __getattr__ = _teller(__name__, __all__)
