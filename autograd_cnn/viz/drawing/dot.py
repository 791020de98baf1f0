"""Drawing a captured graph in the DOT language of Graphviz."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from autograd_cnn.errors import ArgumentError, sentence
from autograd_cnn.graph.nodes import Edge, GraphNode, ModuleCall
from autograd_cnn.parameters import choice
from autograd_cnn.viz.drawing.arrows import Path, add_arrows, add_pairs, is_spine, path_of
from autograd_cnn.viz.drawing.fold import Box, fold, with_stubs
from autograd_cnn.viz.drawing.label import LENGTH, has_problem, label, lines, tooltip
from autograd_cnn.viz.drawing.measures import Coloring, Quantity, measures
from autograd_cnn.viz.drawing.style import PALETTES, Look, Palette, Theme, shade
from autograd_cnn.viz.frames.titles import Titles, shortened
from autograd_cnn.viz.frames.tree import tree_of

if TYPE_CHECKING:
    import graphviz

Show: TypeAlias = Literal["forward", "backward", "both"]

FONT = "Helvetica"
"""A single name: of a list, Graphviz as WebAssembly would measure texts in Times, too narrow for their boxes."""
COLUMNS = 4
"""Of the legend."""


@dataclass(frozen=True, slots=True)
class _Style:
    """What decides how a box looks."""

    palette: Palette
    coloring: Coloring | None

    def look(self, box: Box) -> Look:
        """Return how its kind is drawn."""
        kind: str = "stub" if box.stub and not box.chip else "module" if box.module else box.node.kind
        if kind in ("operation", "module") and box.phase == "backward":
            kind = "backward"
        return self.palette.kinds[kind]

    def colors(self, box: Box) -> tuple[str, str, str, str]:
        """Return the fill, the line, the text colour and the style."""
        look = self.look(box)
        if box.chip:
            return look.fill, look.line, self.palette.ink, "filled,rounded"
        if has_problem(box):
            red = self.palette.problem
            return red.fill, red.line, self.palette.ink, f"{look.style.removesuffix(',bold')},bold"
        if box.stub or self.coloring is None:
            return look.fill, look.line, self.palette.faint if box.stub else self.palette.ink, look.style
        measure = self.coloring.measure
        if not measure.applies(box):
            return self.palette.paper, self.palette.faint, self.palette.ink, look.style
        step = self.coloring.step(measure.of(box))
        if step is None:
            return self.palette.paper, look.line, self.palette.ink, f"{look.style},dashed"
        fill, text = shade(step, self.palette)
        return fill, look.line, text, look.style


def draw(
    nodes: Sequence[GraphNode],
    edges: Sequence[Edge],
    calls: Sequence[ModuleCall] = (),
    *,
    show: Show = "both",
    depth: int | None = None,
    color: Quantity | None = None,
    theme: Theme = "light",
    legend: bool = True,
) -> "graphviz.Digraph":
    """Return the drawing that `Graph.to_dot` describes."""
    choice("to_dot", "show", show, get_args(Show))
    choice("to_dot", "theme", theme, get_args(Theme))
    if color is not None:
        choice("to_dot", "color", color, get_args(Quantity))
    if depth is not None and depth < 1:
        raise ArgumentError(sentence("to_dot", "depth is out of range", expected="at least 1", got=depth))
    titles = Titles(calls)
    boxes, arrows = fold(tree_of(nodes, edges, titles), _shown(nodes, edges, show), edges, depth, titles)
    boxes, arrows = with_stubs(boxes, arrows)
    if show == "backward":
        boxes = [box for box in boxes if box.phase == "backward"]
        arrows = [edge for edge in arrows if edge.target in {box.id for box in boxes}]
    coloring = None if color is None else Coloring(measures(nodes, edges)[color], boxes)
    style = _Style(PALETTES[theme], coloring)
    both = {box.phase for box in boxes} == {"forward", "backward"}
    dot = _canvas(style.palette)
    _add_boxes(dot, boxes, style, both, titles)
    add_arrows(dot, boxes, arrows, style.palette, both)
    if both:
        add_pairs(dot, boxes, style.palette)
    if legend and boxes:
        _add_legend(dot, boxes, style, both)
    return dot


def _shown(nodes: Sequence[GraphNode], edges: Sequence[Edge], show: Show) -> list[GraphNode]:
    """Return the nodes of the pass; for the backward one also those that it uses from the forward pass."""
    if show == "both":
        return list(nodes)
    chosen = {node.id for node in nodes if node.phase == show}
    if show == "backward":
        chosen |= {edge.source for edge in edges if edge.target in chosen}
    return [node for node in nodes if node.id in chosen]


def _canvas(palette: Palette) -> "graphviz.Digraph":
    import graphviz  # noqa: PLC0415  # loaded when first used

    return graphviz.Digraph(
        "graph",
        graph_attr={
            "rankdir": "TB", "newrank": "true", "nodesep": "0.25", "ranksep": "0.35", "bgcolor": palette.paper, "fontname": FONT,
            "fontsize": "11", "fontcolor": palette.ink,
        },
        node_attr={
            "fontname": FONT, "fontsize": "11", "fontcolor": palette.ink, "margin": "0.12,0.06", "height": "0.3",
        },
        edge_attr={
            "fontname": FONT, "fontsize": "9", "fontcolor": palette.faint, "color": palette.ink, "arrowsize": "0.6",
            "weight": "2",
        },
    )  # fmt: skip


# --- boxes in their modules -------------------------------------------------------------------


def _add_boxes(dot: "graphviz.Digraph", boxes: list[Box], style: _Style, both: bool, titles: Titles) -> None:
    """Add every box to the cluster of its module, and the clusters to each other from the inside out.

    A module with a single box is not a cluster: the box says its title.
    """
    import graphviz  # noqa: PLC0415

    paths = {box.id: path_of(box, both) for box in boxes}
    crowd = Counter(path[:level] for path in paths.values() for level in range(1, len(path) + 1))
    clusters: dict[Path, graphviz.Digraph] = {(): dot}
    for box in boxes:
        path = paths[box.id]
        drawn = box
        if box.scope and crowd[path] == 1:
            drawn = replace(box, prefix=titles.of(box.scope), kind=box.kind or titles.kind(box.scope))
            path = path[:-1]
        for level in range(1, len(path) + 1):
            if path[:level] not in clusters:
                scope = ".".join(path[both:level])
                title = titles.of(scope) if scope else f"{path[0]} pass"
                filled = style.palette.paper if both and level == 1 else style.palette.module
                clusters[path[:level]] = graphviz.Digraph(
                    f"cluster_{len(clusters) - 1}",
                    graph_attr={
                        "label": lines(shortened(title, LENGTH)), "labeljust": "l", "style": "filled,rounded", "margin": "10",
                        "color": style.palette.frame, "fillcolor": filled, "fontcolor": style.palette.faint,
                    },
                )  # fmt: skip
        _add_box(clusters[path], drawn, style)
    for path in sorted(clusters, key=len, reverse=True):
        if path:
            clusters[path[:-1]].subgraph(clusters[path])


def _add_box(cluster: "graphviz.Digraph", box: Box, style: _Style) -> None:
    fill, line, text, drawn = style.colors(box)
    quantity = style.coloring.text(box) if style.coloring else ""
    small = {"fontsize": "9", "height": "0.2", "margin": "0.06,0.02"} if box.chip else {}
    shape = "box" if box.chip else style.look(box).shape
    cluster.node(
        box.id, label=label(box, quantity), tooltip=tooltip(box), shape=shape,
        style=drawn, fillcolor=fill, color=line, fontcolor=text,
        **({"margin": "0.02,0.02"} if shape == "ellipse" else small),
    )  # fmt: skip


# --- the legend -------------------------------------------------------------------------------


def _add_legend(dot: "graphviz.Digraph", boxes: list[Box], style: _Style, both: bool) -> None:
    """Add rows at the bottom that say what shapes and colours mean."""
    import graphviz  # noqa: PLC0415

    entries = list(_legend(boxes, style))
    last = next((box.id for box in boxes if both and box.node.name == "seed"), "") or next(
        (box.id for box in reversed(boxes) if is_spine(box)), boxes[-1].id
    )
    for start in range(0, len(entries), COLUMNS):
        row = graphviz.Digraph(
            graph_attr={"rank": "same"}, node_attr={"fontsize": "9", "height": "0.2", "margin": "0.08,0.03"}
        )
        positions = range(start, min(start + COLUMNS, len(entries)))
        for position in positions:
            text, shape, drawn, fill, line, ink = entries[position]
            row.node(
                f"legend_{position}", label=text, shape=shape, style=drawn, fillcolor=fill, color=line, fontcolor=ink
            )
        dot.subgraph(row)
        for position in positions:
            dot.edge(f"legend_{position - COLUMNS}" if start else last, f"legend_{position}", style="invis")


def _legend(boxes: list[Box], style: _Style) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yield each entry's text, shape, style, fill, line and text colour."""
    palette, coloring = style.palette, style.coloring
    if coloring is None:
        used = {style.look(box) for box in boxes}
        looks = [look for look in palette.kinds.values() if look in used]
        if any(has_problem(box) and box.node.kind != "failure" for box in boxes):
            looks.append(palette.problem)
        for look in looks:
            yield look.meaning, look.shape, look.style, look.fill, look.line, palette.ink
        return
    measure = coloring.measure
    unit = f", {measure.unit}" if measure.unit else ""
    yield f"{measure.title}{unit}", "plaintext", "", palette.paper, palette.paper, palette.ink
    for text, step in coloring.legend():
        if step is None:
            yield text, "box", "filled,dashed", palette.paper, palette.ink, palette.ink
        else:
            fill, ink = shade(step, palette)
            yield text, "box", "filled", fill, palette.faint, ink
