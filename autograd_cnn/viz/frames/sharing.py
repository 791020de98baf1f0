"""Values that are not wires: numbers, which are shown in the boxes that use them, and values with many uses, as chips."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import prod
from typing import Final, TypeAlias

from autograd_cnn.graph.nodes import Edge, GraphNode

Pairs: TypeAlias = Sequence[tuple[int, int]]
"""Edges as pairs of node positions."""

FEW: Final = 3
"""The most uses of a value in one place that are wires; more are chips."""
MANY: Final = 8
"""The most wires from or to one box of a frame that are drawn; more are chips."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """The nodes that are not boxes, and the edges that are not wires.

    Attributes
    ----------
    numbers : dict of int to list of int
        For each number without a box, the operations in whose boxes it is shown.
    leaves : dict of int to list of int
        For each parameter and array that is only shown as chips, its users.
    derived : dict of int to (int, list of int)
        For each rearranged parameter that many modules use, such as a transposed weight: the parameter, and its users.
        It has a box, and its uses are chips.
    sums : dict of int to int
        For each addition of contributions to a gradient, the first one, if there are too many for wires.
    """

    numbers: dict[int, list[int]]
    leaves: dict[int, list[int]]
    derived: dict[int, tuple[int, list[int]]]
    sums: dict[int, int]

    def has_box(self, number: int) -> bool:
        """Return whether a node has its own box."""
        return number not in self.numbers and number not in self.leaves

    def is_chip(self, source: int) -> bool:
        """Return whether the uses of a value are chips."""
        return source in self.leaves or source in self.derived


def sharing_of(nodes: Sequence[GraphNode], pairs: Pairs, scopes: Sequence[str]) -> Sharing:
    """Find the shared values, given the module of each node.

    A parameter is shared if several modules or more than `FEW` operations use it; an array, if more than `FEW` do.
    """
    users = _users(nodes, pairs)
    numbers, leaves = {}, {}
    for number, taken in users.items():
        node = nodes[number]
        computing = all(nodes[user].kind in ("operation", "failure") for user in taken)
        several = len({scopes[user] for user in taken}) > 1
        if node.kind == "constant" and computing:
            numbers[number] = taken
        elif (
            node.kind in ("parameter", "input", "constant")
            and computing
            and (len(taken) > FEW or (several and node.kind == "parameter"))
        ):
            leaves[number] = taken
    derived = {
        number: (parameter, users[number])
        for number, parameter in _arranged(nodes, pairs)
        if len({scopes[user] for user in users.get(number, ())}) > FEW
    }
    return Sharing(numbers, leaves, derived, _sums(nodes, users, derived.keys() | leaves))


def numbers_of(nodes: Sequence[GraphNode], edges: Iterable[Edge], sharing: Sharing) -> dict[str, tuple[str, ...]]:
    """Return the texts in operations' boxes for operands that are numbers, such as ``x2=0.5``."""
    values = {node.id: node.name for node in nodes if int(node.id[1:]) in sharing.numbers}
    found: dict[str, tuple[str, ...]] = {}
    for edge in edges:
        if edge.source in values:
            text = f"{edge.argument}={values[edge.source]}" if edge.argument else values[edge.source]
            found[edge.target] = (*found.get(edge.target, ()), text)
    return found


def _users(nodes: Sequence[GraphNode], pairs: Pairs) -> dict[int, list[int]]:
    """Return the users of each value in its own pass."""
    users: dict[int, dict[int, None]] = {}
    for source, target in pairs:
        if nodes[source].phase == nodes[target].phase:
            users.setdefault(source, {})[target] = None
    return {source: list(targets) for source, targets in users.items()}


def _arranged(nodes: Sequence[GraphNode], pairs: Pairs) -> Iterator[tuple[int, int]]:
    """Yield the operations that rearrange the elements of a single parameter, such as transposes, and the parameter."""
    operands: dict[int, list[int]] = {}
    for source, target in pairs:
        operands.setdefault(target, []).append(source)
    for number, (first, *others) in operands.items():
        if (
            nodes[first].kind == "parameter"
            and not others
            and prod(nodes[first].shape) == prod(nodes[number].shape) > 1
        ):
            yield number, first


def _sums(nodes: Sequence[GraphNode], users: Mapping[int, Sequence[int]], chips: AbstractSet[int]) -> dict[int, int]:
    """Return the additions to the gradients of chips and of values with many uses, each by the first one."""
    rules: dict[int, list[int]] = {}
    for number, node in enumerate(nodes):
        if node.pair is not None and node.kind == "operation":
            rules.setdefault(int(node.pair[1:]), []).append(number)
    sums: dict[int, int] = {}
    for number, taken in users.items():
        made = rules.get(number, [])
        adds = next((i for i, rule in enumerate(made) if nodes[rule].name != "add" or i >= len(taken) - 1), len(made))
        if adds >= (FEW if number in chips else MANY):
            sums |= dict.fromkeys(made[:adds], made[0])
    return sums
