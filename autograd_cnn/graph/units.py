"""The axis of a value that holds channels or features, and which of these are constant."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Node
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.graph.cost import operand_shape
from autograd_cnn.graph.nodes import Units

_AXES: Final[dict[Primitive, int]] = {ops.correlate2d: -3, ops.linear: -1, ops.matmul: -1}
"""The axis in which these primitives put the result of each filter or row of weights."""


def unit_axis(node: Node, known: Mapping[Node, int]) -> int | None:
    """Return the axis, counted from the last, along which filters or rows of weights differ; None if there is none.

    An operation that preserves this axis, such as a ReLU or a pooling, has its operand's. A product of stacks of
    matrices has none: neither of them is a weight.

    Parameters
    ----------
    node : Node
    known : mapping of Node to int
        The axes of earlier operations.
    """
    axis = _AXES.get(node.primitive) if isinstance(node.primitive, Primitive) else None
    if axis is not None:
        return axis if len(node.shape) >= -axis and (axis == -3 or len(operand_shape(node, 1)) == 2) else None
    for parent in node.parents:
        axis = None if parent is None else known.get(parent)
        if (
            parent is not None
            and axis is not None
            and len(parent.shape) == len(node.shape)
            and parent.shape[axis] == node.shape[axis]
        ):
            return axis
    return None


def units_of(value: Array, axis: int) -> Units | None:
    """Return the units along an axis, and which are constant; None if each has a single element.

    Examples
    --------
    >>> units_of(np.array([[0.0, 1.0], [0.0, 2.0]]), -1)
    Units(axis=1, count=2, dead=(0,))
    """
    count = value.shape[axis]
    if value.size <= count:
        return None
    rows = np.moveaxis(value, axis, 0).reshape(count, -1)
    dead = np.flatnonzero((rows == rows[:, :1]).all(axis=1))
    return Units(axis % value.ndim, count, tuple(dead.tolist()))
