"""Scaled dot-product attention and its adjoint, one block of queries at a time: never all weights at once.

A job is a head of a sequence. Its keys and values are packed once for all queries. The adjoint recomputes the weights
from the logarithms of the rows' sums (Dao et al. 2022, with whole rows of scores for a block of queries).

Shapes are those of the reference.
"""

from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.gemm import multiply_rows
from autograd_cnn.kernels.compiled.lanes import Lanes, at_least, exp
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.map import vectorized
from autograd_cnn.kernels.compiled.microkernel import MR
from autograd_cnn.kernels.compiled.packing import SCRATCH, copy_row
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.compiled.reduction import add_vectors
from autograd_cnn.kernels.compiled.softmax import largest, scaled, sum_of_powers, sum_of_products
from autograd_cnn.kernels.compiled.transposing import transpose_maps
from autograd_cnn.kernels.windows import Array

MAX_QUERIES: Final = 8 * MR[0]
"""The largest block of queries; blocks are smaller if there are many keys."""


class Sizes(NamedTuple):
    """The sizes of a head, and which keys are masked."""

    queries: int
    keys: int
    width: int  # of a query and of a key
    values: int  # the width of a value
    rows: int  # queries of a block
    ldk: int  # the keys, in whole vectors
    ldd: int  # a query, in whole vectors
    ldv: int  # a value, in whole vectors
    heads: int
    causal: int  # 1 if a query does not see later keys
    bias_row: int  # stride between the biases of queries; -1 without a bias


def attention(q: Array, k: Array, v: Array, bias: Array | None, causal: bool, scale: float) -> Any:
    """Return softmax(scores) · v, zeros where all scores are -inf, and the logarithms of the rows' sums."""
    if not supports(q, k, v, *(() if bias is None else (bias,))) or (causal and not _finite(q, k, v)):
        return NotImplemented
    s, hiding = _sizes(q, k, v, causal, bias), _bias_and_starts(q, k, bias)
    y, logsums = np.empty((*q.shape[:-1], s.values), q.dtype), np.empty(q.shape[:-1], q.dtype)
    factor = np.array([scale], q.dtype)
    _attention(s.heads, s, flat(q), flat(k), flat(v), *hiding, factor, y.reshape(-1), logsums.reshape(-1))
    return y, logsums


def attention_wrt(
    g: Array, q: Array, k: Array, v: Array, bias: Array | None, causal: bool, scale: float, y: Array, logsums: Array
) -> Any:
    """Return the cotangents of q, k and v, concatenated."""
    if not supports(g, q, k, v, y, logsums, *(() if bias is None else (bias,))) or (causal and not _finite(g, q, k, v)):
        return NotImplemented
    s, out = _sizes(q, k, v, causal, bias), np.empty(q.size + k.size + v.size, q.dtype)
    arrays = (flat(x) for x in (g, q, k, v, y, logsums))
    _attention_wrt(s.heads, s, *arrays, *_bias_and_starts(q, k, bias), np.array([scale], q.dtype), out)
    return out


def _finite(*arrays: Array) -> bool:
    """Return whether products with 0 are 0, so that keys after all queries of a block can be left out."""
    with np.errstate(over="ignore", invalid="ignore"):
        return all(np.isfinite(x.sum()) for x in arrays)


def _sizes(q: Array, k: Array, v: Array, causal: bool, bias: Array | None) -> Sizes:
    (queries, width), (keys, values) = q.shape[-2:], v.shape[-2:]
    lanes = VECTOR_BYTES // q.itemsize
    fitting = SCRATCH // (2 * keys * q.itemsize) // MR[0] * MR[0]
    ldk, ldd, ldv = (-(-count // lanes) * lanes for count in (keys, width, values))
    bias_row = -1 if bias is None else keys * (bias.ndim > 1 and bias.shape[-2] > 1)
    return Sizes(
        queries, keys, width, values, max(MR[0], min(MAX_QUERIES, fitting)), ldk, ldd, ldv, prod(q.shape[:-2]),
        int(causal), bias_row,
    )  # fmt: skip


def _bias_and_starts(q: Array, k: Array, bias: Array | None) -> tuple[Array, Array]:
    """Return the bias, and the offset of each head's bias in it."""
    if bias is None:
        return flat(np.zeros(1, q.dtype)), np.zeros(1, np.int64)
    rows = bias.shape[-2] if bias.ndim > 1 else 1
    stacks = bias.shape[:-2]
    starts = np.arange(prod(stacks)).reshape(stacks) * (rows * k.shape[-2])
    bias = np.broadcast_to(bias, (*stacks, rows, k.shape[-2]))
    return flat(bias), np.broadcast_to(starts, q.shape[:-2]).reshape(-1).copy()


# --- formulas on rows of scores ---------------------------------------------------------------


def _weights(logsum: Lanes, score: Lanes) -> Lanes:
    return exp(at_least(score - logsum, score.format.least)).value


_write_weights: Final = vectorized(_weights)
_write_slopes: Final = vectorized(lambda dot, scale, weight, slope: weight * (slope - dot) * scale)


@inlined
def _transpose_keys(s: Any, k: Any, scale: Any, head: int, kt: Any) -> None:
    """Write the scaled keys of a head as columns, (width, keys)."""
    transpose_maps(kt, 0, k, head * s.keys * s.width, s.keys, s.width, s.width)
    scaled(0, s.width * s.ldk, (scale[0],), (kt, kt))


@inlined
def _write_rows(wide: Any, ld: int, x: Any, at: int, count: int, width: int) -> None:
    """Copy rows, each padded to whole vectors."""
    for m in range(count):
        copy_row(wide, m * ld, x, at + m * width, width)


@inlined
def _write_scores(
    s: Any, head: int, begin: int, count: int, n: int, q: Any, kt: Any, bias: Any, bias_at: Any, unit: Any,
    vectors: Any, scores: Any,
) -> None:  # fmt: skip
    """Write the scores of a block of queries with the first n keys, -inf where a key is masked."""
    lanes = VECTOR_BYTES // scores.itemsize
    scores[: count * n] = 0
    multiply_rows(
        q, (head * s.queries + begin) * s.width, unit * s.width, unit, kt, 0, unit * s.ldk, scores, 0,
        vectors[: (n + lanes - 1) // lanes], 0, count, n, s.width,
    )  # fmt: skip
    for m in range(count):
        row = scores[m * n : (m + 1) * n]
        if s.bias_row >= 0:
            at = bias_at[head] + (begin + m) * s.bias_row
            add_vectors(0, n, (), (row, bias[at : at + n], row))
        if s.causal:
            row[begin + m + 1 :] = -np.inf


@parallel_for
def _attention(
    first: int, last: int, s: Sizes, q: Any, k: Any, v: Any, bias: Any, bias_at: Any, scale: Any, y: Any, logsums: Any
) -> None:
    """Attend in one head for each job."""
    lanes = VECTOR_BYTES // y.itemsize
    kt, values = np.empty((s.width + lanes) * s.ldk, y.dtype), np.empty((s.keys + 1) * s.ldv, y.dtype)
    scores = np.empty(s.rows * s.keys + lanes, y.dtype)
    unit = np.arange(max(s.rows, s.keys, s.width))
    vectors = np.arange(max(s.ldk, s.ldv) // lanes) * lanes
    for head in range(first, last):
        _transpose_keys(s, k, scale, head, kt)
        _write_rows(values, s.ldv, v, head * s.keys * s.values, s.keys, s.values)
        for begin in range(0, s.queries, s.rows):
            count = min(s.rows, s.queries - begin)
            n = min(s.keys, begin + count) if s.causal else s.keys
            _write_scores(s, head, begin, count, n, q, kt, bias, bias_at, unit, vectors, scores)
            row = head * s.queries + begin
            for m in range(count):
                (top,) = largest(m * n, (m + 1) * n, (), (scores,))
                if top == -np.inf and sum_of_products(m * n, (m + 1) * n, (), (scores, scores)) == np.inf:  # and no NaN
                    scores[m * n : (m + 1) * n] = 0
                    logsums[row + m] = np.inf
                else:
                    total = sum_of_powers(m * n, (m + 1) * n, (top,), (scores, scores))
                    logsums[row + m] = top + np.log(total)
                    scaled(m * n, (m + 1) * n, (y.dtype.type(1 / total),), (scores, scores))
            at = row * s.values
            y[at : at + count * s.values] = 0
            multiply_rows(
                scores, 0, unit * n, unit, values, 0, unit * s.ldv, y, at, vectors[: s.ldv // lanes], 0, count,
                s.values, n,
            )  # fmt: skip


@parallel_for
def _attention_wrt(
    first: int, last: int, s: Sizes, g: Any, q: Any, k: Any, v: Any, y: Any, logsums: Any, bias: Any, bias_at: Any,
    scale: Any, out: Any,
) -> None:  # fmt: skip
    """Compute the cotangents of one head for each job."""
    lanes = VECTOR_BYTES // out.itemsize
    kt, vt = np.empty((s.width + lanes) * s.ldk, out.dtype), np.empty((s.values + lanes) * s.ldk, out.dtype)
    keys, queries = np.empty((s.keys + 1) * s.ldd, out.dtype), np.empty((s.rows + 1) * s.ldd, out.dtype)
    errors = np.empty((s.rows + 1) * s.ldv, out.dtype)
    weights, slopes = np.empty(s.rows * s.keys + lanes, out.dtype), np.empty(s.rows * s.keys + lanes, out.dtype)
    unit = np.arange(max(s.rows, s.keys, s.width, s.values))
    vectors = np.arange(max(s.ldk, s.ldd, s.ldv) // lanes) * lanes
    of_width, of_values = vectors[: s.ldd // lanes], vectors[: s.ldv // lanes]
    for head in range(first, last):
        _transpose_keys(s, k, scale, head, kt)
        transpose_maps(vt, 0, v, head * s.keys * s.values, s.keys, s.values, s.values)
        _write_rows(keys, s.ldd, k, head * s.keys * s.width, s.keys, s.width)
        to_k = (s.heads * s.queries + head * s.keys) * s.width
        to_v = s.heads * (s.queries + s.keys) * s.width + head * s.keys * s.values
        out[to_k : to_k + s.keys * s.width] = 0
        out[to_v : to_v + s.keys * s.values] = 0
        for begin in range(0, s.queries, s.rows):
            count = min(s.rows, s.queries - begin)
            n = min(s.keys, begin + count) if s.causal else s.keys
            row = head * s.queries + begin
            of_q, of_g, steps = row * s.width, row * s.values, unit * n
            _write_scores(s, head, begin, count, n, q, kt, bias, bias_at, unit, vectors, weights)
            slopes[: count * n] = 0
            multiply_rows(
                g, of_g, unit * s.values, unit, vt, 0, unit * s.ldk, slopes, 0, vectors[: (n + lanes - 1) // lanes], 0,
                count, n, s.values,
            )  # fmt: skip
            for m in range(count):
                at, end = of_g + m * s.values, of_g + (m + 1) * s.values
                dot = out.dtype.type(sum_of_products(0, s.values, (), (g[at:end], y[at:end])))
                _write_weights(m * n, (m + 1) * n, (logsums[row + m],), (weights, weights))
                _write_slopes(m * n, (m + 1) * n, (dot, scale[0]), (weights, slopes, slopes))
            out[of_q : of_q + count * s.width] = 0
            multiply_rows(slopes, 0, steps, unit, keys, 0, unit * s.ldd, out, of_q, of_width, 0, count, s.width, n)
            _write_rows(queries, s.ldd, q, of_q, count, s.width)
            _write_rows(errors, s.ldv, g, of_g, count, s.values)
            multiply_rows(slopes, 0, unit, steps, queries, 0, unit * s.ldd, out, to_k, of_width, 0, n, s.width, count)
            multiply_rows(weights, 0, unit, steps, errors, 0, unit * s.ldv, out, to_v, of_values, 0, n, s.values, count)
