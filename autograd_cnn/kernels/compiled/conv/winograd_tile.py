"""Winograd's algorithm on tiles of vectors: its matrices, and their products with a tile.

Lavin & Gray 2016, *Fast Algorithms for Convolutional Neural Networks*, give for m×m pixels of a correlation with a
3×3 kernel the formula::

    y = Aᵀ · [(G w Gᵀ) ⊙ (Bᵀ x B)] · A

with (m + 2)² products instead of 9·m². The matrices follow from m + 1 points at which polynomials are multiplied, and
infinity (the Toom-Cook method). Any points give exact formulas, but with different rounding errors. For m = 2 they are
0 and ±1. For m = 4 the textbook's 0, ±1, ±2 lose four bits; 0, ±√½, ±√2 lose one or two, since none of their powers
is large.

A vector holds one pixel of several channels, so that a transform multiplies whole vectors by constants.
"""

from typing import Any, Final

import numpy as np
from llvmlite import ir

from autograd_cnn.kernels.compiled.conv.problem import ConvProblem, sum_error
from autograd_cnn.kernels.compiled.llvm import INT, Value, Vectors, emitted
from autograd_cnn.kernels.windows import Array

POINTS: Final = {2: (1.0,), 4: (0.5**0.5, 2.0**0.5)}
"""By the side m of a tile of y: the positive points. Their negatives, 0 and infinity go with them."""


def matrices(m: int) -> tuple[Array, Array, Array]:
    """Return Bᵀ (m+2, m+2), G (m+2, 3) and Aᵀ (m, m+2).

    Examples
    --------
    >>> b, g, a = matrices(2)
    >>> x, w = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, 2.0])
    >>> a @ ((g @ w) * (b @ x))
    array([ 7., 10.])
    """
    points = [0.0, *(sign * point for point in POINTS[m] for sign in (1, -1))]
    size = m + 2
    b, g, a = np.zeros((size, size)), np.zeros((size, 3)), np.zeros((m, size))
    for j, point in enumerate(points):
        others = [other for other in points if other != point]
        b[j, :-1] = np.poly(others)[::-1]
        g[j] = np.power(point, [0, 1, 2]) / np.prod(np.subtract(point, others))
        a[:, j] = np.power(point, range(m))
    b[-1] = np.poly(points)[::-1]
    g[-1, -1] = a[-1, -1] = 1
    return np.round(b, 12), g, a


def _amplification(outer: Array, inner: Array, weights: Array) -> float:
    """Return how much larger the transformed sums can be than the terms that they stand for, for rows and columns.

    The rows of ``outer`` sum products of operands that ``inner`` and ``weights`` have transformed.
    """
    return float((abs(outer) @ (abs(inner).sum(1) * abs(weights).max(1))).max()) ** 2


_TRANSFORM_TERMS: Final = 40  # for sums of a few terms before and after the products, with rounded constants


def winograd_error(m: int, p: ConvProblem) -> float:
    """Return the bound for sums over the channels of transformed tiles, relative to the largest pixel · filter."""
    b, g, a = matrices(m)
    return sum_error(p.group_channels + _TRANSFORM_TERMS, p.dtype) * _amplification(a, b, g)


def winograd_wgrad_error(m: int, p: ConvProblem) -> float:
    """Return the bound for sums over all transformed tiles, relative to the largest pixel · map."""
    b, g, a = matrices(m)
    tiles = p.n * -(-p.oh // m) * -(-p.ow // m)
    return sum_error(tiles + _TRANSFORM_TERMS, p.dtype) * _amplification(g.T, b, a.T)


# --- constant matrices · vectors --------------------------------------------------------------


def _multiply(simd: Vectors, matrix: Array, vectors: list[Value]) -> list[Value]:
    """Emit a constant matrix · a column of vectors.

    Two neighbouring columns, or rows, whose numbers agree but for the sign belong to a point and its negative. Their
    sums and differences are computed once.
    """
    rows = [list(row) for row in np.asarray(matrix, np.float32)]
    build, terms = simd.build, list(vectors)
    for j in range(1, len(terms) - 1, 2):
        pairs = [(row[j], row[j + 1]) for row in rows]
        if len(rows) > 3 and all(abs(p) == abs(q) for p, q in pairs):  # with fewer rows it saves nothing
            terms[j], terms[j + 1] = build.fadd(terms[j], terms[j + 1]), build.fsub(terms[j], terms[j + 1])
            for row, (p, q) in zip(rows, pairs, strict=True):
                row[j], row[j + 1] = (p, 0) if p == q else (0, p)
    results: list[Value] = []
    while len(results) < len(rows):
        i = len(results)
        first, second = rows[i], rows[i + 1] if i + 1 < len(rows) else []
        even = [p if p == q else 0 for p, q in zip(first, second)]  # noqa: B905  # the last row may have no pair
        odd = [p if p == -q else 0 for p, q in zip(first, second)]  # noqa: B905
        if any(even) and any(odd) and all(abs(p) == abs(q) for p, q in zip(first, second, strict=True)):
            scale = 1.0 if 1 in map(abs, odd) else max(map(abs, odd))  # applied by the last multiply-add
            total, difference = _dot(simd, even, terms), _dot(simd, [p / scale for p in odd], terms)
            if scale == 1:
                results += [build.fadd(total, difference), build.fsub(total, difference)]
            else:
                results += [simd.multiply_add(difference, _constant(simd, n), total) for n in (scale, -scale)]
        else:
            results.append(_dot(simd, first, terms))
    return results


def _dot(simd: Vectors, numbers: list[Any], vectors: list[Value]) -> Value:
    """Emit the sum of numbers · vectors, starting with a vector whose number is 1, if there is one."""
    terms = sorted(((n, v) for n, v in zip(numbers, vectors, strict=True) if n), key=lambda term: term[0] != 1)
    (number, total), *others = terms
    if number != 1:
        total = simd.build.fmul(total, _constant(simd, number))
    for number, vector in others:
        if abs(number) == 1:
            total = (simd.build.fadd if number == 1 else simd.build.fsub)(total, vector)
        else:
            total = simd.multiply_add(vector, _constant(simd, number), total)
    return total


def _constant(simd: Vectors, number: float) -> Value:
    return ir.Constant(simd.vector, [float(number)] * simd.lanes)


def _two_sided(left: dict[int, Array], shifted: bool = False) -> Any:
    """Return the product L · X · Lᵀ for a matrix X of vectors, ``shifted`` by a vector or not, and L by a tile's ``side``.

    Element [i, j] of the source and of the target is at ``i · row_step + j · column_step``.
    """

    def transform(
        simd: Vectors, target: Value, target_row: Value, target_column: Value, source: Value, source_row: Value,
        source_column: Value, shift: Value, side: Value,
    ) -> None:  # fmt: skip
        build = simd.build
        for m, matrix in left.items():
            with build.if_then(build.icmp_signed("==", side, INT(m))):
                rows, columns = matrix.shape
                half = []  # half[j][i] is row i of L · column j of X
                for j in range(columns):
                    column = build.mul(source_column, INT(j))
                    cells = [
                        simd.load(source, build.add(build.mul(source_row, INT(i)), column)) for i in range(columns)
                    ]
                    half.append(_multiply(simd, matrix, cells))
                add = simd.load(shift, INT(0)) if shifted else None
                for i in range(rows):
                    row = build.mul(target_row, INT(i))
                    for j, cell in enumerate(_multiply(simd, matrix, [half[j][i] for j in range(columns)])):
                        result = build.fadd(cell, add) if shifted else cell
                        simd.store(result, target, build.add(row, build.mul(target_column, INT(j))))

    return emitted(transform)


IMAGE, KERNEL, OUTPUT = (_two_sided({m: matrices(m)[n] for m in POINTS}, shifted=n == 2) for n in range(3))
# The transposed matrices for the adjoint in w: for its cotangents, and for its result.
COTANGENT, GRADIENT = (_two_sided({4: matrices(4)[n].T}) for n in (2, 1))
