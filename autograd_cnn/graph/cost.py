"""What operations cost: arithmetic, and memory that the tape keeps alive."""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.node import Node, Shape
from autograd_cnn.engine.primitive import Primitive

# --- arithmetic -------------------------------------------------------------------------------


def flops(node: Node) -> int | None:
    """Return how many multiplications and additions the operation takes, or None where that is not counted.

    A product is counted as the plain sum of products that defines it, two operations a term. For a
    correlation that is ``2 · N·F·OH·OW · C/G·KH·KW``, for each of its adjoints the same.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> w = ag.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    >>> flops((w @ w.T).node)
    36
    """
    primitive = node.primitive
    if not isinstance(primitive, Primitive):
        return None
    count = COUNTS.get(f"{primitive.forward.__module__}.{primitive.forward.__qualname__}")
    return None if count is None else count(node)


def _shape(node: Node, position: int) -> Shape | None:
    """Return the shape of an operand, from its own node or from what the tape saved."""
    parent = node.parents[position]
    if parent is not None:
        return parent.shape
    saved = node.saved or {}
    name = node.primitive.operands[position] if isinstance(node.primitive, Primitive) else ""
    if name in saved:
        return np.shape(saved[name])
    return saved.get(f"{name}_shape")


def _of_form(y: Shape | None, w: Shape | None) -> int | None:
    """Count the terms of the trilinear form: each output element sums over one filter."""
    if y is None or w is None:
        return None
    return 2 * prod(y) * prod(w if len(w) == 2 else w[1:])


def _of_correlation(node: Node) -> int | None:
    return _of_form(node.shape, _shape(node, 1))


def _of_input_adjoint(node: Node) -> int | None:
    return _of_form(_shape(node, 0), _shape(node, 1))


def _of_weight_adjoint(node: Node) -> int | None:
    return _of_form(_shape(node, 1), node.shape)


def _of_matmul(node: Node) -> int | None:
    left, right = _shape(node, 0), _shape(node, 1)
    if left is not None:
        return 2 * prod(node.shape) * left[-1]
    return None if right is None else 2 * prod(node.shape) * right[max(len(right) - 2, 0)]


def _of_linear(node: Node) -> int | None:
    w = _shape(node, 1)
    return None if w is None else 2 * prod(node.shape) * w[1]


def _of_einsum(node: Node) -> int | None:
    saved = node.saved or {}
    if "terms" not in saved:
        return None
    terms, out = saved["terms"], saved["out"]
    lengths: dict[str, int] = {}
    for term, operand in zip(terms, saved["operands"], strict=True):
        lengths.update(zip(term, np.shape(operand), strict=True))
    summed = any(label not in out for label in lengths)
    return prod(lengths.values()) * (len(terms) - 1 + summed)


COUNTS: Final[dict[str, Callable[[Node], int | None]]] = {
    "autograd_cnn.ops.correlation.correlate2d": _of_correlation,
    "autograd_cnn.ops.correlation.correlate2d_wrt_input": _of_input_adjoint,
    "autograd_cnn.ops.correlation.correlate2d_wrt_weight": _of_weight_adjoint,
    "autograd_cnn.ops.linalg.linear": _of_linear,
    "autograd_cnn.ops.linalg.matmul": _of_matmul,
    "autograd_cnn.ops.linalg._einsum": _of_einsum,
}
"""How to count each primitive that is counted, by its name in the registry."""

# --- memory -----------------------------------------------------------------------------------


def arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the arrays in a saved value, those in tuples and lists included."""
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, np.ndarray):
            yield each
        elif isinstance(each, (tuple, list)):
            stack.extend(reversed(each))


def owner(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the array that holds the memory of which ``array`` is a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def saved_bytes(node: Node, counted: set[int]) -> int | None:
    """Return the bytes that the node keeps alive beyond those ``counted``, and count them.

    ``counted`` holds the ids of arrays that are alive in any case or that were counted before.
    """
    if node.saved is None:
        return None
    total = 0
    for array in arrays(tuple(node.saved.values())):
        held = owner(array)
        if id(held) not in counted:
            counted.add(id(held))
            total += held.nbytes
    return total
