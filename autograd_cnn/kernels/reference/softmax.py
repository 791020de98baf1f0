"""Softmax, its logarithm and its loss, along axes.

The largest score is subtracted first, and its exponential, which is 1, is left out of the sum: the sum of the others
remains exact, however small it is.
"""

from typing import TypeAlias

import numpy as np

from autograd_cnn.kernels.windows import Array

__all__ = [
    "log_softmax",
    "log_softmax_wrt_x",
    "logsumexp",
    "softmax",
    "softmax_cross_entropy",
    "softmax_error",
    "softmax_wrt_x",
]

Axis: TypeAlias = int | tuple[int, ...] | None


def logsumexp(x: Array, axis: Axis) -> Array:
    """Return log(sum(exp(x))); the axes stay, with length 1."""
    less, top = _shifted(x, axis)
    return _log_of_sum(less, axis) + top


def softmax(x: Array, axis: Axis) -> Array:
    """Return exp(x) / sum(exp(x))."""
    powers = np.exp(_shifted(x, axis)[0])
    return powers / powers.sum(axis=axis, keepdims=True)


def softmax_wrt_x(g: Array, y: Array, axis: Axis) -> Array:
    """Return y · (g - sum(g·y)), where y is the softmax."""
    if isinstance(axis, int) and y.shape and y.shape[axis]:
        # The rows of the Jacobian add up to 0, so a constant may be subtracted from g: subtracting the largest one's
        # cotangent removes its y, which may be 1 up to rounding, from the sum.
        g = g - np.take_along_axis(g, y.argmax(axis=axis, keepdims=True), axis)
    return y * (g - (g * y).sum(axis=axis, keepdims=True))


def log_softmax(x: Array, axis: Axis) -> Array:
    """Return the logarithm of the softmax."""
    less, _ = _shifted(x, axis)
    return less - _log_of_sum(less, axis)


def log_softmax_wrt_x(g: Array, y: Array, axis: Axis) -> Array:
    """Return g - exp(y)·sum(g), where y is the logarithm of the softmax."""
    return g - np.exp(y) * g.sum(axis=axis, keepdims=True)


def softmax_cross_entropy(scores: Array, labels: Array, label_smoothing: float) -> Array:
    """Return for each row of scores (N, K, ...) the negative log of the probability of its label (N, ...)."""
    less, _ = _shifted(scores, 1)
    own = np.expand_dims(labels, 1)
    right = np.take_along_axis(less, own, 1)[:, 0]
    if label_smoothing:
        right = right * (1 - label_smoothing) + less.mean(axis=1) * label_smoothing
    powers = np.exp(less)
    largest = less.argmax(axis=1, keepdims=True)
    # It is 1, and adding small ones to it would lose them; a NaN stays.
    np.put_along_axis(powers, largest, np.take_along_axis(powers, largest, 1) * 0, 1)
    return np.log1p(powers.sum(axis=1)) - right


def softmax_error(g: Array, scores: Array, labels: Array, label_smoothing: float) -> Array:
    """Return g (N, ...) times (softmax - targets); without smoothing, a label's entry is minus the sum of the others."""
    errors, own, g = np.exp(_shifted(scores, 1)[0]), np.expand_dims(labels, 1), np.expand_dims(g, 1)
    errors /= errors.sum(axis=1, keepdims=True)
    right = np.take_along_axis(errors, own, 1)
    if label_smoothing:
        errors = errors - scores.dtype.type(label_smoothing / max(scores.shape[1], 1))
        np.put_along_axis(errors, own, np.take_along_axis(errors, own, 1) - scores.dtype.type(1 - label_smoothing), 1)
        return g * errors
    np.put_along_axis(errors, own, 0, 1)  # 1 - 1 would lose it
    np.put_along_axis(errors, own, 0 * right - errors.sum(axis=1, keepdims=True), 1)  # a NaN stays
    return g * errors


def _shifted(x: Array, axis: Axis) -> tuple[Array, Array]:
    """Return the scores minus the largest, and the largest, or 0 if that is infinite, so that nothing overflows."""
    top = x.max(axis=axis, keepdims=True, initial=-np.inf)
    finite = np.isfinite(top)
    top = top if finite.all() else np.where(finite, top, 0)
    return x - top, top


def _log_of_sum(shifted: Array, axis: Axis) -> Array:
    """Return ``log(sum(exp(shifted)))`` of scores whose largest is 0, without adding the others to its 1."""
    largest = shifted == 0
    powers = np.where(largest, shifted.dtype.type(0), np.exp(shifted))
    others = powers.sum(axis=axis, keepdims=True) + (largest.sum(axis=axis, keepdims=True, dtype=powers.dtype) - 1)
    with np.errstate(divide="ignore"):  # of nothing, or where every score is -inf
        return np.log1p(others)
