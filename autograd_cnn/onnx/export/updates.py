"""Optimiser steps as formulas, for each parameter."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array
from autograd_cnn.optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, Optimizer, RMSprop


def _decayed(value: Array, grad: Array, options: Any) -> Array:
    return grad + value * options.weight_decay if options.weight_decay else grad


def _sgd(value: Array, grad: Array, lr: Array, momentum_buffer: Array = None, *, options: Any) -> tuple[Array, ...]:
    grad, lr = _decayed(value, grad, options), ops.astype(lr, dtype=value.dtype)
    if momentum_buffer is None:
        return (value - grad * lr,)
    buffer = momentum_buffer * options.momentum + grad * (1 - options.dampening)
    ahead = grad + buffer * options.momentum if options.nesterov else buffer
    return value - ahead * lr, buffer


def _adam(
    value: Array, grad: Array, lr: Array, step: Array, exp_avg: Array, exp_avg_sq: Array, *, options: Any
) -> tuple[Array, ...]:
    move, *state = _adam_move(_decayed(value, grad, options), lr, step, exp_avg, exp_avg_sq, options)
    return (value - move, *state)


def _adamw(
    value: Array, grad: Array, lr: Array, step: Array, exp_avg: Array, exp_avg_sq: Array, *, options: Any
) -> tuple[Array, ...]:
    move, *state = _adam_move(grad, lr, step, exp_avg, exp_avg_sq, options)
    return (value * (1 - ops.astype(lr, dtype=value.dtype) * options.weight_decay) - move, *state)


def _adam_move(grad: Array, lr: Array, step: Array, mean: Array, square: Array, options: Any) -> tuple[Array, ...]:
    beta1, beta2 = options.betas
    step = step + 1
    count = ops.astype(step, dtype=np.float64)
    mean = mean * beta1 + grad * (1 - beta1)
    square = square * beta2 + grad * grad * (1 - beta2)
    correction = ops.sqrt(1 - ops.power(beta2, count))
    rate = ops.astype(lr, dtype=np.float64) * correction / (1 - ops.power(beta1, count))
    rate, eps = (ops.astype(each, dtype=grad.dtype) for each in (rate, correction * options.eps))
    return mean / (ops.sqrt(square) + eps) * rate, step, mean, square


def _rmsprop(
    value: Array, grad: Array, lr: Array, square_avg: Array, momentum_buffer: Array = None, *, options: Any
) -> tuple[Array, ...]:
    grad, lr = _decayed(value, grad, options), ops.astype(lr, dtype=value.dtype)
    square = square_avg * options.alpha + grad * grad * (1 - options.alpha)
    ahead = grad / (ops.sqrt(square) + options.eps)
    if momentum_buffer is None:
        return value - ahead * lr, square
    buffer = momentum_buffer * options.momentum + ahead
    return value - buffer * lr, square, buffer


def _adagrad(value: Array, grad: Array, lr: Array, step: Array, sum: Array, *, options: Any) -> tuple[Array, ...]:  # noqa: A002  # its name
    grad = _decayed(value, grad, options)
    total = sum + grad * grad
    rate = ops.astype(lr, dtype=np.float64) / (1 + ops.astype(step, dtype=np.float64) * options.lr_decay)
    move = grad / (ops.sqrt(total) + options.eps) * ops.astype(rate, dtype=value.dtype)
    return value - move, step + 1, total


def _adadelta(
    value: Array, grad: Array, lr: Array, step: Array, square_avg: Array, acc_delta: Array, *, options: Any
) -> tuple[Array, ...]:
    grad, rho = _decayed(value, grad, options), options.rho
    square = square_avg * rho + grad * grad * (1 - rho)
    move = ops.sqrt(acc_delta + options.eps) / ops.sqrt(square + options.eps) * grad
    return value - move * ops.astype(lr, dtype=value.dtype), step + 1, square, acc_delta * rho + move * move * (1 - rho)


def _adamax(
    value: Array, grad: Array, lr: Array, step: Array, exp_avg: Array, exp_inf: Array, *, options: Any
) -> tuple[Array, ...]:
    (beta1, beta2), grad, step = options.betas, _decayed(value, grad, options), step + 1
    mean = exp_avg * beta1 + grad * (1 - beta1)
    largest = ops.maximum(exp_inf * beta2, ops.absolute(grad) + options.eps)
    rate = ops.astype(lr, dtype=np.float64) / (1 - ops.power(beta1, ops.astype(step, dtype=np.float64)))
    return value - mean / largest * ops.astype(rate, dtype=value.dtype), step, mean, largest


def _lion(value: Array, grad: Array, lr: Array, exp_avg: Array, *, options: Any) -> tuple[Array, ...]:
    (beta1, beta2), lr = options.betas, ops.astype(lr, dtype=value.dtype)
    move = ops.sign(exp_avg * beta1 + grad * (1 - beta1))
    return value * (1 - lr * options.weight_decay) - move * lr, exp_avg * beta2 + grad * (1 - beta2)


UPDATES: Final[dict[type[Optimizer], Callable[..., tuple[Array, ...]]]] = {
    SGD: _sgd, Adadelta: _adadelta, Adagrad: _adagrad, Adam: _adam, AdamW: _adamw, Adamax: _adamax, Lion: _lion,
    RMSprop: _rmsprop,
}  # fmt: skip
"""Maps a parameter's value and state, its gradient and the learning rate to the next value and state."""
