"""Matching the nodes of two graphs, by their module calls and their order within these."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from autograd_cnn.engine.node import Shape
from autograd_cnn.graph.graph import Graph
from autograd_cnn.graph.nodes import GraphNode, ModuleCall

T = TypeVar("T")
Score: TypeAlias = Callable[[T, T], int]
"""How well two things match; 0 if they do not."""

LARGEST: Final = 1_000_000
"""The most pairs that are all compared; beyond that, equal things are paired in order."""


def matching(before: Graph, after: Graph) -> tuple[dict[str, str], dict[str, str]]:
    """Return the ids of corresponding nodes, and the scopes of corresponding calls, each ``after`` by ``before``.

    Calls correspond if their enclosing calls do and they have the same class or name; the same contents make a better
    match. Within them, nodes correspond if they are the same primitive, or parameters of the same name.
    """
    trees = _Tree(before), _Tree(after)
    nodes: dict[str, str] = {}
    scopes = {"": ""}
    waiting = [("", "")]
    while waiting:
        old, new = waiting.pop()
        found = [(a.scope, b.scope) for a, b in align(trees[0].inner[old], trees[1].inner[new], _calls_alike)]
        waiting += found
        scopes.update(found)
        for phase in ("forward", "backward"):
            first, second = (
                [node for node in own if node.phase == phase] for own in (trees[0].own[old], trees[1].own[new])
            )
            nodes |= {a.id: b.id for a, b in align(first, second, _nodes_alike)}
    return nodes, scopes


def align(before: Sequence[T], after: Sequence[T], score: Score[T]) -> list[tuple[T, T]]:
    """Return pairs of corresponding things from two sequences, in order, with the largest sum of scores.

    Examples
    --------
    >>> align("conv", "cornet", lambda a, b: a == b)
    [('c', 'c'), ('o', 'o'), ('n', 'n')]
    """
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    pairs = list(zip(before[:start], after[:start], strict=True))
    before, after = before[start:], after[start:]
    if len(before) * len(after) > LARGEST:
        return pairs + _in_order(before, after, score)
    best = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    scores = [[score(old, new) for new in after] for old in before]
    for i in reversed(range(len(before))):
        for j in reversed(range(len(after))):
            taken = scores[i][j] + best[i + 1][j + 1] if scores[i][j] else 0
            best[i][j] = max(taken, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(before) and j < len(after):
        if scores[i][j] and best[i][j] == scores[i][j] + best[i + 1][j + 1]:
            pairs.append((before[i], after[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _in_order(before: Sequence[T], after: Sequence[T], score: Score[T]) -> list[tuple[T, T]]:
    """Pair each with the next one that corresponds, if there is one within reach."""
    pairs = []
    j = 0
    for old in before:
        found = next((k for k in range(j, min(j + 100, len(after))) if score(old, after[k])), None)
        if found is not None:
            pairs.append((old, after[found]))
            j = found + 1
    return pairs


@dataclass
class _Call:
    """A module call, or a block: its name, its class, and what is in it."""

    scope: str = field(compare=False)
    name: str
    kind: str
    contents: Sequence[tuple[str, str, Shape]]


class _Tree:
    """The calls and nodes directly inside each call."""

    def __init__(self, graph: Graph) -> None:
        calls = {call.scope: call for call in graph.calls}
        members: defaultdict[str, list[GraphNode]] = defaultdict(list)
        self.own: defaultdict[str, list[GraphNode]] = defaultdict(list)
        for node in graph.nodes:
            self.own[node.scope].append(node)
            scope = node.scope
            while scope:
                members[scope].append(node)
                scope = scope.rpartition(".")[0]
        self.inner: defaultdict[str, list[_Call]] = defaultdict(list)
        for scope, contents in sorted(members.items(), key=lambda each: int(each[1][0].id[1:])):
            around, _, name = scope.rpartition(".")
            call = calls.get(scope)
            shown = [(n.kind, own_name(n, call), n.shape) for n in contents if n.phase == "forward"]
            self.inner[around].append(_Call(scope, name.partition("#")[0], "" if call is None else call.kind, shown))


def own_name(node: GraphNode, call: ModuleCall | None) -> str:
    """Return the name of a node; for a parameter, without its module's path."""
    return node.name if call is None else node.name.removeprefix(f"{call.path}.")


def _calls_alike(old: _Call, new: _Call) -> int:
    """Prefer the same class to the same name, because the names of consecutive layers are only numbers."""
    same_name = old.name == new.name
    if old.kind != new.kind:
        return int(same_name and not old.name.isdigit())
    return 4 + 3 * (old.contents == new.contents) + 2 * same_name


def _nodes_alike(old: GraphNode, new: GraphNode) -> int:
    names = [each.name.rpartition(".")[2] if each.kind != "constant" else "" for each in (old, new)]
    if old.kind != new.kind or (names[0] != names[1] and old.kind in ("operation", "parameter", "gradient")):
        return 0
    return 1 + 2 * (names[0] == names[1]) + (old.shape == new.shape) + (old.parameters == new.parameters)
