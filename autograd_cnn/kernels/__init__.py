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
normal_cdf = Kernel("normal_cdf")
sigmoid = Kernel("sigmoid")
sigmoid_slope = Kernel("sigmoid_slope")
silu = Kernel("silu")
softplus = Kernel("softplus")
matmul = Kernel("matmul")
linear = Kernel("linear")
relu = Kernel("relu")
masked = Kernel("masked")
max_pool = Kernel("max_pool")
max_pool_gather = Kernel("max_pool_gather")
max_unpool = Kernel("max_unpool")
mean_pool = Kernel("mean_pool")
mean_pool_wrt_input = Kernel("mean_pool_wrt_input")
moments = Kernel("moments")
standardize = Kernel("standardize")
standardize_wrt_input = Kernel("standardize_wrt_input")
standardized_dot = Kernel("standardized_dot")
sum = Kernel("sum")  # noqa: A001  # NumPy's name

__all__ = [
    "Candidate",
    "Explanation",
    "Kernel",
    "correlate2d",
    "correlate2d_wrt_input",
    "correlate2d_wrt_weight",
    "current_backend",
    "erf",
    "explain",
    "gaussian",
    "gelu",
    "linear",
    "masked",
    "matmul",
    "max_pool",
    "max_pool_gather",
    "max_unpool",
    "mean_pool",
    "mean_pool_wrt_input",
    "moments",
    "must_compile",
    "normal_cdf",
    "num_threads",
    "relu",
    "set_backend",
    "set_conv_precision",
    "set_num_threads",
    "sigmoid",
    "sigmoid_slope",
    "silu",
    "softplus",
    "standardize",
    "standardize_wrt_input",
    "standardized_dot",
    "sum",
    "use_conv_algorithm",
]
