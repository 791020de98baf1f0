"""Gathering numbers that are a stride apart, as windows read them, into rows, and scattering them back.

For strides of 1, 2 and 3 this is done with whole vectors: as many as the stride are shuffled into as many.
Whole ones are stored without masks: whoever reads them soon would have to wait for a masked store.
"""

from typing import Any

from autograd_cnn.kernels.compiled.llvm import INT, VECTOR_BYTES, Value, Vectors, emitted, shuffle_mask, whole_or_some
from autograd_cnn.kernels.compiled.packing import copy_row
from autograd_cnn.kernels.compiled.parallel import inlined


def _picked(simd: Vectors, vectors: list[Value], places: list[tuple[int, int]]) -> Value:
    """Emit a vector of lanes of others: for each lane, the number of a vector, and which of its lanes."""
    result = vectors[0]
    for number, vector in enumerate(vectors[1:], 1):
        kept = [lane if number == 1 and which == 0 else i for i, (which, lane) in enumerate(places)]
        order = [simd.lanes + lane if which == number else kept[i] for i, (which, lane) in enumerate(places)]
        result = simd.build.shuffle_vector(result, vector, shuffle_mask(order))
    return result


def _split(stride: int) -> Any:
    """Return the split of as many vectors as the stride is."""

    def split(simd: Vectors, target: Value, length: Value, left: Value, source: Value, count: Value) -> None:
        build, s = simd.build, INT(stride)
        offsets = [INT(m * simd.lanes) for m in range(stride)]

        def move(masked: bool) -> None:
            taken = [
                simd.load(source, offset, simd.first_lanes(build.sub(count, offset)) if masked else None)
                for offset in offsets
            ]
            for k in range(stride):
                column = build.add(left, INT(k))
                offset = build.add(build.mul(build.srem(column, s), length), build.sdiv(column, s))
                left_over = build.sdiv(build.add(build.sub(count, INT(k)), INT(stride - 1)), s)
                row = _picked(simd, taken, [divmod(k + j * stride, simd.lanes) for j in range(simd.lanes)])
                simd.store(row, target, offset, simd.first_lanes(left_over) if masked else None)

        whole_or_some(build, count, stride * simd.lanes, move)

    return emitted(split)


def _merge(stride: int) -> Any:
    """Return the reverse, which reads whole vectors."""

    def merge(simd: Vectors, target: Value, source: Value, length: Value, count: Value) -> None:
        build = simd.build
        rows = [simd.load(source, build.mul(length, INT(k))) for k in range(stride)]

        def move(masked: bool) -> None:
            for m in range(stride):
                places = [divmod(m * simd.lanes + j, stride)[::-1] for j in range(simd.lanes)]
                mask = simd.first_lanes(build.sub(count, INT(m * simd.lanes))) if masked else None
                simd.store(_picked(simd, rows, places), target, INT(m * simd.lanes), mask)

        whole_or_some(build, count, stride * simd.lanes, move)

    return emitted(merge)


_split_2, _split_3 = _split(2), _split(3)
_merge_2, _merge_3 = _merge(2), _merge(3)


@inlined
def split_phases(
    target: Any, at: int, length: int, left: int, source: Any, source_at: int, stride: int, count: int
) -> None:
    """Copy ``count`` neighbours so that those a stride apart are neighbours, in a row of this length each.

    The first of them is at column ``left`` of all that the rows hold.
    """
    lanes = VECTOR_BYTES // source.itemsize
    if stride == 1:
        copy_row(target, at + left, source, source_at, count)
    elif stride == 2:
        for j in range(0, count, 2 * lanes):
            _split_2(target, at + j // 2, length, left, source, source_at + j, count - j)
    elif stride == 3:
        for j in range(0, count, 3 * lanes):
            _split_3(target, at + j // 3, length, left, source, source_at + j, count - j)
    else:
        for j in range(count):
            target[at + (left + j) % stride * length + (left + j) // stride] = source[source_at + j]


@inlined
def merge_phases(target: Any, at: int, source: Any, length: int, stride: int, count: int) -> None:
    """Write ``count`` neighbours; of ``source``, those that are a stride apart are in a row of this length each.

    What follows a row, up to a vector, may be read.
    """
    lanes = VECTOR_BYTES // source.itemsize
    if stride == 1:
        copy_row(target, at, source, 0, count)
    elif stride == 2:
        for j in range(0, count, 2 * lanes):
            _merge_2(target, at + j, source, j // 2, length, count - j)
    elif stride == 3:
        for j in range(0, count, 3 * lanes):
            _merge_3(target, at + j, source, j // 3, length, count - j)
    else:
        for j in range(count):
            target[at + j] = source[j % stride * length + j // stride]
