"""Checks of a graph without running it: contradictory types, and windows over anything other than images."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from autograd_cnn.errors import FormatError, sentence

PLANAR: Final = frozenset({"AveragePool", "Conv", "ConvTranspose", "MaxPool"})

SMALLEST: Final = {"dilations": 1, "kernel_shape": 1, "output_padding": 0, "pads": 0, "strides": 1}
"""The attributes with one number for each axis of the window, and the smallest allowed number."""

Proto: TypeAlias = Any
"""A part of the file, as the library ``onnx`` returns it."""

SMALL: Final = 1024
"""The largest number of elements of an initializer that may be a shape."""


def check_planar(onnx: Any, graph: Proto, opsets: Any, names: Mapping[int, str]) -> None:
    """Raise `FormatError` for the first window that does not slide over images, and for contradictory types.

    Parameters
    ----------
    onnx : module
        The library.
    graph : GraphProto
    opsets : repeated OperatorSetIdProto
    names : mapping of int to str
        The names of nodes in errors, by their positions.
    """
    ranks = _ranks(onnx, graph, opsets)
    for place, node in enumerate(graph.node):
        if node.op_type in PLANAR:
            try:
                _check_window(node, ranks)
            except FormatError as error:
                raise FormatError(sentence(names[place], str(error))) from error


def _check_window(node: Proto, ranks: Mapping[str, int]) -> None:
    numbers = {each.name: list(each.ints) for each in node.attribute if each.name in SMALLEST}
    axes = [rank - 2 for name in node.input[:2] if (rank := ranks.get(name)) is not None]
    axes += [len(each) // (2 if name == "pads" else 1) for name, each in numbers.items()]
    if wrong := [each for each in axes if each != 2]:
        raise FormatError(sentence("only images are supported", expected="2 axes for the window", got=wrong[0]))
    for name, each in numbers.items():
        if min(each) < SMALLEST[name]:
            raise FormatError(sentence(f"{name} is out of range", expected=f"at least {SMALLEST[name]}", got=each))


def _ranks(onnx: Any, graph: Proto, opsets: Any) -> dict[str, int]:
    """Return the numbers of axes that the library can infer, without showing it the values of large arrays."""
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
        # not data_prop, which a hostile file can make join shapes without end
        model = onnx.shape_inference.infer_shapes(helper.make_model(shown, opset_imports=opsets), check_type=True)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        reason = "".join(str(error).strip().splitlines()[:1])
        raise FormatError(sentence("not a valid ONNX model", reason)) from error
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
