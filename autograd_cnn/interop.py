"""Import and export of other libraries' files."""

from autograd_cnn.io import load, save
from autograd_cnn.onnx import OnnxNetwork
from autograd_cnn.onnx import load as load_onnx

__all__ = ["OnnxNetwork", "load", "load_onnx", "save"]
