"""Max-pooling over windows of any size, a vector of windows at a time, tap by tap.

There is no branch on which tap is the largest: a processor could not predict it.
"""

from typing import Any

from numba import types
from numba.core import cgutils

from autograd_cnn.kernels.compiled.llvm import INT, Value, Vectors, intrinsic, pointer


@intrinsic
def largest_of_taps(
    typing: Any, y: Any, indices: Any, at: Any, x: Any, x_at: Any, offsets: Any, first: Any, last: Any, count: Any
) -> Any:
    """Update the largest value and its tap with taps ``first`` to ``last``, for up to a vector of windows.

    The pixels of neighbouring windows are contiguous, those of a tap at its offset. A NaN is larger than all numbers,
    and the first NaN wins.
    """
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        y, indices, at, x, x_at, offsets, first, last, count = values
        kinds = signature.args
        simd = Vectors(build, kinds[0].dtype)
        numbers = Vectors(build, kinds[1].dtype, simd.lanes)
        to_y = pointer(context, build, kinds[0], y, at)
        to_indices = pointer(context, build, kinds[1], indices, at)
        pixels = pointer(context, build, kinds[3], x, x_at)
        table = pointer(context, build, kinds[5], offsets, INT(0))

        def compare(windows: Value) -> None:
            best, argmax = cgutils.alloca_once(build, simd.vector), cgutils.alloca_once(build, numbers.vector)
            build.store(simd.load(to_y, INT(0), windows), best)
            build.store(numbers.load(to_indices, INT(0), windows), argmax)
            with cgutils.for_range(build, last, start=first) as tap:
                value, before = simd.load(pixels, build.load(build.gep(table, [tap.index]))), build.load(best)
                better = build.and_(build.fcmp_unordered(">", value, before), build.fcmp_ordered("ord", before, before))
                build.store(build.select(better, value, before), best)
                number = numbers.splat(build.trunc(tap.index, numbers.element))
                build.store(build.select(better, number, build.load(argmax)), argmax)
            simd.store(build.load(best), to_y, INT(0), windows)
            numbers.store(build.load(argmax), to_indices, INT(0), windows)

        with build.if_else(build.icmp_signed(">=", count, INT(simd.lanes))) as (whole, some):
            with whole:
                compare(None)
            with some:
                compare(simd.first_lanes(count))
        return context.get_dummy_value()

    return types.void(y, indices, i, x, i, offsets, i, i, i), write
