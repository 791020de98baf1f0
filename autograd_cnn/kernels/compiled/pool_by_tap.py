"""Pooling over windows of any size, a vector of windows at a time, tap by tap, and the adjoints.

The pixels of neighbouring windows are contiguous, those of a tap at its offset. There is no branch on which tap is the
largest: a processor could not predict it.
"""

from typing import Any

from numba import types
from numba.core import cgutils

from autograd_cnn.kernels.compiled.llvm import INT, Value, Vectors, intrinsic, pointer


@intrinsic
def largest_of_taps(
    typing: Any, y: Any, indices: Any, at: Any, x: Any, x_at: Any, offsets: Any, first: Any, last: Any, count: Any,
    start: Any, number: Any,
) -> Any:  # fmt: skip
    """Write the largest of taps ``first`` to ``last`` and ``start``, whose number it gives, and its number.

    It is for up to a vector of windows. A NaN is larger than all numbers, and the first NaN wins.
    """
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        y, indices, at, x, x_at, offsets, first, last, count, start, number = values
        kinds = signature.args
        simd = Vectors(build, kinds[0].dtype)
        numbers = Vectors(build, kinds[1].dtype, simd.lanes)
        pixels, table = pointer(context, build, kinds[3], x, x_at), pointer(context, build, kinds[5], offsets, INT(0))
        best, argmax = cgutils.alloca_once(build, simd.vector), cgutils.alloca_once(build, numbers.vector)
        build.store(simd.splat(start), best)
        build.store(numbers.splat(build.trunc(number, numbers.element)), argmax)
        with cgutils.for_range(build, last, start=first) as tap:
            value, before = simd.load(pixels, build.load(build.gep(table, [tap.index]))), build.load(best)
            better = build.and_(build.fcmp_unordered(">", value, before), build.fcmp_ordered("ord", before, before))
            build.store(build.select(better, value, before), best)
            own = numbers.splat(build.trunc(tap.index, numbers.element))
            build.store(build.select(better, own, build.load(argmax)), argmax)

        def keep(windows: Value) -> None:
            simd.store(build.load(best), pointer(context, build, kinds[0], y, at), INT(0), windows)
            numbers.store(build.load(argmax), pointer(context, build, kinds[1], indices, at), INT(0), windows)

        _whole_or_some(simd, count, keep)
        return context.get_dummy_value()

    return types.void(y, indices, i, x, i, offsets, i, i, i, y.dtype, i), write


@intrinsic
def sum_of_taps(
    typing: Any, y: Any, at: Any, x: Any, x_at: Any, offsets: Any, first: Any, last: Any, count: Any
) -> Any:  # fmt: skip
    """Write the sums of taps ``first`` to ``last``, for up to a vector of windows."""
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        y, at, x, x_at, offsets, first, last, count = values
        simd = Vectors(build, signature.args[0].dtype)
        _sum(
            context,
            simd,
            signature.args,
            (y, at),
            (x, x_at),
            (offsets, first, last),
            count,
            lambda _k, _offset, value: value,
        )
        return context.get_dummy_value()

    return types.void(y, i, x, i, offsets, i, i, i), write


@intrinsic
def sum_of_won(
    typing: Any, y: Any, at: Any, x: Any, x_at: Any, offsets: Any, first: Any, last: Any, count: Any, indices: Any,
    taps: Any,
) -> Any:  # fmt: skip
    """Do the same with what ``indices``, which lie as ``x`` does, say that tap number ``taps[k]`` has won."""
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        y, at, x, x_at, offsets, first, last, count, indices, taps = values
        kinds = signature.args
        simd = Vectors(build, kinds[0].dtype)
        numbers = Vectors(build, kinds[8].dtype, simd.lanes)
        winners, table = (
            pointer(context, build, kinds[8], indices, x_at),
            pointer(context, build, kinds[9], taps, INT(0)),
        )

        def won(k: Value, offset: Value, value: Value) -> Value:
            wanted = numbers.splat(build.trunc(build.load(build.gep(table, [k])), numbers.element))
            return build.select(build.icmp_unsigned("==", numbers.load(winners, offset), wanted), value, simd.zero)

        _sum(context, simd, kinds, (y, at), (x, x_at), (offsets, first, last), count, won)
        return context.get_dummy_value()

    return types.void(y, i, x, i, offsets, i, i, i, indices, taps), write


def _sum(
    context: Any, simd: Vectors, kinds: Any, result: Any, pixels: Any, taps: Any, count: Value, share: Any
) -> None:  # fmt: skip
    """Emit the sum of what each tap gives."""
    build, (offsets, first, last) = simd.build, taps
    there, here = pointer(context, build, kinds[0], *result), pointer(context, build, kinds[2], *pixels)
    table, total = pointer(context, build, kinds[4], offsets, INT(0)), cgutils.alloca_once(build, simd.vector)
    build.store(simd.zero, total)
    with cgutils.for_range(build, last, start=first) as tap:
        offset = build.load(build.gep(table, [tap.index]))
        build.store(build.fadd(build.load(total), share(tap.index, offset, simd.load(here, offset))), total)
    _whole_or_some(simd, count, lambda windows: simd.store(build.load(total), there, INT(0), windows))


def _whole_or_some(simd: Vectors, count: Value, body: Any) -> None:
    """Emit the body twice: without a mask for a whole vector of windows, and with one for fewer."""
    build = simd.build
    with build.if_else(build.icmp_signed(">=", count, INT(simd.lanes))) as (whole, some):
        with whole:
            body(None)
        with some:
            body(simd.first_lanes(count))
