"""Blocks that are entered several times: each entry is a frame, like each call of a module."""

from collections.abc import Sequence

from autograd_cnn.graph.nodes import GraphNode
from autograd_cnn.viz.frames.titles import Titles


def levels(scope: str) -> list[str]:
    """Return the paths of a module and its enclosing ones, the outermost first."""
    parts = scope.split(".") if scope else []
    return [".".join(parts[:level]) for level in range(1, len(parts) + 1)]


def entries(nodes: Sequence[GraphNode], titles: Titles) -> list[str]:
    """Return the scope of each node, with the number of the entry if a block is entered again, as in ``body#2.act``.

    Frames of uninterrupted runs of operations can't form a cycle. A leaf belongs to its next use; a node of the
    backward pass belongs to its forward node.
    """
    computed = [node for node in nodes if node.phase == "forward" and node.kind in ("operation", "failure")]
    times: dict[str, int] = {}
    before: list[str] = []
    for node in computed:
        own = levels(node.scope)
        for path in own:
            times[path] = times.get(path, 0) + (path not in before)
        before = own
    if all(time == 1 for time in times.values()):
        return [node.scope for node in nodes]
    found: dict[str, str] = {}
    latest, open_ = dict(times), set(before)
    for node in reversed(nodes):
        own = levels(node.scope)
        if node.phase == "backward":
            continue
        if node.kind in ("operation", "failure"):
            for path in open_.difference(own):
                latest[path] -= 1
            open_ = set(own)
        found[node.id] = _numbered(own, latest, titles)
    latest = dict(times)
    recent: dict[str, str] = {}
    for node in nodes:
        if node.phase == "backward":
            pair = found.get(node.pair or "", "")
            scope = pair if pair.count(".") == node.scope.count(".") else recent.get(node.scope, "")
            found[node.id] = recent[node.scope] = scope or _numbered(levels(node.scope), latest, titles)
    return [found[node.id] for node in nodes]


def _numbered(own: Sequence[str], latest: dict[str, int], titles: Titles) -> str:
    """Return a scope with the numbers of its blocks' entries, and register its title."""
    scope = ""
    for path in own:
        name, time = path.rpartition(".")[2], max(latest.get(path, 1), 1)
        scope = f"{scope}.{name}" if scope else name
        scope += f"#{time}" if time > 1 else ""
        titles.add(scope, path)
    return scope
