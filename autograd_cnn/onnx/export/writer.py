"""The table of writers: how each primitive is written as ONNX operators.

A writer gets the graph, the result's dtype and shape as a `Ref` without a name, then its primitive's arguments:
operands as `Ref`, or None, and parameters, in which slots are `Ref` and lengths that depend on the batch are `Dim`. It
returns the result, or a tuple if other writers need residuals. Primitives that are an ONNX operator need no writer: the
table of operators for reading files has them.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np

from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.onnx import operators as _operators  # noqa: F401  # which fills the table
from autograd_cnn.onnx.export.graph import Graph, Ref
from autograd_cnn.onnx.operator import TABLE

F = TypeVar("F", bound=Callable[..., Any])

WRITERS: Final[dict[Primitive, Callable[..., Any]]] = {}
"""By primitive."""


def writes(*primitives: Primitive) -> Callable[[F], F]:
    """Register the decorated function as the writer of these primitives."""

    def enter(function: F) -> F:
        WRITERS.update(dict.fromkeys(primitives, function))
        return function

    return enter


def directly(kind: str, operands: int) -> Callable[..., Ref]:
    """Return the writer of a primitive that is an operator without attributes; its operands are cast to one dtype."""

    def write(graph: Graph, y: Ref, *given: Ref, **params: Any) -> Ref:
        assert not params  # noqa: S101  # the operator has no attributes, so the primitive has no parameters
        dtype = y.dtype if y.dtype.kind != "b" else np.result_type(*(each.dtype for each in given))
        return graph.node(kind, *(graph.cast(each, dtype) for each in given[:operands]), dtype=y.dtype)

    return write


def writer_of(primitive: Primitive) -> Callable[..., Any] | None:
    """Return the writer of a primitive, or None."""
    return WRITERS.get(primitive) or _DIRECT.get(primitive)


_DIRECT: Final = {
    each.function: directly(each.name, len(each.function.operands))
    for each in TABLE.values()
    if not each.domain and isinstance(each.function, Primitive) and not each.function.residuals
}
