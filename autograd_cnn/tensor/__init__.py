"""`Tensor`: an array that remembers how it came about."""

from autograd_cnn.tensor.tensor import Handle, Tensor, tensor

__all__ = ["Handle", "Tensor", "tensor"]
