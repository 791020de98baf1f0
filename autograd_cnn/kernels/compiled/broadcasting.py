"""Formulas of two arrays, where the second may be broadcast to the first: per map, or along the last axis."""

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.lanes import Lanes
from autograd_cnn.kernels.compiled.map import CHUNK, MIN_LIGHT, binary_loop, vectorized
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.compiled.permuting import in_order
from autograd_cnn.kernels.windows import Array

MIN_BROADCAST: Final = 1 << 14  # elements; below this, NumPy's broadcasting is faster than the call of a kernel
TILE: Final = 1 << 9  # elements that a short period is repeated to fill
MIN_ROW: Final = 1 << 6  # elements of a row that gets its own loop

NUMBERS: Final = frozenset({int, float})


class Rows(NamedTuple):
    """Rows that take numbers in turn: their length, how many numbers there are, and the size of all rows together.

    The last row may be shorter.
    """

    length: int
    numbers: int
    size: int


class Tiles(NamedTuple):
    """The number of elements, to which a shorter array is applied again and again."""

    size: int


def broadcasting(formula: Callable[[Lanes, Lanes], Lanes]) -> Callable[[Array, Array], Any]:
    """Return a function of two arrays, the second of which may be broadcast to the first, or a number.

    Calls that NumPy can do as fast on one thread are declined. A number per row, such as a channel's for its map, is
    copied into every lane. Numbers along the last axis are repeated until they fill a tile that is worth a loop.
    """
    alike = binary_loop(formula, formula.__name__, MIN_LIGHT, exact=True)
    in_rows, in_tiles = _loops(formula)

    def function(a: Array, b: Array) -> Any:
        if type(b) is not np.ndarray:
            if type(b) not in NUMBERS and not (isinstance(b, np.generic) and b.dtype == a.dtype):
                return NotImplemented
            b = np.array([b], a.dtype)
        if type(a) is not np.ndarray or (
            a.size < MIN_LIGHT and RECORDING and not (_is_in_order(a) and _is_in_order(b))
        ):
            return NotImplemented
        if a.shape == b.shape:
            return alike(a, b) if a.size >= MIN_LIGHT or RECORDING else NotImplemented
        rows = rows_of(a.shape, b.shape) if (a.size >= MIN_BROADCAST or RECORDING) and supports(a, b) else None
        if rows is None:
            return NotImplemented
        y, numbers, period = np.empty(a.shape, a.dtype), flat(b), rows.length * rows.numbers
        if rows.length < MIN_ROW and period <= CHUNK:
            times, tile = min(TILE // period, a.size // period), numbers
            if times > 1 or rows.length > 1:
                tile = flat(np.broadcast_to(numbers.reshape(-1, 1), (max(times, 1), rows.numbers, rows.length)))
            in_tiles(
                -(-a.size // tile.size), Tiles(a.size), in_order(a), tile, y.reshape(-1), serial=a.size < MIN_LIGHT
            )
        else:
            in_rows(-(-a.size // rows.length), rows, in_order(a), numbers, y.reshape(-1), serial=a.size < MIN_LIGHT)
        return y

    function.__doc__ = formula.__doc__
    return function


def _is_in_order(x: Array) -> bool:
    """Whether NumPy would give a result of this array's layout C-contiguous, as it is here."""
    return np.empty_like(x).flags.c_contiguous


def _loops(formula: Callable[[Lanes, Lanes], Lanes]) -> tuple[parallel_for, parallel_for]:
    """Return the loop over rows with a number for each, and the loop over tiles."""

    def swapped(b: Lanes, a: Lanes) -> Lanes:
        return formula(a, b)

    with_vectors, with_number = vectorized(formula), vectorized(swapped)

    def in_rows(first: int, last: int, s: Rows, a: Any, b: Any, y: Any) -> None:
        for row in range(first, last):
            with_number(row * s.length, min((row + 1) * s.length, s.size), (b[row % s.numbers],), (a, y))

    def in_tiles(first: int, last: int, s: Tiles, a: Any, b: Any, y: Any) -> None:
        for at in range(first * b.size, min(last * b.size, s.size), b.size):
            end = min(at + b.size, s.size)
            with_vectors(0, end - at, (), (a[at:end], b, y[at:end]))

    for loop in (in_rows, in_tiles):
        loop.__qualname__ = f"{loop.__name__}.{formula.__name__}"  # by which its code is kept
    return parallel_for(in_rows), parallel_for(in_tiles)


@lru_cache(maxsize=1024)
def rows_of(shape: tuple[int, ...], other: tuple[int, ...]) -> Rows | None:
    """Return the rows of an array to each of which one number of the other belongs; None if there are no such rows."""
    if len(other) > len(shape):
        return None
    own = other[next((i for i, n in enumerate(other) if n != 1), len(other)) :]  # without leading ones
    axes = own
    while axes and axes[-1] == 1:
        axes = axes[:-1]
    first, last = len(shape) - len(own), len(shape) - len(own) + len(axes)
    if shape[first:last] != axes:
        return None
    return Rows(prod(shape[last:]) if axes else CHUNK, prod(axes), prod(shape))
