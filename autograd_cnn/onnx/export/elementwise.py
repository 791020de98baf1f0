"""Writers of elementwise primitives, activations and softmax."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.onnx.export.graph import Graph, Ref
from autograd_cnn.onnx.export.writer import directly, writes

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
def clip(graph: Graph, y: Ref, x: Ref, *, min: float | None, max: float | None) -> Ref:  # noqa: A002  # its names
    x = graph.cast(x, y.dtype)
    limits = [None if limit is None else graph.constant(limit, y.dtype) for limit in (min, max)]
    return graph.node("Clip", x, *limits)


@writes(ops.relu)
def relu(graph: Graph, y: Ref, x: Ref) -> tuple[Ref, Ref]:
    """With where x is not below or at 0, which a NaN is not."""
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


@writes(ops.elu)
def elu(graph: Graph, y: Ref, x: Ref, *, alpha: float) -> Ref:
    return graph.node("Elu", graph.cast(x, y.dtype), alpha=float(alpha))


def _along(kind: str) -> Any:
    """Return the writer of a function along an axis; along several, these become one for the time."""

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
