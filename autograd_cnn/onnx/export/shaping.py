"""Writers of primitives that change shapes or reduce."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.onnx.export.dims import Dim
from autograd_cnn.onnx.export.graph import Graph, Ref
from autograd_cnn.onnx.export.writer import writes
from autograd_cnn.ops import indexing, linalg, shaping

LAST = np.iinfo(np.int64).max
"""An end of a slice beyond every axis."""

# --- shapes -----------------------------------------------------------------------------------


@writes(ops.reshape)
def reshape(graph: Graph, y: Ref, x: Ref, **_: Any) -> Ref:
    return graph.reshape(graph.cast(x, y.dtype), y.shape)


@writes(ops.transpose)
def transpose(graph: Graph, y: Ref, x: Ref, *, axes: Sequence[int] | None) -> Ref:
    rank = len(y.shape)
    return graph.node("Transpose", x, perm=[axis % rank for axis in axes] if axes else None)


@writes(ops.broadcast_to)
def broadcast_to(graph: Graph, y: Ref, x: Ref, **_: Any) -> Ref:
    return graph.node("Expand", graph.cast(x, y.dtype), graph.ints(y.shape))


@writes(shaping._concatenate)
def concatenate(graph: Graph, y: Ref, *arrays: Ref, axis: int) -> Ref:
    return graph.node("Concat", *(graph.cast(each, y.dtype) for each in arrays), axis=axis)


@writes(ops.flip)
def flip(graph: Graph, y: Ref, x: Ref, *, axis: int | Sequence[int] | None) -> Ref:
    axes = range(len(y.shape)) if axis is None else np.atleast_1d(axis).tolist()
    count = len(axes)
    if not count:
        return x
    return graph.node(
        "Slice",
        x,
        graph.ints([-1] * count),
        graph.ints([-LAST] * count),
        graph.ints(list(axes)),
        graph.ints([-1] * count),
    )


@writes(ops.roll)
def roll(graph: Graph, y: Ref, x: Ref, *, shift: Any, axis: Any) -> Ref:
    shape = (math.prod(y.shape),) if axis is None else y.shape
    x = graph.reshape(Ref(x.name, x.dtype), shape) if axis is None else x
    for step, place in np.broadcast(shift, 0 if axis is None else axis):
        length = shape[place]
        end = -step if isinstance(length, Dim) else -step % max(length, 1)
        parts = [
            graph.node("Slice", x, graph.ints(int(start)), graph.ints(int(stop)), graph.ints(int(place)))
            for start, stop in ((end, LAST), (0, end))
        ]
        x = graph.node("Concat", *parts, axis=int(place))
    return graph.reshape(x, y.shape) if axis is None else x


@writes(indexing._pad)
def pad(graph: Graph, y: Ref, x: Ref, *, pad_width: Any, constant_values: float) -> Ref:
    widths = np.broadcast_to(pad_width, (len(y.shape), 2)).tolist()
    before, after = zip(*widths, strict=True)
    return graph.node("Pad", x, graph.ints([*before, *after]), graph.constant(constant_values, x.dtype))


# --- reductions -------------------------------------------------------------------------------


def _reducing(kind: str) -> Any:
    def write(graph: Graph, y: Ref, x: Ref, *, axis: int | Sequence[int] | None, keepdims: bool) -> Ref:
        x = graph.cast(x, y.dtype)
        axes = None if axis is None else graph.ints(np.atleast_1d(axis).astype(int).tolist())
        if axis is not None and not np.size(axis):
            return x
        return graph.node(kind, x, axes, keepdims=int(keepdims))

    return write


writes(ops.sum)(_reducing("ReduceSum"))
writes(ops.mean)(_reducing("ReduceMean"))
writes(ops.max)(_reducing("ReduceMax"))
writes(ops.min)(_reducing("ReduceMin"))
writes(ops.prod)(_reducing("ReduceProd"))
writes(ops.logsumexp)(_reducing("ReduceLogSumExp"))


def _arg(kind: str) -> Any:
    def write(graph: Graph, y: Ref, x: Ref, *, axis: int | None, keepdims: bool) -> Ref:
        x = graph.reshape(Ref(x.name, x.dtype), [-1]) if axis is None else x
        found = graph.node(kind, x, dtype=np.int64, axis=axis or 0, keepdims=int(keepdims and axis is not None))
        return graph.cast(graph.reshape(found, y.shape) if axis is None else found, y.dtype)

    return write


writes(ops.argmax)(_arg("ArgMax"))
writes(ops.argmin)(_arg("ArgMin"))


@writes(ops.cumsum)
def cumsum(graph: Graph, y: Ref, x: Ref, *, axis: int | None) -> Ref:
    x = graph.cast(x, y.dtype)
    x = graph.reshape(Ref(x.name, x.dtype), [-1]) if axis is None or len(x.shape) == 0 else x
    return graph.node("CumSum", x, graph.constant(np.array(axis or 0, np.int64)))


# --- products ---------------------------------------------------------------------------------


@writes(ops.det)
def det(graph: Graph, y: Ref, x: Ref) -> Ref:
    return graph.node("Det", graph.cast(x, y.dtype))


@writes(ops.linear)
def linear(graph: Graph, y: Ref, x: Ref, w: Ref, bias: Ref | None) -> Ref:
    x, w, bias = graph.cast(x, y.dtype), graph.cast(w, y.dtype), bias and graph.cast(bias, y.dtype)
    if len(y.shape) == 2:
        return graph.node("Gemm", x, w, bias, transB=1)
    product = graph.node("MatMul", x, graph.node("Transpose", w, perm=[1, 0]))
    product = product if bias is None else graph.node("Add", product, bias)
    graph.products[product.name] = (x, w, bias)
    return product


@writes(linalg._einsum)
def einsum(graph: Graph, y: Ref, *operands: Ref, terms: Sequence[str], out: str) -> Ref:
    return graph.node("Einsum", *(graph.cast(each, y.dtype) for each in operands), equation=f"{','.join(terms)}->{out}")


def is_known(lengths: Sequence[Any]) -> bool:
    """Whether no length depends on the batch."""
    return not any(isinstance(each, Dim) for each in lengths)
