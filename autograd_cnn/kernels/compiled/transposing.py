"""Transposes of square blocks: channels, filters or images into the lanes of vectors, and back."""

from typing import Any

from autograd_cnn.kernels.compiled.llvm import INT, VECTOR_BYTES, Value, Vectors, emitted, entry, shuffle_mask
from autograd_cnn.kernels.compiled.parallel import inlined


def _transposed(simd: Vectors, block: list[Value]) -> list[Value]:
    """Emit the transpose of as many vectors as one has lanes.

    First small squares are transposed within every 16 bytes, then the squares: each shuffle is a single instruction.
    """
    few = 16 // simd.size
    squares = [_interleaved(simd, block[m : m + few], 1, few) for m in range(0, simd.lanes, few)]
    columns = [_interleaved(simd, [square[j] for square in squares], few, simd.lanes) for j in range(few)]
    return [column[k] for k in range(simd.lanes // few) for column in columns]


def _interleaved(simd: Vectors, block: list[Value], run: int, period: int) -> list[Value]:
    """Emit the transpose of vectors whose elements are runs of lanes, within each ``period`` of lanes.

    Splitting pairs of vectors into their even and their odd runs, log2 times, transposes.
    """
    halves = [
        shuffle_mask([
            vector + first + start + lane
            for first in range(0, simd.lanes, period)
            for vector in (0, simd.lanes)
            for start in range(parity * run, period, 2 * run)
            for lane in range(run)
        ])
        for parity in (0, 1)
    ]  # fmt: skip
    for _ in range((period // run).bit_length() - 1):
        pairs = list(zip(block[::2], block[1::2], strict=True))
        block = [simd.build.shuffle_vector(a, b, half) for half in halves for a, b in pairs]
    return block


def _rows(simd: Vectors, source: Value, step: Value, count: Value, mask: Value = None) -> list[Value]:
    """Load as many rows, a ``step`` apart, as a vector has lanes; those beyond the count repeat the last one."""
    build, last = simd.build, simd.build.sub(count, INT(1))
    numbers = (build.select(build.icmp_signed("<", INT(m), count), INT(m), last) for m in range(simd.lanes))
    return [simd.load(source, build.mul(row, step), mask) for row in numbers]


@emitted
def transpose_block(
    simd: Vectors, target: Value, target_step: Value, source: Value, source_step: Value, row_count: Value
) -> None:
    """Write the transpose of a square block with as many rows as a vector has lanes.

    Rows beyond the count repeat the last one.
    """
    for m, vector in enumerate(_transposed(simd, _rows(simd, source, source_step, row_count))):
        simd.store(vector, target, simd.build.mul(INT(m), target_step))


@emitted
def channels_to_lanes(
    simd: Vectors, target: Value, offsets: Value, spare: Value, source: Value, source_step: Value, row_count: Value,
    column_count: Value,
) -> None:  # fmt: skip
    """Write column j of a block of rows, ``source_step`` apart, as a vector at ``offsets[j]`` of the target.

    Rows beyond their count repeat the last one. Columns beyond theirs are not read; zeros are written at ``spare``, which
    counts from the target's address, too.
    """
    build, mask = simd.build, simd.first_lanes(column_count)
    for j, vector in enumerate(_transposed(simd, _rows(simd, source, source_step, row_count, mask))):
        counts = build.icmp_signed("<", INT(j), column_count)
        simd.store(vector, target, build.select(counts, entry(build, offsets, INT(j)), spare))


@emitted
def lanes_to_channels(
    simd: Vectors,
    target: Value,
    target_step: Value,
    row_count: Value,
    column_count: Value,
    source: Value,
    offsets: Value,
) -> None:
    """Write the vectors at ``offsets`` of the source as the columns of a block of rows, ``target_step`` apart.

    Only the counted rows and columns of the block are written.
    """
    build = simd.build
    columns = [simd.load(source, entry(build, offsets, INT(j))) for j in range(simd.lanes)]
    for m, vector in enumerate(_transposed(simd, columns)):
        count = build.select(build.icmp_signed("<", INT(m), row_count), column_count, INT(0))
        simd.store(vector, target, build.mul(target_step, INT(m)), simd.first_lanes(count))


@inlined
def transpose_maps(
    transposed: Any, transposed_at: int, g: Any, g_at: int, maps: int, map_stride: int, pixels: int
) -> None:
    """Transpose maps (F, pixels) to (pixels, F), with F rounded up to whole vectors."""
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
    """Transpose a block of ``rows`` rows and ``columns`` columns, each at most a vector's lanes.

    Whole vectors are written: rows beyond the last repeat it. Columns beyond the last are written, too, if the source
    has them, and may be overwritten.
    """
    lanes = VECTOR_BYTES // source.itemsize
    if source_at + (rows - 1) * source_stride + lanes <= source.size:
        transpose_block(target, target_at, target_stride, source, source_at, source_stride, rows)
    else:
        for m in range(lanes):
            for j in range(columns):
                target[target_at + j * target_stride + m] = source[source_at + min(m, rows - 1) * source_stride + j]
