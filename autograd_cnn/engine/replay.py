"""Replaying recorded calls.

A node keeps its call: the primitive, the parsed parameters, and the operands that are not tracked, except arrays
outside `tracing`. Primitives are pure, so a value that no rule asked for can be recomputed from its operands, to the
last bit. Everything that runs a recorded call again uses this module.
"""

from collections import ChainMap, Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, cast

import numpy as np

from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.node import Array, Leaf, Missing, Node, Recordable, Traced, tensor_of
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.recording import switched

# --- what a node keeps ------------------------------------------------------------------------


def parameters(node: Node) -> dict[str, Any]:
    """Return all parameters of a recorded call, including defaults; none after it has been freed.

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
    """Return what the tape keeps of an operand: its value or `Missing`; None if it is tracked and no rule needs it.

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


def argument(primitive: Recordable | None, position: int) -> str:
    """Return the name of an operand, numbered if it is variadic; "" if the call is not a primitive's.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([1.0], requires_grad=True)
    >>> argument(ag.multiply, 1), argument(ag.concatenate([x, x]).node.primitive, 1)
    ('x2', 'arrays[1]')
    """
    if not isinstance(primitive, Primitive):
        return ""
    name = primitive.signature.operand(position)
    return f"{name}[{position}]" if primitive.variadic else name


# --- one call ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """A recorded call with operands to run it on: its own or others.

    Attributes
    ----------
    node : Node
        Its node on the tape.
    operands : sequence
        Arrays, numbers and None; `Missing` for an array that the tape did not keep.
    params : dict
        All the parameters, by name.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([[1.0, 2.0]], requires_grad=True)
    >>> call = Call.of(ag.sum(x, axis=1).node, {x.node: x.numpy()})
    >>> call.y, call.on({0: np.array([[3.0, 4.0]])}).y
    (array([3.]), array([7.]))
    """

    node: Node
    operands: Sequence[Any]
    params: dict[str, Any]

    @classmethod
    def of(cls, node: Node, values: Mapping[Node, Array]) -> "Call":
        """Take the operands from the node, and from the known values of its parents."""
        operands = []
        for position, parent in enumerate(node.parents):
            value = operand(node, position)
            if value is None and parent is not None:
                value = values.get(parent)
                value = Missing(parent.shape, parent.dtype) if value is None else value
            operands.append(value)
        return cls(node, operands, parameters(node))

    @property
    def primitive(self) -> Primitive:
        """The primitive that ran."""
        return cast("Primitive", self.node.primitive)

    @property
    def missing(self) -> list[str]:
        """The names of the operands that the tape did not keep."""
        return [argument(self.primitive, i) for i, value in enumerate(self.operands) if isinstance(value, Missing)]

    @cached_property
    def y(self) -> Array:
        """The result of the primitive for these operands, passed as the engine passes them."""
        return self.primitive(*[x[()] if isinstance(x, np.ndarray) else x for x in self.operands], **self.params)

    def on(self, operands: Mapping[int, Array]) -> "Call":
        """Return the call with other operands at some positions."""
        return Call(self.node, [operands.get(i, value) for i, value in enumerate(self.operands)], self.params)

    def in_float64(self) -> "Call":
        """Return the call with its floats in float64, and a float64 result if a parameter chooses the dtype."""
        params = self.params | ({"dtype": np.dtype(np.float64)} if "dtype" in self.params else {})
        return Call(self.node, list(map(in_float64, self.operands)), params)

    def record(self, position: int) -> tuple[Traced, Leaf]:
        """Record the call for the gradient of one operand only; return the result and the operand's node."""
        value = np.asarray(self.operands[position])
        tensor = Traced.wrap((value if value.dtype.kind == "f" else value.astype(np.float64))[()])
        tensor.node = leaf = Leaf(tensor)
        with switched(enabled=True, anomaly=False):
            return cast("Traced", self.on({position: tensor}).y), leaf


def in_float64(value: Any) -> Any:
    """Return floats in float64, read-only, and everything else unchanged."""
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f":
        wide = np.asarray(value, np.float64).view()
        wide.flags.writeable = False
        return wide[()]
    return value


# --- all values of a tape ---------------------------------------------------------------------


def kept_values(order: Iterable[Node]) -> dict[Node, Array]:
    """Return the values that the tape holds: outputs and operands that a rule asked for, and leaves.

    For a leaf that has been given new values since, the saved ones count, if there are any.
    """
    values: dict[Node, Array] = {}
    for node in order:
        if node.tensor is not None and node not in values and (tensor := tensor_of(node)) is not None:
            values[node] = tensor.value
        if node.saved is None:
            continue
        if "y" in node.saved:
            values[node] = node.saved["y"]
        for position, parent in enumerate(node.parents):
            if parent is not None and (value := operand(node, position)) is not None:
                values[parent] = value
    return values


class Values:
    """The values of nodes, each to be taken once, after those of its parents.

    A value that is computed here is freed after its last use.

    Parameters
    ----------
    order : collection of Node
        All nodes of a tape.
    known : mapping of Node to array, optional
        Values that are known already.
    wanted : iterable of Node, optional
        The nodes whose values will be taken; by default all.
    """

    def __init__(
        self, order: Collection[Node], known: Mapping[Node, Array] | None = None, wanted: Iterable[Node] | None = None
    ) -> None:
        self._kept = {**kept_values(order), **(known or {})}
        self._computed: dict[Node, Array] = {}
        self.nodes = sorted(order if wanted is None else self._ancestors_of(wanted), key=attrgetter("serial"))
        self._uses = Counter(
            parent for node in self.nodes if node not in self._kept for parent in node.parents if parent is not None
        )

    def _ancestors_of(self, wanted: Iterable[Node]) -> set[Node]:
        """Return the wanted nodes and those that their values are computed from."""
        nodes: set[Node] = set()
        stack = list(wanted)
        while stack:
            node = stack.pop()
            if node not in nodes:
                nodes.add(node)
                if node not in self._kept:
                    stack.extend(parent for parent in node.parents if parent is not None)
        return nodes

    def take(self, node: Node) -> Array | None:
        """Return the value of a node, or None if it is not known."""
        if node in self._kept:
            return self._kept[node]
        value = self._compute(node)
        for parent in node.parents:
            if parent is not None:
                self._uses[parent] -= 1
                if not self._uses[parent]:
                    self._computed.pop(parent, None)
        if value is not None and self._uses[node]:
            self._computed[node] = value
        return value

    def _compute(self, node: Node) -> Array | None:
        if not isinstance(node.primitive, Primitive) or node.saved is None:
            return None
        call = Call.of(node, ChainMap(self._kept, self._computed))
        if call.missing:
            return None
        try:
            with np.errstate(all="ignore"):
                y = call.y
        except Exception:  # noqa: BLE001  # a user's function may raise anything, and a leaf may have changed its shape
            return None
        return y if y.shape == node.shape and y.dtype == node.dtype else None


def values(root: Node, wanted: Collection[Node], known: Mapping[Node, Array]) -> dict[Node, Array]:
    """Return the values, as far as they can be computed, of some of the nodes that ``root`` depends on."""
    tape = Values(toposort(root), known, wanted)
    wanted = set(wanted)
    return {node: value for node in tape.nodes if (value := tape.take(node)) is not None and node in wanted}
