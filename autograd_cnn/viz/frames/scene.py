"""The positions of everything that is drawn, given which frames are open and which are folded."""

from collections.abc import Collection, Mapping
from typing import Final, Literal

from autograd_cnn.graph.nodes import Phase
from autograd_cnn.viz.frames.layout import MARGIN, Box, Layout, Point, before, open_size
from autograd_cnn.viz.frames.tree import Frame, Slot, Tree
from autograd_cnn.viz.frames.view import Direction

GAP: Final = 60.0
"""The gap between the passes."""


def key_of(frame: int, position: int, slot: Slot) -> str:
    """Return the key of a frame's slot, in pictures and in pages.

    A node is ``n3``, a pass of a frame ``f2.forward``, a chip ``n3@2.7``, and a point on a frame's border ``2.in.0.forward``.
    """
    match slot.kind:
        case "node":
            return f"n{slot.of}"
        case "frame":
            return f"f{slot.of}.{slot.phase}"
        case "from" | "to":
            return f"n{slot.of}@{frame}.{position}"
    return f"{frame}.{slot.kind}.{slot.of}.{slot.phase}"


def ends_of(index: int, frame: Frame, wire: int, unfolded: Collection[int]) -> tuple[str, str]:
    """Return the ends of a wire: boxes, or points on the borders of open frames."""
    source, target = frame.wires[wire][:2]

    def end(position: int, other: int, kind: Literal["in", "out"]) -> str:
        slot = frame.slots[position]
        if slot.kind == "frame" and slot.of in unfolded:
            return key_of(slot.of, -1, Slot(kind, other, slot.phase))
        return key_of(index, position, slot)

    return end(source, target, "out"), end(target, source, "in")


class Scene:
    """All positions of a picture, with the origin at its upper left corner: the contents of open frames in their boxes.

    Parameters
    ----------
    tree : Tree
    layouts : mapping of int to Layout
        Those of the whole graph and of all open frames.
    unfolded : collection of int
        The frames that are open.
    direction : "down" or "right"

    Attributes
    ----------
    width, height : float
    columns : dict of str to (float, float, float, float)
        The centre, width and height of each pass, if there are two.
    boxes : dict of str to (float, float, float, float)
        The boxes of everything with a key (see `key_of`).
    wires : dict of (int, int) to list of (float, float)
        The spline of each wire, by its frame and its position there, including the parts up to the frame's borders.
    """

    def __init__(
        self, tree: Tree, layouts: Mapping[int, Layout], unfolded: Collection[int], direction: Direction
    ) -> None:
        self._tree, self._layouts, self._unfolded, self._direction = tree, layouts, unfolded, direction
        self.columns: dict[Phase, Box] = {}
        self.boxes: dict[str, Box] = {}
        self.wires: dict[tuple[int, int], list[Point]] = {}
        phases = [phase for phase in ("forward", "backward") if phase in layouts[0].widths]
        x, y = before(direction) if len(phases) > 1 else (MARGIN, MARGIN)
        along, across = layouts[0].height + y + MARGIN, 0.0
        for phase in phases if direction == "down" else reversed(phases):
            width = layouts[0].widths[phase] + x + MARGIN
            if len(phases) > 1:
                width, along = open_size(tree.frames[0], layouts[0], phase, direction)
                self.columns[phase] = self._turned((across + width / 2, along / 2, width, along))
            self._place(0, phase, across + x, y)
            across += width + GAP
        self.width, self.height = (across - GAP, along) if direction == "down" else (along, across - GAP)

    def _place(self, index: int, phase: Phase, left: float, top: float) -> None:
        """Place one pass of an open frame, given the origin of its contents."""
        frame, layout, start = self._tree.frames[index], self._layouts[index], before(self._direction)
        borders: dict[int, Point] = {}
        for position, (slot, (across, along, width, height)) in enumerate(zip(frame.slots, layout.boxes, strict=True)):
            if slot.phase != phase:
                continue
            x, y = across + left, along + top
            box = x, y, width, height
            if slot.kind in ("in", "out"):
                upper = (slot.kind == "in") == (phase == "forward")
                borders[position] = x, top - start[1] if upper else top + layout.height + MARGIN
                box = *borders[position], 0.0, 0.0
            elif slot.kind == "frame" and slot.of in self._unfolded:
                self._place(slot.of, phase, x - width / 2 + start[0], y - height / 2 + start[1])
            self.boxes[key_of(index, position, slot)] = self._turned(box)
        for number, (wire, spline) in enumerate(zip(frame.wires, layout.wires, strict=True)):
            if frame.slots[wire.source].phase == phase:
                points = [(x + left, y + top) for x, y in spline]
                if wire.source in borders:
                    points = [borders[wire.source], borders[wire.source], points[0], *points]
                if wire.target in borders:
                    points += [points[-1], borders[wire.target], borders[wire.target]]
                self.wires[index, number] = points if self._direction == "down" else [(y, x) for x, y in points]

    def _turned(self, box: Box) -> Box:
        x, y, width, height = box
        return box if self._direction == "down" else (y, x, height, width)
