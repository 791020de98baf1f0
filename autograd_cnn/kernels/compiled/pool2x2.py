"""Pooling over 2x2 windows with stride 2, and the adjoints, a vector of windows at a time.

A row of pixels holds the windows' left and right taps in turn. Shuffling two vectors of it gives one of
left taps and one of right taps, and vice versa. In small maps, several rows of windows fill a vector.
"""

from functools import reduce
from typing import Any

from llvmlite import ir

from autograd_cnn.kernels.compiled.llvm import INT, Value, Vectors, emitted, shuffle_mask, whole_or_some


@emitted
def largest_of_four(
    simd: Vectors, y: Value, indices: Value, x: Value, width: Value, count: Value, rectified: Value
) -> None:
    """Write the largest value and its tap for a vector of windows, or only the first ``count`` of them.

    With 1 for ``rectified``, 0 is a fifth value, which wins unless another one is positive.
    """
    numbers = simd.numbers_at(indices)

    def compare(masks: list[Value]) -> None:
        best, argmax = _largest(simd, numbers, _taps(simd, x, width, masks), rectified)
        simd.store(best, y, INT(0), masks[2])
        numbers.store(argmax, indices, INT(0), masks[2])

    _whole_or_some(simd, count, compare)


@emitted
def largest_of_four_in_rows(simd: Vectors, y: Value, indices: Value, x: Value, rows: Value, rectified: Value) -> None:
    """Do the same for as many ``rows`` of windows, 2 or 4, as make a vector."""
    numbers = simd.numbers_at(indices)

    def compare(rows: int) -> None:
        vectors = [simd.load(x, INT(n * simd.lanes)) for n in range(4)]
        taps = [_picked(simd, vectors, tap) for tap in _pixels_by_tap(simd.lanes, rows)]
        best, argmax = _largest(simd, numbers, taps, rectified)
        simd.store(best, y, INT(0))
        numbers.store(argmax, indices, INT(0))

    _two_or_four(simd.build, rows, compare)


def _largest(simd: Vectors, numbers: Vectors, taps: list[Value], rectified: Value) -> tuple[Value, Value]:
    """Return the largest of four, or 0, and its number."""
    build, (best, *others), argmax = simd.build, taps, numbers.zero
    for tap, value in enumerate(others, 1):
        better = simd.is_better(value, best)
        best = build.select(better, value, best)
        argmax = build.select(better, numbers.vector([tap] * simd.lanes), argmax)
    counts = simd.splat(build.trunc(rectified, ir.IntType(1)))
    loses = build.and_(build.fcmp_ordered("<=", best, simd.zero), counts)
    return build.select(loses, simd.zero, best), build.select(loses, numbers.vector([4] * simd.lanes), argmax)


def _pixels_by_tap(lanes: int, rows: int) -> list[list[int]]:
    """Return for each tap the offsets of its pixels in a map of which ``rows`` rows of windows fill a vector."""
    width = 2 * lanes // rows
    corners = [2 * (n // (width // 2)) * width + 2 * (n % (width // 2)) for n in range(lanes)]
    return [[corner + p * width + q for corner in corners] for p in (0, 1) for q in (0, 1)]


def _picked(simd: Vectors, vectors: list[Value], numbers: list[int]) -> Value:
    """Return the elements with these indices in the concatenation of four vectors."""
    shuffle, lanes = simd.build.shuffle_vector, simd.lanes
    first = shuffle(*vectors[:2], shuffle_mask([n % (2 * lanes) for n in numbers]))
    second = shuffle(*vectors[2:], shuffle_mask([n % (2 * lanes) for n in numbers]))
    return shuffle(first, second, shuffle_mask([j + lanes * (n >= 2 * lanes) for j, n in enumerate(numbers)]))


def _two_or_four(build: Value, rows: Value, body: Any) -> None:
    with build.if_else(build.icmp_signed("==", rows, INT(2))) as (two, four):
        with two:
            body(2)
        with four:
            body(4)


def _taps(simd: Vectors, upper: Value, width: Value, masks: list[Value]) -> list[Value]:
    """Load the four taps of each window, row by row."""
    left, right = ([2 * j + side for j in range(simd.lanes)] for side in (0, 1))
    taps = []
    for row in (INT(0), width):
        ends = [simd.load(upper, simd.build.add(row, INT(n * simd.lanes)), masks[n]) for n in (0, 1)]
        taps += [simd.build.shuffle_vector(*ends, shuffle_mask(side)) for side in (left, right)]
    return taps


@emitted
def give_to_one_of_four(simd: Vectors, x: Value, width: Value, g: Value, indices: Value, count: Value) -> None:
    """Write each g to its window's argmax and 0 to the other taps, for a vector of windows or the first ``count``."""
    numbers = simd.numbers_at(indices)

    def give(masks: list[Value]) -> None:
        value = simd.load(g, INT(0), masks[2])
        taps = _shares(simd, numbers, value, numbers.load(indices, INT(0), masks[2]))
        for row, pair in ((INT(0), taps[:2]), (width, taps[2:])):
            for n in (0, 1):
                order = [n * simd.lanes // 2 + j // 2 + j % 2 * simd.lanes for j in range(simd.lanes)]
                vector = simd.build.shuffle_vector(*pair, shuffle_mask(order))
                simd.store(vector, x, simd.build.add(row, INT(n * simd.lanes)), masks[n])

    _whole_or_some(simd, count, give)


@emitted
def give_to_one_of_four_in_rows(simd: Vectors, x: Value, g: Value, indices: Value, rows: Value) -> None:
    """Do the same for as many ``rows`` of windows, 2 or 4, as make a vector."""
    numbers = simd.numbers_at(indices)
    taps = _shares(simd, numbers, simd.load(g, INT(0)), numbers.load(indices, INT(0)))

    def give(rows: int) -> None:
        order = [pixel for tap in _pixels_by_tap(simd.lanes, rows) for pixel in tap]
        of_pixel = [order.index(pixel) for pixel in range(4 * simd.lanes)]
        for n in range(4):
            vector = _picked(simd, taps, of_pixel[n * simd.lanes : (n + 1) * simd.lanes])
            simd.store(vector, x, INT(n * simd.lanes))

    _two_or_four(simd.build, rows, give)


def _shares(simd: Vectors, numbers: Vectors, value: Value, argmax: Value) -> list[Value]:
    """Return for each of four taps the value where it is the argmax, else 0."""
    build = simd.build
    won = [build.icmp_unsigned("==", argmax, numbers.vector([tap] * simd.lanes)) for tap in range(4)]
    return [build.select(each, value, simd.zero) for each in won]


@emitted
def mean_of_four(simd: Vectors, y: Value, x: Value, width: Value, counts: Value, count: Value) -> None:
    """Write the sum of each window over its own count, for a vector of windows or the first ``count``."""

    def mean(masks: list[Value]) -> None:
        total = reduce(simd.build.fadd, _taps(simd, x, width, masks))
        simd.store(simd.build.fdiv(total, simd.load(counts, INT(0), masks[2])), y, INT(0), masks[2])

    _whole_or_some(simd, count, mean)


@emitted
def give_to_all_four(simd: Vectors, x: Value, width: Value, g: Value, counts: Value, count: Value) -> None:
    """Write each g over its window's count to all four taps, for a vector of windows or the first ``count``."""
    build = simd.build

    def give(masks: list[Value]) -> None:
        share = build.fdiv(simd.load(g, INT(0), masks[2]), simd.load(counts, INT(0), masks[2]))
        for n in (0, 1):
            twice = [(n * simd.lanes + j) // 2 for j in range(simd.lanes)]
            vector = build.shuffle_vector(share, share, shuffle_mask(twice))
            for row in (INT(0), width):
                simd.store(vector, x, build.add(row, INT(n * simd.lanes)), masks[n])

    _whole_or_some(simd, count, give)


def _whole_or_some(simd: Vectors, count: Value, body: Any) -> None:
    """Emit the body twice: without masks for a whole vector of windows, and with masks for fewer.

    The masks are those of the first and second vector of pixels, and of the windows.
    """
    build = simd.build

    def emit(masked: bool) -> None:
        pixels = build.mul(count, INT(2))
        counts = pixels, build.sub(pixels, INT(simd.lanes)), count
        body([simd.first_lanes(each) if masked else None for each in counts])

    whole_or_some(build, count, simd.lanes, emit)
