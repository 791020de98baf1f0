"""What operations cost: arithmetic, and memory that the tape keeps alive."""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.node import Missing, Node, Shape
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.replay import operand, parameters

# --- arithmetic -------------------------------------------------------------------------------


def flops(node: Node) -> int | None:
    """Return the number of multiplications and additions, or None for operations that are not counted.

    A product is counted as the plain sum of products that defines it, two operations per term. For a correlation and
    each of its adjoints that is ``2 · N·F·OH·OW · C/G·KH·KW``.

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


def operand_shape(node: Node, position: int) -> Shape:
    """Return the shape of an operand, which the tape knows even if it did not keep the array."""
    parent = node.parents[position]
    value = operand(node, position) if parent is None else parent
    return value.shape if isinstance(value, (Node, Missing)) else np.shape(value)


def _of_form(y: Shape, w: Shape) -> int:
    """Count the terms of the trilinear form: each output element is a sum over one filter."""
    return 2 * prod(y) * prod(w if len(w) == 2 else w[1:])


def _of_product(node: Node) -> int:
    return 2 * prod(node.shape) * operand_shape(node, 0)[-1]


def _of_einsum(node: Node) -> int | None:
    params = parameters(node)
    if not params:
        return None  # it has been freed
    terms, out = params["terms"], params["out"]
    lengths: dict[str, int] = {}
    for position, term in enumerate(terms):
        lengths.update(zip(term, operand_shape(node, position), strict=True))
    summed = any(label not in out for label in lengths)
    return prod(lengths.values()) * (len(terms) - 1 + summed)


def _of_recurrence(node: Node) -> int:
    """Count the products with the recurrent weight: at each step, one with the states of all sequences."""
    backward = len(node.shape) == 1  # all cotangents in one row, and g before the operands
    return 2 * prod(operand_shape(node, backward)) * operand_shape(node, backward + 1)[1]


def _of_attention(node: Node) -> int:
    """Count the scores and the weighted values; in the adjoint the scores again, and two products for each of the two."""
    backward = len(node.shape) == 1
    query, value = operand_shape(node, backward), operand_shape(node, backward + 2)
    scores = prod(query[:-1]) * value[-2]
    return 2 * scores * (3 * query[-1] + 2 * value[-1] if backward else query[-1] + value[-1])


COUNTS: Final[dict[str, Callable[[Node], int | None]]] = {
    "autograd_cnn.ops.attention.attention": _of_attention,
    "autograd_cnn.ops.attention._attention_backward": _of_attention,
    "autograd_cnn.ops.correlation.correlate2d": lambda node: _of_form(node.shape, operand_shape(node, 1)),
    "autograd_cnn.ops.correlation.correlate2d_wrt_input": lambda node: _of_form(
        operand_shape(node, 0), operand_shape(node, 1)
    ),
    "autograd_cnn.ops.correlation.correlate2d_wrt_weight": lambda node: _of_form(operand_shape(node, 1), node.shape),
    "autograd_cnn.ops.linalg.linear": _of_product,
    "autograd_cnn.ops.linalg.matmul": _of_product,
    "autograd_cnn.ops.linalg._einsum": _of_einsum,
    "autograd_cnn.ops.recurrent.gru": _of_recurrence,
    "autograd_cnn.ops.recurrent._gru_backward": _of_recurrence,
    "autograd_cnn.ops.recurrent.lstm": _of_recurrence,
    "autograd_cnn.ops.recurrent._lstm_backward": _of_recurrence,
}
"""The functions that count, by the primitive's name in the registry."""

# --- memory -----------------------------------------------------------------------------------


def arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the arrays in a saved value, including those in tuples and lists."""
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

    ``counted`` holds the ids of arrays that are alive anyway or have been counted before.
    """
    if node.saved is None:
        return None
    total = 0
    for array in arrays((*node.saved.values(), *node.operands)):
        memory = owner(array)
        if id(memory) not in counted:
            counted.add(id(memory))
            total += memory.nbytes
    return total
