"""Standardised maps and their adjoints in as few passes over memory as there can be.

One pass sums up every map by itself, while it is in the first-level cache; the sums of a channel's maps are put
together as Chan et al. 1983 do it, without cancellation. One more pass writes the result.

Shapes: x, y and g (N, C, H, W); a number for each channel (C,).
"""

from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from autograd_cnn.kernels.compiled.llvm import INT, INT32, Value, Vectors, intrinsic, pointer
from autograd_cnn.kernels.compiled.map import FEWEST
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

SUMS: Final = 4  # vectors of them


class Maps(NamedTuple):
    """The sizes of what is worked on."""

    channels: int
    size: int  # of a map


def moments(x: Array) -> Any:
    """Return mean and variance of each channel."""
    if not _worthwhile(x):
        return NotImplemented
    mean, squares = _squares(x)
    return mean.astype(x.dtype), (squares / x[:, :1].size).astype(x.dtype)


def standardize(x: Array, scale: Array, shift: Array, eps: float) -> Any:
    """Return (x - mean) / sqrt(var + eps) · scale + shift."""
    if not _worthwhile(x, scale, shift):
        return NotImplemented
    mean, squares = _squares(x)
    return _combined(x, mean, scale / np.sqrt(squares / x[:, :1].size + eps), x, mean, np.zeros_like(mean), shift)


def standardized_dot(g: Array, x: Array, eps: float) -> Any:
    """Return for each channel the sum of g times the standardised x."""
    if not _worthwhile(g, x):
        return NotImplemented
    mean, squares = _squares(x)
    _, products = _products(g, x, mean)
    return (products / np.sqrt(squares / x[:, :1].size + eps)).astype(x.dtype)


def standardize_wrt_input(g: Array, x: Array, scale: Array, eps: float) -> Any:
    """Return r · scale · (g - mean(g) - z · mean(g · z)), z being (x - mean) · r and r being 1 / sqrt(var + eps)."""
    if not _worthwhile(g, x, scale):
        return NotImplemented
    count = x[:, :1].size
    mean, squares = _squares(x)
    total, products = _products(g, x, mean)
    r = 1 / np.sqrt(squares / count + eps)
    return _combined(g, total / count, r * scale, x, mean, -(r**3) * scale * products / count, np.zeros_like(mean))


def _worthwhile(x: Array, *others: Array) -> bool:
    return x.size >= FEWEST and supports(x, *others)


def _squares(x: Array) -> tuple[Array, Array]:
    """Return each channel's mean, and the sum of the squared distances from it, in float64."""
    (n, c), size = x.shape[:2], x[0, 0].size
    sums, squares = np.empty((n, c)), np.empty((n, c))
    _sum_squares(n * c, Maps(c, size), flat(x), sums.reshape(-1), squares.reshape(-1))
    mean = sums.sum(axis=0) / (n * size)  # (C,)
    return mean, squares.sum(axis=0) + ((sums / size - mean) ** 2).sum(axis=0) * size


def _products(g: Array, x: Array, mean: Array) -> tuple[Array, Array]:
    """Return each channel's sum of g, and of g times the distance from the mean, in float64."""
    n, c = x.shape[:2]
    sums, products = np.empty((n, c)), np.empty((n, c))
    sizes = Maps(c, x[0, 0].size)
    _sum_products(n * c, sizes, flat(g), flat(x), mean.astype(x.dtype), sums.reshape(-1), products.reshape(-1))
    total = sums.sum(axis=0)  # (C,)
    # The mean was rounded to the dtype of x, which the sum of g makes good again.
    return total, products.sum(axis=0) + (mean.astype(x.dtype) - mean) * total


def _combined(a: Array, a_mean: Array, a_scale: Array, b: Array, b_mean: Array, b_scale: Array, shift: Array) -> Array:
    """Return (a - a_mean) · a_scale + (b - b_mean) · b_scale + shift, with a number of each for a channel."""
    y = np.empty(a.shape, a.dtype)
    numbers = np.stack([a_mean, a_scale, b_mean, b_scale, shift]).astype(a.dtype)  # (5, C)
    _combine(a.shape[0] * a.shape[1], Maps(a.shape[1], a[0, 0].size), flat(a), flat(b), numbers, y.reshape(-1))
    return y


@parallel_for
def _sum_squares(first: int, last: int, s: Maps, x: Any, sums: Any, squares: Any) -> None:
    """Sum up a map of x (N, C, size), and its squared distances from its mean, for each job, in float64."""
    zero = x.dtype.type(0)
    for each in range(first, last):
        at = each * s.size
        sums[each], _ = sum_products(x, at, zero, x, at, zero, s.size)
        mean = x.dtype.type(sums[each] / s.size)
        beside, squares[each] = sum_products(x, at, mean, x, at, mean, s.size)
        squares[each] -= beside * beside / s.size  # the mean was rounded


@parallel_for
def _sum_products(first: int, last: int, s: Maps, g: Any, x: Any, mean: Any, sums: Any, products: Any) -> None:
    """Sum up a map of g (N, C, size), and g times the distance of x from ``mean`` (C,), for each job, in float64."""
    for each in range(first, last):
        at = each * s.size
        sums[each], products[each] = sum_products(g, at, g.dtype.type(0), x, at, mean[each % s.channels], s.size)


@parallel_for
def _combine(first: int, last: int, s: Maps, a: Any, b: Any, numbers: Any, y: Any) -> None:
    """Combine a map of a and b (N, C, size) into y for each job, with the channel's ``numbers`` (5, C)."""
    for each in range(first, last):
        a_mean, a_scale, b_mean, b_scale, shift = numbers[:, each % s.channels]
        here = slice(each * s.size, (each + 1) * s.size)
        of_a, of_b, of_y = a[here], b[here], y[here]
        for i in range(len(of_y)):
            of_y[i] = (of_a[i] - a_mean) * a_scale + (of_b[i] - b_mean) * b_scale + shift


@intrinsic
def sum_products(typing: Any, a: Any, a_at: Any, a_mean: Any, b: Any, b_at: Any, b_mean: Any, size: Any) -> Any:
    """Return the sum of a - a_mean, and of (a - a_mean) · (b - b_mean), over so many elements, in float64."""
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        a, a_at, a_mean, b, b_at, b_mean, size = values
        simd = Vectors(build, signature.args[0].dtype)
        of_a, of_b = (
            pointer(context, build, signature.args[0], a, a_at),
            pointer(context, build, signature.args[3], b, b_at),
        )
        means = simd.spread(a_mean), simd.spread(b_mean)
        # Several sums side by side, since each waits for the addition before.
        sums = [
            (cgutils.alloca_once_value(build, simd.zero), cgutils.alloca_once_value(build, simd.zero))
            for _ in range(SUMS)
        ]

        def add(number: int, at: Value, mask: Value = None) -> None:
            total, products = sums[number]
            first, second = (
                build.fsub(simd.load(base, at, mask), mean) for base, mean in zip((of_a, of_b), means, strict=True)
            )
            if mask is not None:
                first = build.select(mask, first, simd.zero)
            build.store(build.fadd(build.load(total), first), total)
            build.store(simd.multiply_add(first, second, build.load(products)), products)

        step = INT(SUMS * simd.lanes)
        whole = build.mul(build.sdiv(size, step), step)
        with cgutils.for_range_slice(build, INT(0), whole, step) as (at, _):
            for number in range(SUMS):
                add(number, build.add(at, INT(number * simd.lanes)))
        with cgutils.for_range_slice(build, whole, size, INT(simd.lanes)) as (at, _):
            add(0, at, simd.first(build.sub(size, at)))
        results = [_total(simd, [build.load(pair[n]) for pair in sums]) for n in (0, 1)]
        return context.make_tuple(build, signature.return_type, results)

    return types.UniTuple(types.float64, 2)(a, i, a.dtype, b, i, b.dtype, i), write


def _total(simd: Vectors, vectors: list[Value]) -> Value:
    """Return the sum of all lanes of some vectors."""
    build, double = simd.build, ir.DoubleType()
    together, total = reduce(build.fadd, vectors), ir.Constant(double, 0)
    for lane in range(simd.lanes):
        number = build.extract_element(together, INT32(lane))
        total = build.fadd(total, number if simd.size == 8 else build.fpext(number, double))
    return total
