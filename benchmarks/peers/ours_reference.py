"""autograd_cnn with NumPy alone."""

import autograd_cnn as ag
from benchmarks.peers.ours import PACKAGE, convolution, network

__all__ = ["PACKAGE", "convolution", "network"]

ag.set_backend("reference")
