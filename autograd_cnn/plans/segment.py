"""What runs of a plan without Python: calls as one table of compiled loops."""

import weakref
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from autograd_cnn.engine.node import Array, Shape
from autograd_cnn.errors import OperandError
from autograd_cnn.plans.memory import ALIGNMENT


class Parts(NamedTuple):
    """What a segment allocates in each run, and which parts of it are its results."""

    roots: list[tuple[Shape, Any]]
    views: list[tuple[int, tuple[Any, ...] | None]]


class Segment:
    """Calls that run as one table of compiled loops.

    Parameters
    ----------
    table : Table
    inputs : sequence
        Shape and dtype of each array that Python passes; None for one made by another segment.
    parts : Parts
    arena : array or None
        The memory of the loops.
    tables : sequence of array
        Other arrays that the loops read.
    """

    condition = ""
    """When the loops run, as a plan shows it; empty for always."""

    def __init__(
        self, table: Any, inputs: Sequence[tuple[Shape, np.dtype[Any]] | None], parts: "Parts",
        arena: Array | None, tables: Sequence[Any],
    ) -> None:  # fmt: skip
        self._table = table
        self._inputs = list(inputs)
        self._parts = parts
        self.arena = arena
        self._tables = tables

    def __call__(self, *arrays: Array) -> Any:
        """Run the loops, and return the results that other calls need."""
        passed = list(arrays)
        for i, kind in enumerate(self._inputs):
            if kind is None:
                continue  # made by a segment
            x = arrays[i]
            flags = x.flags
            if (x.shape, x.dtype) != kind:
                problem = "a value differs in kind from when it was recorded"
                raise OperandError("compile", problem, expected=kind, got=(x.shape, x.dtype))
            if not (flags.c_contiguous and flags.aligned):
                passed[i] = np.array(x, order="C")
        made = [self.allocated(shape, dtype) for shape, dtype in self._parts.roots]
        self._table([*passed, *made])
        results = []
        for number, view in self._parts.views:
            y = made[number]
            if view is not None:
                shape, dtype, offset, strides = view
                y = np.ndarray(shape, dtype, y, offset, strides)
            y.flags.writeable = False
            results.append(y)
        return tuple(results) if len(results) != 1 else results[0]

    @staticmethod
    def allocated(shape: Shape, dtype: Any) -> Array:
        """Return memory for a result."""
        return np.empty(shape, dtype)


class LastingSegment(Segment):
    """A segment that runs only if an array is not the same as in the previous run; its results are kept."""

    condition = ", if an array is another than before"

    _taken: Sequence[weakref.ref[Array]] = ()
    _results: Any = ()

    def __call__(self, *arrays: Array) -> Any:
        """Return the results of the loops."""
        if not self._taken or any(known() is not x for known, x in zip(self._taken, arrays, strict=True)):
            self._results = super().__call__(*arrays)
            self._taken = tuple(map(weakref.ref, arrays)) if not any(map(_may_change, arrays)) else ()
        return self._results

    @staticmethod
    def allocated(shape: Shape, dtype: Any) -> Array:
        """Return memory aligned to cache lines, because packed weights are loaded again and again."""
        count = prod(shape) * dtype.itemsize
        slack = np.empty(count + ALIGNMENT, np.uint8)
        return np.ndarray(shape, dtype, slack, -slack.ctypes.data % ALIGNMENT)


def _may_change(x: Array) -> bool:
    """Whether an array can be written to."""
    return x.flags.writeable or (isinstance(x.base, np.ndarray) and x.base.flags.writeable)
