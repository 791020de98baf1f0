"""Scaled dot-product attention and its adjoint, with all weights at once.

Shapes: queries q (..., L, D), keys k (..., S, D), values v (..., S, E); a bias broadcasts to the scores (..., L, S).
"""

import numpy as np

from autograd_cnn.kernels.windows import Array

__all__ = ["attention", "attention_wrt"]


def attention(q: Array, k: Array, v: Array, bias: Array | None, causal: bool, scale: float) -> tuple[Array, Array]:
    """Return softmax(scores) · v (..., L, E), zeros where all scores are -inf, and the logarithms of the rows' sums."""
    scores = _scores(q, k, bias, causal, scale)
    top = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    top = np.where(top == -np.inf, 0, top).astype(scores.dtype)
    powers = np.exp(scores - top)  # (..., L, S)
    total = powers.sum(axis=-1, keepdims=True)
    hidden = total == 0
    some = np.where(hidden, 1, total)
    return powers @ v / some, np.where(hidden, np.inf, np.log(some) + top)[..., 0].astype(scores.dtype)


def attention_wrt(
    g: Array, q: Array, k: Array, v: Array, bias: Array | None, causal: bool, scale: float, y: Array, logsums: Array
) -> Array:
    """Return the cotangents of q, k and v, concatenated."""
    weights = np.exp(_scores(q, k, bias, causal, scale) - logsums[..., None])  # (..., L, S)
    slopes = weights * (g @ v.swapaxes(-1, -2) - (g * y).sum(axis=-1, keepdims=True)) * scale
    parts = slopes @ k, slopes.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ g
    return np.concatenate([part.ravel() for part in parts]).astype(weights.dtype, copy=False)


def _scores(q: Array, k: Array, bias: Array | None, causal: bool, scale: float) -> Array:
    scores = (q @ k.swapaxes(-1, -2)) * scale
    if bias is not None:
        scores = scores + bias
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=np.bool_), scores, scores.dtype.type(-np.inf))
    return scores
