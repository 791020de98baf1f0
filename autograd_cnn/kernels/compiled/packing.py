"""Packing: what the micro-kernel reads, laid out in the order in which it reads it.

Scratch arrays that rows are copied into end in a vector of slack, since rows are copied in whole vectors.
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
"""Steps of a product after which the next rows begin, with the panel of B that they share still in cache."""
PACK: Final = 6.0
"""Cycles to pack a number of a row, where a tile's cycle is one multiplication and addition of vectors."""
STORE: Final = 5.0
"""Cycles to store a vector of the result, each time that a tile ends."""
FEW: Final = 1 << 12  # elements that one thread has packed before another is awake


class RowBlocks(NamedTuple):
    """The sizes of some matrices whose rows are packed, one matrix for each group."""

    tiles: int  # of rows, in each matrix
    rows: int
    row_stride: int
    matrix_stride: int


def pack_rows(matrices: Array, groups: int, matrix_stride: int, rows: int, row_stride: int, columns: Array) -> Array:
    """Lay the rows of each group's matrix out tile by tile, and column by column within a tile.

    The matrix has its element [m, k] at ``m · row_stride + columns[k]``. Where the last tile is higher
    than the rows left, it repeats the last row.
    """
    tiles = -(-rows // MR[0])
    packed = np.empty(groups * tiles * MR[0] * columns.size, matrices.dtype)
    sizes, few = RowBlocks(tiles, rows, row_stride, matrix_stride), packed.size <= FEW
    _pack_tiles(groups * tiles, sizes, flat(matrices), columns, packed, alone=few)
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
    """Return a row of zeros whose vectors are aligned; it is no view of another array, see `table.root`.

    NumPy aligns large arrays for vectors of a quarter of the width.
    """
    slack = bytearray(count * dtype.itemsize + VECTOR_BYTES)
    return np.ndarray(count, dtype, slack, -np.frombuffer(slack, np.uint8).ctypes.data % VECTOR_BYTES)


class RowSizes(NamedTuple):
    """How long rows are, and are to be."""

    length: int
    width: int


def pad_rows(x: Array, rows: int, width: int) -> Array:
    """Return rows filled up with zeros to a width, as one row."""
    length = x.size // rows
    if length == width:
        return flat(x)
    padded = np.empty(rows * width, x.dtype)
    _pad_rows(rows, RowSizes(length, width), flat(x), padded, alone=True)
    return padded


@parallel_for
def _pad_rows(first: int, last: int, s: RowSizes, x: Any, padded: Any) -> None:
    for row in range(first, last):
        for i in range(s.width):
            padded[row * s.width + i] = x[row * s.length + i] if i < s.length else 0


@inlined
def aligned_zeros(count: int, like: Any) -> Any:
    """Return scratch memory for numbers of an array's dtype, with a vector of slack, whose vectors are aligned.

    Numba aligns arrays for vectors of half the width. One that crosses two lines of the cache takes two loads.
    """
    lanes = VECTOR_BYTES // like.itemsize
    slack = np.zeros(count + 2 * lanes, like.dtype)
    first = -slack.ctypes.data % VECTOR_BYTES // like.itemsize
    return slack[first : first + count + lanes]


@inlined
def copy_row(target: Any, at: int, source: Any, source_at: int, count: int) -> None:
    """Copy a row, in vectors as far as they fit."""
    lanes = VECTOR_BYTES // source.itemsize
    full = count // lanes * lanes
    for j in range(0, full, lanes):
        copy_vector(target, at + j, source, source_at + j)
    if full < count:
        copy_lanes(target, at + full, source, source_at + full, count - full)


def padded_width(pixels: int, lanes: int) -> int:
    """Return a row's width in whole vectors, but not a multiple of 16 of them.

    Rows that lie so far apart fall into the same few sets of a first-level cache.
    """
    width = -(-pixels // lanes) * lanes
    return width + lanes if width % (16 * lanes) == 0 else width
