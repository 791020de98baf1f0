"""Pooling over windows of any size, two vectors of windows at a time, tap by tap, and the adjoints.

The pixels of neighbouring windows are contiguous, those of a tap at its offset. There is no branch on which tap is the
largest: a processor could not predict it.
"""

from typing import Any

from numba.core import cgutils

from autograd_cnn.kernels.compiled.llvm import INT, Value, Vectors, emitted, entry, whole_or_some


@emitted
def largest_of_taps(
    simd: Vectors, y: Value, indices: Value, x: Value, offsets: Value, first: Value, last: Value, count: Value,
    start: Value, number: Value,
) -> None:  # fmt: skip
    """Write the largest of taps ``first`` to ``last`` and ``start``, whose number it gives, and its number.

    It is for up to two vectors of windows. A NaN is larger than all numbers, and the first NaN wins.
    """
    build, numbers = simd.build, simd.numbers_at(indices)

    def compare(ways: list[Value]) -> list[tuple[Value, Value]]:
        best = [cgutils.alloca_once_value(build, simd.splat(start)) for _ in ways]
        none = numbers.splat(build.trunc(number, numbers.element))
        argmax = [cgutils.alloca_once_value(build, none) for _ in ways]
        with cgutils.for_range(build, last, start=first) as tap:
            offset = entry(build, offsets, tap.index)
            own = numbers.splat(build.trunc(tap.index, numbers.element))
            for way, best_at, argmax_at in zip(ways, best, argmax, strict=True):
                value, before = simd.load(x, build.add(offset, way)), build.load(best_at)
                better = simd.is_better(value, before)
                build.store(build.select(better, value, before), best_at)
                build.store(build.select(better, own, build.load(argmax_at)), argmax_at)
        return [(build.load(b), build.load(a)) for b, a in zip(best, argmax, strict=True)]

    def keep(found: tuple[Value, Value], way: Value, windows: Value) -> None:
        simd.store(found[0], y, way, windows)
        numbers.store(found[1], indices, way, windows)

    _one_or_two(simd, count, compare, keep)


@emitted
def sum_of_taps(simd: Vectors, y: Value, x: Value, offsets: Value, first: Value, last: Value, count: Value) -> None:
    """Write the sums of taps ``first`` to ``last``, for up to two vectors of windows."""
    _sum(simd, y, x, (offsets, first, last), count, lambda _k, _offset, value: value)


@emitted
def sum_of_won(
    simd: Vectors,
    y: Value,
    x: Value,
    offsets: Value,
    first: Value,
    last: Value,
    count: Value,
    indices: Value,
    taps: Value,
) -> None:
    """Do the same with the numbers of ``indices``, in the layout of ``x``, where tap number ``taps[k]`` has won."""
    build, numbers = simd.build, simd.numbers_at(indices)

    def won(k: Value, offset: Value, value: Value) -> Value:
        wanted = numbers.splat(build.trunc(entry(build, taps, k), numbers.element))
        return build.select(build.icmp_unsigned("==", numbers.load(indices, offset), wanted), value, simd.zero)

    _sum(simd, y, x, (offsets, first, last), count, won)


def _sum(simd: Vectors, y: Value, x: Value, taps: Any, count: Value, share: Any) -> None:
    """Emit the sum of what each tap gives."""
    build, (offsets, first, last) = simd.build, taps

    def add(ways: list[Value]) -> list[Value]:
        totals = [cgutils.alloca_once_value(build, simd.zero) for _ in ways]
        with cgutils.for_range(build, last, start=first) as tap:
            offset = entry(build, offsets, tap.index)
            for way, total in zip(ways, totals, strict=True):
                place = build.add(offset, way)
                build.store(build.fadd(build.load(total), share(tap.index, place, simd.load(x, place))), total)
        return [build.load(total) for total in totals]

    _one_or_two(simd, count, add, lambda total, way, windows: simd.store(total, y, way, windows))


def _one_or_two(simd: Vectors, count: Value, work: Any, keep: Any) -> None:
    """Emit work on one vector of windows or on two at a time, neither of which waits for the other.

    ``work`` takes the offsets of the vectors, and gives for each what ``keep`` stores, with a mask if it isn't whole.
    """
    build, lanes = simd.build, INT(simd.lanes)

    def keep_counted(found: Any, way: Value, left: Value) -> None:
        whole_or_some(
            build, left, simd.lanes, lambda masked: keep(found, way, simd.first_lanes(left) if masked else None)
        )

    with build.if_else(build.icmp_signed(">", count, lanes)) as (two, one):
        with two:
            left, right = work([INT(0), lanes])
            keep(left, INT(0), None)
            keep_counted(right, lanes, build.sub(count, lanes))
        with one:
            (only,) = work([INT(0)])
            keep_counted(only, INT(0), count)
