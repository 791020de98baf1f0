"""autograd_cnn with NumPy alone."""

import autograd_cnn as ag
from benchmarks.peers._ours import convolution, inference, network, operation

__all__ = ["PACKAGE", "convolution", "inference", "network", "operation"]

PACKAGE = "autograd-cnn"

ag.set_backend("reference")
