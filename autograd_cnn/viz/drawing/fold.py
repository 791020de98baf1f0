"""What is drawn as one box: a node, a module, or a run of equal modules."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograd_cnn.graph.nodes import Edge, GraphNode, ModuleCall, Phase
from autograd_cnn.viz.frames.titles import Titles


@dataclass(frozen=True, slots=True)
class Box:
    """A box of the picture, with the nodes that it represents.

    Attributes
    ----------
    id : str
        That of its first node.
    scope : str
        The module in which it is drawn.
    members : tuple of GraphNode
        More than one, or the nodes of a folded module.
    module : str
        The path of the module that is folded here; empty for a single node.
    times : int
        How many equal consecutive modules it represents.
    stub : bool
        Whether it stands for a box of the forward pass, next to where the backward pass takes its value.
    prefix : str
        The title of its module, where that has no cluster of its own.
    title : str
        That of the module that is folded here.
    kind : str
        The class of the module that the box names: of the one folded here, or of its own.
    numbers : tuple of str
        The operands that are numbers, as in ``x2=0.5``; they have no boxes.
    """

    id: str
    scope: str
    members: tuple[GraphNode, ...]
    module: str = ""
    times: int = 1
    stub: bool = False
    prefix: str = ""
    title: str = ""
    kind: str = ""
    numbers: tuple[str, ...] = ()

    @property
    def node(self) -> GraphNode:
        """The first of the nodes: the only one where nothing is folded."""
        return self.members[0]

    @property
    def phase(self) -> Phase:
        """To which pass it belongs."""
        return "backward" if self.stub else self.node.phase


@dataclass(slots=True)
class _Group:
    scope: str
    module: str
    members: list[GraphNode] = field(default_factory=list)


def fold(
    nodes: Iterable[GraphNode], edges: Iterable[Edge], depth: int | None, titles: Titles
) -> tuple[list[Box], list[Edge]]:
    """Put the nodes of each module at nesting level ``depth`` into one box, and equal ones in a row into one.

    A module above that level that holds no other becomes a box, too. Inputs and outputs belong to
    no module and stay single. Edges inside of a box go, and between a module and another box at
    most one is left.
    """
    nodes, edges = list(nodes), list(edges)
    outer = {path.rpartition(".")[0] for path in _ancestors(nodes)}
    groups: dict[str, _Group] = {}
    box_of: dict[str, str] = {}
    for node in nodes:
        module = "" if depth is None else ".".join(node.scope.split(".")[:depth])
        if module in outer and module.count(".") + 1 != depth:
            module = ""
        scope = module.rpartition(".")[0] if module else node.scope
        key = f"{node.phase} {module}" if module else node.id
        group = groups.setdefault(key, _Group(scope, module))
        group.members.append(node)
        box_of[node.id] = group.members[0].id
    if depth is not None:
        edges = _without_shared(nodes, edges, groups, box_of, titles)
    boxes = [
        Box(
            group.members[0].id,
            group.scope,
            tuple(group.members),
            group.module,
            title=titles.of(group.module),
            kind=titles.kind(group.module),
        )
        for group in groups.values()
    ]
    kept = _between(boxes, edges, box_of)
    return (boxes, kept) if depth is None else _join_runs(boxes, kept, edges, titles)


def _without_shared(
    nodes: list[GraphNode], edges: list[Edge], groups: dict[str, _Group], box_of: dict[str, str], titles: Titles
) -> list[Edge]:
    """Put parameters that only the calls of one module take into the first of them, and leave out their edges."""
    modules = {group.members[0].id: group for group in groups.values() if group.module}
    users: dict[str, list[str]] = {}
    for edge in edges:
        if edge.target in box_of:
            users.setdefault(edge.source, []).append(box_of[edge.target])
    shared = set()
    for node in nodes:
        takers = users.get(node.id, [])
        if node.kind != "parameter" or node.id not in groups or not set(takers) <= modules.keys():
            continue
        if len({titles.path(modules[taker].module) for taker in takers}) == 1:
            del groups[node.id]
            modules[takers[0]].members.append(node)
            box_of[node.id] = takers[0]
            shared.add(node.id)
    return [edge for edge in edges if edge.source not in shared]


def _ancestors(nodes: Iterable[GraphNode]) -> set[str]:
    """Return the paths of all modules, those around the nodes' own included."""
    paths = set()
    for scope in {node.scope for node in nodes}:
        parts = scope.split(".")
        paths |= {".".join(parts[:level]) for level in range(1, len(parts) + 1)}
    return paths


def _between(boxes: list[Box], edges: Iterable[Edge], box_of: dict[str, str]) -> list[Edge]:
    """Return the edges between different boxes, named by boxes; only single nodes have parallel ones."""
    folded = {box.id for box in boxes if box.module}
    kept: list[Edge] = []
    seen: set[tuple[str, str]] = set()
    for edge in edges:
        if edge.source not in box_of or edge.target not in box_of:
            continue
        source, target = box_of[edge.source], box_of[edge.target]
        if source in folded or target in folded:
            if source == target or (source, target) in seen:
                continue
            seen.add((source, target))
        kept.append(Edge(source, target, "" if target in folded else edge.argument))
    return kept


def fitting_depth(
    nodes: Sequence[GraphNode], edges: Sequence[Edge], calls: Sequence[ModuleCall], most: int
) -> int | None:
    """Return the largest depth that leaves at most this many boxes; 0 if none does, None for no folding."""
    levels = max((node.scope.count(".") + 1 for node in nodes if node.scope), default=0)
    titles = Titles(calls)
    depths = (None, *range(levels, 0, -1))
    return next((depth for depth in depths if len(fold(nodes, edges, depth, titles)[0]) <= most), 0)


def with_stubs(boxes: list[Box], edges: list[Edge]) -> tuple[list[Box], list[Edge]]:
    """Let edges from the forward to the backward pass begin at stubs, so that none runs across.

    A folded module takes what its forward counterpart has: its edges go.
    """
    by_id = {box.id: box for box in boxes}
    stubs: dict[str, list[Box]] = {}
    kept = []
    for edge in edges:
        source, target = by_id[edge.source], by_id[edge.target]
        if source.phase == target.phase:
            kept.append(edge)
        elif not target.module:
            stub = replace(source, id=f"{source.id}_{target.id}", scope=target.scope, stub=True)
            if all(stub.id != each.id for each in stubs.setdefault(target.id, [])):
                stubs[target.id].append(stub)
            kept.append(Edge(stub.id, target.id, edge.argument))
    return [each for box in boxes for each in (*stubs.get(box.id, ()), box)], kept


# --- equal modules in a row -------------------------------------------------------------------


def _join_runs(boxes: list[Box], edges: list[Edge], inner: list[Edge], titles: Titles) -> tuple[list[Box], list[Edge]]:
    """Replace chains of modules with equal contents by one box with their number."""
    phases = {box.id: box.phase for box in boxes}
    into: dict[str, list[str]] = {}
    uses: Counter[str] = Counter()
    for edge in edges:
        if phases[edge.source] == phases[edge.target]:
            into.setdefault(edge.target, []).append(edge.source)
            uses[edge.source] += 1
    looks = _looks(boxes, inner, titles)
    first: dict[str, str] = {}
    runs: dict[str, list[Box]] = {}
    for box in boxes:
        before = into.get(box.id, [])
        repeats = box.id in looks and len(before) == 1 and looks.get(before[0]) == looks[box.id]
        first[box.id] = first[before[0]] if repeats and uses[before[0]] == 1 else box.id
        runs.setdefault(first[box.id], []).append(box)
    joined = [
        replace(
            run[0],
            module=(first_box := run[0 if run[0].phase == "forward" else -1]).module,
            title=first_box.title,
            members=tuple(node for box in run for node in box.members),
            times=len(run),
        )
        for run in runs.values()
    ]
    moved = (Edge(first[e.source], first[e.target], e.argument) for e in edges)
    return joined, [edge for edge in moved if edge.source != edge.target]


def _looks(boxes: list[Box], edges: list[Edge], titles: Titles) -> dict[str, Any]:
    """Return the contents of each folded module, independent of its position."""
    position = {node.id: (box.id, i) for box in boxes if box.module for i, node in enumerate(box.members)}
    wires: dict[str, list[tuple[int, int, str]]] = {}
    for edge in edges:
        source, target = position.get(edge.source), position.get(edge.target)
        if source is not None and target is not None and source[0] == target[0]:
            wires.setdefault(source[0], []).append((source[1], target[1], edge.argument))
    return {
        box.id: (
            box.scope,
            box.kind,
            tuple(
                (
                    node.kind,
                    node.name.removeprefix(titles.path(box.module)),
                    node.shape,
                    node.dtype,
                    node.scope.removeprefix(box.module),
                    titles.kind(node.scope),
                    node.parameters,
                )
                for node in box.members
            ),
            tuple(wires.get(box.id, ())),
        )
        for box in boxes
        if box.module
    }
