"""What has changed between two graphs."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from autograd_cnn.engine.composite import parsed
from autograd_cnn.errors import counted, printable
from autograd_cnn.graph.graph import Graph
from autograd_cnn.graph.matching import matching
from autograd_cnn.graph.nodes import Change, Edge, GraphNode, Summary
from autograd_cnn.parameters import NotNegative, of_kind

LINES = 40
"""The most changes that are printed."""

SIGNS: dict[str, str] = {"added": "+", "removed": "-", "changed": "~"}


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes between two graphs; print it to read them.

    Attributes
    ----------
    graph : Graph
        Both in one: all nodes of the second, and the removed ones of the first. Each node has a ``change``, and
        ``changes`` say what is different. ``graph.render(path, color="change")`` draws it, and its page is coloured
        accordingly.
    before, after : Graph
        The two graphs.
    renamed : dict of str to str
        Module calls that correspond under another name.
    """

    graph: Graph
    before: Graph
    after: Graph
    renamed: dict[str, str]

    def of(self, change: Change) -> list[GraphNode]:
        """Return the nodes that are ``"added"``, ``"removed"``, ``"changed"`` or the ``"same"``."""
        return [node for node in self.graph.nodes if node.change == change]

    def __repr__(self) -> str:
        counts = Counter(node.change for node in self.graph.nodes)
        words = [(counts[change], change) for change in ("added", "removed", "changed")]
        lines = [", ".join(f"{counted(count, 'node')} {change}" for count, change in words)]
        lines.append(f"{counted(counts['same'], 'node')} the same")
        lines += _totals(self.before, self.after)
        lines += [f"  the module {old} is now {new}" for old, new in self.renamed.items()]
        changes = list(self._lines())
        lines += changes[:LINES]
        if len(changes) > LINES:
            lines.append(f"... and {len(changes) - LINES} more")
        return "\n".join(map(printable, lines))

    def _lines(self) -> Iterator[str]:
        """Yield a line for each change; a call that is entirely new or removed is one change."""
        calls = {call.scope: call for call in self.graph.calls}
        members: dict[str, set[str | None]] = {}
        counts: Counter[str] = Counter()
        for node in self.graph.nodes:
            for scope in _around(node.scope):
                members.setdefault(scope, set()).add(node.change)
                counts[scope] += 1
        told = set()
        for node in self.graph.nodes:
            if node.change in (None, "same"):
                continue
            whole = next((scope for scope in _around(node.scope) if len(members[scope]) == 1), None)
            if whole is None or node.change == "changed":
                yield f"{SIGNS[str(node.change)]} {_title(node)}"
            elif whole not in told:
                told.add(whole)
                kind = f": {calls[whole].kind}" if whole in calls else ""
                yield f"{SIGNS[str(node.change)]} {whole}{kind}, {counted(counts[whole], 'node')}"


def _title(node: GraphNode) -> str:
    """Return a node's name for a line, and what has changed in it."""
    sign = "∂ " if node.kind == "gradient" else "backward, " if node.phase == "backward" else ""
    place = f"{node.scope}: " if node.kind == "operation" and node.scope else ""
    changes = node.changes or (f"{node.shape}",)
    return f"{sign}{place}{node.name}: {', '.join(changes)}"


def _around(scope: str) -> Sequence[str]:
    """Return a scope and its enclosing ones, the outermost first."""
    parts = scope.split(".") if scope else []
    return [".".join(parts[:level]) for level in range(1, len(parts) + 1)]


def _totals(before: Graph, after: Graph) -> Iterator[str]:
    """Yield the changes of the totals."""
    sums: list[tuple[str, Callable[[GraphNode], float | None]]] = [
        ("parameters", lambda node: prod(node.shape) if node.kind == "parameter" else 0),
        ("FLOP", lambda node: node.flops),
        ("bytes saved", lambda node: node.saved_bytes),
        ("microseconds", lambda node: node.time and node.time * 1e6),
    ]
    for title, of in sums:
        old, new = (sum(of(node) or 0 for node in graph.nodes) for graph in (before, after))
        texts = [f"{each:,.0f}" if isinstance(each, float) else f"{each:,}" for each in (old, new)]
        if texts[0] != texts[1]:
            yield f"  {title}: {' → '.join(texts)}" + (f" ({new / old - 1:+.1%})" if old else "")


@parsed
def difference(before: Graph, after: Graph, *, values: NotNegative | None = None) -> Difference:
    """Return the changes from one graph to another: two models, or one before and after a change.

    Nodes are matched by their module calls and their order within these. A module that was renamed or moved within its
    container is matched by its class and its contents.

    Parameters
    ----------
    before, after : Graph
        As `capture` or `profile` return them.
    values : float, optional
        Also compare values and gradients: how far their extremes, means and norms may be apart, relative to the largest
        magnitude. By default values do not count, because each training step changes all of them.

    Returns
    -------
    Difference

    Raises
    ------
    OperandError
        If one is not a graph.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> before, after = (ag.graph.capture(y) for y in (ag.exp(x).sum(), ag.exp(x).sum(keepdims=True) * 3))
    >>> print(ag.graph.difference(before, after))
    2 nodes added, 0 nodes removed, 2 nodes changed
    2 nodes the same
    ~ sum: shape () → (1,), keepdims False → True
    + 3: ()
    + multiply: (1,)
    ~ output: shape () → (1,)
    """
    of_kind("graph.difference", "before", before, Graph, "graph.capture(loss)")
    of_kind("graph.difference", "after", after, Graph, "graph.capture(loss)")
    twins, scopes = matching(before, after)
    renamed = {
        old: new for old, new in scopes.items() if old.rpartition(".")[2] != new.rpartition(".")[2] and _around(old)
    }
    return Difference(_Union(before, after, twins, scopes, values).graph(), before, after, renamed)


class _Union:
    """Both graphs as one."""

    def __init__(
        self, before: Graph, after: Graph, twins: dict[str, str], scopes: dict[str, str], tolerance: float | None
    ) -> None:
        self.before, self.after, self.tolerance = before, after, tolerance
        self.scopes = dict(scopes)
        self.calls = list(after.calls)
        self._keep_calls()
        self.olds = {new: before.nodes[int(old[1:])] for old, new in twins.items()}
        self.nodes: list[GraphNode] = []
        self.ids: dict[tuple[str, str], str] = {}
        """New ids, by the graph's letter and the old id."""
        for phase in ("forward", "backward"):
            self._add_pass(phase, twins)

    def _keep_calls(self) -> None:
        """Give each removed call a place among the remaining ones."""
        taken = {scope for node in self.after.nodes for scope in _around(node.scope)}
        calls = {call.scope: call for call in self.before.calls}
        for scope in dict.fromkeys(each for node in self.before.nodes for each in _around(node.scope)):
            if scope in self.scopes:
                continue
            around, _, name = scope.rpartition(".")
            inside = f"{self.scopes[around]}.{{}}" if self.scopes[around] else "{}"
            free = inside.format(name)
            while free in taken:
                name += " before"
                free = inside.format(name)
            self.scopes[scope] = free
            if scope in calls:
                self.calls.append(replace(calls[scope], scope=free))

    def graph(self) -> Graph:
        edges = [
            Edge(self.ids["b", edge.source], self.ids["b", edge.target], edge.argument) for edge in self.before.edges
        ]
        known = [
            Edge(self.ids["a", edge.source], self.ids["a", edge.target], edge.argument) for edge in self.after.edges
        ]
        gone = {node.id for node in self.nodes if node.change == "removed"}
        kept = [edge for edge in edges if not gone.isdisjoint((edge.source, edge.target)) and _forwards(edge)]
        return Graph(
            tuple(self.nodes), tuple(sorted([*known, *kept], key=lambda edge: int(edge.target[1:]))), tuple(self.calls)
        )

    def _add_pass(self, phase: str, twins: dict[str, str]) -> None:
        """Add the nodes of one pass in the order of the second graph; removed ones come before the nodes that followed them."""
        old = [node for node in self.before.nodes if node.phase == phase]
        waiting = iter([*old, None])
        positions = {node.id: i for i, node in enumerate(old)}
        done = 0
        for node in (node for node in self.after.nodes if node.phase == phase):
            twin = self.olds.get(node.id)
            while twin is not None and done <= positions[twin.id]:
                self._add_removed(next(waiting), twins)
                done += 1
            self._add("a", node, self._compared(twin, node))
            if twin is not None:
                self.ids["b", twin.id] = self.ids["a", node.id]
        for each in waiting:
            self._add_removed(each, twins)

    def _add_removed(self, node: GraphNode | None, twins: dict[str, str]) -> None:
        if node is not None and node.id not in twins:
            self._add("b", replace(node, scope=self.scopes[node.scope]), {"change": "removed"})

    def _add(self, letter: str, node: GraphNode, fields: dict[str, Any]) -> None:
        made = f"n{len(self.nodes)}"
        pair = None if node.pair is None else self.ids[letter, node.pair]
        self.ids[letter, node.id] = made
        self.nodes.append(replace(node, id=made, pair=pair, **fields))

    def _compared(self, old: GraphNode | None, new: GraphNode) -> dict[str, Any]:
        if old is None:
            return {"change": "added"}
        changes = tuple(_changes(old, new, self.tolerance))
        return {"change": "changed" if changes else "same", "changes": changes}


def _forwards(edge: Edge) -> bool:
    return int(edge.source[1:]) < int(edge.target[1:])


def _changes(old: GraphNode, new: GraphNode, tolerance: float | None) -> Iterator[str]:
    """Yield what has changed in a node."""
    if old.kind == "constant" and old.name != new.name:
        yield f"{old.name} → {new.name}"
    for name in ("shape", "dtype"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name} {getattr(old, name)} → {getattr(new, name)}"
    before, after = ({each.name: each.value for each in node.parameters} for node in (old, new))
    for name in dict.fromkeys([*before, *after]):
        values = before.get(name, "none"), after.get(name, "none")
        if values[0] != values[1] and not name.endswith("shape") and "array" not in "".join(values):
            yield f"{name} {values[0]} → {values[1]}"
    for name, field in (("FLOP", "flops"), ("bytes saved", "saved_bytes")):
        counts = getattr(old, field), getattr(new, field)
        if None not in counts and counts[0] != counts[1]:
            yield f"{name} {counts[0]:,} → {counts[1]:,}"
    for name in ("value", "grad") if tolerance is not None and old.shape == new.shape else ():
        yield from _moved(
            "gradient" if name == "grad" else name, getattr(old, name), getattr(new, name), tolerance or 0.0
        )


def _moved(name: str, old: Summary | None, new: Summary | None, tolerance: float) -> Iterator[str]:
    if old is None or new is None:
        return
    if old.bad != new.bad:
        yield f"{name}: {old.bad:,} not finite → {new.bad:,}"
    ends = [abs(each) for summary in (old, new) for each in (summary.min, summary.max) if each is not None]
    for field in ("min", "max", "mean", "norm"):
        before, after = getattr(old, field), getattr(new, field)
        if before is None or after is None:
            continue
        scale = max(before, after) if field == "norm" else max(ends, default=0.0)
        if abs(after - before) > tolerance * scale:
            yield f"{name}: {field} {before:.4g} → {after:.4g}"
            return
