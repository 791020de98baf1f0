"""What is known of the values on a tape: those that it holds, and those that follow from them.

The tape keeps what the rules ask for. Primitives are pure, so the rest is computed once more, by the
same primitive from the same operands, which gives the same bits. Where an operand or a parameter was
not kept, such as the 3 of ``x + 3``, the value is unknown.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from autograd_cnn.primitive import Primitive
from autograd_cnn.tape import Array, Node, Traced, toposort


class Values:
    """The values of nodes, to be taken once each, a node's after its parents'.

    What is computed here lives until its last use.

    Parameters
    ----------
    order : collection of Node
        All of a tape.
    given : mapping of Node to array, optional
        What is known besides.
    wanted : iterable of Node, optional
        Which nodes will be taken, besides those that these take; by default all.
    """

    def __init__(
        self, order: Collection[Node], given: Mapping[Node, Array] | None = None, wanted: Iterable[Node] | None = None
    ) -> None:
        self._held = {**_held(order), **(given or {})}
        self.nodes = sorted(order if wanted is None else self._needed(wanted), key=attrgetter("serial"))
        self._made: dict[Node, Array] = {}
        self._uses = Counter(
            parent for node in self.nodes if node not in self._held for parent in node.parents if parent is not None
        )

    def _needed(self, wanted: Iterable[Node]) -> set[Node]:
        needed: set[Node] = set()
        stack = list(wanted)
        while stack:
            node = stack.pop()
            if node not in needed:
                needed.add(node)
                if node not in self._held:
                    stack.extend(parent for parent in node.parents if parent is not None)
        return needed

    def take(self, node: Node) -> Array | None:
        """Return the value of a node, or None where it is not known."""
        if node in self._held:
            return self._held[node]
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
        primitive = node.primitive
        parameters = parameters_of(node)
        if not isinstance(primitive, Primitive) or node.saved is None or len(parameters) < len(primitive.parameters):
            return None
        operands = []
        for position, parent in enumerate(node.parents):
            if parent is None:
                operand = saved_operand(node, position)
            else:
                operand = self._held[parent] if parent in self._held else self._made.get(parent)
            if operand is None:
                return None
            operands.append(operand)
        try:
            with np.errstate(all="ignore"):
                y = primitive(*operands, **parameters)
        except Exception:  # noqa: BLE001  # a user's function may raise anything, and a leaf may have changed its shape
            return None
        return y if y.shape == node.shape and y.dtype == node.dtype else None


def values_of(root: Node, wanted: Sequence[Node], given: Mapping[Node, Array]) -> dict[Node, Array]:
    """Return the values, as far as they are known, of some of the nodes that ``root`` depends on."""
    values = Values(toposort(root), given, wanted)
    kept = set(wanted)
    return {node: value for node in values.nodes if (value := values.take(node)) is not None and node in kept}


def tensor_of(node: Node) -> Traced | None:
    """Return the tensor that a node belongs to, where it is alive and has not moved on."""
    tensor = None if node.tensor is None else node.tensor()
    return tensor if tensor is not None and tensor.node is node else None


def saved_operand(node: Node, position: int) -> Any:
    """Return what the tape saved of an operand, or None."""
    primitive = node.primitive
    if not isinstance(primitive, Primitive) or node.saved is None:
        return None
    if primitive.variadic:
        return node.saved.get(primitive.operands[0], {position: None})[position]
    return node.saved.get(primitive.operands[position])


def parameters_of(node: Node) -> dict[str, Any]:
    """Return the parameters of a recorded call that are known: those saved, and those that its result tells.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([[1.0, 2.0]], requires_grad=True)
    >>> parameters_of(ag.sum(x, axis=1, keepdims=True).node)
    {'axis': 1, 'keepdims': True}
    """
    primitive = node.primitive
    if not isinstance(primitive, Primitive) or not primitive.parameters:
        return {}
    ranks = {len(parent.shape) for parent in node.parents if parent is not None}
    told = {"shape": node.shape, "dtype": node.dtype, "keepdims": len(node.shape) in ranks} | (node.saved or {})
    return {name: told[name] for name in primitive.parameters if name in told}


def _held(order: Iterable[Node]) -> dict[Node, Array]:
    """Return what the tape still holds: the values of leaves, outputs, and operands that a rule asked for.

    A leaf that has been given new values since counts with those that were saved, if they were.
    """
    held: dict[Node, Array] = {}
    for node in order:
        if node.tensor is not None and node not in held and (tensor := tensor_of(node)) is not None:
            held[node] = tensor.value
        if node.saved is None:
            continue
        if "y" in node.saved:
            held[node] = node.saved["y"]
        for position, parent in enumerate(node.parents):
            if parent is not None and (value := saved_operand(node, position)) is not None:
                held[parent] = value
    return held
