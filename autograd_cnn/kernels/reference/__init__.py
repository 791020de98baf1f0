"""The complete backend: NumPy alone, written to be read.

Loops run over the taps of a window, never over pixels or images.
"""

from autograd_cnn.kernels.reference.attention import attention, attention_wrt
from autograd_cnn.kernels.reference.correlation import correlate2d, correlate2d_wrt_input, correlate2d_wrt_weight
from autograd_cnn.kernels.reference.descent import adam, sgd, sgd_with_momentum
from autograd_cnn.kernels.reference.elementwise import damped, leaky_relu, masked, multiply, relu
from autograd_cnn.kernels.reference.normalization import (
    moments,
    standardize,
    standardize_wrt_input,
    standardized_dot,
)
from autograd_cnn.kernels.reference.pooling import (
    max_pool,
    max_pool_gather,
    max_unpool,
    mean_pool,
    mean_pool_wrt_input,
)
from autograd_cnn.kernels.reference.product import linear, matmul
from autograd_cnn.kernels.reference.recurrent import gru, gru_wrt, lstm, lstm_wrt
from autograd_cnn.kernels.reference.reduction import sum  # noqa: A004  # NumPy's name
from autograd_cnn.kernels.reference.softmax import (
    log_softmax,
    log_softmax_wrt_x,
    logsumexp,
    softmax,
    softmax_cross_entropy,
    softmax_error,
    softmax_wrt_x,
)
from autograd_cnn.kernels.reference.special import (
    erf,
    gaussian,
    gelu,
    gelu_wrt_x,
    sigmoid,
    sigmoid_slope,
    sigmoid_wrt_x,
    silu,
    silu_wrt_x,
    softplus,
)

__all__ = [
    "adam",
    "attention",
    "attention_wrt",
    "correlate2d",
    "correlate2d_wrt_input",
    "correlate2d_wrt_weight",
    "damped",
    "erf",
    "gaussian",
    "gelu",
    "gelu_wrt_x",
    "gru",
    "gru_wrt",
    "leaky_relu",
    "linear",
    "log_softmax",
    "log_softmax_wrt_x",
    "logsumexp",
    "lstm",
    "lstm_wrt",
    "masked",
    "matmul",
    "max_pool",
    "max_pool_gather",
    "max_unpool",
    "mean_pool",
    "mean_pool_wrt_input",
    "moments",
    "multiply",
    "relu",
    "sgd",
    "sgd_with_momentum",
    "sigmoid",
    "sigmoid_slope",
    "sigmoid_wrt_x",
    "silu",
    "silu_wrt_x",
    "softmax",
    "softmax_cross_entropy",
    "softmax_error",
    "softmax_wrt_x",
    "softplus",
    "standardize",
    "standardize_wrt_input",
    "standardized_dot",
    "sum",
]
