"""Pooling over windows of any size, two vectors of windows at a time, tap by tap, and the adjoints.

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

    It is for up to two vectors of windows. A NaN is larger than all numbers, and the first NaN wins.
    """
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        y, indices, at, x, x_at, offsets, first, last, count, start, number = values
        kinds = signature.args
        simd = Vectors(build, kinds[0].dtype)
        numbers = Vectors(build, kinds[1].dtype, simd.lanes)
        pixels, table = pointer(context, build, kinds[3], x, x_at), pointer(context, build, kinds[5], offsets, INT(0))
        there, argmax_there = pointer(context, build, kinds[0], y, at), pointer(context, build, kinds[1], indices, at)

        def compare(ways: list[Value]) -> list[tuple[Value, Value]]:
            best = [cgutils.alloca_once_value(build, simd.splat(start)) for _ in ways]
            none = numbers.splat(build.trunc(number, numbers.element))
            argmax = [cgutils.alloca_once_value(build, none) for _ in ways]
            with cgutils.for_range(build, last, start=first) as tap:
                offset = build.load(build.gep(table, [tap.index]))
                own = numbers.splat(build.trunc(tap.index, numbers.element))
                for way, best_at, argmax_at in zip(ways, best, argmax, strict=True):
                    value, before = simd.load(pixels, build.add(offset, way)), build.load(best_at)
                    better = build.and_(
                        build.fcmp_unordered(">", value, before), build.fcmp_ordered("ord", before, before)
                    )
                    build.store(build.select(better, value, before), best_at)
                    build.store(build.select(better, own, build.load(argmax_at)), argmax_at)
            return [(build.load(b), build.load(a)) for b, a in zip(best, argmax, strict=True)]

        def keep(found: tuple[Value, Value], way: Value, windows: Value) -> None:
            simd.store(found[0], there, way, windows)
            numbers.store(found[1], argmax_there, way, windows)

        _one_or_two(simd, count, compare, keep)
        return context.get_dummy_value()

    return types.void(y, indices, i, x, i, offsets, i, i, i, y.dtype, i), write


@intrinsic
def sum_of_taps(
    typing: Any, y: Any, at: Any, x: Any, x_at: Any, offsets: Any, first: Any, last: Any, count: Any
) -> Any:  # fmt: skip
    """Write the sums of taps ``first`` to ``last``, for up to two vectors of windows."""
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
    table = pointer(context, build, kinds[4], offsets, INT(0))

    def add(ways: list[Value]) -> list[Value]:
        totals = [cgutils.alloca_once_value(build, simd.zero) for _ in ways]
        with cgutils.for_range(build, last, start=first) as tap:
            offset = build.load(build.gep(table, [tap.index]))
            for way, total in zip(ways, totals, strict=True):
                place = build.add(offset, way)
                build.store(build.fadd(build.load(total), share(tap.index, place, simd.load(here, place))), total)
        return [build.load(total) for total in totals]

    _one_or_two(simd, count, add, lambda total, way, windows: simd.store(total, there, way, windows))


def _one_or_two(simd: Vectors, count: Value, work: Any, keep: Any) -> None:
    """Emit work on one vector of windows or on two at a time, neither of which waits for the other.

    ``work`` takes the offsets of the vectors, and gives for each what ``keep`` stores, with a mask if it isn't whole.
    """
    build, lanes = simd.build, INT(simd.lanes)
    with build.if_else(build.icmp_signed(">", count, lanes)) as (two, one):
        with two:
            left, right = work([INT(0), lanes])
            keep(left, INT(0), None)
            _whole_or_some(simd, build.sub(count, lanes), lambda windows: keep(right, lanes, windows))
        with one:
            (only,) = work([INT(0)])
            _whole_or_some(simd, count, lambda windows: keep(only, INT(0), windows))


def _whole_or_some(simd: Vectors, count: Value, body: Any) -> None:
    """Emit the body twice: without a mask for a whole vector of windows, and with one for fewer."""
    build = simd.build
    with build.if_else(build.icmp_signed(">=", count, INT(simd.lanes))) as (whole, some):
        with whole:
            body(None)
        with some:
            body(simd.first_lanes(count))
