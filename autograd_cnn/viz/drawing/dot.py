"""A captured graph in Graphviz's DOT language: its frames as clusters, with or without positions."""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from autograd_cnn.graph.nodes import Edge, GraphNode, ModuleCall, Phase
from autograd_cnn.parameters import choice
from autograd_cnn.viz.drawing.box import Box, Boxes, sizes_of
from autograd_cnn.viz.drawing.label import lines, texts, tooltip
from autograd_cnn.viz.drawing.measures import Coloring, Quantity, measures
from autograd_cnn.viz.drawing.style import PALETTES, Look, Palette, Theme, shade
from autograd_cnn.viz.frames.layout import LINE, MARGIN, PADDING, Point, arrange, width_of
from autograd_cnn.viz.frames.scene import Scene, ends_of, key_of
from autograd_cnn.viz.frames.tree import Frame, Slot, Wire
from autograd_cnn.viz.frames.view import Direction, direction_of, first_view, of_pass, to_depth

if TYPE_CHECKING:
    import graphviz

Show: TypeAlias = Literal["forward", "backward", "both"]

FONT = "Helvetica"
"""A single name: given a list, Graphviz as WebAssembly would measure texts in Times, too narrow for their boxes."""
TIP = 6.0
"""The length of an arrow's tip."""
ENTRY = 22.0
"""The height of a row of the legend."""


def draw(
    nodes: Sequence[GraphNode],
    edges: Sequence[Edge],
    calls: Sequence[ModuleCall] = (),
    *,
    show: Show = "both",
    depth: int | None = None,
    direction: Direction | None = None,
    color: Quantity | None = None,
    theme: Theme = "light",
    legend: bool = True,
    placed: bool = False,
) -> "graphviz.Digraph":
    """Return the drawing that `Graph.to_dot` describes, or ``placed``, as Graphviz's engine ``nop2`` draws it."""
    where = "render" if placed else "to_dot"
    for name, value, choices in (
        ("show", show, Show), ("theme", theme, Theme), ("direction", direction, Direction), ("color", color, Quantity)
    ):  # fmt: skip
        if value is not None:
            choice(where, name, value, get_args(choices))
    boxes = Boxes(nodes, edges, calls)
    direction = direction or direction_of(boxes.tree, boxes.titles)
    unfolded = {0, *(first_view(boxes.tree) if depth is None else to_depth(boxes.tree, depth))}
    tree = boxes.tree if show == "both" else of_pass(boxes.tree, show)
    slots = {
        key_of(index, position, slot): slot
        for index in unfolded
        for position, slot in enumerate(tree.frames[index].slots)
        if slot.kind in ("node", "frame") and slot.of not in (unfolded if slot.kind == "frame" else ())
    }
    shown = {
        key: boxes.nodes[slot.of] if slot.kind == "node" else boxes.frames[slot.of][slot.phase]
        for key, slot in slots.items()
    }
    coloring = None if color is None else Coloring(measures(nodes, edges)[color], shown.values())
    drawing = _Drawing(boxes, tree.frames, unfolded, PALETTES[theme], coloring, direction)
    if placed:
        said = [texts(box, drawing.quantity(box)) for box in boxes.nodes]
        folded = [{phase: texts(box, drawing.quantity(box)) for phase, box in each.items()} for each in boxes.frames]
        layouts = arrange(tree, nodes, sizes_of(said, folded, boxes), direction, unfolded, frames=unfolded)
        drawing.scene = Scene(tree, layouts, unfolded, direction)
    return drawing.dot(list(shown.values()), legend)


@dataclass(slots=True)
class _Drawing:
    """What is drawn, and the options for its looks."""

    boxes: Boxes
    frames: Sequence[Frame]
    unfolded: set[int]
    palette: Palette
    coloring: Coloring | None
    direction: Direction
    scene: Scene | None = None

    def dot(self, shown: Sequence[Box], legend: bool) -> "graphviz.Digraph":
        """Write the passes as clusters, if there are two, and below them the legend."""
        dot = self._canvas()
        phases = list(dict.fromkeys(slot.phase for slot in self.frames[0].slots))
        for phase in sorted(phases, key=("forward", "backward").index):
            if len(phases) == 1:
                self._fill(dot, 0, phase, mirrored=False)
            else:
                column = self.scene.columns[phase] if self.scene else None
                with dot.subgraph(name=f"cluster_{phase}") as pass_:
                    self._begin(pass_, phase, f"{phase} pass", column, self.palette.paper)
                    self._fill(pass_, 0, phase, mirrored=phase == "backward")
        if legend and shown:
            self._add_legend(dot, list(self._legend(shown)))
        return dot

    def _canvas(self) -> "graphviz.Digraph":
        import graphviz  # noqa: PLC0415  # loaded when first used

        palette = self.palette
        turned = "TB" if self.direction == "down" else "LR"
        return graphviz.Digraph(
            "graph",
            graph_attr={
                **({"outputorder": "edgesfirst"} if self.scene else {}),
                "rankdir": turned, "newrank": "true", "nodesep": "0.25", "ranksep": "0.35", "bgcolor": palette.paper,
                "fontname": FONT, "fontsize": "11", "fontcolor": palette.ink,
            },
            node_attr={
                "fontname": FONT, "fontsize": "11", "fontcolor": palette.ink, "margin": "0.12,0.06", "height": "0.3",
            },
            edge_attr={
                "fontname": FONT, "fontsize": "9", "fontcolor": palette.ink, "color": palette.faint, "arrowsize": "0.6",
            },
        )  # fmt: skip

    # --- frames, their boxes and wires ------------------------------------------------------------

    def _fill(self, cluster: "graphviz.Digraph", index: int, phase: Phase, *, mirrored: bool) -> None:
        """Add the contents of one pass of an open frame; if Graphviz lays it out, the backward pass runs the other way."""
        frame = self.frames[index]
        for position, slot in sorted(enumerate(frame.slots), key=lambda each: self._order(each[1])):
            if slot.phase != phase:
                continue
            key = key_of(index, position, slot)
            if slot.kind == "frame" and slot.of in self.unfolded:
                box = self.boxes.frames[slot.of][phase]
                with cluster.subgraph(name=f"cluster_{key}") as inner:
                    self._begin(inner, key, box.title, self._at(key), self.palette.module)
                    self._fill(inner, slot.of, phase, mirrored=mirrored)
            else:
                cluster.node(key, **self._box(slot) | self._place(key))
        for number, wire in enumerate(frame.wires):
            if frame.slots[wire.source].phase == phase:
                self._add_wire(cluster, index, number, wire, mirrored=mirrored)

    def _order(self, slot: Slot) -> int:
        """Return the position of something in the computation."""
        if slot.kind in ("in", "out"):
            return -1
        return self.frames[slot.of].nodes[0] if slot.kind == "frame" else slot.of

    def _at(self, key: str) -> tuple[float, float, float, float] | None:
        return self.scene.boxes[key] if self.scene else None

    def _place(self, key: str) -> dict[str, str]:
        at = self._at(key)
        return {} if at is None else _node_place(*at)

    def _begin(
        self, cluster: "graphviz.Digraph", key: str, title: str, at: tuple[float, ...] | None, fill: str
    ) -> None:
        """Begin a cluster; where it has a place, its title is a node, which is drawn over the wires that cross it."""
        palette, label = self.palette, lines(title)
        look = {"style": "filled,rounded", "margin": "10", "color": palette.frame, "fillcolor": fill}
        if at is None:
            cluster.attr(label=label, labeljust="l", fontcolor=palette.faint, **look)
            return
        x, y, width, height = at
        left, upper, room = x - width / 2, y - height / 2, width_of(title)
        cluster.attr(bb=f"{left:.1f},{-upper - height:.1f},{left + width:.1f},{-upper:.1f}", **look)
        words = {"label": label, "fontcolor": palette.faint, "fillcolor": fill, "color": fill}
        place = _node_place(left + MARGIN + room / 2, upper + 11, room, LINE)
        cluster.node(f"title_{key}", shape="box", style="filled", **words, **place)

    def _box(self, slot: Slot) -> dict[str, str]:
        if slot.kind in ("in", "out"):
            return {"label": "", "shape": "point", "width": "0.01", "style": "invis" if self.scene else "filled"}
        if slot.kind in ("from", "to"):
            look = self._look(self.boxes.nodes[slot.of])
            return {
                "label": lines(self.boxes.chips[slot.kind, slot.of]), "tooltip": tooltip(self.boxes.nodes[slot.of]), "shape": "box",
                "style": "filled,rounded", "fillcolor": look.fill, "color": look.line, "fontsize": "9", "height": "0.2",
                "margin": "0.06,0.02",
            }  # fmt: skip
        box = self.boxes.nodes[slot.of] if slot.kind == "node" else self.boxes.frames[slot.of][slot.phase]
        fill, line, ink, style = self._colors(box)
        return {
            "label": lines(*texts(box, self.quantity(box))), "tooltip": tooltip(box), "shape": self._look(box).shape,
            "style": style, "fillcolor": fill, "color": line, "fontcolor": ink,
        }  # fmt: skip

    def _add_wire(self, cluster: "graphviz.Digraph", index: int, number: int, wire: Wire, *, mirrored: bool) -> None:
        frame = self.frames[index]
        ends = ends_of(index, frame, number, self.unfolded)
        slot = frame.slots[wire.target]
        inwards = slot.kind == "out" or (slot.kind == "frame" and slot.of in self.unfolded)
        look = {"color": self.palette.kinds["backward"].line} if slot.phase == "backward" else {}
        if inwards:
            look["dir"] = "none"
        elif len(wire.values) > 1:
            look["label"] = str(len(wire.values))
        if self.scene:
            look |= _course(self.scene.wires[index, number], look.get("label", ""), tip=not inwards)
        elif mirrored:
            ends = ends[::-1]
            look.setdefault("dir", "back")
        cluster.edge(*ends, **look)

    # --- how boxes look ---------------------------------------------------------------------------

    def _look(self, box: Box) -> Look:
        """Return the look of its kind."""
        kind: str = "module" if box.frame else box.node.kind
        return self.palette.kinds["backward" if kind in ("operation", "module") and box.phase == "backward" else kind]

    def _colors(self, box: Box) -> tuple[str, str, str, str]:
        """Return the fill, the line, the text colour and the style."""
        look, palette = self._look(box), self.palette
        if box.has_problem():
            return palette.problem.fill, palette.problem.line, palette.ink, f"{look.style.removesuffix(',bold')},bold"
        if self.coloring is None:
            return look.fill, look.line, palette.ink, look.style
        if not self.coloring.measure.applies(box):
            return palette.paper, palette.faint, palette.ink, look.style
        step = self.coloring.step(self.coloring.measure.of(box))
        if step is None:
            return palette.paper, look.line, palette.ink, f"{look.style},dashed"
        fill, text = shade(step, palette)
        return fill, look.line, text, look.style

    def quantity(self, box: Box) -> str:
        """Return a box's text for the quantity by which all boxes are coloured."""
        return self.coloring.text(box) if self.coloring else ""

    # --- the legend -------------------------------------------------------------------------------

    def _add_legend(self, dot: "graphviz.Digraph", entries: Sequence[dict[str, str]]) -> None:
        """Add a legend of shapes and colours: rows below the drawing, as wide as that, or wherever Graphviz places it."""
        x, y = 0.0, (self.scene.height if self.scene else 0.0) + ENTRY
        for number, look in enumerate(entries):
            width = width_of(look["label"]) + 2 * PADDING
            if x + width > max(self.scene.width if self.scene else 0.0, 400.0):
                x, y = 0.0, y + ENTRY
            place = (
                _node_place(x + width / 2, y, width, ENTRY - 6)
                if self.scene
                else {"height": "0.2", "margin": "0.08,0.03"}
            )
            dot.node(f"legend_{number}", fontsize="9", **look, **place)
            x += width + 8

    def _legend(self, boxes: Sequence[Box]) -> Iterator[dict[str, str]]:
        """Yield the look of each entry."""
        palette, coloring = self.palette, self.coloring
        if coloring is None:
            used = {self._look(box) for box in boxes}
            looks = [look for look in palette.kinds.values() if look in used]
            if any(box.has_problem() and box.node.kind != "failure" for box in boxes):
                looks.append(palette.problem)
            for look in looks:
                yield _entry(look.meaning, look.shape, look.style, look.fill, look.line, palette.ink)
            return
        yield _entry(coloring.measure.title, "plaintext", "", palette.paper, palette.paper, palette.ink)
        for text, step in coloring.legend():
            fill, ink = (palette.paper, palette.ink) if step is None else shade(step, palette)
            style, line = ("filled,dashed", palette.ink) if step is None else ("filled", palette.faint)
            yield _entry(text, "box", style, fill, line, ink)


def _entry(label: str, shape: str, style: str, fill: str, line: str, ink: str) -> dict[str, str]:
    return {"label": label, "shape": shape, "style": style, "fillcolor": fill, "color": line, "fontcolor": ink}


def _node_place(x: float, y: float, width: float, height: float) -> dict[str, str]:
    return {
        "pos": f"{x:.1f},{-y:.1f}", "width": f"{width / 72:.4f}", "height": f"{height / 72:.4f}", "fixedsize": "true",
    }  # fmt: skip


def _course(points: Sequence[Point], label: str, *, tip: bool) -> dict[str, str]:
    """Return the course of a wire, which ends where its tip begins, and the position of its label, beside its middle."""
    curve = points[(len(points) - 1) // 6 * 3 :][:4]
    (x, y), (right, down) = _cut(curve, 1 / 2)[3], (abs(u - v) for u, v in zip(curve[0], curve[3], strict=True))
    x, y = (x + TIP + width_of(label) / 2, y) if down > right else (x, y - 2 * TIP)
    at, way = "", list(points)
    if tip:
        end, last = way[-1], way[-4:]
        share = bisect_left(range(1, 1024), -TIP, key=lambda part: -math.dist(end, _cut(last, part / 1024)[3])) + 1
        at, way = f"e,{end[0]:.1f},{-end[1]:.1f} ", way[:-4] + _cut(last, share / 1024)
    return {"pos": at + " ".join(f"{u:.1f},{-v:.1f}" for u, v in way), "lp": f"{x:.1f},{-y:.1f}"}


def _cut(curve: Sequence[Point], share: float) -> list[Point]:
    """Return the first part of a Bézier curve (de Casteljau)."""
    way, rest = [], list(curve)
    while rest:
        way.append(rest[0])
        rest = [(x + share * (u - x), y + share * (v - y)) for (x, y), (u, v) in pairwise(rest)]
    return way
