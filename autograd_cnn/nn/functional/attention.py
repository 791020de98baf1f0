"""Attention (Vaswani et al. 2017) with PyTorch's arguments, and its masks.

Shapes: queries (..., L, D), keys (..., S, D), values (..., S, E).
"""

from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, Traced, shape_of
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.nn.functional.dropout import dropout
from autograd_cnn.nn.init import Rng
from autograd_cnn.parameters import Bool, Finite, Share
from autograd_cnn.seeding import default_rng

__all__ = ["scaled_dot_product_attention"]


@composite
def scaled_dot_product_attention(
    query: Array, key: Array, value: Array, attn_mask: Array | None = None, dropout_p: Share = 0.0,
    is_causal: Bool = False, scale: Finite | None = None, enable_gqa: Bool = False, *, rng: Rng = None,
) -> Array:  # fmt: skip
    """``dropout(softmax(query · keyᵀ · scale + mask)) · value``: `autograd_cnn.attention`, with PyTorch's arguments.

    Parameters
    ----------
    query : (..., L, D)
    key : (..., S, D)
    value : (..., S, E)
    attn_mask : optional
        Broadcasts to (..., L, S): bools, True where a query sees a key, or floats, which are added to the scores.
    dropout_p : float
        The fraction of the weights that is set to 0, in training or not. If it is not 0, all weights are kept in
        memory.
    is_causal : bool
        Whether query i sees only keys 0 to i.
    scale : float, optional
        By default ``1 / sqrt(D)``.
    enable_gqa : bool
        Whether key and value may have fewer heads than the query, each used by several consecutive query heads.
    rng : Generator, int or None
        Draws the weights to drop; see `autograd_cnn.nn.init`.

    Returns
    -------
    y : (..., L, E)
        Zeros for a query that sees nothing.

    Raises
    ------
    ShapeError
        If the shapes do not match.
    ArgumentError
        For a mask with ``is_causal``, or if the query's heads are not a multiple of the keys'.
    OperandError
        For a mask of integers.

    Examples
    --------
    >>> x = np.arange(3.0).reshape(3, 1)
    >>> scaled_dot_product_attention(x, x, x, attn_mask=np.eye(3, dtype=bool))
    array([[0.],
           [1.],
           [2.]])
    """
    where = "scaled_dot_product_attention"
    if attn_mask is not None and is_causal:
        raise ArgumentError(where, "both a mask and is_causal", hint="put what is_causal hides into the mask")
    if enable_gqa:
        key, value = (_repeated(where, x, shape_of(query)) for x in (key, value))
    bias = None if attn_mask is None else bias_of(where, "attn_mask", attn_mask, shown=True, dtype=_dtype(query))
    return attend(query, key, value, bias, is_causal, scale, dropout_p, default_rng(rng), weighted=False)[0]


def _repeated(where: str, x: Array, query: Shape) -> Array:
    """Return keys or values with one head for each of the query's."""
    heads = shape_of(x)[-3:-2]
    if len(query) < 3 or not heads or not heads[0] or query[-3] % heads[0]:
        expected = "a multiple of the keys' and values' for the query"
        raise ArgumentError(where, "the heads do not go together", expected=expected, got=f"{query} and {shape_of(x)}")
    return ops.repeat(x, query[-3] // heads[0], axis=-3)


def _dtype(x: Array) -> np.dtype[Any]:
    found = np.result_type(getattr(x, "dtype", float))
    return found if found.kind == "f" else np.dtype(float)


def bias_of(where: str, name: str, mask: Array, shown: bool, dtype: np.dtype[Any]) -> Array:
    """Return what a mask adds to the scores; bools say what is ``shown``, or else what is hidden."""
    mask = mask if isinstance(mask, Traced) else np.asarray(mask)
    if mask.dtype.kind not in "bf":
        raise OperandError(where, f"{name} is not a mask", expected="bools or floats", got=mask.dtype)
    if mask.dtype.kind == "f":
        return mask if mask.dtype == dtype else ops.astype(mask, dtype=dtype)
    nothing, everything = dtype.type(0), dtype.type(-np.inf)
    return ops.where(mask, nothing, everything) if shown else ops.where(mask, everything, nothing)


def attend(
    query: Array, key: Array, value: Array, bias: Array | None, causal: bool, scale: float | None, p: float,
    rng: np.random.Generator, weighted: bool,
) -> tuple[Array, Array | None]:  # fmt: skip
    """Return the results of the queries, and the weights if they are wanted or dropout needs them."""
    if not p and not weighted:
        return ops.attention(query, key, value, bias, causal=causal, scale=scale), None
    weights = dropout(ops.attention_weights(query, key, bias, causal=causal, scale=scale), p, rng=rng)
    return ops.matmul(weights, value), weights
