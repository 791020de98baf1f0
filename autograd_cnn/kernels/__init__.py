"""Arrays in, arrays out: the numerical work, in one backend or another.

Each name here picks, call by call, the fastest backend that can do the work; what a backend
declines with `NotImplemented` falls to the reference.
"""

from autograd_cnn.kernels.algorithms import (
    Candidate,
    Explanation,
    explain,
    set_conv_precision,
    use_conv_algorithm,
)
from autograd_cnn.kernels.backend import (
    Kernel,
    current_backend,
    must_compile,
    num_threads,
    set_backend,
    set_num_threads,
)

correlate2d = Kernel("correlate2d")
correlate2d_wrt_input = Kernel("correlate2d_wrt_input")
correlate2d_wrt_weight = Kernel("correlate2d_wrt_weight")
erf = Kernel("erf")
gaussian = Kernel("gaussian")
gelu = Kernel("gelu")
gelu_wrt_x = Kernel("gelu_wrt_x")
sigmoid = Kernel("sigmoid")
sigmoid_slope = Kernel("sigmoid_slope")
sigmoid_wrt_x = Kernel("sigmoid_wrt_x")
silu = Kernel("silu")
silu_wrt_x = Kernel("silu_wrt_x")
softplus = Kernel("softplus")
matmul = Kernel("matmul")
linear = Kernel("linear")
relu = Kernel("relu")
leaky_relu = Kernel("leaky_relu")
masked = Kernel("masked")
multiply = Kernel("multiply")
damped = Kernel("damped")
max_pool = Kernel("max_pool")
max_pool_gather = Kernel("max_pool_gather")
max_unpool = Kernel("max_unpool")
mean_pool = Kernel("mean_pool")
mean_pool_wrt_input = Kernel("mean_pool_wrt_input")
moments = Kernel("moments")
standardize = Kernel("standardize")
standardize_wrt_input = Kernel("standardize_wrt_input")
standardized_dot = Kernel("standardized_dot")
logsumexp = Kernel("logsumexp")
softmax = Kernel("softmax")
softmax_wrt_x = Kernel("softmax_wrt_x")
log_softmax = Kernel("log_softmax")
log_softmax_wrt_x = Kernel("log_softmax_wrt_x")
softmax_cross_entropy = Kernel("softmax_cross_entropy")
softmax_error = Kernel("softmax_error")
attention = Kernel("attention")
attention_wrt = Kernel("attention_wrt")
gru = Kernel("gru")
gru_wrt = Kernel("gru_wrt")
lstm = Kernel("lstm")
lstm_wrt = Kernel("lstm_wrt")
adam = Kernel("adam")
sgd = Kernel("sgd")
sgd_with_momentum = Kernel("sgd_with_momentum")
sum = Kernel("sum")  # noqa: A001  # NumPy's name

__all__ = [
    "Candidate",
    "Explanation",
    "Kernel",
    "adam",
    "attention",
    "attention_wrt",
    "correlate2d",
    "correlate2d_wrt_input",
    "correlate2d_wrt_weight",
    "current_backend",
    "damped",
    "erf",
    "explain",
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
    "must_compile",
    "num_threads",
    "relu",
    "set_backend",
    "set_conv_precision",
    "set_num_threads",
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
    "use_conv_algorithm",
]
