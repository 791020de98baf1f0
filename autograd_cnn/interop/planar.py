"""Operators that slide a window, looked at while a file is loaded: only windows over images are supported."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from autograd_cnn.errors import FormatError, sentence

PLANAR: Final = frozenset({"AveragePool", "Conv", "ConvTranspose", "MaxPool"})

Proto: TypeAlias = Any
"""A part of the file, as the library ``onnx`` gives it."""

SMALL: Final = 1024
"""Elements of an initializer that may be a shape."""


def check_planar(onnx: Any, graph: Proto, opsets: Any, names: Mapping[int, str]) -> None:
    """Raise `FormatError` for the first window that does not slide over images.

    Parameters
    ----------
    onnx : module
        The library.
    graph : GraphProto
    opsets : repeated OperatorSetIdProto
    names : mapping of int to str
        How errors call a node, by its place.
    """
    sliding = {place: node for place, node in enumerate(graph.node) if node.op_type in PLANAR}
    ranks = _ranks(onnx, graph, opsets) if sliding else {}
    for place, node in sliding.items():
        lengths = {
            each.name: len(each.ints) // (2 if each.name == "pads" else 1)
            for each in node.attribute
            if each.name in {"dilations", "kernel_shape", "output_padding", "pads", "strides"}
        }
        found = [rank - 2 for name in node.input[:2] if (rank := ranks.get(name)) is not None]
        wrong = [axes for axes in (*found, *lengths.values()) if axes != 2]
        if wrong:
            raise FormatError(
                sentence(names[place], "only images are supported", expected="2 axes for the window", got=wrong[0])
            )


def _ranks(onnx: Any, graph: Proto, opsets: Any) -> dict[str, int]:
    """Return the numbers of axes that the library can tell; large arrays are left out of what it is shown."""
    helper = onnx.helper
    small = [tensor for tensor in graph.initializer if 0 <= _count(tensor) <= SMALL]
    large = [
        helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        for tensor in graph.initializer
        if _count(tensor) > SMALL
    ]
    listed = {each.name for each in (*small, *large)}
    inputs = [each for each in graph.input if each.name not in listed]
    results = [onnx.ValueInfoProto(name=each.name) for each in graph.output]
    shown = helper.make_graph(graph.node, "shown", [*inputs, *large], results, small)
    try:
        model = onnx.shape_inference.infer_shapes(helper.make_model(shown, opset_imports=opsets), data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        return {tensor.name: len(tensor.dims) for tensor in graph.initializer}  # what it can't tell shows in a run
    ranks = {
        each.name: len(each.type.tensor_type.shape.dim)
        for each in (*inputs, *large, *model.graph.value_info)
        if each.type.HasField("tensor_type") and each.type.tensor_type.HasField("shape")
    }
    return ranks | {tensor.name: len(tensor.dims) for tensor in small}


def _count(tensor: Proto) -> int:
    count = 1
    for length in tensor.dims:
        count *= length
    return count
