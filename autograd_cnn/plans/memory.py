"""The memory of a plan's compiled loops: blocks, views of them, and the arena that blocks share."""

from collections.abc import Mapping
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.engine.node import Array, Shape
from autograd_cnn.engine.trace import Slot

ALIGNMENT: Final = 64  # bytes of a cache line


class Lifetime(NamedTuple):
    """An array that only compiled loops use, in the plan's arena.

    Attributes
    ----------
    name : str
        The name of the call that computes it.
    first, last : int
        The numbers of the first and the last loop that need it.
    start, nbytes : int
        Its offset in the plan's arena, and its size.
    """

    name: str
    first: int
    last: int
    start: int
    nbytes: int


class Block:
    """A block of memory: an array of Python's, one that loops write into, or a table that they read.

    Attributes
    ----------
    shape, dtype
    values : array or None
        Its contents; floats are dropped, since any numbers will do to find out what a call does.
    slot : Slot or None
        The slot by which Python knows it. A plan's loops need such arrays to be contiguous.
    by : int or None
        The number of the call whose loops write into it.
    at : int or None
        Its address, if it is the same in each run.
    """

    __slots__ = ("at", "by", "dtype", "shape", "slot", "values")

    def __init__(
        self, shape: Shape, dtype: np.dtype[Any], values: Array | None = None, *, slot: Slot | None = None,
        by: int | None = None,
    ) -> None:  # fmt: skip
        self.shape, self.dtype, self.values, self.slot, self.by = shape, dtype, values, slot, by
        self.at: int | None = None

    @property
    def nbytes(self) -> int:
        """Its size."""
        return prod(self.shape) * self.dtype.itemsize


class View(NamedTuple):
    """A part of a block, with offset, shape and strides."""

    block: Block
    offset: int
    shape: Shape
    strides: Shape
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """How many elements it has."""
        return prod(self.shape)

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return self.dtype.itemsize

    @property
    def is_whole(self) -> bool:
        """Whether it is the block, and nothing else."""
        return (
            self.shape == self.block.shape
            and self.dtype == self.block.dtype
            and self.strides == contiguous_strides(self.shape, self.itemsize)
        )

    @classmethod
    def of(cls, block: Block) -> "View":
        """Return a block as a contiguous array."""
        return cls(block, 0, block.shape, contiguous_strides(block.shape, block.dtype.itemsize), block.dtype)


def contiguous_strides(shape: Shape, itemsize: int) -> Shape:
    """Return the strides of a contiguous array, in bytes.

    Examples
    --------
    >>> contiguous_strides((2, 3, 4), 8)
    (96, 32, 8)
    """
    return tuple(prod(shape[i + 1 :]) * itemsize for i in range(len(shape)))


def place(lives: Mapping[Block, tuple[int, int]]) -> int:
    """Give each block an offset, ``at``, so that blocks in use at the same time do not overlap; return the size needed.

    Large blocks come first, each at the lowest offset that is free for as long as the block lives (Pisarchyk & Lee
    2020, "greedy by size").

    Examples
    --------
    Two rows of 80 bytes that live one after the other share their memory:

    >>> first, second = (Block((10,), np.dtype(float)) for _ in range(2))
    >>> place({first: (0, 1), second: (2, 3)}), first.at, second.at
    (128, 0, 0)
    >>> place({first: (0, 2), second: (2, 3)}), first.at, second.at
    (256, 0, 128)
    """
    ends: dict[Block, int] = {}
    for block in sorted(lives, key=lambda block: block.nbytes, reverse=True):
        begin, end = lives[block]
        beside = [other for other in ends if lives[other][0] <= end and begin <= lives[other][1]]
        size, at = -(-block.nbytes // ALIGNMENT) * ALIGNMENT, 0
        for start, stop in sorted((other.at or 0, ends[other]) for other in beside):
            if at + size <= start:
                break
            at = max(at, stop)
        block.at, ends[block] = at, at + size
    return max(ends.values(), default=0)
