"""The fast backend: kernels compiled by Numba for the processor at hand.

`simd` writes the micro-kernel, a tile of a matrix product in registers; `panels` lays out what it reads;
`correlation`, `wrt_input` and `wrt_weight` make correlation and both adjoints of it: the first two with
`stacks` where an image for each lane pays, the last with `taps`, or `dots` where channels or filters are few;
`meetings` lists for them which tap meets which pixel. `pooling` goes over windows, with `pairs` for the 2x2
ones, and `normalization` over whole maps. `compiling` spreads the work over the threads. A kernel that
cannot do what it is asked returns `NotImplemented`, and the reference does it.
"""

from autograd_cnn.kernels.jit.correlation import correlate2d
from autograd_cnn.kernels.jit.elementwise import masked, relu
from autograd_cnn.kernels.jit.normalization import moments, standardize, standardize_wrt_input, standardized_dot
from autograd_cnn.kernels.jit.pooling import (
    gather_winners,
    max_pool,
    mean_pool,
    mean_pool_wrt_input,
    scatter_winners,
)
from autograd_cnn.kernels.jit.product import linear, matmul
from autograd_cnn.kernels.jit.reduction import sum  # noqa: A004  # NumPy's name
from autograd_cnn.kernels.jit.threads import num_threads, set_num_threads
from autograd_cnn.kernels.jit.wrt_input import correlate2d_wrt_input
from autograd_cnn.kernels.jit.wrt_weight import correlate2d_wrt_weight

__all__ = [
    "correlate2d",
    "correlate2d_wrt_input",
    "correlate2d_wrt_weight",
    "gather_winners",
    "linear",
    "masked",
    "matmul",
    "max_pool",
    "mean_pool",
    "mean_pool_wrt_input",
    "moments",
    "num_threads",
    "relu",
    "scatter_winners",
    "set_num_threads",
    "standardize",
    "standardize_wrt_input",
    "standardized_dot",
    "sum",
]
