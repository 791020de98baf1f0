"""Layers, losses and networks, with PyTorch's names, argument order and state.

A layer with parameters computes in their dtype. Numbers of another come to it cast, float64 images and integers
alike, and the gradient goes back in the dtype that they had. Layers without parameters, losses and a ``forward`` of
your own keep to NumPy's promotion.
"""

from typing import TYPE_CHECKING
from typing import NoReturn as _NoReturn

from autograd_cnn.nn import functional, init
from autograd_cnn.nn.containers import ModuleList, Sequential
from autograd_cnn.nn.functional import (
    bce_loss,
    bce_with_logits,
    cross_entropy,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
)
from autograd_cnn.nn.fusion import fuse
from autograd_cnn.nn.layers.activation import (
    ELU,
    GELU,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from autograd_cnn.nn.layers.convolution import Conv2d, ConvTranspose2d
from autograd_cnn.nn.layers.distances import (
    CosineEmbeddingLoss,
    CosineSimilarity,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    PairwiseDistance,
    SoftMarginLoss,
    TripletMarginLoss,
)
from autograd_cnn.nn.layers.dropout import Dropout
from autograd_cnn.nn.layers.linear import Flatten, Identity, Linear
from autograd_cnn.nn.layers.losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    GaussianNLLLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    NLLLoss,
    PoissonNLLLoss,
    SmoothL1Loss,
)
from autograd_cnn.nn.layers.normalization import BatchNorm2d
from autograd_cnn.nn.layers.pooling import (
    AdaptiveAvgPool2d,
    AdaptiveMeanPool2d,
    AvgPool2d,
    GlobalMeanPool2d,
    MaxPool2d,
    MeanPool2d,
)
from autograd_cnn.nn.layers.recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell
from autograd_cnn.nn.layers.subsampling import Subsample2d
from autograd_cnn.nn.models.build import build
from autograd_cnn.nn.models.lenet import PartialConv2d, ScaledTanh, digits_net, lenet5, lenet1998
from autograd_cnn.nn.models.resnet import resnet20
from autograd_cnn.nn.models.vgg import small_vgg
from autograd_cnn.nn.module import Module, Parameter
from autograd_cnn.spelling import missing as _missing

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveAvgPool2d",
    "AdaptiveMeanPool2d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm2d",
    "Conv2d",
    "ConvTranspose2d",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "DiceLoss",
    "Dropout",
    "Flatten",
    "FocalLoss",
    "GRUCell",
    "GaussianNLLLoss",
    "GlobalMeanPool2d",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LSTMCell",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool2d",
    "MeanPool2d",
    "Module",
    "ModuleList",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PairwiseDistance",
    "Parameter",
    "PartialConv2d",
    "PoissonNLLLoss",
    "RNNCell",
    "ReLU",
    "ScaledTanh",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softplus",
    "Subsample2d",
    "Tanh",
    "TripletMarginLoss",
    "bce_loss",
    "bce_with_logits",
    "build",
    "cross_entropy",
    "digits_net",
    "functional",
    "fuse",
    "huber_loss",
    "init",
    "l1_loss",
    "lenet5",
    "lenet1998",
    "mse_loss",
    "nll_loss",
    "resnet20",
    "small_vgg",
]


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> _NoReturn:
        """Say what takes the place of another library's name, or which name was meant."""
        raise _missing(__name__, name, __all__)
