"""The fast backend: kernels compiled by Numba."""

from autograd_cnn.kernels.jit.correlation import correlate2d, correlate2d_wrt_input, correlate2d_wrt_weight
from autograd_cnn.kernels.jit.pooling import (
    gather_winners,
    max_pool,
    mean_pool,
    mean_pool_wrt_input,
    scatter_winners,
)

__all__ = [
    "correlate2d",
    "correlate2d_wrt_input",
    "correlate2d_wrt_weight",
    "gather_winners",
    "max_pool",
    "mean_pool",
    "mean_pool_wrt_input",
    "scatter_winners",
]
