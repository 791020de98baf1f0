"""Optimisers, learning-rate schedules and averages of weights, with PyTorch's names and update rules."""

from autograd_cnn.optim import lr_scheduler as lr_scheduler
from autograd_cnn.optim.adam import Adam as Adam
from autograd_cnn.optim.adam import Adamax as Adamax
from autograd_cnn.optim.adam import AdamW as AdamW
from autograd_cnn.optim.adam import NAdam as NAdam
from autograd_cnn.optim.adam import RAdam as RAdam
from autograd_cnn.optim.adaptive import Adadelta as Adadelta
from autograd_cnn.optim.adaptive import Adagrad as Adagrad
from autograd_cnn.optim.adaptive import RMSprop as RMSprop
from autograd_cnn.optim.averaging import AveragedModel as AveragedModel
from autograd_cnn.optim.averaging import get_ema_avg_fn as get_ema_avg_fn
from autograd_cnn.optim.averaging import get_swa_avg_fn as get_swa_avg_fn
from autograd_cnn.optim.averaging import update_bn as update_bn
from autograd_cnn.optim.lbfgs import LBFGS as LBFGS
from autograd_cnn.optim.lion import Lion as Lion
from autograd_cnn.optim.lr_scheduler import *
from autograd_cnn.optim.muon import Muon as Muon
from autograd_cnn.optim.optimizer import Optimizer as Optimizer
from autograd_cnn.optim.sgd import SGD as SGD
from autograd_cnn.spelling import announce as _announce

_announce(globals(), "lr_scheduler")
