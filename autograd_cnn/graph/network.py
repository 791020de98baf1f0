"""The network of an ONNX file as a graph, with the file's names."""

import functools
import operator
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Node, values_of
from autograd_cnn.engine.recording import tracing
from autograd_cnn.engine.replay import Values
from autograd_cnn.errors import GradientError
from autograd_cnn.graph.capture import Reading, read
from autograd_cnn.graph.graph import Graph
from autograd_cnn.onnx import OnnxNetwork
from autograd_cnn.onnx.network import OnnxInput
from autograd_cnn.parameters import of_kind
from autograd_cnn.tensor import Tensor, tensor

WHERE: Final = "graph.of_network"


@parsed
def of_network(network: OnnxNetwork, *inputs: Any, backward: bool = False) -> Graph:
    """Run the network of an ONNX file, and return its graph, named as in the file.

    Each node of the file is a call with the operator as its class and the node's attributes; inside are its primitives.
    Initializers are parameters, or inputs of their names; float inputs take gradients, too.

    Parameters
    ----------
    network : OnnxNetwork
        As returned by ``ag.onnx.load``.
    *inputs : array
        Its arguments.
    backward : bool
        Also show the backward pass from the sum of all float outputs.

    Returns
    -------
    Graph

    Raises
    ------
    OperandError
        If it is not a network from a file.
    GradientError
        If no output depends on parameters or float inputs.
    ShapeError, FormatError
        As the network raises them.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ag.onnx.export(ag.nn.Linear(2, 3, rng=0), np.ones((1, 2), np.float32), f"{folder}/net.onnx")
    ...     graph = of_network(ag.onnx.load(f"{folder}/net.onnx"), np.ones((1, 2), np.float32))
    >>> [(node.kind, node.name) for node in graph.nodes if node.kind != "operation"]
    [('input', 'x'), ('parameter', 'weight'), ('parameter', 'bias'), ('output', 'y')]
    >>> graph.calls[0].kind
    'Gemm'
    """
    of_kind(WHERE, "network", network, OnnxNetwork, "ag.onnx.load(path)")
    given = [_named(each, x) for each, x in zip(network.inputs, inputs, strict=False)]
    with tracing():
        results = network(*given, *inputs[len(given) :])
        several = results if isinstance(results, tuple) else (results,)
        named = [(each.name, y) for each, y in zip(network.outputs, several, strict=True) if isinstance(y, Tensor)]
        outputs = {y.node: y for _, y in named if y.node is not None}
        if not outputs:
            problem = "no output depends on parameters or inputs of floats"
            raise GradientError(WHERE, problem, expected="one to be differentiated")
        held = [*network.named_parameters(), *network.named_buffers(), *network.constants.items()]
        names = [*((each.name, x) for each, x in zip(network.inputs, given, strict=True)), *held]
        if backward:
            total = functools.reduce(operator.add, (y.sum() for y in outputs.values()))
            return read(total, given, names, backward=True).graph()
        known = {node: y.value for node, y in outputs.items()}
        order = toposort(Node(None, tuple(known), None, (), np.dtype(np.float64)))[1:]
        reading = Reading(order, Values(order, known), given, [*names, *named])
        for y in outputs.values():
            reading.read_output(y)
    return reading.graph()


def _named(declared: OnnxInput, x: Any) -> Any:
    """Return a float input as a leaf with its name, others as arrays that the tape need not copy."""
    array = np.array(values_of(x), declared.dtype)
    if array.dtype.kind == "f":
        return tensor(array, requires_grad=True, name=declared.name)
    array.flags.writeable = False
    return array
