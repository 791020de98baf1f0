"""Square blocks of numbers, transposed: channels, filters or images into the lanes of vectors, and back."""

from typing import Any

from numba import types

from autograd_cnn.kernels.compiled.llvm import INT, VECTOR_BYTES, Value, Vectors, intrinsic, lane_numbers, pointer
from autograd_cnn.kernels.compiled.parallel import inlined


def _transposed(simd: Vectors, block: list[Value]) -> list[Value]:
    """Write the transpose of as many vectors as one has lanes.

    Small squares are transposed within every 16 bytes, and then the squares: each shuffle is a single instruction.
    """
    few = 16 // simd.size
    squares = [_dealt(simd, block[m : m + few], 1, few) for m in range(0, simd.lanes, few)]
    columns = [_dealt(simd, [square[j] for square in squares], few, simd.lanes) for j in range(few)]
    return [column[k] for k in range(simd.lanes // few) for column in columns]


def _dealt(simd: Vectors, block: list[Value], run: int, among: int) -> list[Value]:
    """Write the transpose of vectors of runs of lanes, within every so many lanes ``among`` which runs are moved.

    Dealing the runs of neighbours into those with even and with odd numbers, again and again, transposes.
    """
    halves = [
        lane_numbers([
            vector + first + place + lane
            for first in range(0, simd.lanes, among)
            for vector in (0, simd.lanes)
            for place in range(parity * run, among, 2 * run)
            for lane in range(run)
        ])
        for parity in (0, 1)
    ]  # fmt: skip
    for _ in range((among // run).bit_length() - 1):
        pairs = list(zip(block[::2], block[1::2], strict=True))
        block = [simd.build.shuffle_vector(a, b, half) for half in halves for a, b in pairs]
    return block


@intrinsic
def transpose_block(
    typing: Any,
    target: Any,
    target_at: Any,
    target_step: Any,
    source: Any,
    source_at: Any,
    source_step: Any,
    row_count: Any,
) -> Any:
    """Write a square block, as many rows as a vector has lanes, with its rows as columns.

    Rows beyond the count repeat the last one.
    """
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        target, target_at, target_step, source, source_at, source_step, row_count = values
        simd = Vectors(build, signature.args[0].dtype)
        there = pointer(context, build, signature.args[0], target, target_at)
        here = pointer(context, build, signature.args[3], source, source_at)
        last = build.sub(row_count, INT(1))
        block = []
        for m in range(simd.lanes):
            row = build.select(build.icmp_signed("<", INT(m), row_count), INT(m), last)
            block.append(simd.load(here, build.mul(row, source_step)))
        for m, vector in enumerate(_transposed(simd, block)):
            simd.store(vector, there, build.mul(INT(m), target_step))
        return context.get_dummy_value()

    return types.void(target, i, i, source, i, i, i), write


@intrinsic
def channels_to_lanes(
    typing: Any, target: Any, target_at: Any, offsets: Any, offsets_at: Any, spare: Any, source: Any, source_at: Any,
    source_step: Any, row_count: Any, column_count: Any,
) -> Any:  # fmt: skip
    """Write column j of a block of rows, ``source_step`` apart, as a vector to ``offsets[j]`` of the target.

    Rows beyond their count repeat the last one. Columns beyond theirs are not read, and zeros go to ``spare``.
    """
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        target, target_at, offsets, offsets_at, spare, source, source_at, source_step, row_count, column_count = values
        simd = Vectors(build, signature.args[0].dtype)
        there = pointer(context, build, signature.args[0], target, target_at)
        table = pointer(context, build, signature.args[2], offsets, offsets_at)
        here = pointer(context, build, signature.args[5], source, source_at)
        last, mask = build.sub(row_count, INT(1)), simd.first(column_count)
        block = []
        for m in range(simd.lanes):
            row = build.select(build.icmp_signed("<", INT(m), row_count), INT(m), last)
            block.append(simd.load(here, build.mul(row, source_step), mask))
        for j, vector in enumerate(_transposed(simd, block)):
            counts = build.icmp_signed("<", INT(j), column_count)
            offset = build.select(counts, build.load(build.gep(table, [INT(j)])), build.sub(spare, target_at))
            simd.store(vector, there, offset)
        return context.get_dummy_value()

    return types.void(target, i, offsets, i, i, source, i, i, i, i), write


@intrinsic
def lanes_to_channels(
    typing: Any, target: Any, target_at: Any, target_step: Any, row_count: Any, column_count: Any, source: Any,
    source_at: Any, offsets: Any, offsets_at: Any,
) -> Any:  # fmt: skip
    """Write the vectors at ``offsets`` of the source as the columns of a block of rows, ``target_step`` apart.

    Of the block only so many rows and columns are written.
    """
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        target, target_at, target_step, row_count, column_count, source, source_at, offsets, offsets_at = values
        simd = Vectors(build, signature.args[0].dtype)
        there = pointer(context, build, signature.args[0], target, target_at)
        here = pointer(context, build, signature.args[5], source, source_at)
        table = pointer(context, build, signature.args[7], offsets, offsets_at)
        columns = [simd.load(here, build.load(build.gep(table, [INT(j)]))) for j in range(simd.lanes)]
        for m, vector in enumerate(_transposed(simd, columns)):
            count = build.select(build.icmp_signed("<", INT(m), row_count), column_count, INT(0))
            simd.store(vector, there, build.mul(target_step, INT(m)), simd.first(count))
        return context.get_dummy_value()

    return types.void(target, i, i, i, i, source, i, offsets, i), write


@inlined
def transpose_maps(
    transposed: Any, transposed_at: int, g: Any, g_at: int, maps: int, map_stride: int, pixels: int
) -> None:
    """Transpose maps (F, pixels) into (pixels, F), with F rounded up to whole vectors."""
    lanes = VECTOR_BYTES // g.itemsize
    width = (maps + lanes - 1) // lanes * lanes
    for f in range(0, maps, lanes):
        rows = min(lanes, maps - f)
        for pixel in range(0, pixels, lanes):
            source, target = g_at + f * map_stride + pixel, transposed_at + pixel * width + f
            transpose_lanes(transposed, target, width, g, source, map_stride, rows, min(lanes, pixels - pixel))


@inlined
def transpose_lanes(
    target: Any,
    target_at: int,
    target_stride: int,
    source: Any,
    source_at: int,
    source_stride: int,
    rows: int,
    columns: int,
) -> None:
    """Transpose a block of as many ``rows`` as there are, at most a vector's lanes, and as many ``columns``.

    What is written is whole vectors: rows beyond those that there are repeat the last one. Beyond the columns
    something is written too where the source has it, and may be overwritten.
    """
    lanes = VECTOR_BYTES // source.itemsize
    if source_at + (rows - 1) * source_stride + lanes <= source.size:
        transpose_block(target, target_at, target_stride, source, source_at, source_stride, rows)
    else:
        for m in range(lanes):
            for j in range(columns):
                target[target_at + j * target_stride + m] = source[source_at + min(m, rows - 1) * source_stride + j]
