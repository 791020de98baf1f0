"""Formulas of two arrays, the second of which is broadcast to the first: a bias to its maps, or to the last axis."""

from collections.abc import Callable
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.lanes import Lanes
from autograd_cnn.kernels.compiled.map import CHUNK, FEW, LIGHT, kernel_of_two, over_vectors
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

SHORTEST: Final = 1 << 6  # elements of a row that is worth a loop of its own


class Rows(NamedTuple):
    """Rows, and how many numbers there are for them, in turn."""

    length: int
    numbers: int


class Tiles(NamedTuple):
    """The size of what is worked on, together with a shorter array again and again."""

    size: int


def function_with_broadcasting(formula: Callable[[Lanes, Lanes], Lanes]) -> Callable[[Array, Array], Any]:
    """Return a function of two arrays, the second of which may be broadcast to the first.

    A number for each row of some length, as a channel's is for its maps, is one in every lane. Else what is repeated
    is short, as numbers for the last axis are, and is repeated some more to be worth a loop.
    """
    alike = kernel_of_two(formula, formula.__name__, LIGHT)
    in_rows, in_tiles = _loops(formula)

    def function(a: Array, b: Array) -> Any:
        if a.shape == b.shape:
            return alike(a, b)
        rows = rows_of(a.shape, b.shape) if a.size >= FEW and supports(a, b) else None
        if rows is None:
            return NotImplemented
        y, numbers, period = np.empty(a.shape, a.dtype), flat(b), rows.length * rows.numbers
        if rows.length >= SHORTEST:
            in_rows(a.size // rows.length, rows, flat(a), numbers, y.reshape(-1), alone=a.size < LIGHT)
        elif period <= CHUNK:
            tile = np.tile(numbers.repeat(rows.length), min(CHUNK // period, a.size // period))
            in_tiles(-(-a.size // tile.size), Tiles(a.size), flat(a), flat(tile), y.reshape(-1), alone=a.size < LIGHT)
        else:
            return NotImplemented
        return y

    function.__doc__ = formula.__doc__
    return function


def _loops(formula: Callable[[Lanes, Lanes], Lanes]) -> tuple[parallel_for, parallel_for]:
    """Return the loop over rows with a number for each, and the one over as many elements as a tile has."""

    def turned(b: Lanes, a: Lanes) -> Lanes:
        return formula(a, b)

    with_vectors, with_number = over_vectors(formula), over_vectors(turned)

    def in_rows(first: int, last: int, s: Rows, a: Any, b: Any, y: Any) -> None:
        for row in range(first, last):
            with_number(row * s.length, (row + 1) * s.length, (b[row % s.numbers],), (a, y))

    def in_tiles(first: int, last: int, s: Tiles, a: Any, b: Any, y: Any) -> None:
        for at in range(first * b.size, min(last * b.size, s.size), b.size):
            end = min(at + b.size, s.size)
            with_vectors(0, end - at, (), (a[at:end], b, y[at:end]))

    for loop in (in_rows, in_tiles):
        loop.__qualname__ = f"{loop.__name__}.{formula.__name__}"  # by which its code is kept
    return parallel_for(in_rows), parallel_for(in_tiles)


def rows_of(shape: tuple[int, ...], other: tuple[int, ...]) -> Rows | None:
    """Return the rows of an array to each of which one number of the other belongs; None if that is not so."""
    own = other[next((i for i, n in enumerate(other) if n != 1), len(other)) :]  # without ones in front
    axes = own
    while axes and axes[-1] == 1:
        axes = axes[:-1]
    first, last = len(shape) - len(own), len(shape) - len(own) + len(axes)
    if not axes or first < 0 or len(other) > len(shape) or shape[first:last] != axes:
        return None
    return Rows(prod(shape[last:]), prod(axes))
