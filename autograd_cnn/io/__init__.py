"""Files of weights and checkpoints: NumPy's and safetensors."""

from autograd_cnn.io.weights import load, restore, save

__all__ = ["load", "restore", "save"]
