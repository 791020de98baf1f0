"""Writers of layers that are one operator in ONNX: normalisation and recurrent layers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.onnx.export.dims import Filled
from autograd_cnn.onnx.export.graph import Graph, Ref
from autograd_cnn.onnx.export.shaping import is_known
from autograd_cnn.onnx.export.writer import writes
from autograd_cnn.onnx.operators.recurrent import rows_of_gates

# --- normalisation ----------------------------------------------------------------------------


def _or(graph: Graph, values: Ref | None, y: Ref, shape: Sequence[Any], default: int) -> Ref:
    """Return parameters in the dtype of y, or constants in their place."""
    if values is not None:
        return graph.cast(values, y.dtype)
    constant = np.full(tuple(shape), default) if is_known(shape) else Filled(default, tuple(shape))
    return graph.constant(constant, y.dtype)


@writes(ops.batch_norm_inference)
def batch_norm_inference(
    graph: Graph, y: Ref, x: Ref, mean: Ref, var: Ref, weight: Ref | None, bias: Ref | None, *, eps: float
) -> Ref:
    maps = y.shape[1:2]
    affine = _or(graph, weight, y, maps, 1), _or(graph, bias, y, maps, 0)
    x, mean, var = (graph.cast(each, y.dtype) for each in (x, mean, var))
    return graph.node("BatchNormalization", x, *affine, mean, var, epsilon=float(eps))


@writes(ops.layer_norm)
def layer_norm(graph: Graph, y: Ref, x: Ref, weight: Ref | None, bias: Ref | None, *, eps: float, axes: int) -> Ref:
    scale, bias = _or(graph, weight, y, y.shape[-axes:], 1), bias and graph.cast(bias, y.dtype)
    x, options = graph.cast(x, y.dtype), {"axis": -axes, "epsilon": float(eps)}
    if all(each is None or len(each.shape) == axes for each in (weight, bias)):
        return graph.node("LayerNormalization", x, scale, bias, **options)
    z = graph.node("LayerNormalization", x, graph.constant(np.ones(y.shape[-axes:], y.dtype)), **options)
    scaled = graph.node("Mul", z, scale)
    return scaled if bias is None else graph.node("Add", scaled, bias)


# --- recurrent layers -------------------------------------------------------------------------


def _sent(graph: Graph, y: Ref, u: Ref, rows: Any) -> tuple[Ref, Ref, Ref | None]:
    """Return the inputs, weights and bias of the contributions to the gates; if unknown, these are the input themselves."""
    x, w, bias = graph.products.get(u.name) or (graph.cast(u, y.dtype), graph.constant(np.eye(len(rows), dtype=y.dtype)), None)  # fmt: skip
    return x, _gates(graph, y, w, rows), bias


def _gates(graph: Graph, y: Ref, values: Ref, rows: Any) -> Ref:
    """Return the gates' rows in ONNX's order, with an axis for the direction."""
    ordered = graph.node("Gather", graph.cast(values, y.dtype), graph.constant(rows), axis=0)
    return graph.node("Unsqueeze", ordered, graph.ints(0))


def _biases(graph: Graph, y: Ref, inputs: Ref | None, states: Ref | None, rows: Any) -> Ref | None:
    if inputs is None and states is None:
        return None
    zeros = graph.constant(np.zeros((1, len(rows)), y.dtype))
    parts = [zeros if each is None else _gates(graph, y, each, rows) for each in (inputs, states)]
    return graph.node("Concat", *parts, axis=1)


def _state(graph: Graph, y: Ref, state: Ref) -> Ref:
    return graph.node("Unsqueeze", graph.cast(state, y.dtype), graph.ints(0))


@writes(ops.lstm)
def lstm(graph: Graph, y: Ref, u: Ref, weight: Ref, h: Ref, c: Ref) -> Ref:
    units = y.shape[-1]
    rows = rows_of_gates(units, (0, 3, 1, 2))  # i, f, g, o as i, o, f, g
    x, w, bias = _sent(graph, y, u, rows)
    after, _, last = graph.several(
        "LSTM", x, w, _gates(graph, y, weight, rows), _biases(graph, y, bias, None, rows), None,
        _state(graph, y, h), _state(graph, y, c), dtypes=[y.dtype] * 3, hidden_size=units,
    )  # fmt: skip
    return graph.node("Concat", graph.node("Squeeze", after, graph.ints(1)), last, axis=0)


@writes(ops.gru)
def gru(graph: Graph, y: Ref, u: Ref, weight: Ref, bias: Ref, h: Ref) -> Ref:
    units = y.shape[-1]
    rows = rows_of_gates(units, (1, 0, 2))  # r, z, n as z, r, n
    x, w, of_inputs = _sent(graph, y, u, rows)
    after = graph.node(
        "GRU", x, w, _gates(graph, y, weight, rows), _biases(graph, y, of_inputs, bias, rows), None,
        _state(graph, y, h), hidden_size=units, linear_before_reset=1,
    )  # fmt: skip
    return graph.node("Squeeze", after, graph.ints(1))
