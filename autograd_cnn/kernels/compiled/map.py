"""Formulas, made kernels that pass over whole arrays once, on all threads."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy import ndarray

from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.lanes import Lanes, Mask, where
from autograd_cnn.kernels.compiled.llvm import INT, INT32, Value, Vectors, intrinsic, lane_numbers, pointer
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

FEWEST: Final = 1 << 14  # elements; one thread is done with fewer before another has begun
LIGHT: Final = 1 << 17  # the same, of what takes a few instructions an element
FEW: Final = 1 << 6  # elements; NumPy is done with fewer before a kernel has been called
CHUNK: Final = 1 << 12  # elements that are one job


class Line(NamedTuple):
    """The size of what is worked on."""

    size: int


def function_of_one(formula: Callable[[Lanes], Lanes]) -> Callable[[Array], Any]:
    """Return a function of one array, which computes the formula of each of its numbers."""

    def both(x: Lanes, _: Lanes) -> Lanes:
        return formula(x)

    run = kernel_of_two(both, formula.__name__)

    def function(x: Array) -> Any:
        return run(x, x) if type(x) is ndarray and x.size >= FEW else NotImplemented

    function.__doc__ = formula.__doc__
    return function


def function_of_two(formula: Callable[[Lanes, Lanes], Lanes]) -> Callable[[Array, Array], Any]:
    """Return a function of two arrays of one shape, which computes the formula of each pair of numbers."""
    function = kernel_of_two(formula, formula.__name__)
    function.__doc__ = formula.__doc__
    return function


def kernel_of_two(
    formula: Callable[[Lanes, Lanes], Lanes], name: str, fewest: int = FEWEST, *, exact: bool = False
) -> Callable[[Array, Array], Any]:
    """Return a function of two arrays of one shape, for all threads from so many elements on.

    One type of kernel serves all, so that what starts them is compiled once. An exact one, which has NumPy's bits,
    takes the fewest elements where loops are written down.
    """
    apply = over_vectors(formula)

    def kernel(first: int, last: int, s: Line, a: Any, b: Any, y: Any) -> None:
        apply(first * CHUNK, min(last * CHUNK, s.size), (), (a, b, y))

    kernel.__qualname__ = f"kernel_of_two.{name}"  # by which its code is kept
    loop = parallel_for(kernel)

    def run(a: Array, b: Array) -> Any:
        if type(a) is not ndarray or np.shape(b) != a.shape or not supports(a, b):
            return NotImplemented
        if a.size < FEW and not (exact and RECORDING):
            return NotImplemented
        y = np.empty(a.shape, a.dtype)
        row = flat(a)
        loop(*jobs_of(a), row, row if b is a else flat(b), y.reshape(-1), alone=a.size < fewest)
        return y

    return run


def function_with_number(formula: Callable[..., Lanes]) -> Callable[..., Any]:
    """Return a function of one array, or of two of one shape, and of a number, which the formula takes first."""
    single = formula.__code__.co_argcount == 2
    apply = over_vectors((lambda number, a, _: formula(number, a)) if single else formula)

    def kernel(first: int, last: int, s: Line, number: Any, a: Any, b: Any, y: Any) -> None:
        apply(first * CHUNK, min(last * CHUNK, s.size), (number[0],), (a, b, y))

    kernel.__qualname__ = f"function_with_number.{formula.__name__}"  # by which its code is kept
    loop = parallel_for(kernel)

    def run(a: Array, b: Array, number: float) -> Any:
        if type(a) is not ndarray or a.size < FEW or np.shape(b) != a.shape or not supports(a, b):
            return NotImplemented
        y, row = np.empty(a.shape, a.dtype), flat(a)
        numbers = np.full(1, number, a.dtype)
        loop(*jobs_of(a), numbers, row, row if b is a else flat(b), y.reshape(-1), alone=a.size < FEWEST)
        return y

    def function(a: Array, number: float) -> Any:
        return run(a, a, number)

    function.__doc__ = run.__doc__ = formula.__doc__
    return function if single else run


def jobs_of(x: Array) -> tuple[int, Line]:
    """Return how many jobs an array is, and its size."""
    return -(-x.size // CHUNK), Line(x.size)


class Fold(NamedTuple):
    """How the vectors of a loop are put together to one number."""

    together: Callable[[Lanes, Lanes], Lanes]
    start: float


def over_vectors(formula: Callable[..., Any], *folds: Fold) -> Any:
    """Return the loop over some elements of arrays as a function for Numba, a vector at a time.

    The formula is given numbers and what the arrays hold, and returns what is to be folded, and then what the last
    arrays are to hold. The loop returns what it folded.
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
                Lanes(simd, simd.spread(build.extract_value(numbers, i))) for i in range(len(signature.args[2]))
            ]
            folded = [
                cgutils.alloca_once_value(build, ir.Constant(simd.vector, [fold.start] * simd.lanes)) for fold in folds
            ]

            def step(at: Value, mask: Value = None) -> None:
                results = _results(formula, simd, kinds, bases, constants, at, mask)
                for fold, place, result in zip(folds, folded, results, strict=False):
                    fresh = result if mask is None else where(Mask(simd, mask), result, fold.start)
                    build.store(fold.together(Lanes(simd, build.load(place)), fresh).value, place)
                for result, base in zip(
                    results[len(folds) :], bases[len(bases) - len(results) + len(folds) :], strict=True
                ):
                    _store(simd, result, base, at, mask)

            lanes = INT(simd.lanes)
            whole = build.add(first, build.mul(build.sdiv(build.sub(last, first), lanes), lanes))
            with cgutils.for_range_slice(build, first, whole, lanes) as (at, _):
                step(at)
            with build.if_then(build.icmp_signed("<", whole, last)):
                step(whole, simd.first(build.sub(last, whole)))
            totals = [_total(fold, Lanes(simd, build.load(place))) for fold, place in zip(folds, folded, strict=True)]
            return context.make_tuple(build, signature.return_type, totals)

        return types.UniTuple(arrays[0].dtype, len(folds))(types.int64, types.int64, numbers, arrays), write

    return apply


def _results(
    formula: Callable[..., Any], simd: Vectors, kinds: Any, bases: list[Value], constants: list[Lanes], at: Value,
    mask: Value,
) -> tuple[Any, ...]:  # fmt: skip
    """Write a formula of what the first arrays hold in one vector; with a mask in its lanes."""
    count = formula.__code__.co_argcount - len(constants)
    operands: list[Lanes | Mask] = []
    for kind, base in zip(kinds[:count], bases[:count], strict=True):
        if kind.dtype == simd.dtype:
            operands.append(Lanes(simd, simd.load(base, at, mask)))
        else:
            bools = Vectors(simd.build, types.int8, simd.lanes)
            operands.append(Mask(simd, simd.build.icmp_signed("!=", bools.load(base, at, mask), bools.zero)))
    results = formula(*constants, *operands)
    return results if type(results) is tuple else (results,)


def _store(simd: Vectors, result: Lanes | Mask, base: Value, at: Value, mask: Value) -> None:
    if isinstance(result, Lanes):
        simd.store(result.value, base, at, mask)
    else:
        bools = Vectors(simd.build, types.int8, simd.lanes)
        bools.store(simd.build.zext(result.value, bools.vector), base, at, mask)


def _total(fold: Fold, vector: Lanes) -> Value:
    """Return all lanes of a vector put together, each half of them with the other."""
    simd, distance = vector.simd, vector.simd.lanes // 2
    while distance:
        turned = lane_numbers([(lane + distance) % simd.lanes for lane in range(simd.lanes)])
        vector = fold.together(vector, Lanes(simd, simd.build.shuffle_vector(vector.value, vector.value, turned)))
        distance //= 2
    return simd.build.extract_element(vector.value, INT32(0))
