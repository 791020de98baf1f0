"""Formulas, made kernels that pass over whole arrays once, on all threads."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numba import types
from numba.core import cgutils

from autograd_cnn.kernels.compiled.lanes import Lanes, Mask
from autograd_cnn.kernels.compiled.llvm import INT, Value, Vectors, intrinsic, pointer
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

FEWEST: Final = 1 << 14  # elements; one thread is done with fewer before another has begun
_FEW: Final = 1 << 6  # elements; NumPy is done with fewer before a kernel has been called
CHUNK: Final = 1 << 12  # elements that are one job


class Line(NamedTuple):
    """The size of what is worked on."""

    size: int


def function_of_one(formula: Callable[[Lanes], Lanes]) -> Callable[[Array], Any]:
    """Return a function of one array, which computes the formula of each of its numbers."""

    def both(x: Lanes, _: Lanes) -> Lanes:
        return formula(x)

    run = _kernel(both, formula.__name__)

    def function(x: Array) -> Any:
        return run(x, x)

    function.__doc__ = formula.__doc__
    return function


def function_of_two(formula: Callable[[Lanes, Lanes], Lanes]) -> Callable[[Array, Array], Any]:
    """Return a function of two arrays of one shape, which computes the formula of each pair of numbers."""
    function = _kernel(formula, formula.__name__)
    function.__doc__ = formula.__doc__
    return function


def _kernel(formula: Callable[[Lanes, Lanes], Lanes], name: str) -> Callable[[Array, Array], Any]:
    # One type of kernel serves all, so that what starts them is compiled once.
    apply = over_vectors(formula)

    def kernel(first: int, last: int, s: Line, a: Any, b: Any, y: Any) -> None:
        apply(first * CHUNK, min(last * CHUNK, s.size), (), (a, b, y))

    kernel.__qualname__ = f"_kernel.{name}"  # by which its code is kept
    loop = parallel_for(kernel)

    def run(a: Array, b: Array) -> Any:
        if type(a) is not np.ndarray or a.size < _FEW or np.shape(b) != a.shape or not supports(a, b):
            return NotImplemented
        y = np.empty(a.shape, a.dtype)
        row = flat(a)
        loop(*jobs_of(a), row, row if b is a else flat(b), y.reshape(-1), alone=a.size < FEWEST)
        return y

    return run


def jobs_of(x: Array) -> tuple[int, Line]:
    """Return how many jobs an array is, and its size."""
    return -(-x.size // CHUNK), Line(x.size)


def over_vectors(formula: Callable[..., Any]) -> Any:
    """Return the loop over some elements of arrays as a function for Numba, a vector at a time.

    The formula is given numbers and what the arrays hold, and returns what the last arrays are to hold.
    """

    @intrinsic
    def apply(typing: Any, first: Any, last: Any, numbers: Any, arrays: Any) -> Any:
        def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
            first, last, numbers, arrays = values
            kinds = signature.args[3]
            simd = Vectors(build, kinds[0].dtype)
            bases = [
                pointer(context, build, kind, build.extract_value(arrays, i), INT(0)) for i, kind in enumerate(kinds)
            ]
            constants = [
                Lanes(simd, simd.spread(build.extract_value(numbers, i))) for i in range(len(signature.args[2]))
            ]

            def step(at: Value, mask: Value = None) -> None:
                _step(formula, simd, kinds, bases, constants, at, mask)

            lanes = INT(simd.lanes)
            whole = build.add(first, build.mul(build.sdiv(build.sub(last, first), lanes), lanes))
            with cgutils.for_range_slice(build, first, whole, lanes) as (at, _):
                step(at)
            with build.if_then(build.icmp_signed("<", whole, last)):
                step(whole, simd.first(build.sub(last, whole)))
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, numbers, arrays), write

    return apply


def _step(
    formula: Callable[..., Any], simd: Vectors, kinds: Any, bases: list[Value], constants: list[Lanes], at: Value,
    mask: Value,
) -> None:  # fmt: skip
    """Write one vector's work; with a mask that of its lanes."""
    build, bytes_ = simd.build, Vectors(simd.build, types.int8, simd.lanes)

    def read(kind: Any, base: Value) -> Lanes | Mask:
        if kind.dtype == simd.dtype:
            return Lanes(simd, simd.load(base, at, mask))
        return Mask(simd, build.icmp_signed("!=", bytes_.load(base, at, mask), bytes_.zero))

    def write(result: Lanes | Mask, base: Value) -> None:
        if isinstance(result, Lanes):
            simd.store(result.value, base, at, mask)
        else:
            bytes_.store(build.zext(result.value, bytes_.vector), base, at, mask)

    count = formula.__code__.co_argcount - len(constants)
    operands = [read(kind, base) for kind, base in zip(kinds[:count], bases[:count], strict=True)]
    results = formula(*constants, *operands)
    results = results if type(results) is tuple else (results,)
    for result, base in zip(results, bases[count:], strict=True):
        write(result, base)
