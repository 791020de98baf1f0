"""Scaled dot-product attention (Vaswani et al. 2017): each query averages values, weighted by its match with the keys.

Let s = q·kᵀ·scale + bias be the scores and p = softmax(s) the weights, one for each query and key. For y = p·v with the
cotangent g, let d = p·(g·vᵀ - sum(g·y)); then the cotangents are d·k·scale, dᵀ·q·scale and pᵀ·g for q, k and v, and d
for the bias.

For L queries and S keys there are L·S weights. No pass keeps them: for each row of scores the logarithm of the sum of
exponentials is saved, from which the backward pass recomputes the weights, one block of queries at a time (Dao et al.
2022).

Shapes: query (..., L, D), key (..., S, D), value (..., S, E); a bias broadcasts to (..., L, S).
"""

import math
from collections.abc import Callable

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Floats, Shape, shape_of, values_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ShapeError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import add, multiply, subtract
from autograd_cnn.ops.joint import Once, in_a_row, part, recomputed
from autograd_cnn.ops.linalg import matmul
from autograd_cnn.ops.selection import equal, where
from autograd_cnn.ops.shaping import swapaxes
from autograd_cnn.ops.softmax import softmax
from autograd_cnn.parameters import Flag, Number

__all__ = ["attention", "attention_weights"]


def _check(where: str, query: Array, key: Array, value: Array | None, bias: Array | None) -> None:
    """Raise `ShapeError` unless the operands' shapes match."""
    q, k = shape_of(query), shape_of(key)
    v = (*k[:-1], 1) if value is None else shape_of(value)
    if (
        len(q) < 2
        or not len(q) == len(k) == len(v)
        or not q[:-2] == k[:-2] == v[:-2]
        or q[-1] != k[-1]
        or k[-2] != v[-2]
    ):
        expected = "query (..., L, D) with key (..., S, D)" + ("" if value is None else " and value (..., S, E)")
        got = ", ".join(map(str, (q, k) if value is None else (q, k, v)))
        raise ShapeError(where, "the operands do not go together", expected=expected, got=got)
    if bias is not None:
        scores = (*q[:-1], k[-2])
        try:
            fits = np.broadcast_shapes(shape_of(bias), scores) == scores
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(
                where, "bias has the wrong shape", expected=f"one that broadcasts to the scores' {scores}",
                got=shape_of(bias)
            )  # fmt: skip


def _check_backward(g: Array, query: Array, key: Array, value: Array, bias: Array | None) -> None:
    _check("attention_backward", query, key, value, bias)
    shape = (*np.shape(query)[:-1], np.shape(value)[-1])
    if np.shape(g) != shape:
        raise ShapeError("attention_backward", "g has the wrong shape", expected=shape, got=np.shape(g))


def _factor(query: Array, scale: float | None) -> float:
    """Return the factor of the scores."""
    width = shape_of(query)[-1]
    return 1 / math.sqrt(max(width, 1)) if scale is None else scale


@primitive(residuals=("logsums",))
def attention(
    query: Floats, key: Floats, value: Floats, bias: Floats | None = None, causal: Flag = False,
    scale: Number | None = None,
) -> Array:  # fmt: skip
    """``softmax(query · keyᵀ · scale + bias) · value``: a mean of values for each query.

    Parameters
    ----------
    query : (..., L, D)
    key : (..., S, D)
    value : (..., S, E)
    bias : optional
        Added to the scores (..., L, S), to which it broadcasts; -inf hides a key from a query.
    causal : bool
        Whether query i sees only keys 0 to i.
    scale : float, optional
        By default ``1 / sqrt(D)``.

    Returns
    -------
    y : (..., L, E)
        Zeros where all keys are hidden.

    Raises
    ------
    ShapeError
        If the shapes do not match; the leading axes are not broadcast.

    Examples
    --------
    >>> attention(np.array([[0.0], [9.0]]), np.array([[0.0], [9.0]]), np.array([[1.0], [2.0]])).round(3)
    array([[1.5],
           [2. ]])
    """
    _check("attention", query, key, value, bias)
    return kernels.attention(query, key, value, bias, causal, _factor(query, scale))


@attention.shape
def attention_shape(
    query: AbstractArray, key: AbstractArray, value: AbstractArray, bias: AbstractArray | None
) -> Shape:
    _check("attention", query, key, value, bias)
    return (*query.shape[:-1], value.shape[-1])


@composite
def attention_weights(
    query: Array, key: Array, bias: Array | None = None, causal: Flag = False, scale: Number | None = None
) -> Array:
    """The weights of `attention`, ``softmax(query · keyᵀ · scale + bias)`` (..., L, S).

    Parameters and errors are those of `attention`.

    Examples
    --------
    >>> attention_weights(np.ones((2, 1)), np.ones((2, 1)), causal=True)
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    _check("attention_weights", query, key, None, bias)
    scores = multiply(matmul(query, swapaxes(key, -1, -2)), _factor(query, scale))
    if bias is not None:
        scores = add(scores, bias)
    if causal:
        scores = where(np.tri(*shape_of(scores)[-2:], dtype=np.bool_), scores, -np.inf)
    if bias is None:
        return softmax(scores)
    hidden = equal(reduction.max(scores, axis=-1, keepdims=True), -np.inf)
    return where(hidden, 0.0, softmax(where(hidden, 0.0, scores)))


_attention_wrt = Once(kernels.attention_wrt)


def _backward(
    g: Array, query: Array, key: Array, value: Array, bias: Array | None, causal: bool, scale: float | None, y: Array,
    logsums: Array,
) -> Array:  # fmt: skip
    return _attention_backward(g, query, key, value, bias, values_of(y), logsums, causal=causal, scale=scale)


@attention.vjp("query")
def attention_vjp_query(
    g: Array, *, query: Array, key: Array, value: Array, bias: Array | None, causal: bool, scale: float | None,
    y: Array, logsums: Array,
) -> Array:  # fmt: skip
    return part(_backward(g, query, key, value, bias, causal, scale, y, logsums), 0, query.shape)


@attention.vjp("key")
def attention_vjp_key(
    g: Array, *, query: Array, key: Array, value: Array, bias: Array | None, causal: bool, scale: float | None,
    y: Array, logsums: Array,
) -> Array:  # fmt: skip
    return part(_backward(g, query, key, value, bias, causal, scale, y, logsums), query.size, key.shape)


@attention.vjp("value")
def attention_vjp_value(
    g: Array, *, query: Array, key: Array, value: Array, bias: Array | None, causal: bool, scale: float | None,
    y: Array, logsums: Array,
) -> Array:  # fmt: skip
    return part(_backward(g, query, key, value, bias, causal, scale, y, logsums), query.size + key.size, value.shape)


@attention.vjp("bias")
def attention_vjp_bias(
    g: Array, *, query: Array, key: Array, value: Array, bias: Array, causal: bool, scale: float | None
) -> Array:
    return _slopes(g, attention_weights(query, key, bias, causal=causal, scale=scale), value)


def _slopes(g: Array, weights: Array, value: Array) -> Array:
    """Return the cotangents of the scores."""
    errors = matmul(g, swapaxes(value, -1, -2))
    return multiply(weights, subtract(errors, reduction.sum(multiply(weights, errors), axis=-1, keepdims=True)))


@primitive
def _attention_backward(
    g: Floats, query: Floats, key: Floats, value: Floats, bias: Floats | None = None, means: Array | None = None,
    logsums: Array | None = None, *, causal: Flag = False, scale: Number | None = None,
) -> Array:  # fmt: skip
    """The cotangents of query, key and value in one row; ``means`` and ``logsums`` are those of `attention`."""
    _check_backward(g, query, key, value, bias)
    factor = _factor(query, scale)
    if means is None or logsums is None:
        means, logsums = kernels.attention(query, key, value, bias, causal, factor)
    return _attention_wrt(g, query, key, value, bias, causal, factor, means, logsums)


@_attention_backward.shape
def attention_backward_shape(
    g: AbstractArray, query: AbstractArray, key: AbstractArray, value: AbstractArray, bias: AbstractArray | None,
    means: AbstractArray | None, logsums: AbstractArray | None,
) -> Shape:  # fmt: skip
    _check_backward(g, query, key, value, bias)
    return (query.size + key.size + value.size,)


def _attention_backward_in_full(
    g: Array, query: Array, key: Array, value: Array, bias: Array | None = None, *, causal: bool, scale: float | None
) -> Array:
    factor = _factor(query, scale)
    weights = attention_weights(query, key, bias, causal=causal, scale=factor)
    slopes = multiply(_slopes(g, weights, value), factor)
    cotangents = (matmul(slopes, key), matmul(swapaxes(slopes, -1, -2), query), matmul(swapaxes(weights, -1, -2), g))
    return in_a_row(*cotangents)


def _attention_backward_rule(position: int) -> Callable[..., Array]:
    def attention_backward_vjp(
        u: Array, *, g: Array, query: Array, key: Array, value: Array, bias: Array | None, causal: bool,
        scale: float | None,
    ) -> Array:  # fmt: skip
        def attention_backward(*operands: Array) -> Array:
            return _attention_backward_in_full(*operands, causal=causal, scale=scale)

        return recomputed(attention_backward, position, u, g, query, key, value, *(() if bias is None else (bias,)))

    return attention_backward_vjp


for _position, _name in enumerate(("g", "query", "key", "value", "bias")):
    _attention_backward.vjp(_name)(_attention_backward_rule(_position))
