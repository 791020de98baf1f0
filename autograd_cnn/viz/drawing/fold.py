"""What is drawn as one box: a node, a module, or a run of equal modules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from autograd_cnn.graph.nodes import Edge, GraphNode, ModuleCall, Phase
from autograd_cnn.viz.frames.sharing import numbers_of
from autograd_cnn.viz.frames.titles import Names, Titles
from autograd_cnn.viz.frames.tree import Tree, tree_of

Way: TypeAlias = Literal["from", "to"]
Key: TypeAlias = str | tuple[int | str, Phase]
"""What one box stands for: a node's id, or in one pass a frame's number or a module's path, which can be ``"4"``, too."""


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
        Whether it stands for what is elsewhere: for a box of the forward pass, next to where the backward pass takes its
        value, or as a chip for what many boxes share.
    chip : str
        What stands on a chip.
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
    chip: str = ""
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
        return "backward" if self.stub and not self.chip else self.node.phase


def fold(
    tree: Tree, nodes: Sequence[GraphNode], edges: Sequence[Edge], depth: int | None, titles: Titles
) -> tuple[list[Box], list[Edge]]:
    """Put the nodes of each module at nesting level ``depth`` into one box, and equal ones in a row into one.

    A module above that level that holds no other becomes a box, too; without a depth nothing is folded. Numbers stand in
    the boxes that use them, and what is shared is a chip at each use. Edges inside of a box go, and of those between a
    folded module and another box one is left, with their number.

    Parameters
    ----------
    tree : Tree
        That of the whole graph.
    nodes : sequence of GraphNode
        Those of it that are drawn, in order.
    """
    keys = _keys(tree, nodes, depth)
    boxes = _boxes(tree, nodes, edges, keys, titles)
    chips: dict[Key, dict[str, Box]] = {}
    kept: list[tuple[Key, Key, str]] = []
    bundles: dict[tuple[Key, Key], set[str]] = {}
    chip_of = _Chips(tree, nodes, edges)
    for edge in edges:
        source, target = keys.get(edge.source, ""), keys.get(edge.target, "")
        if not source or not target or (source == target and source != edge.source):
            continue
        folded = (source != edge.source, target != edge.target)
        chip, end = chip_of(edge)
        if chip is not None:
            at = target if end == "from" else source
            if not folded[end == "from"]:
                own = replace(chip, scope=boxes[at].scope)
                chips.setdefault(at, {})[own.id] = own
                kept.append((own.id, target, edge.argument) if end == "from" else (source, own.id, ""))
        elif True in folded:
            if (source, target) not in bundles:
                kept.append((source, target, "" if folded[1] else edge.argument))
            bundles.setdefault((source, target), set()).add(edge.source)
        else:
            kept.append((source, target, edge.argument))
    ids = {key: box.id for key, box in boxes.items()}
    joined = [
        Edge(ids.get(source, str(source)), ids.get(target, str(target)),
             str(len(bundles[source, target])) if len(bundles.get((source, target), ())) > 1 else argument)
        for source, target, argument in kept
    ]  # fmt: skip
    return [each for key, box in boxes.items() for each in (*chips.get(key, {}).values(), box)], joined


def _keys(tree: Tree, nodes: Iterable[GraphNode], depth: int | None) -> dict[str, Key]:
    """Return what stands for each node: its own id, or the outermost folded frame around it in its pass."""
    folded = set() if depth is None else _folded(tree, depth)
    keys: dict[str, Key] = {}
    for node in nodes:
        number = int(node.id[1:])
        alone = tree.alone[number]
        frame = next((frame for frame in reversed(list(tree.around(tree.homes[number]))) if frame in folded), None)
        if number in tree.sharing.numbers:
            continue
        if number in tree.sharing.leaves:
            keys[node.id] = node.id
        elif frame is not None:
            keys[node.id] = (frame, node.phase)
        elif alone and depth is not None and _level(alone) <= depth:
            keys[node.id] = (alone, node.phase)
        else:
            keys[node.id] = node.id
    return keys


def _level(path: str) -> int:
    return path.count(".") + 1


def _folded(tree: Tree, depth: int) -> set[int]:
    """Return the frames to fold: modules at the level or above it without others inside, and repetitions of such."""
    paths = {frame.path for frame in tree.frames[1:] if frame.kind == "module"} | set(tree.alone)
    outer = {path.rpartition(".")[0] for path in paths if path}
    open_: set[int] = set()
    for number, home in enumerate(tree.homes):
        alone = tree.alone[number]
        if tree.sharing.has_box(number) and alone and _level(alone) > depth:
            open_.add(home)
    folded = set()
    for index in range(len(tree.frames) - 1, 0, -1):
        frame = tree.frames[index]
        level = _level(frame.path)
        single = frame.kind == "module" and frame.times == 1
        closed = index not in open_ if not single else level < depth and frame.path not in outer
        if closed or (frame.kind == "module" and level == depth):
            folded.add(index)
        else:
            open_.add(frame.parent)
    return folded


def _boxes(
    tree: Tree, nodes: Sequence[GraphNode], edges: Sequence[Edge], keys: Mapping[str, Key], titles: Titles
) -> dict[Key, Box]:
    """Return the box of each key, in the order of nodes."""
    members: dict[Key, list[GraphNode]] = {}
    for node in nodes:
        if node.id in keys and tree.sharing.has_box(int(node.id[1:])):
            members.setdefault(keys[node.id], []).append(node)
    numbers = numbers_of(nodes, edges, tree.sharing)
    shown = {node.id: node for node in nodes}
    boxes: dict[Key, Box] = {}
    for key, inside in members.items():
        name, first = key[0], inside[0]
        if isinstance(key, str):
            boxes[key] = Box(first.id, first.scope, (first,), numbers=numbers.get(first.id, ()))
        elif isinstance(name, int):
            frame = tree.frames[name]
            path = frame.path if frame.kind == "module" else ""
            used = (shown[f"n{number}"] for number in frame.nodes if f"n{number}" in shown)
            boxes[key] = Box(
                first.id,
                path.rpartition(".")[0] if path else frame.path,
                tuple(node for node in used if node.phase == first.phase),
                path or frame.path or "graph",
                frame.times,
                title=frame.title,
                kind=titles.kind(path) or frame.title,
            )
        else:
            boxes[key] = Box(
                first.id, name.rpartition(".")[0], tuple(inside), name, title=titles.of(name), kind=titles.kind(name)
            )
    return boxes


class _Chips:
    """What stands for one end of an edge where that is shared."""

    def __init__(self, tree: Tree, nodes: Sequence[GraphNode], edges: Sequence[Edge]) -> None:
        self._tree = tree
        self._nodes = {int(node.id[1:]): node for node in nodes}
        self._names = Names(nodes, edges)

    def __call__(self, edge: Edge) -> tuple[Box | None, Way]:
        """Return a chip, and at which end of the edge it stands for another."""
        source, target = int(edge.source[1:]), int(edge.target[1:])
        sharing, homes = self._tree.sharing, self._tree.homes
        node = self._nodes[source]
        within = node.phase == self._nodes[target].phase
        if source in sharing.leaves or (within and source in sharing.derived and homes[source] != homes[target]):
            label = self._names.value(node) if within else ""
            return Box(f"{node.id}_{edge.target}", "", (node,), stub=True, chip=label), "from"
        total = sharing.sums.get(target)
        if total is not None and sharing.sums.get(source) != total:
            first = self._nodes[total]
            return Box(f"{node.id}_{first.id}", "", (first,), stub=True, chip=self._names.gradient(first)), "to"
        return None, "from"


def fitting_depth(
    nodes: Sequence[GraphNode], edges: Sequence[Edge], calls: Sequence[ModuleCall], most: int
) -> int | None:
    """Return the largest depth that leaves at most this many boxes; 0 if none does, None for no folding."""
    levels = max((_level(node.scope) for node in nodes if node.scope), default=0)
    titles = Titles(calls)
    tree = tree_of(nodes, edges, titles)
    depths = (None, *range(levels, 0, -1))
    return next((depth for depth in depths if len(fold(tree, nodes, edges, depth, titles)[0]) <= most), 0)


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
