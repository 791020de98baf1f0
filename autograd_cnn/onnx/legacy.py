"""Operators of opset 6, which did not broadcast as NumPy does, rewritten for opset 7.

An attribute determined whether the second operand was broadcast, and from which axis of the first on; `PRelu` had one
slope for each map.
"""

from typing import Any, Final

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import FormatError
from autograd_cnn.onnx.operator import operator
from autograd_cnn.onnx.proto import Proto, node_name, nodes_of

DOMAIN: Final = "autograd_cnn"

_BROADCAST: Final = frozenset(
    {"Add", "And", "Div", "Equal", "Gemm", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor"}
)  # fmt: skip
_TRAINED: Final = frozenset({"BatchNormalization", "Dropout"})


@operator("FromAxis", domain=DOMAIN)
def from_axis(x: Array, second: Array, *, axis: int) -> Array:
    """Append axes of length 1 to the second operand, so that it starts at a given axis of ``x``."""
    rank = len(shape_of(x))
    more = rank - axis % rank - len(shape_of(second))
    return (
        ops.reshape(second, shape=(*shape_of(second), *(1,) * more))
        if more > 0 and shape_of(second) != (1,)
        else second
    )


def modernise(onnx: Any, model: Proto) -> None:
    """Rewrite the operators of opset 6 as those of opset 7, in place.

    Raises
    ------
    FormatError
        If one of them is in training mode.
    """
    graphs = [model.graph]
    for node in nodes_of(onnx, model.graph.node):
        graphs += [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]
    for graph in graphs:
        nodes = list(graph.node)
        del graph.node[:]
        for node in nodes:
            given = {each.name: each for each in node.attribute}
            if node.op_type in _TRAINED:
                if not (given.get("is_test") and given["is_test"].i):
                    raise FormatError(node_name(node), "is_test is not set", hint="export the network for inference")
                node.attribute.remove(given["is_test"])
            elif node.op_type == "PRelu" and len(node.input) == 2:
                _begin(onnx, graph, node, 1)
            elif node.op_type in _BROADCAST and "broadcast" in given:
                node.attribute.remove(given["broadcast"])
                if "axis" in given:
                    node.attribute.remove(given["axis"])
                    _begin(onnx, graph, node, given["axis"].i)
            graph.node.append(node)


def _begin(onnx: Any, graph: Proto, node: Proto, axis: int) -> None:
    """Add the node that gives the second operand its axes."""
    name = f"{node.input[1]}.from.{axis}.of.{node.output[0]}"
    graph.node.append(onnx.helper.make_node("FromAxis", list(node.input[:2]), [name], domain=DOMAIN, axis=axis))
    node.input[1] = name
