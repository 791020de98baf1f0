"""The complete backend: NumPy alone, written to be read.

Loops run over the taps of a window, never over pixels or images.
"""

from autograd_cnn.kernels.reference.attention import attention, attention_wrt
from autograd_cnn.kernels.reference.correlation import correlate2d, correlate2d_wrt_input, correlate2d_wrt_weight
from autograd_cnn.kernels.reference.descent import adam, sgd, sgd_with_momentum
from autograd_cnn.kernels.reference.elementwise import (
    add,
    damped,
    divide,
    elu,
    elu_wrt_x,
    leaky_relu,
    masked,
    maximum,
    minimum,
    multiply,
    relu,
    sign,
    subtract,
    where,
)
from autograd_cnn.kernels.reference.layer_norm import layer_norm, layer_norm_sums, layer_norm_wrt_input
from autograd_cnn.kernels.reference.normalization import (
    moments,
    standardize,
    standardize_rectified,
    standardize_wrt_input,
    standardized_sums,
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
from autograd_cnn.kernels.reference.reduction import max, min, sum  # noqa: A004  # NumPy's names
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
    tanh_wrt_x,
)

__all__ = [
    "adam",
    "add",
    "attention",
    "attention_wrt",
    "correlate2d",
    "correlate2d_wrt_input",
    "correlate2d_wrt_weight",
    "damped",
    "divide",
    "elu",
    "elu_wrt_x",
    "erf",
    "gaussian",
    "gelu",
    "gelu_wrt_x",
    "gru",
    "gru_wrt",
    "layer_norm",
    "layer_norm_sums",
    "layer_norm_wrt_input",
    "leaky_relu",
    "linear",
    "log_softmax",
    "log_softmax_wrt_x",
    "logsumexp",
    "lstm",
    "lstm_wrt",
    "masked",
    "matmul",
    "max",
    "max_pool",
    "max_pool_gather",
    "max_unpool",
    "maximum",
    "mean_pool",
    "mean_pool_wrt_input",
    "min",
    "minimum",
    "moments",
    "multiply",
    "relu",
    "sgd",
    "sgd_with_momentum",
    "sigmoid",
    "sigmoid_slope",
    "sigmoid_wrt_x",
    "sign",
    "silu",
    "silu_wrt_x",
    "softmax",
    "softmax_cross_entropy",
    "softmax_error",
    "softmax_wrt_x",
    "softplus",
    "standardize",
    "standardize_rectified",
    "standardize_wrt_input",
    "standardized_sums",
    "subtract",
    "sum",
    "tanh_wrt_x",
    "where",
]
