"""Layers, losses and networks, with PyTorch's names, argument order and state.

A layer with parameters computes in their dtype. Numbers of another come to it cast, float64 images and integers
alike, and the gradient goes back in the dtype that they had. Layers without parameters, losses and a ``forward`` of
your own keep to NumPy's promotion. The public names of a file of layers are in its ``__all__``.
"""

from autograd_cnn.nn import functional as functional
from autograd_cnn.nn import init as init
from autograd_cnn.nn import utils as utils
from autograd_cnn.nn.containers import ModuleDict as ModuleDict
from autograd_cnn.nn.containers import ModuleList as ModuleList
from autograd_cnn.nn.containers import ParameterDict as ParameterDict
from autograd_cnn.nn.containers import ParameterList as ParameterList
from autograd_cnn.nn.containers import Sequential as Sequential
from autograd_cnn.nn.functional import bce_loss as bce_loss
from autograd_cnn.nn.functional import bce_with_logits as bce_with_logits
from autograd_cnn.nn.functional import cross_entropy as cross_entropy
from autograd_cnn.nn.functional import huber_loss as huber_loss
from autograd_cnn.nn.functional import l1_loss as l1_loss
from autograd_cnn.nn.functional import mse_loss as mse_loss
from autograd_cnn.nn.functional import nll_loss as nll_loss
from autograd_cnn.nn.functional_call import functional_call as functional_call
from autograd_cnn.nn.fusion import fuse as fuse
from autograd_cnn.nn.layers.activation import *
from autograd_cnn.nn.layers.attention import *
from autograd_cnn.nn.layers.convolution import *
from autograd_cnn.nn.layers.distances import *
from autograd_cnn.nn.layers.dropout import *
from autograd_cnn.nn.layers.embedding import *
from autograd_cnn.nn.layers.linear import *
from autograd_cnn.nn.layers.losses import *
from autograd_cnn.nn.layers.normalization import *
from autograd_cnn.nn.layers.padding import *
from autograd_cnn.nn.layers.patches import *
from autograd_cnn.nn.layers.pooling import *
from autograd_cnn.nn.layers.recurrent import *
from autograd_cnn.nn.layers.resampling import *
from autograd_cnn.nn.layers.transformer import *
from autograd_cnn.nn.models import *
from autograd_cnn.nn.models.lenet import PartialConv2d as PartialConv2d
from autograd_cnn.nn.models.lenet import ScaledTanh as ScaledTanh
from autograd_cnn.nn.models.lenet import Subsample2d as Subsample2d
from autograd_cnn.nn.module import Module as Module
from autograd_cnn.nn.parameter import Parameter as Parameter
from autograd_cnn.spelling import announce as _announce

_announce(globals(), "functional", "init", "utils")
