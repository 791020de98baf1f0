"""To and from the files that others read and write."""

from autograd_cnn.interop.weights import load, save

__all__ = ["load", "save"]
