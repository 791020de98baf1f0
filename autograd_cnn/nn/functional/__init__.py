"""Layers and losses as functions, with PyTorch's names and arguments.

``from autograd_cnn.nn import functional as F`` works as in PyTorch. Functions that the package itself has under the
same name are the same here. Each file lists its public names in ``__all__``.
"""

from autograd_cnn.nn.functional.activation import *
from autograd_cnn.nn.functional.attention import *
from autograd_cnn.nn.functional.classification import *
from autograd_cnn.nn.functional.convolution import *
from autograd_cnn.nn.functional.distances import *
from autograd_cnn.nn.functional.dropout import *
from autograd_cnn.nn.functional.embedding import *
from autograd_cnn.nn.functional.normalization import *
from autograd_cnn.nn.functional.padding import *
from autograd_cnn.nn.functional.patches import *
from autograd_cnn.nn.functional.pooling import *
from autograd_cnn.nn.functional.regression import *
from autograd_cnn.nn.functional.resampling import *
from autograd_cnn.ops import elu as elu
from autograd_cnn.ops import leaky_relu as leaky_relu
from autograd_cnn.ops import linear as linear
from autograd_cnn.ops import log_softmax as log_softmax
from autograd_cnn.ops import relu as relu
from autograd_cnn.ops import sigmoid as sigmoid
from autograd_cnn.ops import silu as silu
from autograd_cnn.ops import softmax as softmax
from autograd_cnn.ops import tanh as tanh
from autograd_cnn.spelling import announce as _announce

_announce(globals())
