"""autograd_cnn with the kernels that Numba compiles."""

import autograd_cnn as ag
from autograd_cnn import set_num_threads
from benchmarks.peers._ours import chain, convolution, inference, network, operation

__all__ = ["PACKAGE", "chain", "convolution", "inference", "network", "operation", "set_num_threads"]

PACKAGE = "autograd-cnn"

ag.set_backend("jit")
