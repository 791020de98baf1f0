"""The steps of optimisers: new values of a parameter, written into ``out``, and what is remembered."""

import numpy as np

from autograd_cnn.kernels.windows import Array


def sgd(out: Array, value: Array, grad: Array, lr: float, weight_decay: float) -> None:
    """Write value - lr·(grad + weight_decay·value)."""
    if weight_decay:
        grad = grad + value * weight_decay
    np.multiply(grad, -lr, out=out)
    out += value


def sgd_with_momentum(
    out: Array, value: Array, grad: Array, last: Array | None, lr: float, weight_decay: float, momentum: float,
    dampening: float, ahead: float,
) -> Array:  # fmt: skip
    """Write the step along the momentum, or along the gradient and ``ahead`` times it, and return it.

    It begins with the first gradient.
    """
    if weight_decay:
        grad = grad + value * weight_decay
    if last is None:
        buffer = np.array(grad)
    else:
        buffer = np.asarray(last * momentum)
        buffer += grad * (1 - dampening) if dampening else grad
    np.multiply(grad + buffer * ahead if ahead else buffer, -lr, out=out)
    out += value
    return buffer


def adam(
    out: Array, value: Array, grad: Array, mean: Array | float, square: Array | float, rate: float, eps: float,
    beta1: float, beta2: float, weight_decay: float, kept: float,
) -> tuple[Array, Array]:  # fmt: skip
    """Write kept·value - rate·mean / (sqrt(square) + eps), and return both moments, in which the gradient now is."""
    if weight_decay:
        grad = grad + value * weight_decay
    mean = np.asarray(mean * beta1 + np.multiply(grad, 1 - beta1, out=out))
    np.multiply(grad, grad, out=out)
    out *= 1 - beta2
    square = np.asarray(square * beta2 + out)
    np.sqrt(square, out=out)
    out += eps
    np.divide(mean, out, out=out)
    out *= -rate
    out += value if kept == 1 else value * kept
    return mean, square
