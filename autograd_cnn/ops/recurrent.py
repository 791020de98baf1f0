"""Recurrent layers over a whole sequence; each is one primitive, because a single step is too little work.

Work that does not depend on the previous step is done for all steps at once: before the loop, the products with the
inputs, in u; after it, the gradients of the weights. In between, each step needs the previous one. All rules of a layer
follow from the cotangents of its gates' inputs, which `_lstm_backward` and `_gru_backward` carry back through time
(Werbos 1990), once for all rules. Their own derivatives are those of the same computation, written step by step.

Shapes: u (T, N, 4·H) or (T, N, 3·H), the weight (4·H, H) or (3·H, H), states (N, H), with PyTorch's gates and order.
"""

from collections.abc import Callable
from functools import reduce

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array, Floats, Shape, shape_of, values_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ShapeError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.activation import sigmoid, tanh
from autograd_cnn.ops.elementwise import add, multiply, subtract
from autograd_cnn.ops.indexing import getitem, split
from autograd_cnn.ops.joint import Once, in_a_row, part, recomputed
from autograd_cnn.ops.linalg import linear, matmul
from autograd_cnn.ops.shaping import concatenate, expand_dims, reshape, stack, transpose

__all__ = ["gru", "lstm"]


def _check(where: str, gates: int, u: Array, weight: Array, bias: Array | None, *states: Array) -> None:
    """Raise `ShapeError` unless the operands of a layer with this number of gates fit each other."""
    shapes = [np.shape(x) for x in (u, weight, *states)]
    batch, units = shapes[0][1:2], shapes[1][1:2]
    rows = tuple(gates * n for n in units)
    expected = [(*shapes[0][:1], *batch, *rows), (*rows, *units), *((*batch, *units) for _ in states)]
    if len(shapes[0]) != 3 or len(shapes[1]) != 2 or not shapes[0][0] or shapes != expected:
        raise ShapeError(where, "the operands do not go together",
                         expected=f"u (T, N, {gates}·H) with weight ({gates}·H, H) and states (N, H), and T > 0",
                         got=", ".join(map(str, shapes)))  # fmt: skip
    if bias is not None and np.shape(bias) != rows:
        raise ShapeError(where, "bias has the wrong shape", expected=rows, got=np.shape(bias))


def _check_cotangent(where: str, g: Array, steps: int, h: Array) -> None:
    if np.shape(g) != (steps, *np.shape(h)):
        raise ShapeError(where, "g has the wrong shape", expected=(steps, *np.shape(h)), got=np.shape(g))


# --- common parts -----------------------------------------------------------------------------


_lstm_wrt, _gru_wrt = Once(kernels.lstm_wrt), Once(kernels.gru_wrt)


def _before(first: Array, after: Array, steps: int) -> Array:
    """Return the states before each step, from the first one and those after each."""
    return concatenate([expand_dims(first, 0), getitem(after, index=slice(0, steps - 1))])


def _as_rows(x: Array) -> Array:
    """Return (T, N, ...) as rows (T·N, ...)."""
    return reshape(x, shape=(-1, *x.shape[2:]))


def _slope(y: Array) -> Array:
    """Return the slope of the sigmoid where its value is y."""
    return multiply(y, subtract(1, y))


def _slope_of_tanh(y: Array) -> Array:
    return subtract(1, multiply(y, y))


def _product(*factors: Array) -> Array:
    return reduce(multiply, factors)


# --- the LSTM ---------------------------------------------------------------------------------


@primitive(residuals=("gates", "cells"))
def lstm(u: Floats, weight: Floats, h: Floats, c: Floats) -> Array:
    """An LSTM over a sequence (Hochreiter & Schmidhuber 1997; Gers et al. 2000), without the input weights.

    ``c' = σ(f)·c + σ(i)·tanh(g)`` and ``h' = σ(o)·tanh(c')``, where i, f, g and o are the four blocks of
    ``u[t] + weight @ h``, in this order.

    Parameters
    ----------
    u : (T, N, 4·H)
        The input contributions to the gates, including biases.
    weight : (4·H, H)
    h, c : (N, H)
        The initial state.

    Returns
    -------
    y : (T + 1, N, H)
        The outputs h' of all steps, followed by the last c'.

    Raises
    ------
    ShapeError
        If the shapes do not match, or ``u`` has no steps.

    Examples
    --------
    >>> lstm(np.zeros((3, 2, 4)), np.ones((4, 1)), np.zeros((2, 1)), np.ones((2, 1))).shape
    (4, 2, 1)
    """
    _check("lstm", 4, u, weight, None, h, c)
    return kernels.lstm(u, weight, h, c)


@lstm.shape
def lstm_shape(u: AbstractArray, weight: AbstractArray, h: AbstractArray, c: AbstractArray) -> Shape:
    _check("lstm", 4, u, weight, None, h, c)
    return (u.shape[0] + 1, *h.shape)


@lstm.vjp("u")
def lstm_vjp_u(g: Array, *, u: Array, weight: Array, h: Array, c: Array, gates: Array, cells: Array) -> Array:
    return part(_lstm_backward(g, u, weight, h, c, gates, cells), 0, u.shape)


@lstm.vjp("weight")
def lstm_vjp_weight(
    g: Array, *, u: Array, weight: Array, h: Array, c: Array, gates: Array, cells: Array, y: Array
) -> Array:
    du = part(_lstm_backward(g, u, weight, h, c, gates, cells), 0, u.shape)
    return matmul(transpose(_as_rows(du)), _as_rows(_before(h, y, u.shape[0])))


@lstm.vjp("h")
def lstm_vjp_h(g: Array, *, u: Array, weight: Array, h: Array, c: Array, gates: Array, cells: Array) -> Array:
    return part(_lstm_backward(g, u, weight, h, c, gates, cells), u.size, h.shape)


@lstm.vjp("c")
def lstm_vjp_c(g: Array, *, u: Array, weight: Array, h: Array, c: Array, gates: Array, cells: Array) -> Array:
    return part(_lstm_backward(g, u, weight, h, c, gates, cells), u.size + h.size, c.shape)


@primitive
def _lstm_backward(
    g: Floats, u: Floats, weight: Floats, h: Floats, c: Floats, gates: Array | None = None, cells: Array | None = None
) -> Array:
    """The cotangents of u, h and c in one row; ``gates`` and ``cells`` are those of `lstm`."""
    _check("lstm_backward", 4, u, weight, None, h, c)
    _check_cotangent("lstm_backward", g, np.shape(u)[0] + 1, h)
    if gates is None or cells is None:
        _, gates, cells = kernels.lstm(u, weight, h, c)
    return _lstm_wrt(g, weight, c, gates, cells)


@_lstm_backward.shape
def lstm_backward_shape(
    g: AbstractArray, u: AbstractArray, weight: AbstractArray, h: AbstractArray, c: AbstractArray,
    gates: AbstractArray | None, cells: AbstractArray | None,
) -> Shape:  # fmt: skip
    _check("lstm_backward", 4, u, weight, None, h, c)
    _check_cotangent("lstm_backward", g, np.shape(u)[0] + 1, h)
    return (u.size + h.size + c.size,)


def _lstm_backward_in_steps(g: Array, u: Array, weight: Array, h: Array, c: Array) -> Array:
    steps, known, du = range(shape_of(u)[0]), [], []
    for t in steps:
        i, f, n, o = split(add(getitem(u, index=t), linear(h, weight)), 4, axis=-1)
        i, f, n, o = sigmoid(i), sigmoid(f), tanh(n), sigmoid(o)
        before, c = c, add(multiply(f, c), multiply(i, n))
        squashed = tanh(c)
        h = multiply(o, squashed)
        known.append((i, f, n, o, before, squashed))
    dh, dc = multiply(0, h), getitem(g, index=len(steps))
    for t in reversed(steps):
        i, f, n, o, before, squashed = known[t]
        dh = add(dh, getitem(g, index=t))
        dc = add(dc, _product(dh, o, _slope_of_tanh(squashed)))
        di, df, dn, do = (
            _product(dc, n, _slope(i)), _product(dc, before, _slope(f)), _product(dc, i, _slope_of_tanh(n)),
            _product(dh, squashed, _slope(o)),
        )  # fmt: skip
        du.append(concatenate([di, df, dn, do], axis=-1))
        dh, dc = matmul(du[-1], weight), multiply(dc, f)
    return in_a_row(stack(du[::-1]), dh, dc)


def _lstm_rule(position: int) -> Callable[..., Array]:
    def lstm_backward_vjp(p: Array, *, g: Array, u: Array, weight: Array, h: Array, c: Array) -> Array:
        return recomputed(_lstm_backward_in_steps, position, p, g, u, weight, h, c)

    return lstm_backward_vjp


for _position, _name in enumerate(("g", "u", "weight", "h", "c")):
    _lstm_backward.vjp(_name)(_lstm_rule(_position))


# --- the GRU ----------------------------------------------------------------------------------


@primitive(residuals=("gates",))
def gru(u: Floats, weight: Floats, bias: Floats, h: Floats) -> Array:
    """A gated recurrent unit over a sequence (Cho et al. 2014), without the input weights.

    ``n = tanh(u_n + σ(u_r + v_r)·v_n)`` and ``h' = (1 - z)·n + z·h`` with ``z = σ(u_z + v_z)``, where r, z and n are
    the three blocks of ``u[t]`` and of ``v = weight @ h + bias``, in this order.

    Parameters
    ----------
    u : (T, N, 3·H)
        The input contributions to the gates, including their biases.
    weight : (3·H, H)
    bias : (3·H,)
    h : (N, H)
        The initial state.

    Returns
    -------
    y : (T, N, H)
        The outputs h' of all steps.

    Raises
    ------
    ShapeError
        If the shapes do not match, or ``u`` has no steps.

    Examples
    --------
    >>> gru(np.zeros((3, 2, 3)), np.ones((3, 1)), np.zeros(3), np.ones((2, 1))).shape
    (3, 2, 1)
    """
    _check("gru", 3, u, weight, bias, h)
    return kernels.gru(u, weight, bias, h)


@gru.shape
def gru_shape(u: AbstractArray, weight: AbstractArray, bias: AbstractArray, h: AbstractArray) -> Shape:
    _check("gru", 3, u, weight, bias, h)
    return (u.shape[0], *h.shape)


@gru.vjp("u")
def gru_vjp_u(g: Array, *, u: Array, weight: Array, bias: Array, h: Array, y: Array, gates: Array) -> Array:
    return part(_gru_backward(g, u, weight, bias, h, values_of(y), gates), 0, u.shape)


@gru.vjp("weight")
def gru_vjp_weight(g: Array, *, u: Array, weight: Array, bias: Array, h: Array, y: Array, gates: Array) -> Array:
    dv = part(_gru_backward(g, u, weight, bias, h, values_of(y), gates), u.size, u.shape)
    return matmul(transpose(_as_rows(dv)), _as_rows(_before(h, y, u.shape[0])))


@gru.vjp("bias")
def gru_vjp_bias(g: Array, *, u: Array, weight: Array, bias: Array, h: Array, y: Array, gates: Array) -> Array:
    return reduction.sum(part(_gru_backward(g, u, weight, bias, h, values_of(y), gates), u.size, u.shape), axis=(0, 1))


@gru.vjp("h")
def gru_vjp_h(g: Array, *, u: Array, weight: Array, bias: Array, h: Array, y: Array, gates: Array) -> Array:
    return part(_gru_backward(g, u, weight, bias, h, values_of(y), gates), 2 * u.size, h.shape)


@primitive
def _gru_backward(
    g: Floats, u: Floats, weight: Floats, bias: Floats, h: Floats, states: Array | None = None,
    gates: Array | None = None,
) -> Array:  # fmt: skip
    """The cotangents of u, v and h in one row; ``states`` and ``gates`` are those of `gru`."""
    _check("gru_backward", 3, u, weight, bias, h)
    _check_cotangent("gru_backward", g, np.shape(u)[0], h)
    if states is None or gates is None:
        states, gates = kernels.gru(u, weight, bias, h)
    return _gru_wrt(g, weight, h, states, gates)


@_gru_backward.shape
def gru_backward_shape(
    g: AbstractArray, u: AbstractArray, weight: AbstractArray, bias: AbstractArray, h: AbstractArray,
    states: AbstractArray | None, gates: AbstractArray | None,
) -> Shape:  # fmt: skip
    _check("gru_backward", 3, u, weight, bias, h)
    _check_cotangent("gru_backward", g, np.shape(u)[0], h)
    return (2 * u.size + h.size,)


def _gru_backward_in_steps(g: Array, u: Array, weight: Array, bias: Array, h: Array) -> Array:
    steps, known, du, dv = range(shape_of(u)[0]), [], [], []
    for t in steps:
        (u_r, u_z, u_n), (v_r, v_z, v_n) = (
            split(sent, 3, axis=-1) for sent in (getitem(u, index=t), linear(h, weight, bias))
        )
        r, z = sigmoid(add(u_r, v_r)), sigmoid(add(u_z, v_z))
        n = tanh(add(u_n, multiply(r, v_n)))
        less = subtract(h, n)
        known.append((r, z, n, v_n, less))
        h = add(n, multiply(z, less))
    dh = multiply(0, h)
    for t in reversed(steps):
        r, z, n, v_n, less = known[t]
        dh = add(dh, getitem(g, index=t))
        dn = _product(dh, subtract(1, z), _slope_of_tanh(n))
        dr, dz = _product(dn, v_n, _slope(r)), _product(dh, less, _slope(z))
        du.append(concatenate([dr, dz, dn], axis=-1))
        dv.append(concatenate([dr, dz, multiply(dn, r)], axis=-1))
        dh = add(multiply(dh, z), matmul(dv[-1], weight))
    return in_a_row(stack(du[::-1]), stack(dv[::-1]), dh)


def _gru_rule(position: int) -> Callable[..., Array]:
    def gru_backward_vjp(p: Array, *, g: Array, u: Array, weight: Array, bias: Array, h: Array) -> Array:
        return recomputed(_gru_backward_in_steps, position, p, g, u, weight, bias, h)

    return gru_backward_vjp


for _position, _name in enumerate(("g", "u", "weight", "bias", "h")):
    _gru_backward.vjp(_name)(_gru_rule(_position))
