"""Inlining of functions that a file defines, and of operators that ONNX itself defines by others."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Final

from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.onnx.operator import TABLE
from autograd_cnn.onnx.proto import Proto, first_line, nodes_of

MOST_NODES: Final = 1 << 18
"""The most nodes in a model after inlining; a small file could ask for any number."""

MOST_CALLS: Final = 300
"""The deepest nesting of functions; both Python and ONNX's library can go that deep."""

_ROUNDS: Final = 4
"""How deeply ONNX defines operators by others that are not in the table either."""


def inlined(onnx: Any, model: Proto, opset: int) -> Proto:
    """Return the model without function calls, and without operators that are not in the table but have a definition.

    Raises
    ------
    FormatError
        If the functions are recursive, or would make the model too large.
    """
    inliner = import_module("onnx.inliner")  # the library does not load it by itself
    if model.functions:
        _check_size(onnx, model)
    try:
        if model.functions:
            model = inliner.inline_local_functions(model)
        for _ in range(_ROUNDS):
            if not (defined := _defined(onnx, model, opset)):
                break
            model = onnx.shape_inference.infer_shapes(model)  # some definitions depend on types
            model = inliner.inline_selected_functions(model, defined, inline_schema_functions=True)
            _check_count(sum(1 for _ in nodes_of(onnx, model.graph.node)))
    except RuntimeError as error:
        raise FormatError("its functions can't be written out", first_line(error)) from error
    return model


def _defined(onnx: Any, model: Proto, opset: int) -> list[tuple[str, str]]:
    """Return the operators that are not in the table, but have a definition."""
    found = set()
    for node in nodes_of(onnx, model.graph.node):
        if node.domain in {"", "ai.onnx"} and ("", node.op_type) not in TABLE and onnx.defs.has(node.op_type):
            schema = onnx.defs.get_schema(node.op_type, opset)
            if schema.has_function or schema.has_context_dependent_function:
                found.add((node.domain, node.op_type))
    return sorted(found)


def _check_count(count: int) -> None:
    if count > MOST_NODES:
        raise FormatError("its functions make too many nodes", expected=f"at most {MOST_NODES}", got=count)


def _check_size(onnx: Any, model: Proto) -> None:
    """Raise `FormatError` if functions are recursive, or if there would be too many nodes."""
    bodies = {(each.domain, each.name): list(nodes_of(onnx, each.node)) for each in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    _check_count(_size(nodes_of(onnx, model.graph.node), bodies, sizes, set()))


def _size(
    nodes: Iterable[Proto],
    bodies: Mapping[tuple[str, str], list[Proto]],
    sizes: dict[tuple[str, str], int],
    inside: set[tuple[str, str]],
) -> int:
    """Return the number of nodes after all calls have been inlined."""
    total = 0
    for node in nodes:
        key = (node.domain, node.op_type)
        if key not in bodies:
            total += 1
            continue
        if key in inside:
            raise FormatError(sentence(f"the function {node.op_type!r} calls itself"))
        if len(inside) == MOST_CALLS:
            expected = f"at most {MOST_CALLS} levels"
            raise FormatError("its functions call each other too deeply", expected=expected, got="more")
        if key not in sizes:
            sizes[key] = _size(bodies[key], bodies, sizes, inside | {key})
        total += 1 + sizes[key]
    return total
