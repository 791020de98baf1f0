"""A graph as a page: what the viewer has to know."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from inspect import getsource
from math import prod
from textwrap import dedent
from typing import Any, Final, TypeAlias, get_args

import numpy as np

from autograd_cnn.engine.primitive import REGISTRY, Primitive
from autograd_cnn.errors import ArgumentError, sentence
from autograd_cnn.graph.nodes import Edge, GraphNode, ModuleCall
from autograd_cnn.parameters import choice
from autograd_cnn.viz.drawing.fold import Box
from autograd_cnn.viz.drawing.label import LENGTH, shape_text, texts
from autograd_cnn.viz.drawing.measures import Quantity
from autograd_cnn.viz.drawing.style import PALETTES, SHADES
from autograd_cnn.viz.frames.sharing import numbers_of
from autograd_cnn.viz.frames.titles import Names, Titles, shortened
from autograd_cnn.viz.frames.tree import Frame, Tree, tree_of
from autograd_cnn.viz.frames.view import Direction, direction_of, first_view
from autograd_cnn.viz.page.colorings import colorings
from autograd_cnn.viz.page.layout import Sizes, arrange, chip_size, room_of, size_of
from autograd_cnn.viz.web.document import document, kind_of

Highlight: TypeAlias = Mapping[str, Mapping[tuple[int, ...], float]]

TITLE: Final = "Computation graph"
SHORT: Final = 24
"""Longer names on chips are shortened."""


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
    return document("page/viewer", title=TITLE, data=data, default=_known)


def _checked(nodes: Sequence[GraphNode], highlight: Highlight) -> dict[str, list[Any]]:
    """Return the elements to point out as lists, or say which does not exist."""
    if not isinstance(highlight, Mapping) or not all(
        isinstance(cells, Mapping) and all(isinstance(index, (tuple, list)) for index in cells)
        for cells in highlight.values()
    ):
        raise ArgumentError(
            sentence("to_html", "highlight is not understood", expected="weights by node and index, as in "
                     "{'n0': {(0, 1): 8.0}}", got=repr(highlight))
        )  # fmt: skip
    known = {node.id: node for node in nodes}
    marked = {}
    for name, cells in highlight.items():
        if name not in known:
            raise ArgumentError(
                sentence("to_html", "highlight names no node of the graph", expected=f"n0 to n{len(nodes) - 1}",
                         got=repr(name))
            )  # fmt: skip
        shape = known[name].shape
        for index in cells:
            if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=True)):
                raise ArgumentError(
                    sentence("to_html", f"highlight has an index that {name} has not",
                             expected=f"one into the shape {shape_text(shape)}", got=tuple(index))
                )  # fmt: skip
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
    """Return all that the script needs to know."""
    titles = Titles(calls)
    tree = tree_of(nodes, edges, titles)
    direction = direction or direction_of(tree, titles)
    numbers = numbers_of(nodes, edges, tree.sharing)
    in_nodes = [
        _cut(texts(Box(node.id, node.scope, (node,), prefix=titles.of(alone), kind=titles.kind(alone),
                       numbers=numbers.get(node.id, ()))))
        for node, alone in zip(nodes, tree.alone, strict=True)
    ]  # fmt: skip
    in_frames = [_of_frame(frame, nodes, titles) for frame in tree.frames]
    chips = _chips(tree, nodes, edges)
    sizes = Sizes(
        [size_of(lines) for lines in in_nodes],
        [size_of(*lines.values(), toggle=True) for lines in in_frames],
        {key: chip_size(text) for key, text in chips.items()},
    )
    layouts, which = arrange(tree, nodes, sizes, direction)
    return {
        "title": TITLE,
        "nodes": [
            _known(node)
            | _size(node)
            | {"name": node.name, "lines": lines, "frame": home, "module": titles.full(node.scope), "boxed": tree.sharing.has_box(number)}
            for number, (node, lines, home) in enumerate(zip(nodes, in_nodes, tree.homes, strict=True))
        ],
        "edges": [(int(edge.source[1:]), int(edge.target[1:]), edge.argument) for edge in edges],
        "frames": [
            {"path": frame.path, "title": (title := shortened(frame.heading, LENGTH)), "room": room_of(title),
             "parent": frame.parent, "kind": frame.kind, "lines": lines,
             "layout": layout, "slots": frame.slots, "wires": frame.wires}
            for frame, lines, layout in zip(tree.frames, in_frames, which, strict=True)
        ],
        "layouts": layouts,
        "chips": {way: {of: text for (each, of), text in chips.items() if each == way} for way in ("from", "to")},
        "unfolded": first_view(tree),
        "direction": direction,
        "titles": {call.scope: titles.of(call.scope) for call in calls},
        "attributes": {call.scope: call.attributes for call in calls if call.attributes},
        "primitives": _primitives({node.name for node in nodes if node.kind == "operation"}),
        "meanings": {kind_of(kind): look.meaning for kind, look in PALETTES["light"].kinds.items()},
        "highlight": marked,
        "colorings": colorings(nodes, edges, tree.frames, color),
        "shades": {str(step): fill for step, (fill, _) in enumerate(SHADES) if fill},
    }  # fmt: skip


def _known(thing: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that say something."""
    values = ((field.name, getattr(thing, field.name)) for field in fields(thing))
    return {name: value for name, value in values if value is not None and value != ""}


def _size(node: GraphNode) -> dict[str, int]:
    count = prod(node.shape)
    return {"count": count, "bytes": count * np.dtype(node.dtype).itemsize}


def _chips(tree: Tree, nodes: Sequence[GraphNode], edges: Sequence[Edge]) -> dict[tuple[str, int], str]:
    """Return what stands on each chip."""
    names = Names(nodes, edges)
    chips = dict.fromkeys(
        (slot.kind, slot.of) for frame in tree.frames for slot in frame.slots if slot.kind in ("from", "to")
    )
    texts = {
        (kind, of): names.value(nodes[of]) if kind == "from"
        else names.gradient(nodes[of]) if of in tree.sharing.sums
        else f"→ {names.value(nodes[of])}"
        for kind, of in chips
    }  # fmt: skip
    return {chip: shortened(text, SHORT) for chip, text in texts.items()}


def _of_frame(frame: Frame, nodes: Sequence[GraphNode], titles: Titles) -> dict[str, list[str]]:
    """Return the text of a folded frame, for each pass."""
    lines = {}
    kind = (titles.kind(frame.path) if frame.kind == "module" else "") or frame.title
    for phase, sign in (("forward", ""), ("backward", "∂ ")):
        members = tuple(nodes[position] for position in frame.nodes if nodes[position].phase == phase)
        if members:
            box = Box(
                members[0].id,
                "",
                members,
                module=frame.path or "graph",
                times=frame.times,
                title=frame.title or "graph",
                kind=kind,
            )
            first, *others = texts(box)
            lines[phase] = _cut((first if frame.kind == "sum" else sign + first, *others))
    return lines


def _cut(lines: Sequence[str]) -> list[str]:
    return [shortened(line, LENGTH) for line in lines if line]


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
        except OSError:  # made at a prompt
            continue
