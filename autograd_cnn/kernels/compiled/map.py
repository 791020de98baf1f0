"""Formulas as kernels: one pass over whole arrays, a vector at a time, on all threads."""

from collections.abc import Callable
from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy import ndarray

from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.lanes import Lanes, Mask, where
from autograd_cnn.kernels.compiled.llvm import INT, INT32, Value, Vectors, intrinsic, pointer, shuffle_mask
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.compiled.permuting import in_order
from autograd_cnn.kernels.windows import Array

MIN_PARALLEL: Final = 1 << 14  # elements; below this, one thread is done before another has started
MIN_LIGHT: Final = 1 << 17  # the same for formulas of a few instructions per element
MIN_COMPILED: Final = 1 << 6  # elements; below this, NumPy is faster than the call of a kernel
CHUNK: Final = 1 << 12  # elements of a job
NUMBERS, OPERANDS = 2, 3  # that the loops of `with_numbers` take, so that all have one signature


class Line(NamedTuple):
    """The number of elements."""

    size: int


class Operands(NamedTuple):
    """The number of elements, and for each operand 1 if it has as many, or 0 if it repeats one number."""

    size: int
    a: int = 0
    b: int = 0
    c: int = 0


def unary(formula: Callable[[Lanes], Lanes]) -> Callable[[Array], Any]:
    """Return a function of one array that applies the formula to each element."""

    def both(x: Lanes, _: Lanes) -> Lanes:
        return formula(x)

    run = binary_loop(both, formula.__name__)

    def function(x: Array) -> Any:
        return run(x, x) if type(x) is ndarray and x.size >= MIN_COMPILED else NotImplemented

    function.__doc__ = formula.__doc__
    return function


def binary(formula: Callable[[Lanes, Lanes], Lanes]) -> Callable[[Array, Array], Any]:
    """Return a function of two arrays of one shape that applies the formula to each pair of elements."""
    function = binary_loop(formula, formula.__name__)
    function.__doc__ = formula.__doc__
    return function


def binary_loop(
    formula: Callable[[Lanes, Lanes], Lanes], name: str, min_parallel: int = MIN_PARALLEL, *, exact: bool = False
) -> Callable[[Array, Array], Any]:
    """Return a function of two arrays of one shape that runs on all threads from ``min_parallel`` elements.

    All have the same signature, so that the code that starts them is compiled once. An ``exact`` one agrees with
    NumPy to the bit, so while loops are recorded it takes arrays of any size.
    """
    apply = vectorized(formula)

    def kernel(first: int, last: int, s: Operands, a: Any, b: Any, y: Any) -> None:
        for at in range(first * CHUNK, min(last * CHUNK, s.size), CHUNK):
            end = min(at + CHUNK, s.size)
            apply(0, end - at, (), (a[s.a * at :], b[s.b * at :], y[at:end]))

    kernel.__qualname__ = f"binary_loop.{name}"  # by which its code is kept
    loop = parallel_for(kernel)

    def run(a: Array, b: Array) -> Any:
        if type(a) is not ndarray or type(b) is not ndarray or b.shape != a.shape or not supports(a, b):
            return NotImplemented
        if a.size < MIN_COMPILED and not (exact and RECORDING):
            return NotImplemented
        y = np.empty(a.shape, a.dtype)
        row, step = as_row(a)
        other, step_of_other = (row, step) if b is a else as_row(b)
        sizes = Operands(a.size, step, step_of_other)
        loop(-(-a.size // CHUNK), sizes, row, other, y.reshape(-1), serial=a.size < min_parallel)
        return y

    return run


def with_numbers(count: int) -> Callable[[Callable[..., Lanes]], Callable[..., Any]]:
    """Return a decorator that turns a formula into a function of up to three arrays of one shape, and of numbers.

    The formula takes ``count`` numbers first, at most two; the function takes them last.
    """

    def decorate(formula: Callable[..., Lanes]) -> Callable[..., Any]:
        operands = formula.__code__.co_argcount - count

        def all_of_them(*values: Lanes) -> Lanes:
            return formula(*values[:count], *values[NUMBERS : NUMBERS + operands])

        apply = vectorized(all_of_them, operands=OPERANDS)

        def kernel(first: int, last: int, s: Operands, numbers: Any, a: Any, b: Any, c: Any, y: Any) -> None:
            for at in range(first * CHUNK, min(last * CHUNK, s.size), CHUNK):
                end = min(at + CHUNK, s.size)
                arrays = a[s.a * at :], b[s.b * at :], c[s.c * at :], y[at:end]
                apply(0, end - at, (numbers[0], numbers[1]), arrays)

        kernel.__qualname__ = f"with_numbers.{formula.__name__}"  # by which its code is kept
        loop = parallel_for(kernel)

        def function(a: Array, *others: Any) -> Any:
            arrays, numbers = (a, *others[: operands - 1]), others[operands - 1 :]
            if type(a) is not ndarray or a.size < MIN_COMPILED or not supports(*arrays):
                return NotImplemented
            rows: list[tuple[Array, int]] = []
            for each in arrays:
                if each.shape != a.shape:
                    return NotImplemented
                rows.append(as_row(each))
            rows += rows[:1] * (OPERANDS - operands)  # which the formula doesn't take
            y, given = np.empty(a.shape, a.dtype), np.zeros(NUMBERS, a.dtype)
            given[:count] = numbers
            (x1, step1), (x2, step2), (x3, step3) = rows
            sizes = Operands(a.size, step1, step2, step3)
            loop(-(-a.size // CHUNK), sizes, given, x1, x2, x3, y.reshape(-1), serial=a.size < MIN_PARALLEL)
            return y

        function.__doc__ = formula.__doc__
        return function

    return decorate


def as_row(x: Array) -> tuple[Array, int]:
    """Return the elements as a row, and 1; for a broadcast number a row as long as a job, and 0."""
    if x.flags.c_contiguous:
        return flat(x), 1
    if x.size <= CHUNK or any(x.strides):
        return in_order(x), 1
    number = x[(slice(1),) * x.ndim].reshape(1)  # a view, whose memory is known while loops are recorded
    return flat(np.broadcast_to(number, CHUNK)), 0


def jobs_of(x: Array) -> tuple[int, Line]:
    """Return the number of jobs for an array, and its size."""
    return -(-x.size // CHUNK), Line(x.size)


class Fold(NamedTuple):
    """A reduction: how the vectors of a loop are combined into one number, and its initial value."""

    combine: Callable[[Lanes, Lanes], Lanes]
    start: float


SUM: Final = Fold(lambda a, b: a + b, 0.0)


def vectorized(formula: Callable[..., Any], *folds: Fold, ways: int = 1, operands: int | None = None) -> Any:
    """Return a loop that applies a formula to a range of elements, a vector at a time, as a function for Numba.

    The formula takes numbers and a vector of each input array, or of the first ``operands`` arrays. It returns first a vector for each of the ``folds``,
    then those to store in the last arrays. The loop returns the reduced numbers. It keeps ``ways`` partial results, so
    that where the formula takes fewer cycles than the reduction, a vector need not wait for the one before it.
    """

    @intrinsic
    def apply(typing: Any, first: Any, last: Any, numbers: Any, arrays: Any) -> Any:
        def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
            first, last, numbers, arrays = values
            kinds = tuple(signature.args[3])
            simd = Vectors(build, kinds[0].dtype)
            bases = [
                pointer(context, build, kind, build.extract_value(arrays, i), INT(0)) for i, kind in enumerate(kinds)
            ]
            constants = [
                Lanes(simd, simd.splat(build.extract_value(numbers, i))) for i in range(len(signature.args[2]))
            ]
            folded = [
                [
                    cgutils.alloca_once_value(build, ir.Constant(simd.vector, [fold.start] * simd.lanes))
                    for fold in folds
                ]
                for _ in range(ways)
            ]

            def step(at: Value, way: int = 0, mask: Value = None) -> None:
                results = _results(formula, operands, simd, kinds, bases, constants, at, mask)
                for fold, total_at, result in zip(folds, folded[way], results, strict=False):
                    fresh = result if mask is None else where(Mask(simd, mask), result, fold.start)
                    build.store(fold.combine(Lanes(simd, build.load(total_at)), fresh).value, total_at)
                for result, base in zip(
                    results[len(folds) :], bases[len(bases) - len(results) + len(folds) :], strict=True
                ):
                    _store(simd, result, base, at, mask)

            def up_to(begin: Value, count: int) -> Value:
                """Write the steps that take ``count`` vectors at a time, and return where they end."""
                size = INT(count * simd.lanes)
                end = build.add(begin, build.mul(build.sdiv(build.sub(last, begin), size), size))
                with cgutils.for_range_slice(build, begin, end, size) as (at, _):
                    for way in range(count):
                        step(build.add(at, INT(way * simd.lanes)), way)
                return end

            whole = up_to(first if ways == 1 else up_to(first, ways), 1)
            with build.if_then(build.icmp_signed("<", whole, last)):
                step(whole, mask=simd.first_lanes(build.sub(last, whole)))
            totals = []
            for i, fold in enumerate(folds):
                each = [Lanes(simd, build.load(places[i])) for places in folded]
                totals.append(_total(fold, reduce(fold.combine, each)))
            return context.make_tuple(build, signature.return_type, totals)

        return types.UniTuple(arrays[0].dtype, len(folds))(types.int64, types.int64, numbers, arrays), write

    return apply


def summed(formula: Callable[..., Any], block: int, *, ways: int = 1) -> Any:
    """Return a loop like that of `vectorized` which returns the sum of the formula's first result.

    A block of elements is summed in their own dtype, and the sums of blocks in float64.
    """
    apply = vectorized(formula, SUM, ways=ways)

    @inlined
    def total(first: int, last: int, numbers: Any, arrays: Any) -> Any:
        sums = 0.0
        for at in range(first, last, block):
            sums += apply(at, min(at + block, last), numbers, arrays)[0]
        return sums

    return total


def both_summed(formula: Callable[..., Any], block: int, *, ways: int = 1) -> Any:
    """Return the same for the formula's first two results."""
    apply = vectorized(formula, SUM, SUM, ways=ways)

    @inlined
    def totals(first: int, last: int, numbers: Any, arrays: Any) -> Any:
        sums, others = 0.0, 0.0
        for at in range(first, last, block):
            part, other = apply(at, min(at + block, last), numbers, arrays)
            sums, others = sums + part, others + other
        return sums, others

    return totals


def _results(
    formula: Callable[..., Any], operands: int | None, simd: Vectors, kinds: Any, bases: list[Value],
    constants: list[Lanes], at: Value, mask: Value,
) -> tuple[Any, ...]:  # fmt: skip
    """Emit the formula for one vector of each input array; with a mask, only its lanes are loaded."""
    count = formula.__code__.co_argcount - len(constants) if operands is None else operands
    vectors: list[Lanes | Mask] = []
    for kind, base in zip(kinds[:count], bases[:count], strict=True):
        if kind.dtype == simd.dtype:
            vectors.append(Lanes(simd, simd.load(base, at, mask)))
        else:
            bools = Vectors(simd.build, types.int8, simd.lanes)
            vectors.append(Mask(simd, simd.build.icmp_signed("!=", bools.load(base, at, mask), bools.zero)))
    results = formula(*constants, *vectors)
    return results if type(results) is tuple else (results,)


def _store(simd: Vectors, result: Lanes | Mask, base: Value, at: Value, mask: Value) -> None:
    if isinstance(result, Lanes):
        simd.store(result.value, base, at, mask)
    else:
        bools = Vectors(simd.build, types.int8, simd.lanes)
        bools.store(simd.build.zext(result.value, bools.vector), base, at, mask)


def _total(fold: Fold, vector: Lanes) -> Value:
    """Return the lanes of a vector combined into one number, by halving."""
    simd, distance = vector.simd, vector.simd.lanes // 2
    while distance:
        rotated = shuffle_mask([(lane + distance) % simd.lanes for lane in range(simd.lanes)])
        vector = fold.combine(vector, Lanes(simd, simd.build.shuffle_vector(vector.value, vector.value, rotated)))
        distance //= 2
    return simd.build.extract_element(vector.value, INT32(0))
