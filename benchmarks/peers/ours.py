"""autograd_cnn with the kernels that Numba compiles."""

import autograd_cnn as ag
from benchmarks.peers._ours import chain, convolution, network

__all__ = ["PACKAGE", "chain", "convolution", "network"]

PACKAGE = "autograd-cnn"

ag.set_backend("jit")
