"""autograd_cnn with NumPy alone."""

import autograd_cnn as ag
from benchmarks.peers._ours import convolution, network

__all__ = ["PACKAGE", "convolution", "network"]

PACKAGE = "autograd-cnn"

ag.set_backend("reference")
