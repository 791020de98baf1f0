"""Layers and losses as functions, with PyTorch's names and arguments.

``from autograd_cnn.nn import functional as F`` serves as it does elsewhere. What is the package's own under the same
name is the same function here.
"""

from autograd_cnn.nn.functional.activation import (
    celu,
    gelu,
    glu,
    hardsigmoid,
    hardswish,
    hardtanh,
    logsigmoid,
    mish,
    prelu,
    relu6,
    selu,
    softplus,
    softsign,
)
from autograd_cnn.nn.functional.convolution import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d
from autograd_cnn.nn.functional.dropout import dropout, dropout2d
from autograd_cnn.nn.functional.losses import (
    bce_loss,
    bce_with_logits,
    cross_entropy,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
)
from autograd_cnn.nn.functional.padding import pad
from autograd_cnn.nn.functional.patches import fold, unfold
from autograd_cnn.nn.functional.pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
    max_unpool2d,
)
from autograd_cnn.nn.functional.resampling import interpolate, pixel_shuffle, pixel_unshuffle
from autograd_cnn.ops import elu, leaky_relu, linear, log_softmax, relu, sigmoid, silu, softmax, tanh

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "bce_loss",
    "bce_with_logits",
    "celu",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "dropout2d",
    "elu",
    "fold",
    "gelu",
    "glu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "huber_loss",
    "interpolate",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "max_pool1d",
    "max_pool2d",
    "max_unpool2d",
    "mish",
    "mse_loss",
    "nll_loss",
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
    "unfold",
]
