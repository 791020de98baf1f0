"""Optimisers, learning-rate schedules and averages of weights, with PyTorch's names and update rules."""

from typing import TYPE_CHECKING

from autograd_cnn.optim import lr_scheduler
from autograd_cnn.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
from autograd_cnn.optim.adaptive import Adadelta, Adagrad, RMSprop
from autograd_cnn.optim.averaging import AveragedModel, get_ema_avg_fn, get_swa_avg_fn, update_bn
from autograd_cnn.optim.lbfgs import LBFGS
from autograd_cnn.optim.lion import Lion
from autograd_cnn.optim.lr_scheduler import *
from autograd_cnn.optim.muon import Muon
from autograd_cnn.optim.optimizer import Optimizer
from autograd_cnn.optim.sgd import SGD
from autograd_cnn.spelling import teller as _teller

__all__ = [
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AveragedModel",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "get_ema_avg_fn",
    "get_swa_avg_fn",
    "lr_scheduler",
    "update_bn",
]
__all__ += lr_scheduler.__all__

if not TYPE_CHECKING:  # a type checker would take it that every name is there
    __getattr__ = _teller(__name__, __all__)
