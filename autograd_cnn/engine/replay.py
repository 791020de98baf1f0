"""Running recorded calls again: what they took, and what they give.

A node keeps its call: the primitive, the parameters as they were parsed, and of the operands those that are not
tracked, but for arrays outside of `tracing`. Primitives are pure, so a value that no rule asked for follows from its
operands, to the last bit.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.node import Array, Missing, Node, tensor_of
from autograd_cnn.engine.primitive import Primitive


def parameters(node: Node) -> dict[str, Any]:
    """Return all the parameters of a recorded call, the defaults too; none once it has been freed.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([[1.0, 2.0]], requires_grad=True)
    >>> parameters(ag.sum(x, axis=1).node)
    {'axis': 1, 'keepdims': False}
    """
    primitive = node.primitive
    return {} if not isinstance(primitive, Primitive) or node.params is None else primitive.parameters | node.params


def operand(node: Node, position: int) -> Any:
    """Return what the tape keeps of an operand: its value, or `Missing`; for a tracked one None unless a rule asked.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([[1.0, 2.0]], requires_grad=True)
    >>> operand((x + 3).node, 1)
    3
    """
    primitive = node.primitive
    if not isinstance(primitive, Primitive):
        return None
    saved = node.saved or {}
    name = primitive.signature.operand(position)
    if name in saved:
        return saved[name][position] if primitive.variadic else saved[name]
    return node.operands[position] if node.operands else None


def run(node: Node, operands: Sequence[Any]) -> Array:
    """Compute a recorded call again, on other operands or the same.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> y = ag.sum(ag.tensor([[1.0, 2.0]], requires_grad=True), axis=1)
    >>> run(y.node, [np.array([[3.0, 4.0]])])
    array([7.])
    """
    primitive = node.primitive
    if not isinstance(primitive, Primitive):
        raise TypeError(f"{node} has no primitive")
    return primitive(*operands, **parameters(node))


def kept_values(order: Iterable[Node]) -> dict[Node, Array]:
    """Return the values that the tape holds: outputs and operands that a rule asked for, and leaves.

    A leaf that has been given new values since counts with those that were saved, if they were.
    """
    kept: dict[Node, Array] = {}
    for node in order:
        if node.tensor is not None and node not in kept and (tensor := tensor_of(node)) is not None:
            kept[node] = tensor.value
        if node.saved is None:
            continue
        if "y" in node.saved:
            kept[node] = node.saved["y"]
        for position, parent in enumerate(node.parents):
            if parent is not None and (value := operand(node, position)) is not None:
                kept[parent] = value
    return kept


class Values:
    """The values of nodes, to be taken once each, a node's after its parents'.

    What is computed here lives until its last use.

    Parameters
    ----------
    order : collection of Node
        All of a tape.
    given : mapping of Node to array, optional
        What is known already.
    wanted : iterable of Node, optional
        Which nodes will be taken, and with them those that these take; by default all.
    """

    def __init__(
        self, order: Collection[Node], given: Mapping[Node, Array] | None = None, wanted: Iterable[Node] | None = None
    ) -> None:
        self._kept = {**kept_values(order), **(given or {})}
        self.nodes = sorted(order if wanted is None else self._needed(wanted), key=attrgetter("serial"))
        self._made: dict[Node, Array] = {}
        self._uses = Counter(
            parent for node in self.nodes if node not in self._kept for parent in node.parents if parent is not None
        )

    def _needed(self, wanted: Iterable[Node]) -> set[Node]:
        needed: set[Node] = set()
        stack = list(wanted)
        while stack:
            node = stack.pop()
            if node not in needed:
                needed.add(node)
                if node not in self._kept:
                    stack.extend(parent for parent in node.parents if parent is not None)
        return needed

    def take(self, node: Node) -> Array | None:
        """Return the value of a node, or None where it is not known."""
        if node in self._kept:
            return self._kept[node]
        value = self._computed(node)
        for parent in node.parents:
            if parent is not None:
                self._uses[parent] -= 1
                if not self._uses[parent]:
                    self._made.pop(parent, None)
        if value is not None and self._uses[node]:
            self._made[node] = value
        return value

    def _computed(self, node: Node) -> Array | None:
        if not isinstance(node.primitive, Primitive) or node.saved is None:
            return None
        operands = []
        for position, parent in enumerate(node.parents):
            if parent is None:
                value = operand(node, position)
            else:
                value = self._kept[parent] if parent in self._kept else self._made.get(parent)
                value = Missing(parent.shape, parent.dtype) if value is None else value
            operands.append(value)
        if any(isinstance(value, Missing) for value in operands):
            return None
        try:
            with np.errstate(all="ignore"):
                y = run(node, operands)
        except Exception:  # noqa: BLE001  # a user's function may raise anything, and a leaf may have changed its shape
            return None
        return y if y.shape == node.shape and y.dtype == node.dtype else None


def values_of(root: Node, wanted: Sequence[Node], given: Mapping[Node, Array]) -> dict[Node, Array]:
    """Return the values, as far as they are known, of some of the nodes that ``root`` depends on."""
    values = Values(toposort(root), given, wanted)
    kept = set(wanted)
    return {node: value for node in values.nodes if (value := values.take(node)) is not None and node in kept}
