"""Recurrent layers over whole sequences: each job runs a block of sequences through all steps.

Sequences of a batch are independent, so threads synchronise only at the end, and the states of a job's sequences stay
in the first-level cache. The weights are packed once for all steps.

Shapes are those of the reference.
"""

from typing import Any, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.activation import logistic, tanh
from autograd_cnn.kernels.compiled.gemm import layout, multiply_rows, pad_to_vectors
from autograd_cnn.kernels.compiled.lanes import Lanes
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.map import vectorized
from autograd_cnn.kernels.compiled.microkernel import MR
from autograd_cnn.kernels.compiled.packing import copy_row
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.windows import Array


class Sizes(NamedTuple):
    """The sizes of a layer."""

    steps: int
    batch: int
    units: int
    rows: int  # sequences of a job


def lstm(u: Array, w: Array, h: Array, c: Array) -> Any:
    """Return the outputs and the last cell state, the gates, and the cell states."""
    if not supports(u, w, h, c):
        return NotImplemented
    jobs, s = _cut(u, w)
    y, gates, cells = (np.empty(shape, u.dtype) for shape in ((s.steps + 1, *h.shape), u.shape, (s.steps, *h.shape)))
    _lstm(
        jobs, s, flat(u), *_factor(s, w.T), flat(h), flat(c), y.reshape(-1), gates.reshape(-1), cells.reshape(-1)
    )  # fmt: skip
    return y, gates, cells


def lstm_wrt(dy: Array, w: Array, c: Array, gates: Array, cells: Array) -> Any:
    """Return the cotangents of u, of the first output and of the first cell state, concatenated."""
    if not supports(dy, w, c, gates, cells):
        return NotImplemented
    jobs, s = _cut(gates, w)
    out = np.empty(gates.size + 2 * c.size, gates.dtype)
    _lstm_wrt(jobs, s, flat(dy), *_factor(s, w), flat(c), flat(gates), flat(cells), out)
    return out


def gru(u: Array, w: Array, bias: Array, h: Array) -> Any:
    """Return the outputs, and the gates with the hidden contribution to n."""
    if not supports(u, w, bias, h):
        return NotImplemented
    jobs, s = _cut(u, w)
    y, gates = (np.empty((*u.shape[:-1], width), u.dtype) for width in (s.units, 4 * s.units))
    _gru(jobs, s, flat(u), *_factor(s, w.T), flat(bias), flat(h), y.reshape(-1), gates.reshape(-1))
    return y, gates


def gru_wrt(dy: Array, w: Array, h: Array, y: Array, gates: Array) -> Any:
    """Return the cotangents of u, of the hidden contributions to the gates, and of the first output, concatenated."""
    if not supports(dy, w, h, y, gates):
        return NotImplemented
    jobs, s = _cut(gates, w)
    out = np.empty(6 * y.size + h.size, y.dtype)
    _gru_wrt(jobs, s, flat(dy), *_factor(s, w), flat(h), flat(y), flat(gates), out)
    return out


def _cut(u: Array, w: Array) -> tuple[int, Sizes]:
    """Return the number of jobs, and the sizes: two tiles of rows share the weights that they read."""
    steps, batch, _ = u.shape
    rows = MR[0] * (1 if batch < 4 * MR[0] else 2)
    return -(-batch // rows), Sizes(steps, batch, w.shape[1], rows)


def _factor(s: Sizes, b: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Return B in whole vectors, and offsets: of its rows, then of A's rows and columns and of C's vectors."""
    sizes, rows, columns, b_rows, vectors = layout(s.rows, *b.shape, VECTOR_BYTES // b.itemsize, transposed=False)[1:]
    return pad_to_vectors(b, sizes, VECTOR_BYTES // b.itemsize), b_rows, rows, columns, vectors


# --- formulas on states -----------------------------------------------------------------------


def _lstm_gates(i: Lanes, f: Lanes, g: Lanes, o: Lanes, c: Lanes) -> tuple[Lanes, ...]:
    i, f, g, o = logistic(i), logistic(f), tanh(g), logistic(o)
    c = f * c + i * g
    return i, f, g, o, c, c, o * tanh(c)


def _lstm_slopes(
    dh: Lanes, dy: Lanes, dc: Lanes, i: Lanes, f: Lanes, g: Lanes, o: Lanes, before: Lanes, after: Lanes
) -> tuple[Lanes, ...]:
    squashed, dh = tanh(after), dh + dy
    dc = dc + dh * o * (1.0 - squashed * squashed)
    slopes = dc * g * i * (1.0 - i), dc * before * f * (1.0 - f), dc * i * (1.0 - g * g), dh * squashed * o * (1.0 - o)
    return (*slopes, dc * f)


def _gru_gates(u_r: Lanes, u_z: Lanes, u_n: Lanes, v_r: Lanes, v_z: Lanes, v_n: Lanes, h: Lanes) -> tuple[Lanes, ...]:
    r, z = logistic(u_r + v_r), logistic(u_z + v_z)
    n = tanh(u_n + r * v_n)
    return r, z, n, v_n, n + z * (h - n)


def _gru_slopes(dh: Lanes, dy: Lanes, r: Lanes, z: Lanes, n: Lanes, v: Lanes, before: Lanes) -> tuple[Lanes, ...]:
    dh = dh + dy
    dn = dh * (1.0 - z) * (1.0 - n * n)
    dr, dz = dn * v * r * (1.0 - r), dh * (before - n) * z * (1.0 - z)
    return dr, dz, dn, dr, dz, dn * r, dh * z


_write_lstm = vectorized(_lstm_gates)
_write_lstm_slopes = vectorized(_lstm_slopes)
_write_gru = vectorized(_gru_gates)
_write_gru_slopes = vectorized(_gru_slopes)

# --- steps ------------------------------------------------------------------------------------


@inlined
def _block(x: Any, row: int, units: int) -> Any:
    """Return a row of ``units``."""
    return x[row * units : (row + 1) * units]


@inlined
def _three(x: Any, row: int, units: int) -> Any:
    """Return the parts of a row of three times ``units``."""
    return _block(x, 3 * row, units), _block(x, 3 * row + 1, units), _block(x, 3 * row + 2, units)


@inlined
def _four(x: Any, row: int, units: int) -> Any:
    """Return the parts of a row of four times ``units``."""
    first, second = 4 * row, 4 * row + 2
    return _block(x, first, units), _block(x, first + 1, units), _block(x, second, units), _block(x, second + 1, units)


@parallel_for
def _lstm(
    first: int, last: int, s: Sizes, u: Any, w: Any, w_rows: Any, rows: Any, columns: Any, vectors: Any, h: Any, c: Any,
    y: Any, gates: Any, cells: Any,
) -> None:  # fmt: skip
    outputs, memory = np.empty(s.rows * s.units, u.dtype), np.empty(s.rows * s.units, u.dtype)
    for job in range(first, last):
        begin, count = job * s.rows, min(s.rows, s.batch - job * s.rows)
        copy_row(outputs, 0, h, begin * s.units, count * s.units)
        copy_row(memory, 0, c, begin * s.units, count * s.units)
        for t in range(s.steps):
            sequence = t * s.batch + begin
            at, width = 4 * sequence * s.units, 4 * s.units
            copy_row(gates, at, u, at, count * width)
            multiply_rows(outputs, 0, rows, columns, w, 0, w_rows, gates, at, vectors, 0, count, width, s.units)
            for m in range(count):
                i, f, g, o = _four(gates, sequence + m, s.units)
                state, here = _block(memory, m, s.units), _block(outputs, m, s.units)
                cell = _block(cells, sequence + m, s.units)
                _write_lstm(0, s.units, (), (i, f, g, o, state, i, f, g, o, state, cell, here))
            copy_row(y, sequence * s.units, outputs, 0, count * s.units)
        copy_row(y, (s.steps * s.batch + begin) * s.units, memory, 0, count * s.units)


@parallel_for
def _lstm_wrt(
    first: int, last: int, s: Sizes, dy: Any, w: Any, w_rows: Any, rows: Any, columns: Any, vectors: Any, c: Any,
    gates: Any, cells: Any, out: Any,
) -> None:  # fmt: skip
    dh, dc, before = (
        np.empty(s.rows * s.units, dy.dtype), np.empty(s.rows * s.units, dy.dtype), np.empty(s.rows * s.units, dy.dtype)
    )  # fmt: skip
    for job in range(first, last):
        begin, count = job * s.rows, min(s.rows, s.batch - job * s.rows)
        size = count * s.units
        dh[:] = 0
        copy_row(dc, 0, dy, (s.steps * s.batch + begin) * s.units, size)
        for t in range(s.steps - 1, -1, -1):
            sequence = t * s.batch + begin
            if t:
                copy_row(before, 0, cells, (sequence - s.batch) * s.units, size)
            else:
                copy_row(before, 0, c, begin * s.units, size)
            for m in range(count):
                i, f, g, o = _four(gates, sequence + m, s.units)
                di, df, dg, do = _four(out, sequence + m, s.units)
                of_y, of_h = _block(dy, sequence + m, s.units), _block(dh, m, s.units)
                of_c, was = _block(dc, m, s.units), _block(before, m, s.units)
                now = _block(cells, sequence + m, s.units)
                _write_lstm_slopes(
                    0, s.units, (), (of_h, of_y, of_c, i, f, g, o, was, now, di, df, dg, do, of_c)
                )  # fmt: skip
            dh[:] = 0
            at = 4 * sequence * s.units
            multiply_rows(out, at, rows, columns, w, 0, w_rows, dh, 0, vectors, 0, count, s.units, 4 * s.units)
        at = (4 * s.steps * s.batch + begin) * s.units
        copy_row(out, at, dh, 0, size)
        copy_row(out, at + s.batch * s.units, dc, 0, size)


@parallel_for
def _gru(
    first: int, last: int, s: Sizes, u: Any, w: Any, w_rows: Any, rows: Any, columns: Any, vectors: Any, bias: Any,
    h: Any, y: Any, gates: Any,
) -> None:  # fmt: skip
    outputs, sent = np.empty(s.rows * s.units, u.dtype), np.empty(3 * s.rows * s.units, u.dtype)
    width = 3 * s.units
    for job in range(first, last):
        begin, count = job * s.rows, min(s.rows, s.batch - job * s.rows)
        copy_row(outputs, 0, h, begin * s.units, count * s.units)
        for t in range(s.steps):
            sequence = t * s.batch + begin
            for m in range(count):
                copy_row(sent, m * width, bias, 0, width)
            multiply_rows(outputs, 0, rows, columns, w, 0, w_rows, sent, 0, vectors, 0, count, width, s.units)
            for m in range(count):
                u_r, u_z, u_n = _three(u, sequence + m, s.units)
                v_r, v_z, v_n = _three(sent, m, s.units)
                r, z, n, v = _four(gates, sequence + m, s.units)
                state = _block(outputs, m, s.units)
                _write_gru(0, s.units, (), (u_r, u_z, u_n, v_r, v_z, v_n, state, r, z, n, v, state))
            copy_row(y, sequence * s.units, outputs, 0, count * s.units)


@parallel_for
def _gru_wrt(
    first: int, last: int, s: Sizes, dy: Any, w: Any, w_rows: Any, rows: Any, columns: Any, vectors: Any, h: Any,
    y: Any, gates: Any, out: Any,
) -> None:  # fmt: skip
    dh, before = np.empty(s.rows * s.units, dy.dtype), np.empty(s.rows * s.units, dy.dtype)
    width, steps = 3 * s.units, s.steps * s.batch
    for job in range(first, last):
        begin, count = job * s.rows, min(s.rows, s.batch - job * s.rows)
        size = count * s.units
        dh[:] = 0
        for t in range(s.steps - 1, -1, -1):
            sequence = t * s.batch + begin
            if t:
                copy_row(before, 0, y, (sequence - s.batch) * s.units, size)
            else:
                copy_row(before, 0, h, begin * s.units, size)
            for m in range(count):
                r, z, n, v = _four(gates, sequence + m, s.units)
                u_r, u_z, u_n = _three(out, sequence + m, s.units)
                v_r, v_z, v_n = _three(out, steps + sequence + m, s.units)
                of_y, of_h = _block(dy, sequence + m, s.units), _block(dh, m, s.units)
                was = _block(before, m, s.units)
                _write_gru_slopes(0, s.units, (), (of_h, of_y, r, z, n, v, was, u_r, u_z, u_n, v_r, v_z, v_n, of_h))
            at = 3 * (steps + sequence) * s.units
            multiply_rows(out, at, rows, columns, w, 0, w_rows, dh, 0, vectors, 0, count, s.units, width)
        copy_row(out, (6 * steps + begin) * s.units, dh, 0, size)
