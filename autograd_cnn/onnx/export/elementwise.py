"""Writers of elementwise primitives, activations and softmax."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.onnx.export.graph import Graph, Ref
from autograd_cnn.onnx.export.writer import directly, writes
from autograd_cnn.ops import activation

writes(ops.divide)(directly("Div", 2))
writes(ops.maximum)(directly("Max", 2))
writes(ops.minimum)(directly("Min", 2))
writes(ops.power)(directly("Pow", 2))
writes(ops.sign)(directly("Sign", 1))


@writes(ops.positive, ops.astype)
def astype(graph: Graph, y: Ref, x: Ref, **_: Any) -> Ref:
    return graph.cast(x, y.dtype)


@writes(ops.not_equal)
def not_equal(graph: Graph, y: Ref, x1: Ref, x2: Ref) -> Ref:
    return graph.node("Not", directly("Equal", 2)(graph, y, x1, x2))


@writes(ops.where)
def where(graph: Graph, y: Ref, condition: Ref, x1: Ref, x2: Ref) -> Ref:
    return graph.node(
        "Where", graph.cast(condition, bool), graph.cast(x1, y.dtype), graph.cast(x2, y.dtype), dtype=y.dtype
    )


@writes(ops.clip)
def clip(graph: Graph, y: Ref, x: Ref, *, min: float | None, max: float | None) -> tuple[Ref, Ref]:  # noqa: A002  # its names
    """With the mask of where x is within the limits, or NaN."""
    x = graph.cast(x, y.dtype)
    limits = [None if limit is None else graph.constant(limit, y.dtype) for limit in (min, max)]
    beyond = [
        graph.node(kind, x, limit, dtype=bool)
        for kind, limit in zip(("Less", "Greater"), limits, strict=True)
        if limit is not None
    ]
    outside = graph.node("Or", *beyond) if len(beyond) == 2 else (*beyond, graph.constant(0, bool))[0]
    return graph.node("Clip", x, *limits), graph.node("Not", outside)


@writes(ops.relu)
def relu(graph: Graph, y: Ref, x: Ref) -> tuple[Ref, Ref]:
    """With the mask of where x is positive or NaN."""
    below = graph.node("LessOrEqual", x, graph.constant(0, x.dtype), dtype=bool)
    return graph.node("Relu", graph.cast(x, y.dtype)), graph.node("Not", below)


@writes(ops.leaky_relu)
def leaky_relu(graph: Graph, y: Ref, x: Ref, *, negative_slope: float) -> tuple[Ref, Ref]:
    above = graph.node("Greater", x, graph.constant(0, x.dtype), dtype=bool)
    return graph.node("LeakyRelu", graph.cast(x, y.dtype), alpha=float(negative_slope)), above


@writes(ops.hardtanh)
def hardtanh(graph: Graph, y: Ref, x: Ref, *, min_val: float, max_val: float) -> tuple[Ref, Ref]:
    low, high = (graph.constant(limit, x.dtype) for limit in (min_val, max_val))
    below, above = (
        graph.node(kind, x, limit, dtype=bool) for kind, limit in (("LessOrEqual", low), ("GreaterOrEqual", high))
    )
    return graph.cast(graph.node("Clip", x, low, high), y.dtype), graph.node("Not", graph.node("Or", below, above))


@writes(activation._shrink)
def shrink(graph: Graph, y: Ref, x: Ref, *, lambd: float, bias: float) -> tuple[Ref, Ref]:
    x = graph.cast(x, y.dtype)
    within = graph.node("LessOrEqual", graph.node("Abs", x), graph.constant(lambd, y.dtype), dtype=bool)
    return graph.node("Shrink", x, lambd=float(lambd), bias=float(bias)), graph.node("Not", within)


@writes(ops.hardsigmoid)
def hardsigmoid(graph: Graph, y: Ref, x: Ref) -> Ref:
    return graph.node("HardSigmoid", graph.cast(x, y.dtype), alpha=1 / 6, beta=0.5)


@writes(ops.elu)
def elu(graph: Graph, y: Ref, x: Ref, *, alpha: float) -> Ref:
    return graph.node("Elu", graph.cast(x, y.dtype), alpha=float(alpha))


def _along(kind: str) -> Any:
    """Return the writer of a function along an axis; several axes are temporarily merged into one."""

    def write(graph: Graph, y: Ref, x: Ref, *, axis: int | Sequence[int] | None) -> Ref:
        x, rank = graph.cast(x, y.dtype), len(y.shape)
        axes = range(rank) if axis is None else [each % rank for each in np.atleast_1d(axis).tolist()]
        if len(axes) == 1:
            return graph.node(kind, x, axis=axes[0])
        order = [place for place in range(rank) if place not in axes] + list(axes)
        lines = graph.reshape(graph.node("Transpose", x, perm=order), [*(y.shape[p] for p in order[: -len(axes)]), -1])
        back = graph.reshape(graph.node(kind, lines, axis=-1), [y.shape[place] for place in order])
        return graph.node("Transpose", back, perm=[order.index(place) for place in range(rank)])

    return write


writes(ops.softmax)(_along("Softmax"))
writes(ops.log_softmax)(_along("LogSoftmax"))

# --- predicates, logic and bits ---------------------------------------------------------------


def _asking(kind: str) -> Any:
    """Return the writer of a predicate on floats; integers are converted to floats."""

    def write(graph: Graph, y: Ref, x: Ref) -> Ref:
        return graph.node(kind, x if x.dtype.kind == "f" else graph.cast(x, np.float32), dtype=y.dtype)

    return write


writes(ops.isnan)(_asking("IsNaN"))
writes(ops.isinf)(_asking("IsInf"))


def _logical(kind: str) -> Any:
    def write(graph: Graph, y: Ref, *given: Ref) -> Ref:
        return graph.node(kind, *(graph.cast(each, bool) for each in given), dtype=y.dtype)

    return write


def _bitwise(kind: str) -> Any:
    def write(graph: Graph, y: Ref, *given: Ref) -> Ref:
        return graph.node(kind if y.dtype.kind == "b" else f"Bitwise{kind}", *(graph.cast(x, y.dtype) for x in given))

    return write


for _kind, _of_truth, _of_bits in (
    ("Not", ops.logical_not, ops.invert), ("And", ops.logical_and, ops.bitwise_and),
    ("Or", ops.logical_or, ops.bitwise_or), ("Xor", ops.logical_xor, ops.bitwise_xor),
):  # fmt: skip
    writes(_of_truth)(_logical(_kind))
    writes(_of_bits)(_bitwise(_kind))


def _power_of_two(graph: Graph, y: Ref, exponent: Ref) -> Ref:
    return graph.node("Pow", graph.constant(2, y.dtype), graph.cast(exponent, y.dtype))


@writes(ops.left_shift)
def left_shift(graph: Graph, y: Ref, x1: Ref, x2: Ref) -> Ref:
    """With ONNX's operator for unsigned integers, the only ones that it supports."""
    if y.dtype.kind == "u":
        return graph.node("BitShift", graph.cast(x1, y.dtype), graph.cast(x2, y.dtype), direction="LEFT")
    return graph.node("Mul", graph.cast(x1, y.dtype), _power_of_two(graph, y, x2))


@writes(ops.right_shift)
def right_shift(graph: Graph, y: Ref, x1: Ref, x2: Ref) -> Ref:
    if y.dtype.kind == "u":
        return graph.node("BitShift", graph.cast(x1, y.dtype), graph.cast(x2, y.dtype), direction="RIGHT")
    return floor_divide(graph, y, x1, _power_of_two(graph, y, x2))


# --- rounding and remainders ------------------------------------------------------------------


def _rounding(kind: str) -> Any:
    def write(graph: Graph, y: Ref, x: Ref) -> Ref:
        return graph.cast(x, y.dtype) if x.dtype.kind != "f" else graph.node(kind, x)

    return write


writes(ops.floor)(_rounding("Floor"))
writes(ops.ceil)(_rounding("Ceil"))
writes(ops.rint)(_rounding("Round"))


@writes(ops.fmod)
def fmod(graph: Graph, y: Ref, x1: Ref, x2: Ref) -> Ref:
    return graph.node("Mod", graph.cast(x1, y.dtype), graph.cast(x2, y.dtype), fmod=1)


@writes(ops.remainder)
def remainder(graph: Graph, y: Ref, x1: Ref, x2: Ref) -> Ref:
    """For floats the result of ``fmod``, with ``x2`` added where the signs differ."""
    x1, x2 = graph.cast(x1, y.dtype), graph.cast(x2, y.dtype)
    if y.dtype.kind != "f":
        return graph.node("Mod", x1, x2)
    rest, zero = graph.node("Mod", x1, x2, fmod=1), graph.constant(0, y.dtype)
    signs = [graph.node("Less", each, zero, dtype=bool) for each in (rest, x2)]
    wrong = graph.node("And", graph.node("Xor", *signs), graph.node("Not", graph.node("Equal", rest, zero, dtype=bool)))
    return graph.node("Where", wrong, graph.node("Add", rest, x2), rest, dtype=y.dtype)


@writes(ops.floor_divide)
def floor_divide(graph: Graph, y: Ref, x1: Ref, x2: Ref) -> Ref:
    x1, x2 = graph.cast(x1, y.dtype), graph.cast(x2, y.dtype)
    quotient = graph.node("Div", graph.node("Sub", x1, remainder(graph, y, x1, x2)), x2)
    return graph.node("Round", quotient) if y.dtype.kind == "f" else quotient
