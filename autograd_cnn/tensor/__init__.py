"""`Tensor`: an array that remembers how it was computed."""

from autograd_cnn.tensor.tensor import Handle, Tensor, tensor

__all__ = ["Handle", "Tensor", "tensor"]
