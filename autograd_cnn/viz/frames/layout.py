"""Positions: Graphviz lays out each frame separately, the innermost first, with the open frames in it at their full size.

When a reader folds or unfolds a frame later, the surroundings move; that is arithmetic, and the page does it.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, TypeAlias
from xml.etree import ElementTree as ET

from autograd_cnn.graph.nodes import GraphNode, Phase
from autograd_cnn.viz.drawing.render import svgs
from autograd_cnn.viz.frames.titles import shortened
from autograd_cnn.viz.frames.tree import LENGTH, Frame, Slot, Tree
from autograd_cnn.viz.frames.view import Direction

LINE = 14.0
"""The height of a line of text in points, like all lengths here."""
PADDING = 9.0
CHIP = 15.0
"""The height of a chip, which has one line of text in a smaller font."""
POINT = 2.0
"""The side of the box for a point on a frame's border."""
LEAD = 12.0
"""The distance of such a point from the boxes."""
HEADER = 20.0
"""The space above the contents of an open frame, for its title."""
MARGIN = 9.0
"""The space on the other sides."""
FIELD = 6.0
"""The resolution at which the ends of wires are placed along the side of an open frame."""
NARROW: Final = frozenset("fijlrtI.,:;'|()[] ")
WIDE: Final = frozenset("mwMW@%∂")

_NUMBER: Final = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")
_SVG: Final = "{http://www.w3.org/2000/svg}"


Point: TypeAlias = tuple[float, float]
Size: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(slots=True)
class Layout:
    """The layout of a frame; frames with equal contents share it.

    The passes are columns. Both have the same ``height`` and their own horizontal axis.

    Attributes
    ----------
    height : float
    widths : dict of str to float
        The width of each pass.
    boxes : list of (float, float, float, float)
        The centre, width and height of each slot.
    wires : list of list of (float, float)
        The start of a Bézier spline, and three points per segment.
    """

    height: float
    widths: dict[str, float]
    boxes: list[Box]
    wires: list[list[Point]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of nodes, folded frames and chips, by the contents of their slots."""

    nodes: Sequence[Size]
    frames: Sequence[Size]
    chips: Mapping[tuple[str, int], Size]

    def of(self, slot: Slot) -> Size:
        """Return the size of a slot's contents."""
        if slot.kind in ("from", "to"):
            return self.chips[slot.kind, slot.of]
        if slot.kind in ("in", "out"):
            return POINT, POINT
        return (self.nodes if slot.kind == "node" else self.frames)[slot.of]


def before(direction: Direction) -> Size:
    """Return the space before an open frame's contents; its title is above them, whatever the graph's direction."""
    return (MARGIN, HEADER) if direction == "down" else (HEADER, MARGIN)


def arrange(
    tree: Tree,
    nodes: Sequence[GraphNode],
    sizes: Sizes,
    direction: Direction = "down",
    unfolded: Collection[int] = (),
    *,
    frames: Iterable[int] | None = None,
) -> dict[int, Layout]:
    """Lay out frames from the top down; for graphs that run to the right, with width and height swapped.

    Parameters
    ----------
    tree : Tree
    nodes : sequence of GraphNode
    sizes : Sizes
    direction : "down" or "right"
    unfolded : collection of int
        The open frames, which are as large as their contents; all frames around an open one are open, too.
    frames : iterable of int, optional
        The frames to lay out, including all open ones; by default all.

    Returns
    -------
    dict of int to Layout
        The layout of each frame; equal frames share one object.
    """
    levels = [0] * len(tree.frames)
    for index in range(len(levels) - 1, 0, -1):
        if index in unfolded:
            parent = tree.frames[index].parent
            levels[parent] = max(levels[parent], levels[index] + 1)
    known: dict[str, Layout] = {}
    layouts: dict[int, Layout] = {}
    wanted = sorted(range(len(levels)) if frames is None else frames, key=levels.__getitem__)
    for _, group in groupby(wanted, key=levels.__getitem__):
        drafts = {
            index: _Draft(tree.frames[index], nodes, *_held(index, tree, sizes, direction, unfolded, layouts))
            for index in group
        }
        new = {draft.dot: draft for draft in drafts.values() if draft.dot not in known}
        for (dot, draft), svg in zip(new.items(), svgs(list(new)), strict=True):
            known[dot] = draft.read(svg)
        layouts |= {index: known[draft.dot] for index, draft in drafts.items()}
    return layouts


def _held(
    index: int, tree: Tree, sizes: Sizes, direction: Direction, unfolded: Collection[int], layouts: Mapping[int, Layout]
) -> tuple[list[Size], dict[int, dict[int, float]]]:
    """Return the size of each slot, and for each open frame, where the wires of each other slot go in or out."""
    boxes, doors = [], {}
    for position, slot in enumerate(tree.frames[index].slots):
        if slot.kind == "frame" and slot.of in unfolded:
            inner = layouts[slot.of]
            width, height = open_size(tree.frames[slot.of], inner, slot.phase, direction)
            boxes.append((width, height))
            doors[position] = {
                point.of: before(direction)[0] + at[0] - width / 2
                for point, at in zip(tree.frames[slot.of].slots, inner.boxes, strict=True)
                if point.kind in ("in", "out") and point.phase == slot.phase
            }
        else:
            width, height = sizes.of(slot)
            boxes.append((width, height) if direction == "down" else (height, width))
    return boxes, doors


def open_size(frame: Frame, layout: Layout, phase: Phase, direction: Direction) -> Size:
    """Return the size of one pass of an open frame, across and along."""
    x, y = before(direction)
    across, along = layout.widths[phase] + x + MARGIN, layout.height + y + MARGIN
    room = room_of(frame)
    return (max(across, room), along) if direction == "down" else (across, max(along, room))


def size_of(*texts: Sequence[str], toggle: bool = False) -> Size:
    """Return the size of a box in which each of the texts fits, with space for a toggle."""
    width = max((width_of(line) for lines in texts for line in lines), default=0.0)
    height = LINE * max(map(len, texts), default=0)
    return width + (4 if toggle else 2) * PADDING, height + PADDING


def room_of(frame: Frame) -> float:
    """Return the width that an open frame needs for its toggle and title; that of the whole graph, for a pass's name."""
    title = shortened(frame.heading, LENGTH) if frame.parent >= 0 else "backward pass"
    return 4 * PADDING + width_of(f"∂ {title}")


def chip_size(text: str) -> Size:
    """Return the size of a chip."""
    return 0.85 * width_of(text) + PADDING, CHIP


def width_of(text: str) -> float:
    """Estimate the width of a text at 11 points; the estimate is generous."""
    return sum(3.9 if char in NARROW else 10.0 if char in WIDE else 6.8 for char in text)


class _Draft:
    """A frame in Graphviz's language, and a reader for Graphviz's layout."""

    def __init__(
        self, frame: Frame, nodes: Sequence[GraphNode], sizes: list[Size], doors: dict[int, dict[int, float]]
    ) -> None:
        self.doors = doors
        self.phases = [slot.phase for slot in frame.slots]
        self.sizes = sizes
        self.wires = frame.wires
        self.flipped = [self.phases[source] == "backward" for source, _, _ in frame.wires]
        self.aside: set[int] = set()
        self.level: set[int] = set()  # wires to what stands beside
        self.dot = "\n".join(self._lines(frame, nodes))

    def _lines(self, frame: Frame, nodes: Sequence[GraphNode]) -> Iterator[str]:
        yield "digraph {"
        yield "graph [newrank=true, nodesep=0.2, ranksep=0.24]"
        yield 'node [shape=box, fixedsize=true, label=""]'
        yield "edge [dir=none]"
        for phase in ("forward", "backward"):
            yield f"subgraph cluster_{phase} {{"
            for position, slot in enumerate(frame.slots):
                if slot.phase == phase:
                    yield self._box(position, slot, nodes)
            yield "}"
        yield from self._wires(frame, nodes)
        yield from self._borders(frame)
        yield from _pairs(frame, nodes)
        yield "}\n"

    def _box(self, position: int, slot: Slot, nodes: Sequence[GraphNode]) -> str:
        width, height = (f"{length / 72:.4f}" for length in self.sizes[position])
        if position in self.doors:
            fields = "|".join(f"<p{i}>" for i in range(self._fields(position)))
            exactly = " ".join(f"{at:.1f}" for at in self.doors[position].values())
            shape = f'shape=record, fontsize=1, label="{fields}", comment="{exactly}"'
            return f"s{position} [id=n{position}, width={width}, height={height}, {shape}]"
        round_ = slot.kind == "node" and nodes[slot.of].kind in ("input", "constant", "output")
        shape = ", shape=ellipse" if round_ else ""
        return f"s{position} [id=n{position}, width={width}, height={height}{shape}]"

    def _wires(self, frame: Frame, nodes: Sequence[GraphNode]) -> Iterator[str]:
        """Keep the spine straight, with parameters beside it, alternately left and right."""
        uses = Counter(source for source, _, _ in frame.wires)
        leaving = {source for source, target, _ in frame.wires if frame.slots[target].kind == "out"}
        beside: Counter[int] = Counter()
        for number, (source, target, _) in enumerate(frame.wires):
            upper, lower = frame.slots[source], frame.slots[target]
            attributes = f"id=w{number}"
            chip = next((end for end, slot in ((source, upper), (target, lower)) if slot.kind in ("from", "to")), None)
            small = chip if chip is not None else source
            if not self.doors.keys() & {source, target} and (
                chip is not None or (uses[source] == 1 and _stands_beside(upper, lower, nodes))
            ):
                near = target if small == source else source
                beside[near] += 1
                self.aside.add(small)
                self.flipped[number] = (beside[near] % 2 == 0) == (small == source)
                self.level.add(number)
                attributes += ", minlen=0, weight=10"
            elif target in leaving or lower.kind == "out" or (_is_spine(upper, nodes) and _is_spine(lower, nodes)):
                attributes += ", weight=20"
            else:
                attributes += ", weight=2"
            ends = [(source, target), (target, source)][:: -1 if self.flipped[number] else 1]
            first, second = (
                f"s{end}{self._port(end, other)}:{side}"
                if number not in self.level and frame.slots[end].kind == "frame"
                else f"s{end}"
                for (end, other), side in zip(ends, "sn", strict=True)
            )
            yield f"{first} -> {second} [{attributes}]"

    def _fields(self, position: int) -> int:
        return max(1, int(self.sizes[position][0] / FIELD))

    def _port(self, position: int, other: int) -> str:
        """Return the part of an open frame's side where the wire to another slot ends."""
        if position not in self.doors:
            return ""
        fields = self._fields(position)
        share = 0.5 + self.doors[position][other] / self.sizes[position][0]
        return f":p{min(max(int(share * fields), 0), fields - 1)}"

    def _borders(self, frame: Frame) -> Iterator[str]:
        """Keep all boxes between the points where values come in and those where they go out."""
        drawn = [
            (target, source) if flipped else (source, target)
            for (source, target, _), flipped in zip(frame.wires, self.flipped, strict=True)
            if not self.aside & {source, target}
        ]
        for kind, index in (("in", 1), ("out", 0)):
            points = [i for i, slot in enumerate(frame.slots) if slot.kind == _border(kind, slot.phase)]
            inner = {pair[index] for pair in drawn} | set(points) | self.aside
            if len(points) > 1:
                yield f"{{rank=same; {' '.join(f's{point};' for point in points)}}}"
            for loose in range(len(frame.slots)) if points else ():
                if loose not in inner:
                    ends = (points[0], loose) if kind == "in" else (loose, points[0])
                    yield f"s{ends[0]} -> s{ends[1]} [style=invis, weight=0]"

    def read(self, svg: str) -> Layout:
        """Read centres and splines from Graphviz's picture, relative to the top and to each pass's left side."""
        centres: list[Point] = [(0.0, 0.0)] * len(self.sizes)
        splines: list[list[Point]] = [[]] * len(self.wires)
        for group in ET.fromstring(svg).iter(f"{_SVG}g"):  # noqa: S314  # Graphviz wrote it
            index = int(group.get("id", "")[1:]) if group.get("class") in ("node", "edge") else 0
            if group.get("class") == "node":
                corners = _points(group)
                (left, upper), (right, lower) = (tuple(map(end, zip(*corners, strict=True))) for end in (min, max))
                centres[index] = (left + right) / 2, (upper + lower) / 2
            elif group.get("class") == "edge":
                splines[index] = _points(group)[:: -1 if self.flipped[index] else 1]
        for index, (source, target, _) in enumerate(self.wires):
            if not splines[index]:  # Graphviz found no route
                splines[index] = [centres[source]] * 2 + [centres[target]] * 2
            ends: list[tuple[int, int, Literal[0, -1]]] = [(source, target, 0), (target, source, -1)]
            for end, other, at in ends:
                if end in self.doors:
                    upper = (at == -1) == (self.phases[end] == "forward")
                    x, y = centres[end]
                    side = self.sizes[end][1] / 2
                    _pull(splines[index], at, (x + self.doors[end][other], y - side if upper else y + side))
            if index not in self.level and len(splines[index]) == 4:  # Graphviz may swing out between two ranks
                top, bottom = sorted((splines[index][0][1], splines[index][-1][1]))
                splines[index] = [(x, min(max(y, top), bottom)) for x, y in splines[index]]
        boxes = [(*centre, *size) for centre, size in zip(centres, self.sizes, strict=True)]
        return self._moved(*self._closer(boxes, splines))

    def _closer(self, boxes: list[Box], splines: list[list[Point]]) -> tuple[list[Box], list[list[Point]]]:
        """Move the points at the borders, which have their own level in Graphviz, close to the boxes."""
        solid = [box for box in boxes if box[3] != POINT]
        if not solid:
            return boxes, splines
        upper, lower = min(y - h / 2 for _, y, _, h in solid), max(y + h / 2 for _, y, _, h in solid)
        above = max((upper - y for _, y, _, _ in boxes), default=0.0)
        below = max((y - lower for _, y, _, _ in boxes), default=0.0)

        def nearer(y: float) -> float:
            if y < upper:
                return upper - (upper - y) * min(1.0, LEAD / max(above, 1.0))
            return y if y <= lower else lower + (y - lower) * min(1.0, LEAD / max(below, 1.0))

        return (
            [(x, nearer(y), width, height) for x, y, width, height in boxes],
            [[(x, nearer(y)) for x, y in spline] for spline in splines],
        )

    def _moved(self, boxes: list[Box], splines: list[list[Point]]) -> Layout:
        top = min((y - height / 2 for _, y, _, height in boxes), default=0.0)
        bottom = max((y + height / 2 for _, y, _, height in boxes), default=0.0)
        spans: dict[str, list[float]] = {}
        for phase, (x, _, width, _) in zip(self.phases, boxes, strict=True):
            spans.setdefault(phase, []).extend((x - width / 2, x + width / 2))
        phases = [self.phases[source] for source, _, _ in self.wires]
        for phase, spline in zip(phases, splines, strict=True):
            spans[phase].extend(x for x, _ in spline)
        left = {phase: min(span) for phase, span in spans.items()}
        return Layout(
            round(bottom - top, 1),
            {phase: round(max(span) - left[phase], 1) for phase, span in spans.items()},
            [
                (round(x - left[phase], 1), round(y - top, 1), round(width, 1), round(height, 1))
                for phase, (x, y, width, height) in zip(self.phases, boxes, strict=True)
            ],
            [
                [(round(x - left[phase], 1), round(y - top, 1)) for x, y in spline]
                for phase, spline in zip(phases, splines, strict=True)
            ],
        )


def _border(upper: str, phase: Phase) -> str:
    """Return the points at a border: values come in from above, but in the backward pass from below."""
    return upper if phase == "forward" else {"in": "out", "out": "in"}[upper]


def _is_spine(slot: Slot, nodes: Sequence[GraphNode]) -> bool:
    return slot.kind == "frame" or (slot.kind == "node" and nodes[slot.of].kind in ("operation", "failure", "output"))


def _stands_beside(upper: Slot, lower: Slot, nodes: Sequence[GraphNode]) -> bool:
    """Whether a parameter or number is drawn beside the operation that uses it."""
    alone = upper.kind == "node" and nodes[upper.of].kind in ("parameter", "constant")
    return alone and _is_spine(lower, nodes)


def _pairs(frame: Frame, nodes: Sequence[GraphNode]) -> Iterator[str]:
    """Keep both passes of an inner frame at the same height, and operations close to their backward ones."""
    at = {slot: f"s{position}" for position, slot in enumerate(frame.slots)}
    paired = set()
    for slot, own in at.items():
        if slot.phase == "forward":
            continue
        if slot.kind == "frame":
            forward = at.get(slot._replace(phase="forward"))
            if forward is not None:
                yield f"{{rank=same; {forward}; {own}}}"
        elif slot.kind == "node" and nodes[slot.of].kind == "operation":
            pair = nodes[slot.of].pair
            forward = None if pair is None else at.get(Slot("node", int(pair[1:]), "forward"))
            if forward is not None and pair not in paired:
                paired.add(pair)
                yield f"{forward} -> {own} [style=invis, minlen=0]"


def _pull(spline: list[Point], end: Literal[0, -1], to: Point) -> None:
    """Move an end of a spline to where it belongs, and its handle with it."""
    (x, y), handle = spline[end], -2 if end else 1
    spline[handle] = (spline[handle][0] + to[0] - x, spline[handle][1] + to[1] - y)
    spline[end] = to


def _points(group: ET.Element) -> list[Point]:
    """Return the corners of a box, two opposite corners of an ellipse's box, or the points of a spline."""
    for shape in group:
        if shape.tag == f"{_SVG}ellipse":
            x, y, rx, ry = (float(shape.get(name, "")) for name in ("cx", "cy", "rx", "ry"))
            return [(x - rx, y - ry), (x + rx, y + ry)]
        text = shape.get("points") or shape.get("d")
        if text:
            numbers = [float(each) for each in _NUMBER.findall(text)]
            return list(zip(numbers[::2], numbers[1::2], strict=True))
    return []
