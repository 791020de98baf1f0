"""Packing: copies of the micro-kernel's operands in the order in which it reads them.

Scratch arrays that rows are copied into end with a spare vector, since rows are copied in whole vectors.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, copy_lanes, copy_vector
from autograd_cnn.kernels.compiled.microkernel import MR, tile_rows
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array

SCRATCH: Final = 192 * 1024
"""Bytes of scratch memory that a thread works on at a time: they stay in a core's second-level cache."""
KC: Final = 256
"""The depth of a block: its panel of B stays in cache while all rows of A use it."""
PACK: Final = 6.0
"""Cycles to pack a number of a row, where a tile multiplies and adds one vector per cycle."""
STORE: Final = 5.0
"""Cycles to store a vector of the result at the end of each tile."""
MIN_PARALLEL: Final = 1 << 12  # elements; below this, one thread is done before another has started


class RowBlocks(NamedTuple):
    """The sizes of the matrices, one for each group, whose rows are packed."""

    tiles: int  # of rows, in each matrix
    rows: int
    row_stride: int
    matrix_stride: int


def pack_rows(matrices: Array, groups: int, matrix_stride: int, rows: int, row_stride: int, columns: Array) -> Array:
    """Return the rows of each group's matrix packed tile by tile, and column by column within a tile.

    The matrix has its element [m, k] at ``m · row_stride + columns[k]``. If there are fewer rows left than
    the last tile has, it repeats the last row.
    """
    tiles = -(-rows // MR[0])
    packed = np.empty(groups * tiles * MR[0] * columns.size, matrices.dtype)
    sizes, few = RowBlocks(tiles, rows, row_stride, matrix_stride), packed.size <= MIN_PARALLEL
    _pack_tiles(groups * tiles, sizes, flat(matrices), columns, packed, serial=few)
    return packed


@parallel_for
def _pack_tiles(first: int, last: int, s: RowBlocks, matrices: Any, columns: Any, packed: Any) -> None:
    """Pack a tile of rows for each job: ``columns`` (K,) int64, ``packed`` (groups, tiles, MR[0] · K)."""
    depth = columns.size
    for tile in range(first, last):
        row = tile % s.tiles * MR[0]
        height = tile_rows(s.rows - row)
        at = tile * MR[0] * depth
        for m in range(height):
            base = tile // s.tiles * s.matrix_stride + min(row + m, s.rows - 1) * s.row_stride
            for k in range(depth):
                packed[at + k * height + m] = matrices[base + columns[k]]


def aligned(count: int, dtype: np.dtype[Any]) -> Array:
    """Return a 1-D array of zeros whose vectors are aligned; it is not a view of another array, see `parallel.root`.

    NumPy aligns large arrays only for vectors of a quarter of the width.
    """
    slack = bytearray(count * dtype.itemsize + VECTOR_BYTES)
    return np.ndarray(count, dtype, slack, -np.frombuffer(slack, np.uint8).ctypes.data % VECTOR_BYTES)


class RowSizes(NamedTuple):
    """The length of rows, and the width that they are padded to."""

    length: int
    width: int


def pad_rows(x: Array, rows: int, width: int) -> Array:
    """Return rows padded with zeros to a width, as a 1-D array."""
    length = x.size // rows
    if length == width:
        return flat(x)
    padded = np.empty(rows * width, x.dtype)
    _pad_rows(rows, RowSizes(length, width), flat(x), padded, serial=True)
    return padded


@parallel_for
def _pad_rows(first: int, last: int, s: RowSizes, x: Any, padded: Any) -> None:
    for row in range(first, last):
        for i in range(s.width):
            padded[row * s.width + i] = x[row * s.length + i] if i < s.length else 0


@inlined
def aligned_zeros(count: int, like: Any) -> Any:
    """Return scratch memory with aligned vectors and a spare one, for the dtype of ``like``.

    Numba aligns arrays only for vectors of half the width. A vector across two cache lines takes two loads.
    """
    lanes = VECTOR_BYTES // like.itemsize
    slack = np.zeros(count + 2 * lanes, like.dtype)
    first = -slack.ctypes.data % VECTOR_BYTES // like.itemsize
    return slack[first : first + count + lanes]


@inlined
def copy_row(target: Any, at: int, source: Any, source_at: int, count: int) -> None:
    """Copy a row vector by vector."""
    lanes = VECTOR_BYTES // source.itemsize
    full = count // lanes * lanes
    for j in range(0, full, lanes):
        copy_vector(target, at + j, source, source_at + j)
    if full < count:
        copy_lanes(target, at + full, source, source_at + full, count - full)


def padded_width(pixels: int, lanes: int) -> int:
    """Return a row's width in whole vectors, but not a multiple of 16 of them.

    Rows with such a stride would share the same few sets of a first-level cache.
    """
    width = -(-pixels // lanes) * lanes
    return width + lanes if width % (16 * lanes) == 0 else width
