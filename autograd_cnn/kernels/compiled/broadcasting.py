"""Formulas of two arrays, the second of which may be broadcast to the first: numbers for maps, or for the last axis."""

from collections.abc import Callable
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.lanes import Lanes
from autograd_cnn.kernels.compiled.map import CHUNK, LIGHT, kernel_of_two, over_vectors
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

REPEATED: Final = 1 << 14  # elements; NumPy is done with fewer before a kernel has been called, also if it repeats
SHORTEST: Final = 1 << 6  # elements of a row that is worth a loop of its own

NUMBERS: Final = frozenset({int, float})


class Rows(NamedTuple):
    """Rows, how many numbers there are for them, in turn, and the size of all; the last row may be shorter."""

    length: int
    numbers: int
    size: int


class Tiles(NamedTuple):
    """The size of what is worked on, together with a shorter array again and again."""

    size: int


def function_with_broadcasting(formula: Callable[[Lanes, Lanes], Lanes]) -> Callable[[Array, Array], Any]:
    """Return a function of two arrays, the second of which may be broadcast to the first, or a number.

    What NumPy can do as fast on one thread is declined. A number for each row, as a channel's is for its maps, is one in
    every lane. What is repeated soon, as numbers for the last axis are, is repeated some more to be worth a loop.
    """
    alike = kernel_of_two(formula, formula.__name__, LIGHT, exact=True)
    in_rows, in_tiles = _loops(formula)

    def function(a: Array, b: Array) -> Any:
        if type(b) is not np.ndarray:
            if type(b) not in NUMBERS and not (isinstance(b, np.generic) and b.dtype == a.dtype):
                return NotImplemented
            b = np.full(1, b, a.dtype)
        if type(a) is not np.ndarray or (a.size < LIGHT and RECORDING and not (_is_in_order(a) and _is_in_order(b))):
            return NotImplemented
        if a.shape == b.shape:
            return alike(a, b) if a.size >= LIGHT or RECORDING else NotImplemented
        rows = rows_of(a.shape, b.shape) if (a.size >= REPEATED or RECORDING) and supports(a, b) else None
        if rows is None:
            return NotImplemented
        y, numbers, period = np.empty(a.shape, a.dtype), flat(b), rows.length * rows.numbers
        if rows.length < SHORTEST and period <= CHUNK:
            times = min(CHUNK // period, a.size // period)
            tile = flat(np.broadcast_to(numbers.reshape(-1, 1), (times, rows.numbers, rows.length)))
            in_tiles(-(-a.size // tile.size), Tiles(a.size), flat(a), tile, y.reshape(-1), alone=a.size < LIGHT)
        else:
            in_rows(-(-a.size // rows.length), rows, flat(a), numbers, y.reshape(-1), alone=a.size < LIGHT)
        return y

    function.__doc__ = formula.__doc__
    return function


def _is_in_order(x: Array) -> bool:
    """Whether what NumPy makes of an array is contiguous, as it is here."""
    return np.empty_like(x).flags.c_contiguous


def _loops(formula: Callable[[Lanes, Lanes], Lanes]) -> tuple[parallel_for, parallel_for]:
    """Return the loop over rows with a number for each, and the one over as many elements as a tile has."""

    def turned(b: Lanes, a: Lanes) -> Lanes:
        return formula(a, b)

    with_vectors, with_number = over_vectors(formula), over_vectors(turned)

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


def rows_of(shape: tuple[int, ...], other: tuple[int, ...]) -> Rows | None:
    """Return the rows of an array to each of which one number of the other belongs; None if that is not so."""
    if len(other) > len(shape):
        return None
    own = other[next((i for i, n in enumerate(other) if n != 1), len(other)) :]  # without ones in front
    axes = own
    while axes and axes[-1] == 1:
        axes = axes[:-1]
    first, last = len(shape) - len(own), len(shape) - len(own) + len(axes)
    if shape[first:last] != axes:
        return None
    return Rows(prod(shape[last:]) if axes else CHUNK, prod(axes), prod(shape))
