"""Optimiser steps: new parameter values are written into ``outs``, and the new state is returned."""

from collections.abc import Sequence

import numpy as np

from autograd_cnn.kernels.windows import Array

__all__ = ["adam", "sgd", "sgd_with_momentum"]


def sgd(outs: Sequence[Array], values: Sequence[Array], grads: Sequence[Array], lr: float, weight_decay: float) -> None:
    """Write values - lr·(grads + weight_decay·values)."""
    for out, value, grad in zip(outs, values, grads, strict=True):
        np.multiply(_decayed(grad, value, weight_decay), -lr, out=out)
        np.add(out, value, out=out)


def sgd_with_momentum(
    outs: Sequence[Array], values: Sequence[Array], grads: Sequence[Array], lasts: Sequence[Array | None], lr: float,
    weight_decay: float, momentum: float, dampening: float, ahead: float,
) -> list[Array]:  # fmt: skip
    """Write steps along the momentum, or along the gradients plus ``ahead`` times the momentum; return the momentum.

    It starts as the first gradient.
    """
    buffers = []
    for out, value, grad, last in zip(outs, values, grads, lasts, strict=True):
        slope = _decayed(grad, value, weight_decay)
        if last is None:
            buffer = np.array(slope)
        else:
            buffer = np.asarray(last * momentum)
            buffer += slope * (1 - dampening) if dampening else slope
        np.multiply(slope + buffer * ahead if ahead else buffer, -lr, out=out)
        np.add(out, value, out=out)
        buffers.append(buffer)
    return buffers


def adam(
    outs: Sequence[Array], values: Sequence[Array], grads: Sequence[Array], means: Sequence[Array | float],
    squares: Sequence[Array | float], rates: Sequence[float], eps: Sequence[float], beta1: float, beta2: float,
    weight_decay: float, kept: float,
) -> tuple[list[Array], list[Array]]:  # fmt: skip
    """Write kept·values - rates·means / (sqrt(squares) + eps), and return the updated moments."""
    next_means, next_squares = [], []
    for out, value, grad, mean, square, rate, small in zip(
        outs, values, grads, means, squares, rates, eps, strict=True
    ):
        slope = _decayed(grad, value, weight_decay)
        next_means.append(np.asarray(mean * beta1 + np.multiply(slope, 1 - beta1, out=out)))
        np.multiply(slope, slope, out=out)
        np.multiply(out, 1 - beta2, out=out)
        next_squares.append(np.asarray(square * beta2 + out))
        np.sqrt(next_squares[-1], out=out)
        np.add(out, small, out=out)
        np.divide(next_means[-1], out, out=out)
        np.multiply(out, -rate, out=out)
        np.add(out, value if kept == 1 else value * kept, out=out)
    return next_means, next_squares


def _decayed(grad: Array, value: Array, weight_decay: float) -> Array:
    return grad + value * weight_decay if weight_decay else grad
