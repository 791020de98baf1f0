"""Parts of a file, as the library ``onnx`` returns them."""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np

Proto: TypeAlias = Any
"""A part of the file, as the library returns it."""

DTYPES: Final[dict[int, Any]] = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
    10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64,
}  # fmt: skip
"""The supported dtypes, by their numbers in ``TensorProto.DataType``."""


def node_name(node: Proto) -> str:
    """Return the name of a node for errors; a node without a name is named by its output."""
    return f"node {node.name or ''.join(node.output[:1])!r} ({node.op_type})"


def subgraphs_of(onnx: Any, node: Proto) -> Iterator[tuple[str, Proto]]:
    """Yield a node's subgraphs, with the names of their attributes."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.name, attribute.g


def nodes_of(onnx: Any, nodes: Any) -> Iterator[Proto]:
    """Yield nodes, including those of their subgraphs."""
    for node in nodes:
        yield node
        for _, graph in subgraphs_of(onnx, node):
            yield from nodes_of(onnx, graph.node)


def graphs_of(onnx: Any, model: Proto) -> Iterator[Proto]:
    """Yield the graph of a model and all subgraphs, including those of its functions."""
    yield model.graph
    for nodes in (model.graph.node, *(function.node for function in model.functions)):
        for node in nodes_of(onnx, nodes):
            for _, graph in subgraphs_of(onnx, node):
                yield graph


def first_line(error: Exception) -> str:
    """Return the first line of a library error."""
    return "".join(str(error).strip().splitlines()[:1])
