"""Networks from ONNX files, which can be trained further, and functions as ONNX files."""

from typing import TYPE_CHECKING

from autograd_cnn.onnx.export import export
from autograd_cnn.onnx.load import load
from autograd_cnn.onnx.network import OnnxNetwork
from autograd_cnn.spelling import teller as _teller

__all__ = ["OnnxNetwork", "export", "load"]

if not TYPE_CHECKING:  # a type checker would assume that every name exists
    __getattr__ = _teller(__name__, __all__)
