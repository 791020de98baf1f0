"""Networks from ONNX files, which can be trained further, and functions as ONNX files."""

from autograd_cnn.onnx.export import export
from autograd_cnn.onnx.load import load
from autograd_cnn.onnx.network import OnnxNetwork
from autograd_cnn.spelling import announce as _announce

__all__ = ["OnnxNetwork", "export", "load"]

_announce(globals())
