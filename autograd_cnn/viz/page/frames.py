"""A graph's modules as frames within frames, each small enough to be laid out separately."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from autograd_cnn.graph.nodes import Edge, GraphNode, Phase
from autograd_cnn.viz.drawing.fold import Titles

LIMIT = 48
"""So many modules and nodes stay together in a frame; more are cut into runs."""
RUN = 24
"""The length of a run: Graphviz takes more than twice as long for twice as many."""


class Slot(NamedTuple):
    """A slot of a frame.

    It holds a node, one pass of an inner frame, or the point where a value comes in or goes out.
    ``of`` is the index of that node or frame in the graph; for a point, of the value's node.
    """

    kind: Literal["node", "frame", "in", "out"]
    of: int
    phase: Phase


@dataclass(slots=True)
class Frame:
    """A module, the whole graph, or a run of nodes if there are too many for one frame.

    Attributes
    ----------
    path : str
        The module's dotted path; a run's starts with that of the frame around, and empty for the graph.
    title : str
        Its heading: the module's name and class.
    parent : int
        The frame around; -1 for the graph.
    nodes : list of int
        All in it, inner frames included, in order.
    slots : list of Slot
        What is drawn when it is unfolded.
    wires : list of (int, int, int)
        From slot to slot; the third is the node whose value flows.
    """

    path: str
    title: str
    parent: int
    depth: int
    nodes: list[int] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    wires: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Tree:
    """All frames, outer before inner; ``homes`` has the frame of each node.

    ``alone`` has the scope of each node that is the only one of its module, which needs no frame; else it is empty.
    """

    frames: list[Frame]
    homes: list[int]
    alone: list[str]


def tree_of(nodes: Sequence[GraphNode], edges: Iterable[Edge], titles: Titles) -> Tree:
    """Sort the nodes of a graph into frames, and cut its edges where they pass a frame's border."""
    pairs = [(_number(edge.source), _number(edge.target)) for edge in edges]
    tree = _grown(nodes, *_scopes(nodes, pairs), titles)
    _add_slots(tree, nodes)
    _add_wires(tree, nodes, pairs)
    return tree


def _number(name: str) -> int:
    return int(name.removeprefix("n"))


# --- who stands where -------------------------------------------------------------------------


def _scopes(nodes: Sequence[GraphNode], edges: Sequence[tuple[int, int]]) -> tuple[list[str], list[str]]:
    """Return each node's module, and the one that it has been taken out of.

    What the backward pass reads beside the graph stands where it is used. A module with a single
    node of the forward pass is not worth a frame.
    """
    scopes = [node.scope for node in nodes]
    users: dict[int, set[int]] = {}
    for source, target in edges:
        users.setdefault(source, set()).add(target)
    for number, node in enumerate(nodes):
        if node.phase == "backward" and node.kind in ("input", "constant") and len(users.get(number, ())) == 1:
            scopes[number] = nodes[min(users[number])].scope
    crowd = Counter(scope for scope, node in zip(scopes, nodes, strict=True) if node.phase == "forward")
    outer = {level.rpartition(".")[0] for scope in set(scopes) for level in _levels(scope)}
    alone = [""] * len(nodes)
    for number, scope in enumerate(scopes):
        if scope and crowd[scope] <= 1 and scope not in outer:
            scopes[number], alone[number] = scope.rpartition(".")[0], scope
    return scopes, alone


def _levels(scope: str) -> list[str]:
    """Return the paths of a module and those around it, the outermost first."""
    parts = scope.split(".") if scope else []
    return [".".join(parts[:level]) for level in range(1, len(parts) + 1)]


_Members: TypeAlias = list[tuple[str | int, list[int]]]
"""What stands in a frame, with its nodes: modules by their paths, and nodes of the forward pass with
their backward ones."""


def _members(nodes: Sequence[GraphNode], scopes: list[str]) -> dict[str, _Members]:
    """Return the contents of each module, in order; "" is the whole graph."""
    found: dict[str, dict[str | int, list[int]]] = {"": {}}
    latest: dict[str, int] = {}
    for number, (node, scope) in enumerate(zip(nodes, scopes, strict=True)):
        anchor = number if node.pair is None else _number(node.pair)
        if scopes[anchor] != scope:
            anchor = latest.get(scope, number)
        if node.phase == "forward":
            latest[scope] = number
        around = ""
        for path in _levels(scope):
            found[around].setdefault(path, []).append(number)
            found.setdefault(path, {})
            around = path
        found[around].setdefault(anchor, []).append(number)
    return {path: list(members.items()) for path, members in found.items()}


def _grown(nodes: Sequence[GraphNode], scopes: list[str], alone: list[str], titles: Titles) -> Tree:
    """Make the frames from the outside in."""
    members = _members(nodes, scopes)
    tree = Tree([Frame("", "", -1, 0, list(range(len(nodes))))], [0] * len(nodes), alone)
    waiting = [(0, members[""])]
    while waiting:
        home, held = waiting.pop()
        around = tree.frames[home]
        inner: list[tuple[str, _Members]] = []
        if len(held) > LIMIT:
            inner = [(around.path, run) for run in _runs(held)]
        else:
            for key, numbers in held:
                if isinstance(key, str):
                    inner.append((key, members[key]))
                else:
                    for number in numbers:
                        tree.homes[number] = home
        for path, contents in inner:
            inside = sorted(number for _, numbers in contents for number in numbers)
            ends = f"{nodes[contents[0][1][0]].id} to {nodes[contents[-1][1][0]].id}"
            title = ends if path == around.path else titles.of(path)
            waiting.append((len(tree.frames), contents))
            tree.frames.append(Frame(path, title, home, around.depth + 1, inside))
    return tree


def _runs(members: _Members) -> list[_Members]:
    """Cut a long list of members into runs, and where these are more than `RUN`, into runs of runs."""
    size = RUN
    while len(members) > size * RUN:
        size *= RUN
    return [members[start : start + size] for start in range(0, len(members), size)]


# --- what connects them -----------------------------------------------------------------------


def _add_slots(tree: Tree, nodes: Sequence[GraphNode]) -> None:
    """Give every node and both passes of every frame a slot in the frame around, in the order of nodes."""
    for number, home in enumerate(tree.homes):
        tree.frames[home].slots.append(Slot("node", number, nodes[number].phase))
    for index, frame in enumerate(tree.frames[1:], 1):
        for phase in dict.fromkeys(nodes[number].phase for number in frame.nodes):
            tree.frames[frame.parent].slots.append(Slot("frame", index, phase))


def _add_wires(tree: Tree, nodes: Sequence[GraphNode], edges: Iterable[tuple[int, int]]) -> None:
    """Draw each edge from the inside of its source's frames to the inside of its target's.

    An edge that leaves a pass is not drawn: the page shows it at the node that is looked at.
    """
    frames = tree.frames
    slots = [{slot: position for position, slot in enumerate(frame.slots)} for frame in frames]
    wires: list[dict[tuple[int, int, int], None]] = [{} for _ in frames]

    def join(home: int, upper: Slot, lower: Slot, value: int) -> None:
        known = slots[home]
        wires[home][known.setdefault(upper, len(known)), known.setdefault(lower, len(known)), value] = None

    for source, target in edges:
        phase = nodes[source].phase
        if phase != nodes[target].phase:
            continue
        f, g = tree.homes[source], tree.homes[target]
        upper, lower = Slot("node", source, phase), Slot("node", target, phase)
        while f != g:
            if frames[f].depth >= frames[g].depth:
                join(f, upper, Slot("out", source, phase), source)
                upper, f = Slot("frame", f, phase), frames[f].parent
            else:
                join(g, Slot("in", source, phase), lower, source)
                lower, g = Slot("frame", g, phase), frames[g].parent
        join(f, upper, lower, source)
    for frame, known, joined in zip(frames, slots, wires, strict=True):
        frame.slots, frame.wires = list(known), list(joined)
