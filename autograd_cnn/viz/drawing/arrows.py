"""The edges of a drawing, and those unseen that hold it in shape."""

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from autograd_cnn.graph.nodes import Edge
from autograd_cnn.viz.drawing.fold import Box
from autograd_cnn.viz.drawing.label import lines
from autograd_cnn.viz.drawing.style import Palette

if TYPE_CHECKING:
    import graphviz

Path: TypeAlias = tuple[str, ...]


def path_of(box: Box, both: bool) -> Path:
    """Return the names of the clusters around a box, the outermost first."""
    modules = tuple(box.scope.split(".")) if box.scope else ()
    return (box.phase, *modules) if both else modules


def add_arrows(dot: "graphviz.Digraph", boxes: list[Box], arrows: list[Edge], palette: Palette, both: bool) -> None:
    """Add the edges, with the argument's name if an operation has several.

    Edges between operations have large weights, so that they become straight lines.
    Parameters and gradients are beside them, left and right in turn. Beside the forward pass the
    backward one runs upwards.
    """
    by_id = {box.id: box for box in boxes}
    operands = Counter(edge.target for edge in arrows)
    uses = Counter(edge.source for edge in arrows)
    beside: Counter[str] = Counter()
    flows: list[tuple[str, str]] = []
    for edge in arrows:
        source, target = by_id[edge.source], by_id[edge.target]
        attributes = {}
        if edge.argument and not source.chip and (operands[edge.target] > 1 or edge.argument.isdecimal()):
            attributes["label"] = lines(f" {edge.argument} ")
        if source.stub and not source.chip:
            attributes |= {"style": "dashed", "color": palette.faint}
        upwards = both and target.phase == "backward"
        side = _beside(source, target, uses)
        if side:
            attributes["minlen"] = "0"
            beside[side] += 1
            upwards = (side == target.id) == (beside[side] % 2 == 0)
        elif is_spine(source) and is_spine(target):
            attributes["weight"] = "20"
        ends = (edge.target, edge.source) if upwards else (edge.source, edge.target)
        if upwards:
            attributes["dir"] = "back"
        if not side:
            flows.append(ends)
        dot.edge(*ends, **attributes)
    _add_spacers(dot, boxes, flows, both)


def _beside(source: Box, target: Box, uses: Counter[str]) -> str:
    """Return the operation beside which the other end is drawn, or nothing if both have their own level."""
    if target.chip or (target.node.kind == "gradient" and not target.module):
        return source.id
    alone = not source.module and (source.stub or source.node.kind in ("parameter", "constant"))
    return target.id if alone and uses[source.id] == 1 and is_spine(target) else ""


def is_spine(box: Box) -> bool:
    """Whether a pass runs through the box: an operation, a module or the output."""
    return not box.stub and (bool(box.module) or box.node.kind in ("operation", "failure", "output"))


def _add_spacers(dot: "graphviz.Digraph", boxes: list[Box], flows: list[tuple[str, str]], both: bool) -> None:
    """Keep the nodes of a module between its inputs and its outputs, so that clusters are stacked.

    Without this, a module's first and last nodes are beside the operations before and after
    it, and its cluster pushes them aside. ``flows`` are pairs of upper and lower boxes.
    """
    positions = {box.id: -i if both and box.phase == "backward" else i for i, box in enumerate(boxes)}
    paths = {box.id: path_of(box, both) for box in boxes}
    at = {position: name for name, position in positions.items()}
    above: dict[Path, list[int]] = {}
    below: dict[Path, list[int]] = {}
    for upper, lower in flows:
        for inner, outer, beyond in ((lower, upper, above), (upper, lower, below)):
            for level in range(len(paths[inner]), 0, -1):
                if paths[inner][:level] == paths[outer][:level]:
                    break
                beyond.setdefault(paths[inner][:level], []).append(positions[outer])
    for side in (*above.values(), *below.values()):
        side.sort()
    uppers, lowers = {upper for upper, _ in flows}, {lower for _, lower in flows}
    ends = uppers ^ lowers
    for name in (box.id for box in boxes if box.id in ends):
        starts = name in uppers
        outside = (above if starts else below).get(paths[name], [])
        position = (bisect_left(outside, positions[name]) - 1) if starts else bisect_right(outside, positions[name])
        if 0 <= position < len(outside):
            other = at[outside[position]]
            dot.edge(*((other, name) if starts else (name, other)), style="invis", weight="1")


def add_pairs(dot: "graphviz.Digraph", boxes: list[Box], palette: Palette) -> None:
    """Join each operation to where its backward pass begins by a dotted line."""
    box_of = {node.id: box.id for box in boxes if not box.stub for node in box.members}
    paired = set()
    for box in boxes:
        began = next((node.pair for node in box.members if node.kind == "operation" and not box.stub), None)
        forward = None if began is None else box_of[began]
        if forward is None or forward in paired:
            continue
        paired.add(forward)
        dot.edge(forward, box.id, dir="none", style="dotted", minlen="0", weight="1", color=palette.faint)
