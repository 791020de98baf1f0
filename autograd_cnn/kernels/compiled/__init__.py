"""The fast backend: kernels compiled by Numba for the processor at hand.

`llvm` writes vector instructions, `microkernel` with them the one tile of a matrix product in registers that all
products call; `packing` lays out what it reads. `conv` has correlation and its adjoints, a file for each algorithm and
`conv.select` to choose among them. `gemm` multiplies matrices, `gemv` a matrix with a vector; `pooling` goes over
windows, with `pool2x2` for the usual ones, `normalization`, `reduction` and `elementwise` over whole maps, which
`permuting` puts in order. `parallel` spreads the work over the `threads`, and `caching` keeps what was compiled. A kernel
that does not support what it is asked returns `NotImplemented`, and the reference does it.
"""

from autograd_cnn.kernels.compiled.activation import (
    elu,
    elu_wrt_x,
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
from autograd_cnn.kernels.compiled.attention import attention, attention_wrt
from autograd_cnn.kernels.compiled.conv.select import (
    correlate2d,
    correlate2d_wrt_input,
    correlate2d_wrt_weight,
)
from autograd_cnn.kernels.compiled.copying import concatenate, scatter_add
from autograd_cnn.kernels.compiled.descent import adam, sgd, sgd_with_momentum
from autograd_cnn.kernels.compiled.elementwise import (
    add,
    clip,
    damped,
    divide,
    divide_wrt_x2,
    hardsigmoid,
    hardsigmoid_wrt_x,
    hardswish,
    hardswish_wrt_x,
    hardtanh,
    leaky_relu,
    masked,
    maximum,
    minimum,
    multiply,
    negative,
    relu,
    shrink,
    sign,
    square_wrt_x,
    subtract,
    where,
)
from autograd_cnn.kernels.compiled.extrema import extremum_wrt_x, max, min  # noqa: A004  # NumPy's names
from autograd_cnn.kernels.compiled.gemm import linear, matmul
from autograd_cnn.kernels.compiled.layer_norm import layer_norm, layer_norm_wrt
from autograd_cnn.kernels.compiled.loss import huber, huber_wrt_x, logistic_loss, logistic_loss_wrt_x, total_huber
from autograd_cnn.kernels.compiled.normalization import (
    given_moments,
    moments,
    standardize,
    standardize_rectified,
    standardize_wrt_input,
    standardized_sums,
)
from autograd_cnn.kernels.compiled.parallel import copyto
from autograd_cnn.kernels.compiled.pooling import (
    max_pool,
    max_pool_gather,
    max_unpool,
    mean_pool,
    mean_pool_wrt_input,
)
from autograd_cnn.kernels.compiled.recurrent import gru, gru_wrt, lstm, lstm_wrt
from autograd_cnn.kernels.compiled.reduction import sum  # noqa: A004  # NumPy's name
from autograd_cnn.kernels.compiled.softmax import (
    log_softmax,
    log_softmax_wrt_x,
    softmax,
    softmax_cross_entropy,
    softmax_error,
    softmax_wrt_x,
)
from autograd_cnn.kernels.compiled.threads import num_threads, set_num_threads

__all__ = [
    "adam",
    "add",
    "attention",
    "attention_wrt",
    "clip",
    "concatenate",
    "copyto",
    "correlate2d",
    "correlate2d_wrt_input",
    "correlate2d_wrt_weight",
    "damped",
    "divide",
    "divide_wrt_x2",
    "elu",
    "elu_wrt_x",
    "erf",
    "extremum_wrt_x",
    "gaussian",
    "gelu",
    "gelu_wrt_x",
    "given_moments",
    "gru",
    "gru_wrt",
    "hardsigmoid",
    "hardsigmoid_wrt_x",
    "hardswish",
    "hardswish_wrt_x",
    "hardtanh",
    "huber",
    "huber_wrt_x",
    "layer_norm",
    "layer_norm_wrt",
    "leaky_relu",
    "linear",
    "log_softmax",
    "log_softmax_wrt_x",
    "logistic_loss",
    "logistic_loss_wrt_x",
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
    "negative",
    "num_threads",
    "relu",
    "scatter_add",
    "set_num_threads",
    "sgd",
    "sgd_with_momentum",
    "shrink",
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
    "square_wrt_x",
    "standardize",
    "standardize_rectified",
    "standardize_wrt_input",
    "standardized_sums",
    "subtract",
    "sum",
    "tanh_wrt_x",
    "total_huber",
    "where",
]
