"""Training a classifier: the loop, its metrics, and the folder that a run writes.

`fit` trains with a recipe that does well on small images. `Trainer` is the loop alone, for a network, an optimiser and
a schedule of your choice; a `Callback` observes it. `Metrics` and `evaluate` also work in your own loop, `predict` and
`confusion` with a trained network. Nothing here except `Progress` writes to a terminal.
"""

from autograd_cnn.spelling import announce as _announce
from autograd_cnn.train.callbacks import Callback as Callback
from autograd_cnn.train.config import TrainConfig as TrainConfig
from autograd_cnn.train.early_stopping import EarlyStopping as EarlyStopping
from autograd_cnn.train.find_lr import LearningRates as LearningRates
from autograd_cnn.train.find_lr import find_lr as find_lr
from autograd_cnn.train.layers import LayerFigures as LayerFigures
from autograd_cnn.train.layers import figures_of as figures_of
from autograd_cnn.train.metrics import EpochMetrics as EpochMetrics
from autograd_cnn.train.metrics import Metrics as Metrics
from autograd_cnn.train.metrics import top_k as top_k
from autograd_cnn.train.predictions import Confusion as Confusion
from autograd_cnn.train.predictions import confusion as confusion
from autograd_cnn.train.predictions import predict as predict
from autograd_cnn.train.progress import Progress as Progress
from autograd_cnn.train.run_folder import RunFolder as RunFolder
from autograd_cnn.train.run_folder import new_folder as new_folder
from autograd_cnn.train.tensorboard import TensorBoard as TensorBoard
from autograd_cnn.train.trainer import Trainer as Trainer
from autograd_cnn.train.trainer import evaluate as evaluate
from autograd_cnn.train.trainer import fit as fit

_announce(globals())
