"""A graph as a page: the data for the viewer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from inspect import getsource
from math import prod
from textwrap import dedent
from typing import Any, Final, TypeAlias, get_args

import numpy as np

from autograd_cnn.engine.primitive import REGISTRY, Primitive
from autograd_cnn.errors import ArgumentError
from autograd_cnn.graph.nodes import Edge, GraphNode, ModuleCall
from autograd_cnn.parameters import choice
from autograd_cnn.viz.drawing.box import Boxes, sizes_of
from autograd_cnn.viz.drawing.label import LENGTH, shape_text, texts
from autograd_cnn.viz.drawing.measures import Quantity
from autograd_cnn.viz.drawing.style import PALETTES, SHADES
from autograd_cnn.viz.frames.layout import HEADER, MARGIN, arrange, room_of
from autograd_cnn.viz.frames.scene import GAP
from autograd_cnn.viz.frames.titles import shortened
from autograd_cnn.viz.frames.tree import Frame, Wire
from autograd_cnn.viz.frames.view import Direction, direction_of, first_view
from autograd_cnn.viz.page.colorings import colorings
from autograd_cnn.viz.page.columns import columns, known
from autograd_cnn.viz.web.document import application, kind_of

Highlight: TypeAlias = Mapping[str, Mapping[tuple[int, ...], float]]

TITLE: Final = "Computation graph"


def page(
    nodes: Sequence[GraphNode],
    edges: Sequence[Edge],
    calls: Sequence[ModuleCall] = (),
    highlight: Highlight | None = None,
    direction: Direction | None = None,
    color: Quantity | None = None,
    explanations: Mapping[str, Any] | None = None,
) -> str:
    """Return the page that `Graph.to_html` writes; the same graph gives the same text."""
    marked = _checked(nodes, highlight or {})
    for name, value, choices in (("direction", direction, Direction), ("color", color, Quantity)):
        if value is not None:
            choice("to_html", name, value, get_args(choices))
    data = _data(nodes, edges, calls, marked, direction, color) | {"explanations": explanations}
    return application("page/viewer", title=TITLE, data=data, default=known)


def _checked(nodes: Sequence[GraphNode], highlight: Highlight) -> dict[str, list[Any]]:
    """Return the elements to highlight as lists, or raise an error that names one that does not exist."""
    if not isinstance(highlight, Mapping) or not all(
        isinstance(cells, Mapping) and all(isinstance(index, (tuple, list)) for index in cells)
        for cells in highlight.values()
    ):
        raise ArgumentError("to_html", "highlight is not understood", expected="weights by node and index, as in "
                            "{'n0': {(0, 1): 8.0}}", got=repr(highlight))  # fmt: skip
    known = {node.id: node for node in nodes}
    marked = {}
    for name, cells in highlight.items():
        if name not in known:
            problem = "highlight names no node of the graph"
            raise ArgumentError("to_html", problem, expected=f"n0 to n{len(nodes) - 1}", got=repr(name))
        shape = known[name].shape
        for index in cells:
            if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=True)):
                problem = f"highlight has an index that {name} has not"
                expected = f"one into the shape {shape_text(shape)}"
                raise ArgumentError("to_html", problem, expected=expected, got=tuple(index))
        marked[name] = [[list(map(int, index)), float(weight)] for index, weight in cells.items()]
    return marked


# --- the data ---------------------------------------------------------------------------------


def _data(
    nodes: Sequence[GraphNode],
    edges: Sequence[Edge],
    calls: Sequence[ModuleCall],
    marked: dict[str, list[Any]],
    direction: Direction | None,
    color: Quantity | None,
) -> dict[str, Any]:
    """Return the data that the script needs."""
    boxes = Boxes(nodes, edges, calls)
    tree, titles = boxes.tree, boxes.titles
    direction = direction or direction_of(tree, titles)
    unfolded = first_view(tree)
    in_nodes = [texts(box) for box in boxes.nodes]
    in_frames = [{phase: texts(box) for phase, box in halves.items()} for halves in boxes.frames]
    sizes = sizes_of(in_nodes, in_frames, boxes)
    layouts = arrange(tree, nodes, sizes, direction, unfolded)
    unique = {id(layout): layout for layout in layouts.values()}
    which = {each: number for number, each in enumerate(unique)}
    return {
        "title": TITLE,
        "nodes": columns([
            _of_node(node) | {"lines": tuple(lines), "frame": home, "module": titles.full(node.scope), "boxed": tree.sharing.has_box(number)}
            for number, (node, lines, home) in enumerate(zip(nodes, in_nodes, tree.homes, strict=True))
        ]),
        "edges": columns([
            {"source": int(edge.source[1:]), "target": int(edge.target[1:]), "argument": edge.argument} for edge in edges
        ]),
        "frames": columns([
            {"path": frame.path, "title": shortened(frame.heading, LENGTH), "room": room_of(frame),
             "parent": frame.parent, "kind": frame.kind, "lines": {phase: tuple(told) for phase, told in lines.items()},
             "layout": which[id(layouts[index])], "slots": len(frame.slots), "wires": len(frame.wires)}
            | ({"folded": sizes.frames[index][:: 1 if direction == "down" else -1]} if index in unfolded else {})
            for index, (frame, lines) in enumerate(zip(tree.frames, in_frames, strict=True))
        ]),
        "slots": columns([slot._asdict() for frame in tree.frames for slot in frame.slots]),
        "wires": columns([_of_wire(wire, frame) for frame in tree.frames for wire in frame.wires]),
        "layouts": list(unique.values()),
        "spacing": {"header": HEADER, "margin": MARGIN, "gap": GAP},
        "chips": {way: {of: text for (each, of), text in boxes.chips.items() if each == way} for way in ("from", "to")},
        "unfolded": unfolded,
        "direction": direction,
        "titles": {call.scope: titles.of(call.scope) for call in calls},
        "attributes": {call.scope: call.attributes for call in calls if call.attributes},
        "primitives": _primitives({node.name for node in nodes if node.kind == "operation"}),
        "meanings": {kind_of(kind): look.meaning for kind, look in PALETTES["light"].kinds.items()},
        "highlight": marked,
        "colorings": colorings(nodes, edges, boxes, color),
        "shades": {str(step): fill for step, (fill, _) in enumerate(SHADES) if fill},
    }  # fmt: skip


def _of_node(node: GraphNode) -> dict[str, Any]:
    count = prod(node.shape)
    more = {"name": node.name, "shape": node.shape, "form": shape_text(node.shape), "count": count,
            "bytes": count * np.dtype(node.dtype).itemsize}  # fmt: skip
    return known(replace(node, id="")) | more


def _of_wire(wire: Wire, frame: Frame) -> dict[str, Any]:
    """Return a wire; without values, it carries the value of the node where it begins."""
    known = {"source": wire.source, "target": wire.target}
    return known if wire.values == (frame.slots[wire.source].of,) else known | {"values": wire.values}


# --- facts about primitives -------------------------------------------------------------------


def _primitives(names: set[str]) -> dict[str, Any]:
    """Return for each operation its formula, its source location, and its rules."""
    known = {primitive.name: primitive for primitive in reversed(REGISTRY.values())}
    return {name: _primitive(known[name]) for name in sorted(names & known.keys())}


def _primitive(primitive: Primitive) -> dict[str, Any]:
    code = primitive.forward.__code__
    return {
        "formula": (primitive.__doc__ or "").strip().partition("\n")[0],
        "defined": f"{primitive.forward.__module__}, line {code.co_firstlineno}",
        "rules": list(dict.fromkeys(_sources(primitive))),
    }


def _sources(primitive: Primitive) -> Iterator[str]:
    for rule in primitive.rules.values():
        try:
            yield dedent(getsource(rule.function)).strip()
        except OSError:  # defined at a prompt
            continue
