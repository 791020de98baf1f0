"""A graph's modules as nested frames, each small enough to be laid out separately."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from autograd_cnn.graph.nodes import Edge, GraphNode, Phase
from autograd_cnn.viz.frames.entries import entries, levels
from autograd_cnn.viz.frames.repeats import repeats
from autograd_cnn.viz.frames.sharing import FEW, MANY, Pairs, Sharing, sharing_of
from autograd_cnn.viz.frames.titles import Titles, shortened

LIMIT: Final = 48
"""The most modules and nodes in a frame; more are cut into runs."""
RUN: Final = 24
"""The length of a run: Graphviz takes more than twice as long for twice as many."""
LENGTH: Final = 40
"""Longer titles are shortened."""

FrameKind: TypeAlias = Literal["module", "repeat", "unit", "run", "sum"]


class Slot(NamedTuple):
    """A slot of a frame.

    It holds a node, one pass of an inner frame, a chip beside another slot, or the point where values come in or go
    out. ``of`` is the index of that node or frame in the graph; for a chip, the index of the node whose value comes
    from elsewhere (``"from"``) or to which a value goes (``"to"``); for a point, the index of the enclosing frame's
    slot that the values come from or go to. ``at`` is the slot that a chip is beside.
    """

    kind: Literal["node", "frame", "from", "to", "in", "out"]
    of: int
    phase: Phase
    at: int = -1


class Wire(NamedTuple):
    """From slot to slot, and the nodes whose values flow: a bundle, if there are several."""

    source: int
    target: int
    values: tuple[int, ...]


@dataclass(slots=True)
class Frame:
    """A call of a module, the whole graph, or nodes that are shown together.

    Attributes
    ----------
    path : str
        The scope of the call; for other frames, that of the enclosing call.
    title : str
        The module's name and class.
    parent : int
        The enclosing frame; -1 for the graph.
    depth : int
        The number of enclosing frames.
    kind : str
        ``"module"``; ``"repeat"``, equal modules or operations in a row, whose members are these or, if several form a
        period, ``"unit"`` frames; ``"run"``, a part of too many; ``"sum"``, the additions of many contributions to a
        gradient.
    times : int
        The number of equal members of a repetition; a module that is only a list of layers may be one, too.
    nodes : list of int
        All nodes in it, including inner frames, in order, and the parameters that they use.
    slots : list of Slot
        The contents that are drawn when it is unfolded.
    wires : list of Wire
    """

    path: str
    title: str
    parent: int
    depth: int
    kind: FrameKind = "module"
    times: int = 1
    nodes: list[int] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """The title, and the number of equal members."""
        return f"{self.title} × {self.times:,}" if self.times > 1 else self.title


@dataclass(slots=True)
class Tree:
    """All frames, outer before inner; ``homes`` has the frame of each node, or of the first user of one without a box.

    ``alone`` has the scope of each node that is the only one in its module, which needs no frame; for others it is
    empty.
    """

    frames: list[Frame]
    homes: list[int]
    alone: list[str]
    sharing: Sharing

    def around(self, frame: int) -> Iterator[int]:
        """Yield a frame and its enclosing ones, the innermost first, without the whole graph."""
        while frame > 0:
            yield frame
            frame = self.frames[frame].parent


def tree_of(nodes: Sequence[GraphNode], edges: Iterable[Edge], titles: Titles) -> Tree:
    """Sort the nodes of a graph into frames, and cut its edges where they cross a frame's border."""
    pairs = [(_number(edge.source), _number(edge.target)) for edge in edges]
    scopes, alone = _scopes(nodes, pairs, entries(nodes, titles))
    sharing = sharing_of(nodes, pairs, scopes)
    tree = Tree([Frame("", "", -1, 0, nodes=list(range(len(nodes))))], [0] * len(nodes), alone, sharing)
    _grow(tree, _Looks(nodes, pairs, scopes, titles, sharing))
    _add_users(tree)
    _add_slots(tree, nodes)
    _add_wires(tree, nodes, pairs)
    return tree


def _number(name: str) -> int:
    return int(name.removeprefix("n"))


# --- who stands where -------------------------------------------------------------------------


def _scopes(nodes: Sequence[GraphNode], edges: Pairs, scopes: list[str]) -> tuple[list[str], list[str]]:
    """Return each node's module, and the one that it was moved out of.

    Values that only the backward pass reads stand where they are used, as do arrays that meet a computed value, such as
    a dropout's mask. Any other leaf is moved out of its module if it is used elsewhere before. A module with a single
    node of the forward pass is not worth a frame.
    """
    users: dict[int, set[int]] = {}
    meets: dict[int, set[int]] = {}
    for source, target in edges:
        if nodes[source].phase == nodes[target].phase:
            users.setdefault(source, set()).add(target)
            if nodes[source].kind == "operation":
                meets.setdefault(target, set()).add(source)
    beside = set()
    for number, node in enumerate(nodes):
        if node.kind not in ("input", "constant", "parameter") or number not in users:
            continue
        user = min(users[number])
        if node.kind != "parameter" and len(users[number]) == 1 and (node.phase == "backward" or user in meets):
            beside.add(number)
            scopes[number] = scopes[user]
        elif node.phase == "forward":
            shared = [a for a, b in zip(levels(scopes[number]), levels(scopes[user]), strict=False) if a == b]
            scopes[number] = shared[-1] if shared else ""
    crowd = Counter(
        scope
        for number, (node, scope) in enumerate(zip(nodes, scopes, strict=True))
        if node.phase == "forward" and node.kind != "constant" and number not in beside
    )
    outer = {level.rpartition(".")[0] for scope in set(scopes) for level in levels(scope)}
    alone = [""] * len(nodes)
    for number, scope in enumerate(scopes):
        if scope and crowd[scope] <= 1 and scope not in outer:
            scopes[number], alone[number] = scope.rpartition(".")[0], "" if number in beside else scope
    return scopes, alone


class _Item(NamedTuple):
    """An item in a frame: a node of the forward pass with its backward ones, or a frame.

    ``inner`` are the contents of a frame; None for a module, whose members are looked up.
    """

    kind: Literal["node"] | FrameKind
    path: str
    title: str
    numbers: list[int]
    inner: "list[_Item] | None" = None
    times: int = 1


class _Looks:
    """The contents of each module, and what they look like."""

    def __init__(
        self, nodes: Sequence[GraphNode], pairs: Pairs, scopes: Sequence[str], titles: Titles, sharing: Sharing
    ) -> None:
        self.nodes = nodes
        self.scopes = scopes
        self.titles = titles
        self.sharing = sharing
        self._known: dict[Any, int] = {}
        called = {path for scope in set(scopes) for path in levels(scope) if titles.kind(path)}
        self._calls = Counter(map(titles.path, called))
        self._operands: dict[int, list[int]] = {}
        for source, target in pairs:
            self._operands.setdefault(target, []).append(source)
        self._members = self._sorted()

    def _sorted(self) -> dict[str, dict[str | int, list[int]]]:
        """Return the contents of each module, in order; "" is the whole graph."""
        found: dict[str, dict[str | int, list[int]]] = {"": {}}
        latest: dict[str, int] = {}
        for number, (node, scope) in enumerate(zip(self.nodes, self.scopes, strict=True)):
            if not self.sharing.has_box(number):
                continue
            anchor = number if node.pair is None else _number(node.pair)
            if self.scopes[anchor] != scope:
                anchor = latest.get(scope, number)
            if node.phase == "forward":
                latest[scope] = number
            around = ""
            for path in levels(scope):
                found[around].setdefault(path, []).append(number)
                found.setdefault(path, {})
                around = path
            found[around].setdefault(anchor, []).append(number)
        return {path: self._ordered(members) for path, members in found.items()}

    def _ordered(self, members: dict[str | int, list[int]]) -> dict[str | int, list[int]]:
        """Sort the contents of a module in the order of the computation, with leaves before their users."""
        computed = {
            key: next((number for number in numbers if number in self._operands), numbers[0])
            for key, numbers in members.items()
        }
        keys = {number: key for key, numbers in members.items() for number in numbers}
        first = dict(computed)
        for key, numbers in members.items():
            for number in numbers:
                for operand in self._operands.get(number, ()):
                    leaf = keys.get(operand)
                    if leaf is not None and operand not in self._operands and not isinstance(leaf, str):
                        first[leaf] = min(first[leaf], computed[key])
        return dict(sorted(members.items(), key=lambda item: (first[item[0]], item[1][0] in self._operands)))

    def items(self, path: str) -> list[_Item]:
        """Return the contents of a module."""
        return [
            _Item("module", key, self.titles.of(key), numbers) if isinstance(key, str) else self._item(path, numbers)
            for key, numbers in self._members[path].items()
        ]

    def _item(self, path: str, numbers: list[int]) -> _Item:
        return _Item("node", path, self.nodes[numbers[0]].name, numbers)

    def of(self, item: _Item, places: dict[int, int]) -> int:
        """Return a number that is the same for all items that look alike, given the places of the nodes beside it.

        Only the forward pass counts, because the first of equal modules often sends no gradient back. Calls of one
        module are alike, although the last step of a recurrent network often lacks what only later steps would use.
        """
        if item.kind == "module" and self.titles.kind(item.path):
            module = self.titles.path(item.path)
            if self._calls[module] > 1:
                return self._known.setdefault(module, len(self._known))
        forward = [number for number in item.numbers if self.nodes[number].phase == "forward"]
        if not forward:
            return self._known.setdefault(item.numbers[0], len(self._known))
        if item.kind == "module":
            inside = {number: place for place, number in enumerate(forward)}
            look: Any = (
                self.titles.kind(item.path),
                tuple((self._node(number, item.path), self._wiring(number, inside)) for number in forward),
            )
        else:
            place = places[forward[0]]
            look = tuple(
                (
                    self._node(number, item.path),
                    tuple(before and place - before for before in self._wiring(number, places)),
                )
                for number in forward
            )
        return self._known.setdefault(look, len(self._known))

    def _wiring(self, number: int, places: dict[int, int]) -> tuple[int, ...]:
        """Return the places of a node's operands, from 1 on; 0 for operands elsewhere."""
        return tuple(
            0 if self.sharing.is_chip(each) else places.get(each, -1) + 1 for each in self._operands.get(number, ())
        )

    def _node(self, number: int, path: str) -> Any:
        """Return what a node looks like, without a leaf's own name, and without the elements that an index selects."""
        node = self.nodes[number]
        return (
            node.kind,
            node.name if node.kind in ("operation", "failure") else "",
            node.shape,
            node.dtype,
            node.scope.removeprefix(path) if self.scopes[number] == node.scope else "",
            self.titles.kind(node.scope),
            tuple(each for each in node.parameters if each.name != "index"),
        )


def _grow(tree: Tree, looks: _Looks) -> None:
    """Make the frames from the outside in."""
    waiting = [(0, _folded(looks.items(""), looks))]
    while waiting:
        home, items = waiting.pop()
        around = tree.frames[home]
        if len(items) > LIMIT:
            items = list(_runs(items, around.path))
        for item in items:
            whole = item.kind != "node" or around.kind == "sum"
            for part in [item] if whole else _parts(item, looks.nodes, tree.sharing):
                if part.kind == "node":
                    for number in part.numbers:
                        tree.homes[number] = home
                    continue
                told, inner = _opened(part, looks)
                waiting.append((len(tree.frames), inner))
                title = shortened(told.title, LENGTH)
                tree.frames.append(Frame(part.path, title, home, around.depth + 1, part.kind, told.times, part.numbers))


def _opened(item: _Item, looks: _Looks) -> tuple[_Item, list[_Item]]:
    """Return what a frame is named after, and its contents.

    A list of layers, which is never called, is the repetition that it consists of.
    """
    inner = _folded(looks.items(item.path), looks) if item.inner is None else item.inner
    only = inner[0]
    if item.inner is None and not looks.titles.kind(item.path) and len(inner) == 1 and only.inner is not None:
        return only, only.inner
    return item, inner


def _parts(item: _Item, nodes: Sequence[GraphNode], sharing: Sharing) -> list[_Item]:
    """Make frames of the numerous nodes of one node's rules: the additions to its gradient, and repetitions."""
    groups: dict[str, list[int]] = {}
    for number in item.numbers:
        node = nodes[number]
        name = "" if number in sharing.sums else f"{node.phase} {node.kind} {node.name}"
        groups.setdefault(name, []).append(number)
    parts = []
    rest: list[int] = []
    for name, numbers in groups.items():
        inner = [_Item("node", item.path, nodes[number].name, [number]) for number in numbers]
        if not name:
            parts.append(_Item("sum", item.path, f"sum of {len(numbers) + 1:,} gradients", numbers, inner))
        elif len(numbers) > MANY:
            parts.append(_Item("repeat", item.path, inner[0].title, numbers, inner, len(numbers)))
        else:
            rest += numbers
    return [_Item("node", item.path, item.title, sorted(rest)), *parts]


def _folded(items: list[_Item], looks: _Looks) -> list[_Item]:
    """Replace equal items in a row, or equal sequences of them, by one frame.

    Arrays come before everything else: the inputs of a recurrent network must not come between its steps.
    """
    items = sorted(items, key=lambda item: item.kind != "node" or looks.nodes[item.numbers[0]].kind != "input")
    places = {number: place for place, item in enumerate(items, 1) for number in item.numbers}
    found = [
        each
        for each in repeats([looks.of(item, places) for item in items])
        if each.times * each.length > MANY or any(item.kind != "node" for item in items[each.start :][: each.length])
    ]
    folded = list(items)
    for start, length, times in reversed(found):
        folded[start : start + length * times] = [_repeat(items[start:], length, times, looks.titles)]
    return folded


def _repeat(items: list[_Item], length: int, times: int, titles: Titles) -> _Item:
    units = [items[start : start + length] for start in range(0, length * times, length)]
    names = dict.fromkeys(titles.kind(item.path) if item.kind == "module" else item.title for item in units[0])
    if "" in names:
        names = {f"{units[0][0].title} to {units[-1][-1].title}": None}
    inner = [
        unit[0] if length == 1 else _Item("unit", unit[0].path, f"{place} of {times:,}", _numbers(unit), unit)
        for place, unit in enumerate(units, 1)
    ]
    return _Item("repeat", _around(units[0][0]), ", ".join(names), _numbers(inner), inner, times)


def _around(item: _Item) -> str:
    return item.path.rpartition(".")[0] if item.kind == "module" else item.path


def _numbers(items: Iterable[_Item]) -> list[int]:
    return sorted(number for item in items for number in item.numbers)


def _runs(items: list[_Item], path: str) -> Iterator[_Item]:
    """Cut a long list of items into runs, and if there are more than `RUN` of these, into runs of runs."""
    size = RUN
    while len(items) > size * RUN:
        size *= RUN
    for start in range(0, len(items), size):
        run = items[start : start + size]
        title = f"{start + 1:,} to {start + len(run):,} of {len(items):,}"
        yield _Item("run", path, title, _numbers(run), run)


def _add_users(tree: Tree) -> None:
    """Assign nodes without a box to their first user's frame, and to the contents of all frames around their users."""
    held: dict[int, set[int]] = {}
    uses = tree.sharing.numbers | tree.sharing.leaves
    for number, users in uses.items():
        tree.homes[number] = tree.homes[users[0]]
    for number, users in (*uses.items(), *tree.sharing.derived.values()):
        for user in users:
            for frame in tree.around(tree.homes[user]):
                held.setdefault(frame, set()).add(number)
    for index, numbers in held.items():
        tree.frames[index].nodes = sorted(numbers.union(tree.frames[index].nodes))


# --- what connects them -----------------------------------------------------------------------


def _add_slots(tree: Tree, nodes: Sequence[GraphNode]) -> None:
    """Give every node and both passes of every frame a slot in the enclosing frame, in the order of nodes."""
    for number, home in enumerate(tree.homes):
        if tree.sharing.has_box(number):
            tree.frames[home].slots.append(Slot("node", number, nodes[number].phase))
    for index, frame in enumerate(tree.frames[1:], 1):
        boxed = (number for number in frame.nodes if tree.sharing.has_box(number))
        for phase in dict.fromkeys(nodes[number].phase for number in boxed):
            tree.frames[frame.parent].slots.append(Slot("frame", index, phase))


Bundles: TypeAlias = dict[tuple[int, int], dict[tuple[int, int], None]]
"""The edges in each wire, by the wire's slots."""


def _add_wires(tree: Tree, nodes: Sequence[GraphNode], pairs: Pairs) -> None:
    """Draw each edge from inside its source's frames to inside its target's, merging edges that take the same way.

    Edges between the passes are not drawn: the page shows them at the selected node.
    """
    cut = _Cut(tree, nodes)
    for pair in pairs:
        if nodes[pair[0]].phase == nodes[pair[1]].phase and pair[0] not in tree.sharing.numbers:
            cut.add(pair)
    for index in range(len(tree.frames)):
        cut.thin_out(index)
    for frame, known, wires in zip(tree.frames, cut.slots, cut.wires, strict=True):
        frame.slots = list(known)
        frame.wires = [Wire(*ends, tuple(dict.fromkeys(s for s, _ in inside))) for ends, inside in wires.items()]


class _Cut:
    """The slots and wires of each frame, while edges are being cut at borders."""

    def __init__(self, tree: Tree, nodes: Sequence[GraphNode]) -> None:
        self.tree = tree
        self.nodes = nodes
        self.slots = [{slot: position for position, slot in enumerate(frame.slots)} for frame in tree.frames]
        self.wires: list[Bundles] = [{} for _ in tree.frames]

    def _slot(self, frame: int, slot: Slot) -> int:
        return self.slots[frame].setdefault(slot, len(self.slots[frame]))

    def _wire(self, frame: int, ends: tuple[int, int], pair: tuple[int, int]) -> None:
        self.wires[frame].setdefault(ends, {})[pair] = None

    def add(self, pair: tuple[int, int]) -> None:
        """Draw an edge: as a chip if its value has many uses or is one of many parts of a sum, else as wires."""
        source, target = pair
        home, sharing = self.tree.homes, self.tree.sharing
        phase = self.nodes[source].phase
        total = sharing.sums.get(target)
        if sharing.is_chip(source) and (source in sharing.leaves or home[source] != home[target]):
            self._chip(home[target], "from", source, Slot("node", target, phase), pair)
        elif total is not None and sharing.sums.get(source) != total:
            self._chip(home[source], "to", total, Slot("node", source, phase), pair)
        else:
            self._through_frames(pair, phase)

    def _chip(self, frame: int, kind: Literal["from", "to"], of: int, beside: Slot, pair: tuple[int, int]) -> None:
        at = self._slot(frame, beside)
        chip = self._slot(frame, Slot(kind, of, beside.phase, at))
        self._wire(frame, (chip, at) if kind == "from" else (at, chip), pair)

    def _through_frames(self, pair: tuple[int, int], phase: Phase) -> None:
        """Draw an edge in the innermost frame around both ends, and from there into the frames of either."""
        outwards = [[*self.tree.around(self.tree.homes[end]), 0] for end in pair]
        while len(outwards[0]) > 1 and len(outwards[1]) > 1 and outwards[0][-2] == outwards[1][-2]:
            outwards[0].pop()
            outwards[1].pop()
        common = outwards[0][-1]
        inwards = [frames[-2::-1] for frames in outwards]
        ways = [
            [*(Slot("frame", frame, phase) for frame in frames), Slot("node", end, phase)]
            for frames, end in zip(inwards, pair, strict=True)
        ]
        upper, lower = (self._slot(common, way[0]) for way in ways)
        self._wire(common, (upper, lower), pair)
        beyond = lower
        for frame, slot in zip(inwards[0], ways[0][1:], strict=True):
            end = self._slot(frame, Slot("out", beyond, phase))
            self._wire(frame, (self._slot(frame, slot), end), pair)
            beyond = end
        beyond = upper
        for frame, slot in zip(inwards[1], ways[1][1:], strict=True):
            end = self._slot(frame, Slot("in", beyond, phase))
            self._wire(frame, (end, self._slot(frame, slot)), pair)
            beyond = end

    def thin_out(self, index: int) -> None:
        """Replace a fan of many wires from or to one slot of a frame by chips at the other ends.

        In a row of steps, values that come in or go out at each step are chips as well, so that it stays a row.
        """
        steps = self.tree.frames[index].times > 1 or self.tree.frames[index].kind == "run"
        limit = FEW if steps else MANY
        positions = list(self.slots[index])
        fans = Counter(("from", source) for source, _ in self.wires[index])
        fans.update(("to", target) for _, target in self.wires[index])
        crossing = Counter(positions[end][:3:2] for ends in self.wires[index] for end in ends)
        thin: Bundles = {}
        for (source, target), pairs in self.wires[index].items():
            first = next(iter(pairs))
            upper, lower = positions[source], positions[target]
            enters = steps and upper.kind == "in" and crossing["in", upper.phase] > FEW
            leaves = steps and lower.kind == "out" and crossing["out", lower.phase] > FEW
            ends = source, target
            if (
                fans["from", source] > limit or (enters and not self._is_end(lower, positions, 0))
            ) and upper.kind != "from":
                ends = self._beside(index, Slot("from", first[0], lower.phase, target), positions, source), target
            elif (
                fans["to", target] > limit or (leaves and not self._is_end(upper, positions, -1))
            ) and lower.kind != "to":
                ends = source, self._beside(index, Slot("to", first[1], upper.phase, source), positions, target)
            thin.setdefault(ends, {}).update(pairs)
        self.wires[index] = thin

    def _is_end(self, slot: Slot, positions: list[Slot], end: Literal[0, -1]) -> bool:
        """Return whether a slot holds the first step of its pass, or the last."""
        steps = [each for each in positions if each.kind in ("node", "frame") and each.phase == slot.phase]
        return steps[end if slot.phase == "forward" else -1 - end] == slot

    def _beside(self, index: int, chip: Slot, positions: list[Slot], far: int) -> int:
        """Add a chip for a slot far away, with an edge to the border of the frame that it is beside."""
        place = self._slot(index, chip)
        near = positions[chip.at]
        if near.kind == "frame":
            point = Slot("in" if chip.kind == "from" else "out", far, chip.phase)
            inner = self.slots[near.of]
            self.slots[near.of] = {slot._replace(of=place) if slot == point else slot: at for slot, at in inner.items()}
        return place
