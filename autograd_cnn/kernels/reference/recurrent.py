"""Recurrent layers over a whole sequence, and their adjoints (backpropagation through time, Werbos 1990).

Shapes: input contributions to the gates u (T, N, 4·H) or (T, N, 3·H); states (N, H); weights w (4·H, H) or (3·H, H).
"""

import numpy as np

from autograd_cnn.kernels.reference.special import sigmoid
from autograd_cnn.kernels.windows import Array

__all__ = ["gru", "gru_wrt", "lstm", "lstm_wrt"]


def lstm(u: Array, w: Array, h: Array, c: Array) -> tuple[Array, Array, Array]:
    """Return the outputs and the last cell state (T + 1, N, H), the gates i, f, g, o (T, N, 4·H), and the cell states."""
    gates = np.array(u, np.result_type(u, w, h, c))  # (T, N, 4·H)
    y = np.empty((len(u) + 1, *h.shape), gates.dtype)
    cells = np.empty((len(u), *h.shape), gates.dtype)
    for t in range(len(u)):
        gates[t] += h @ w.T
        i, f, g, o = np.split(gates[t], 4, axis=-1)
        for gate in (i, f, o):
            gate[...] = sigmoid(gate)
        np.tanh(g, out=g)
        cells[t] = c = f * c + i * g
        y[t] = h = o * np.tanh(c)
    y[-1] = c
    return y, gates, cells


def lstm_wrt(dy: Array, w: Array, c: Array, gates: Array, cells: Array) -> Array:
    """Return the cotangents of u, of the first output and of the first cell state, concatenated."""
    units = w.shape[1]
    du, dh, dc = np.empty_like(gates), np.zeros_like(c), dy[-1]
    for t in reversed(range(len(gates))):
        i, f, g, o = np.split(gates[t], 4, axis=-1)
        before, squashed = cells[t - 1] if t else c, np.tanh(cells[t])
        dh = dh + dy[t]
        dc = dc + dh * o * (1 - squashed**2)
        du[t, :, :units] = dc * g * i * (1 - i)
        du[t, :, units : 2 * units] = dc * before * f * (1 - f)
        du[t, :, 2 * units : 3 * units] = dc * i * (1 - g**2)
        du[t, :, 3 * units :] = dh * squashed * o * (1 - o)
        dc = dc * f
        dh = du[t] @ w
    return np.concatenate([du.ravel(), dh.ravel(), dc.ravel()])


def gru(u: Array, w: Array, bias: Array, h: Array) -> tuple[Array, Array]:
    """Return the outputs (T, N, H), and the gates r, z, n with the hidden contribution to n (T, N, 4·H)."""
    units = w.shape[1]
    dtype = np.result_type(u, w, bias, h)
    y, gates = np.empty((len(u), *h.shape), dtype), np.empty((*u.shape[:-1], 4 * units), dtype)
    for t, sent in enumerate(u):
        v = h @ w.T + bias
        r, z = np.split(sigmoid(sent[:, : 2 * units] + v[:, : 2 * units]), 2, axis=-1)
        n = np.tanh(sent[:, 2 * units :] + r * v[:, 2 * units :])
        gates[t] = np.concatenate([r, z, n, v[:, 2 * units :]], axis=-1)
        y[t] = h = n + z * (h - n)
    return y, gates


def gru_wrt(dy: Array, w: Array, h: Array, y: Array, gates: Array) -> Array:
    """Return the cotangents of u, of the hidden contributions to the gates, and of the first output, concatenated."""
    units = w.shape[1]
    du, dv = (np.empty((*gates.shape[:-1], 3 * units), gates.dtype) for _ in range(2))
    dh = np.zeros_like(h)
    for t in reversed(range(len(gates))):
        r, z, n, v = np.split(gates[t], 4, axis=-1)
        before = y[t - 1] if t else h
        dh = dh + dy[t]
        dn = dh * (1 - z) * (1 - n**2)
        dr, dz = dn * v * r * (1 - r), dh * (before - n) * z * (1 - z)
        du[t] = np.concatenate([dr, dz, dn], axis=-1)
        dv[t] = np.concatenate([dr, dz, dn * r], axis=-1)
        dh = dh * z + dv[t] @ w
    return np.concatenate([du.ravel(), dv.ravel(), dh.ravel()])
