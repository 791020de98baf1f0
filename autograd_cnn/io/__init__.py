"""Files of weights: NumPy's and safetensors."""

from autograd_cnn.io.weights import load, save

__all__ = ["load", "save"]
