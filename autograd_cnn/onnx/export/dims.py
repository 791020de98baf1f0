"""Lengths that depend on the batch size, found by comparing the programs for several sizes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_cnn.errors import FormatError
from autograd_cnn.onnx.export.program import Program


@dataclass(frozen=True, slots=True)
class Dim:
    """``slope·N + offset`` for a batch of N, or its reciprocal.

    Attributes
    ----------
    slope, offset : Fraction
    inverse : bool
    """

    slope: Fraction
    offset: Fraction
    inverse: bool = False

    def __str__(self) -> str:
        times = "N" if self.slope == 1 else f"{self.slope}*N"
        return times if not self.offset else f"{times} + {self.offset}"


@dataclass(frozen=True, slots=True)
class Filled:
    """An array filled with one number, in a shape that depends on the batch.

    Attributes
    ----------
    value : NumPy scalar
    shape : tuple of (int or Dim)
    """

    value: Any
    shape: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """The numbers 0, 1, 2 and so on, along the only axis whose length depends on the batch.

    Attributes
    ----------
    dtype : dtype
    shape : tuple of (int or Dim)
    """

    dtype: np.dtype[Any]
    shape: tuple[Any, ...]


class _Different(Exception):  # noqa: N818  # never seen outside
    """No known function of the batch size gives these values."""


def joint(programs: Sequence[Program], sizes: Sequence[int]) -> Program:
    """Return one program for batches of these sizes: the first, with `Dim` where they differ.

    Raises
    ------
    FormatError
        If their calls differ, or something depends on the size in an unknown way.
    """
    first = programs[0]
    if len({tuple((op.primitive, op.outputs) for op in each.ops) for each in programs}) > 1:
        raise FormatError("export", "other calls are made for batches of another size", hint="leave out dynamic_batch")
    ops = []
    for several in zip(*(each.ops for each in programs), strict=True):
        try:
            operands, params = _common([(op.operands, op.params) for op in several], sizes)
        except _Different as error:
            what = f"{several[0].primitive.name} takes {error} that changes with the batch in an unknown way"
            raise FormatError("export", what, hint="leave out dynamic_batch") from error
        ops.append(replace(several[0], operands=operands, params=params))
    try:
        outputs = _common([each.outputs for each in programs], sizes)
    except _Different as error:
        raise FormatError("export", "a result changes with the batch in an unknown way") from error
    return replace(first, ops=ops, outputs=list(outputs))


def shape_in(programs: Sequence[Program], sizes: Sequence[int]) -> Callable[[Any], tuple[Any, ...]]:
    """Return the function from slots to their shapes, in which lengths may be `Dim`."""

    def shape(slot: Any) -> tuple[Any, ...]:
        try:
            found: tuple[Any, ...] = _common([each.shape(slot) for each in programs], sizes)
        except _Different as error:
            text = "the shape of a result changes with the batch in an unknown way"
            raise FormatError("export", text, hint="leave out dynamic_batch") from error
        return found

    return shape


def _common(values: Sequence[Any], sizes: Sequence[int]) -> Any:
    """Return one value for all sizes, given the value for each size."""
    first = values[0]
    if any(type(each) is not type(first) for each in values):
        raise _Different("something")
    if isinstance(first, np.ndarray):
        return _array(values, sizes)
    if isinstance(first, dict):
        return {key: _common([each[key] for each in values], sizes) for key in first}
    if isinstance(first, (tuple, list)) and not hasattr(first, "_fields"):
        if len({len(each) for each in values}) > 1:
            raise _Different("a list")
        return type(first)(_common(each, sizes) for each in zip(*values, strict=True))
    if isinstance(first, slice):
        return slice(*_common([(each.start, each.stop, each.step) for each in values], sizes))
    if all(each == first or (each != each and first != first) for each in values):  # noqa: PLR0124  # NaN
        return first
    if isinstance(first, (int, float, np.number)) and not isinstance(first, bool):
        return _number(values, sizes)
    raise _Different("something")


def _number(values: Sequence[Any], sizes: Sequence[int]) -> Dim:
    exact = [Fraction(float(v)) if not isinstance(v, (int, np.integer)) else Fraction(int(v)) for v in values]
    for inverse in (False, True):
        if inverse and not all(exact):
            continue
        numbers = [1 / each if inverse else each for each in exact]
        slope = ((numbers[1] - numbers[0]) / (sizes[1] - sizes[0])).limit_denominator(1 << 20)
        offset = (numbers[0] - slope * sizes[0]).limit_denominator(1 << 20)
        if all(
            abs(slope * n + offset - v) <= abs(v) * Fraction(1, 10**12) for n, v in zip(sizes, numbers, strict=True)
        ):
            return Dim(slope, offset, inverse)
    raise _Different("a number")


def _array(values: Sequence[Any], sizes: Sequence[int]) -> Any:
    first = values[0]
    if any(each.dtype != first.dtype or each.ndim != first.ndim for each in values):
        raise _Different("an array")
    if all(each.shape == first.shape and each.tobytes() == first.tobytes() for each in values):
        return first
    shape = _common([each.shape for each in values], sizes)
    numbers = [np.unique(each) for each in values]
    if all(len(each) == 1 and each[0] == numbers[0][0] for each in numbers):
        return Filled(numbers[0][0], shape)
    if all(max(each.shape) == each.size and np.array_equal(each.ravel(), np.arange(each.size)) for each in values):
        return Counted(first.dtype, shape)
    raise _Different("an array")


def of_size(value: Any, size: int) -> Any:
    """Return an input for a batch of another size, with the same examples."""
    return np.take(value, np.arange(size) % len(value), axis=0)
