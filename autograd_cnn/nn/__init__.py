"""Layers, losses and networks, with PyTorch's names, argument order and state.

A layer with parameters computes in their dtype. Numbers of another come to it cast, float64 images and integers
alike, and the gradient goes back in the dtype that they had. Layers without parameters, losses and a ``forward`` of
your own keep to NumPy's promotion.
"""

from typing import TYPE_CHECKING
from typing import NoReturn as _NoReturn

from autograd_cnn.nn import functional, init, utils
from autograd_cnn.nn.containers import ModuleDict, ModuleList, ParameterList, Sequential
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
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softmin,
    Softplus,
    Softshrink,
    Softsign,
    Tanh,
    Tanhshrink,
    Threshold,
)
from autograd_cnn.nn.layers.attention import MultiheadAttention
from autograd_cnn.nn.layers.convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d
from autograd_cnn.nn.layers.distances import (
    CosineEmbeddingLoss,
    CosineSimilarity,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    PairwiseDistance,
    SoftMarginLoss,
    TripletMarginLoss,
)
from autograd_cnn.nn.layers.dropout import Dropout, Dropout1d, Dropout2d
from autograd_cnn.nn.layers.embedding import Embedding
from autograd_cnn.nn.layers.linear import Flatten, Identity, Linear, Unflatten
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
from autograd_cnn.nn.layers.normalization import BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm, RMSNorm
from autograd_cnn.nn.layers.padding import (
    CircularPad1d,
    CircularPad2d,
    ConstantPad1d,
    ConstantPad2d,
    ReflectionPad1d,
    ReflectionPad2d,
    ReplicationPad1d,
    ReplicationPad2d,
    ZeroPad1d,
    ZeroPad2d,
)
from autograd_cnn.nn.layers.patches import Fold, Unfold
from autograd_cnn.nn.layers.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AdaptiveMeanPool2d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalMeanPool2d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    MaxUnpool1d,
    MaxUnpool2d,
    MeanPool2d,
)
from autograd_cnn.nn.layers.recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell
from autograd_cnn.nn.layers.resampling import (
    ChannelShuffle,
    PixelShuffle,
    PixelUnshuffle,
    Upsample,
    UpsamplingBilinear2d,
    UpsamplingNearest2d,
)
from autograd_cnn.nn.layers.subsampling import Subsample2d
from autograd_cnn.nn.layers.transformer import TransformerEncoderLayer
from autograd_cnn.nn.models.build import build
from autograd_cnn.nn.models.char_lstm import char_lstm
from autograd_cnn.nn.models.lenet import PartialConv2d, ScaledTanh, digits_net, lenet5, lenet1998
from autograd_cnn.nn.models.mobilenet import mobilenet_v2
from autograd_cnn.nn.models.resnet import resnet18, resnet20
from autograd_cnn.nn.models.unet import unet
from autograd_cnn.nn.models.vgg import small_vgg
from autograd_cnn.nn.models.vit import tiny_vit
from autograd_cnn.nn.module import Module
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.spelling import missing as _missing

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AdaptiveMeanPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "ChannelShuffle",
    "CircularPad1d",
    "CircularPad2d",
    "ConstantPad1d",
    "ConstantPad2d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "DiceLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Embedding",
    "Flatten",
    "FocalLoss",
    "Fold",
    "GRUCell",
    "GaussianNLLLoss",
    "GlobalMeanPool2d",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "InstanceNorm2d",
    "KLDivLoss",
    "L1Loss",
    "LSTMCell",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MeanPool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "MultiheadAttention",
    "NLLLoss",
    "PReLU",
    "PairwiseDistance",
    "Parameter",
    "ParameterList",
    "PartialConv2d",
    "PixelShuffle",
    "PixelUnshuffle",
    "PoissonNLLLoss",
    "RMSNorm",
    "RNNCell",
    "ReLU",
    "ReLU6",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ScaledTanh",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Subsample2d",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TransformerEncoderLayer",
    "TripletMarginLoss",
    "Unflatten",
    "Unfold",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
    "ZeroPad1d",
    "ZeroPad2d",
    "bce_loss",
    "bce_with_logits",
    "build",
    "char_lstm",
    "cross_entropy",
    "digits_net",
    "functional",
    "fuse",
    "huber_loss",
    "init",
    "l1_loss",
    "lenet5",
    "lenet1998",
    "mobilenet_v2",
    "mse_loss",
    "nll_loss",
    "resnet18",
    "resnet20",
    "small_vgg",
    "tiny_vit",
    "unet",
    "utils",
]


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> _NoReturn:
        """Say what takes the place of another library's name, or which name was meant."""
        raise _missing(__name__, name, __all__)
