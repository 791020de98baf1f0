"""Networks from ONNX files, which can be trained further."""

from autograd_cnn.onnx.load import load
from autograd_cnn.onnx.network import OnnxNetwork

__all__ = ["OnnxNetwork", "load"]
