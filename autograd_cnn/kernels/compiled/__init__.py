"""The fast backend: kernels compiled by Numba for the processor at hand.

`simd` writes the micro-kernel, a tile of a matrix product in registers; `panels` lays out what it reads;
`correlation`, `wrt_input` and `wrt_weight` make correlation and both adjoints of it: the first two with
`stacks` where an image for each lane pays, the last with `taps`, or `dots` where channels or filters are few;
`meetings` lists for them which tap meets which pixel. `pooling` goes over windows, with `pairs` for the 2x2
ones, and `normalization` over whole maps. `compiling` spreads the work over the threads. A kernel that
cannot do what it is asked returns `NotImplemented`, and the reference does it.
"""

from autograd_cnn.kernels.compiled.activation import (
    gelu,
    gelu_wrt_x,
    sigmoid,
    sigmoid_slope,
    sigmoid_wrt_x,
    silu,
    silu_wrt_x,
)
from autograd_cnn.kernels.compiled.conv.col2im import correlate2d_wrt_input
from autograd_cnn.kernels.compiled.conv.implicit_gemm import correlate2d
from autograd_cnn.kernels.compiled.conv.wgrad_patches import correlate2d_wrt_weight
from autograd_cnn.kernels.compiled.descent import adam, sgd, sgd_with_momentum
from autograd_cnn.kernels.compiled.elementwise import damped, leaky_relu, masked, multiply, relu
from autograd_cnn.kernels.compiled.gemm import linear, matmul
from autograd_cnn.kernels.compiled.normalization import moments, standardize, standardize_wrt_input, standardized_dot
from autograd_cnn.kernels.compiled.pooling import (
    max_pool,
    max_pool_gather,
    max_unpool,
    mean_pool,
    mean_pool_wrt_input,
)
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
    "correlate2d",
    "correlate2d_wrt_input",
    "correlate2d_wrt_weight",
    "damped",
    "gelu",
    "gelu_wrt_x",
    "leaky_relu",
    "linear",
    "log_softmax",
    "log_softmax_wrt_x",
    "masked",
    "matmul",
    "max_pool",
    "max_pool_gather",
    "max_unpool",
    "mean_pool",
    "mean_pool_wrt_input",
    "moments",
    "multiply",
    "num_threads",
    "relu",
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
    "standardize",
    "standardize_wrt_input",
    "standardized_dot",
    "sum",
]
