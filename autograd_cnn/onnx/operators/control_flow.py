"""ONNX's operators that run subgraphs, and those on sequences of arrays."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.onnx.budget import CALL
from autograd_cnn.onnx.operator import Body, Flag, Ints, Numbers, Values, known, operator

# --- subgraphs --------------------------------------------------------------------------------


def _nothing(*_: Any) -> int:
    """For operators whose subgraphs count their own results."""
    return 0


@operator("If", extent=_nothing)
def branch(cond: Numbers, *, then_branch: Body, else_branch: Body) -> tuple[Array, ...]:
    """Run one of two subgraphs, depending on the condition."""
    return (then_branch if cond.item() else else_branch)()


@operator("Loop", extent=_nothing)
def loop(max_trip_count: Ints | None, cond: Numbers | None, *carried: Array, body: Body) -> tuple[Array, ...]:
    """Run the body a number of times while its condition holds; its results beyond the carried values are stacked."""
    state, rows, count = carried, [], 0
    going = cond is None or bool(cond.item())
    most = math.inf if max_trip_count is None else int(max_trip_count.item())
    while going and count < most:
        condition, *results = body(np.array(count, np.int64), np.array(going), *state)
        state = tuple(results[: len(carried)])
        rows.append(results[len(carried) :])
        going, count = bool(known(condition).item()), count + 1
    return (*state, *map(ops.stack, zip(*rows, strict=True)))  # without any runs there is nothing to stack


@operator("Scan", extent=_nothing)
def scan(
    *inputs: Array,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: Sequence[int] | None = None,
    scan_input_directions: Sequence[int] | None = None,
    scan_output_axes: Sequence[int] | None = None,
    scan_output_directions: Sequence[int] | None = None,
    directions: Sequence[int] | None = None,
    opset: int,
) -> tuple[Array, ...]:
    """Run the body on one slice after the other; before opset 9 for each item of a batch, whose lengths come first."""
    if opset < 9:
        if inputs[0] is not None:
            raise FormatError("sequences of different lengths are not supported")
        parts = [
            scan(*(ops.getitem(x, index=number) for x in inputs[1:]), body=body, num_scan_inputs=num_scan_inputs,
                 scan_input_directions=directions, opset=9)
            for number in range(shape_of(inputs[1])[0])
        ]  # fmt: skip
        return tuple(map(ops.stack, zip(*parts, strict=True)))
    count = len(inputs) - num_scan_inputs
    state, sequences = inputs[:count], inputs[count:]
    axes = scan_input_axes or [0] * num_scan_inputs
    backwards = scan_input_directions or [0] * num_scan_inputs
    lines = [ops.moveaxis(x, axis, 0) for x, axis in zip(sequences, axes, strict=True)]
    lengths = {shape_of(line)[0] for line in lines}
    if len(lengths) != 1:
        raise ShapeError("the sequences differ in length", expected="one length", got=sorted(lengths))
    rows = []
    for step in range(*lengths):
        slices = [
            ops.getitem(line, index=-1 - step if back else step) for line, back in zip(lines, backwards, strict=True)
        ]
        results = body(*state, *slices)
        state = results[:count]
        rows.append(results[count:])
    columns = list(zip(*rows, strict=True))
    turned = scan_output_directions or [0] * len(columns)
    placed = scan_output_axes or [0] * len(columns)
    return (*state, *(
        ops.moveaxis(ops.stack(column[::-1] if back else column), 0, axis)
        for column, back, axis in zip(columns, turned, placed, strict=True)
    ))  # fmt: skip


# --- sequences --------------------------------------------------------------------------------


@operator("SequenceConstruct")
def sequence_construct(*arrays: Array) -> Values:
    """Return the arrays as a sequence."""
    return list(arrays)


@operator("SequenceEmpty")
def sequence_empty(*, dtype: np.dtype[Any] | None = None) -> Values:  # noqa: ARG001  # the arrays have theirs
    """Return a sequence without arrays."""
    return []


@operator("SequenceAt")
def sequence_at(sequence: Values, position: Ints) -> Array:
    """Return one array of a sequence."""
    return sequence[int(position.item())]


@operator("SequenceInsert")
def sequence_insert(sequence: Values, x: Array, position: Ints | None = None) -> Values:
    """Insert an array, by default at the end."""
    place = len(sequence) if position is None else int(position.item())
    return [*sequence[:place], x, *sequence[place:]]


@operator("SequenceErase")
def sequence_erase(sequence: Values, position: Ints | None = None) -> Values:
    """Remove an array, by default the last."""
    place = (-1 if position is None else int(position.item())) % len(sequence)
    return [*sequence[:place], *sequence[place + 1 :]]


@operator("SequenceLength", extent=lambda *_: 1)
def sequence_length(sequence: Values) -> NDArray[np.int64]:
    """Return the number of arrays."""
    return np.array(len(sequence), np.int64)


@operator(
    "SplitToSequence", extent=lambda shapes, _, given: math.prod(shapes[0]) + CALL * shapes[0][given.get("axis", 0)]
)
def split_to_sequence(x: Array, split: Ints | None = None, *, axis: int = 0, keepdims: Flag = 1) -> Values:
    """Cut along an axis into parts of the lengths ``split``, one number for all, or into single slices."""
    length = shape_of(x)[axis]
    if split is None:
        sizes: NDArray[Any] = np.ones(length, np.int64)
    elif split.ndim:
        sizes = split
    else:
        step = max(int(split.item()), 1)
        sizes = np.diff([*range(0, length, step), length])
    ends = np.cumsum(sizes)
    parts = [ops.take(x, np.arange(end - n, end), axis=axis) for n, end in zip(sizes, ends, strict=True)]
    return parts if keepdims or split is not None else [ops.squeeze(part, axis) for part in parts]


@operator("ConcatFromSequence")
def concat_from_sequence(sequence: Values, *, axis: int, new_axis: Flag = 0) -> Array:
    """Join the arrays of a sequence, along a new axis on request."""
    return ops.stack(sequence, axis=axis) if new_axis else ops.concatenate(sequence, axis=axis)
