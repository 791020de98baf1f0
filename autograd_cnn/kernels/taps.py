"""Sparse matrices: each place along one axis is a weighted sum of a few places along another."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Taps:
    """A sparse matrix, row by row.

    Attributes
    ----------
    length : int
        The length of its rows, which is that of the axis that is read.
    starts : tuple of int
        The start of each row in the next two, and the end.
    places : tuple of int
        The columns of each row's entries.
    weights : tuple of float
        The entries.

    Examples
    --------
    >>> taps = Taps.of(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]))
    >>> taps
    Taps(3 of 2)
    >>> taps.transposed.matrix
    array([[1. , 0.5, 0. ],
           [0. , 0.5, 1. ]])
    """

    length: int
    starts: tuple[int, ...]
    places: tuple[int, ...]
    weights: tuple[float, ...]

    def __repr__(self) -> str:
        return f"Taps({self.count} of {self.length})"

    @classmethod
    def of(cls, matrix: Array) -> "Taps":
        """Return the nonzero entries of a matrix."""
        (count, length), (rows, places) = matrix.shape, np.nonzero(matrix)
        return cls.of_entries(count, length, rows, places, matrix[rows, places])

    @classmethod
    def of_entries(cls, count: int, length: int, rows: Array, places: Array, weights: Array) -> "Taps":
        """Return the matrix (count, length) with these entries, those in one place added up, and the zeros left out."""
        found, which = np.unique(rows * length + places, return_inverse=True)
        totals = np.bincount(which, weights, len(found))
        (rows, places), totals = np.divmod(found[totals != 0], length), totals[totals != 0]
        starts = np.searchsorted(rows, np.arange(count + 1))
        return cls(length, *(tuple(each.tolist()) for each in (starts, places, totals)))

    @property
    def count(self) -> int:
        """The number of rows: the length of the axis that is written."""
        return len(self.starts) - 1

    @cached_property
    def matrix(self) -> Array:
        """The matrix with its zeros."""
        found = np.zeros((self.count, self.length))
        found[self._rows, list(self.places)] = self.weights
        found.flags.writeable = False
        return found

    @cached_property
    def transposed(self) -> "Taps":
        """The taps of the adjoint."""
        return Taps.of_entries(self.length, self.count, np.array(self.places, int), self._rows, np.array(self.weights))

    @property
    def _rows(self) -> Array:
        """The row of each entry."""
        return np.repeat(np.arange(self.count), np.diff(self.starts))

    @cached_property
    def table(self) -> tuple[Array, Array]:
        """``starts`` followed by ``places``, and the weights."""
        return np.array([*self.starts, *self.places], np.int64), np.array(self.weights, float)


@lru_cache(maxsize=64)
def identity(length: int) -> Taps:
    """Return the taps of the identity."""
    return Taps(length, tuple(range(length + 1)), tuple(range(length)), (1.0,) * length)
