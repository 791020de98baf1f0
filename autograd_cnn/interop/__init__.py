"""To and from the files that others read and write."""

from autograd_cnn.interop.network import OnnxNetwork
from autograd_cnn.interop.onnx import load_onnx
from autograd_cnn.interop.weights import load, save

__all__ = ["OnnxNetwork", "load", "load_onnx", "save"]
