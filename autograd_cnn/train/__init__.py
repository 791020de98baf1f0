"""Training a classifier: the loop, its metrics, and the folder that a run writes.

`fit` trains with a recipe that does well on small images. `Trainer` is the loop alone, for a network, an optimiser and
a schedule of your choice; a `Callback` observes it. `Metrics` and `evaluate` also work in your own loop, `predict` and
`confusion` with a trained network. Nothing here except `Progress` writes to a terminal.
"""

from typing import TYPE_CHECKING

from autograd_cnn.spelling import teller as _teller
from autograd_cnn.train.callbacks import Callback
from autograd_cnn.train.config import TrainConfig
from autograd_cnn.train.early_stopping import EarlyStopping
from autograd_cnn.train.find_lr import LearningRates, find_lr
from autograd_cnn.train.layers import LayerFigures, figures_of
from autograd_cnn.train.metrics import EpochMetrics, Metrics, top_k
from autograd_cnn.train.predictions import Confusion, confusion, predict
from autograd_cnn.train.progress import Progress
from autograd_cnn.train.run_folder import RunFolder, new_folder
from autograd_cnn.train.tensorboard import TensorBoard
from autograd_cnn.train.trainer import Trainer, evaluate, fit

__all__ = [
    "Callback",
    "Confusion",
    "EarlyStopping",
    "EpochMetrics",
    "LayerFigures",
    "LearningRates",
    "Metrics",
    "Progress",
    "RunFolder",
    "TensorBoard",
    "TrainConfig",
    "Trainer",
    "confusion",
    "evaluate",
    "figures_of",
    "find_lr",
    "fit",
    "new_folder",
    "predict",
    "top_k",
]


if not TYPE_CHECKING:  # a type checker would assume that every name exists
    __getattr__ = _teller(__name__, __all__)
