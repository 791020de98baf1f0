"""autograd_cnn with the kernels that Numba compiles."""

import autograd_cnn as ag
from benchmarks.peers._ours import chain, convolution, inference, network, operation

__all__ = ["PACKAGE", "chain", "convolution", "inference", "network", "operation"]

PACKAGE = "autograd-cnn"

ag.set_backend("jit")
