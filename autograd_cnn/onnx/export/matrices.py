"""Formulas for small matrices: ONNX has determinants, from which everything else follows (Cramer 1750)."""

from typing import Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import FormatError
from autograd_cnn.onnx.export.formulas import formula
from autograd_cnn.ops import decomposition, inverse

LARGEST: Final = 8
"""The most rows of a matrix; each of its N² cofactors is a determinant of N - 1 rows."""


def _check(x: Array) -> int:
    n = int(shape_of(x)[-1])
    if n > LARGEST:
        problem = "inverses and factors of large matrices have no counterpart in ONNX"
        hint = "solve by an iteration of products"
        raise FormatError("export", problem, expected=f"at most {LARGEST} rows", got=n, hint=hint)
    return n


@formula(inverse._cofactors)
def cofactors(x: Array) -> Array:
    n = _check(x)
    if n == 1:
        return ops.astype(ops.equal(x, x), dtype=x.dtype)
    others = np.array([[k for k in range(n) if k != left_out] for left_out in range(n)])
    rows = ops.take(x, others.ravel(), axis=-2)
    both = ops.take(rows, others.ravel(), axis=-1)
    minors = ops.reshape(both, shape=(*shape_of(x)[:-2], n, n - 1, n, n - 1))
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n))
    return ops.det(ops.swapaxes(minors, -2, -3)) * signs.astype(x.dtype)


@formula(ops.inv)
def inv(x: Array) -> Array:
    return ops.swapaxes(cofactors(x), -1, -2) / ops.expand_dims(ops.det(x), (-2, -1))


@formula(ops.solve)
def solve(a: Array, b: Array) -> Array:
    return ops.matmul(inv(a), b)


@formula(inverse._sign_det)
def sign_det(x: Array) -> Array:
    return ops.sign(ops.det(x))


@formula(inverse._log_abs_det)
def log_abs_det(x: Array) -> Array:
    return ops.log(ops.absolute(ops.det(x)))


@formula(decomposition._cholesky)
def cholesky(x: Array) -> Array:
    """Column by column (Cholesky & Banachiewicz)."""
    n = _check(x)
    x = (x + ops.swapaxes(x, -1, -2)) * 0.5
    columns: list[Array] = []
    for place in range(n):
        left = x[..., :, place]
        for column in columns:
            left = left - column * column[..., place : place + 1]
        column = left / ops.sqrt(left[..., place : place + 1])
        columns.append(ops.where(np.arange(n) >= place, column, 0))
    return ops.stack(columns, axis=-1)
