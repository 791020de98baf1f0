"""Reverse-mode automatic differentiation over NumPy, made for convolutional networks."""

from autograd_cnn import tape, testing
from autograd_cnn.checkpoint import checkpoint
from autograd_cnn.kernels import current_backend, set_backend
from autograd_cnn.ops import *  # noqa: F403
from autograd_cnn.primitive import primitive
from autograd_cnn.tape import detect_anomaly, enable_grad, no_grad
from autograd_cnn.tensor import Tensor, tensor
from autograd_cnn.transforms import grad, hessian, hvp, jacobian, value_and_grad, vjp
