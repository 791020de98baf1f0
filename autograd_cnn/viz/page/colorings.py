"""The quantities by which a page can be coloured, with the colour of each box; the page only chooses among them."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from autograd_cnn.graph.nodes import Edge, GraphNode
from autograd_cnn.viz.drawing.box import Box, Boxes
from autograd_cnn.viz.drawing.measures import Coloring, Quantity, measures
from autograd_cnn.viz.page.columns import column, columns

BARS: Final = 200
"""The most bars of a profile over depth; with more nodes, a bar stands for several, with the height of the highest."""

NOT_MEANT: Final = "none"
"""The shade of a box that a quantity does not apply to."""

NOT_KNOWN: Final = "unknown"


def colorings(
    nodes: Sequence[GraphNode], edges: Iterable[Edge], boxes: Boxes, first: Quantity | None = None
) -> list[dict[str, Any]]:
    """Return the data that the page needs for each quantity that is known for any box.

    Parameters
    ----------
    nodes, edges
        The graph's.
    boxes : Boxes
    first : str, optional
        The initial quantity; by default the changes, if two graphs were compared.
    """
    all_boxes = [*boxes.nodes, *(half for halves in boxes.frames[1:] for half in halves.values())]
    found = []
    for name, measure in measures(nodes, edges).items():
        coloring = Coloring(measure, all_boxes)
        if coloring.is_known:
            found.append({
                "name": name,
                "title": measure.title,
                "first": name == (first or "change"),
                "legend": [(text, _shade(step)) for text, step in coloring.legend()],
                "nodes": column([_told(coloring, box) for box in boxes.nodes]),
                "frames": columns([{phase: _told(coloring, half) for phase, half in halves.items()} for halves in boxes.frames]),
                "depth": list(_depth(coloring, boxes.nodes)),
            })  # fmt: skip
    return found


def _told(coloring: Coloring, box: Box) -> tuple[str, str]:
    """Return the shade of a box and its text."""
    if not coloring.measure.applies(box):
        return NOT_MEANT, ""
    return _shade(coloring.step(coloring.measure.of(box))), coloring.text(box)


def _shade(step: int | None) -> str:
    return NOT_KNOWN if step is None else str(step)


def _depth(coloring: Coloring, boxes: Sequence[Box]) -> Iterator[tuple[int, float]]:
    """Yield each forward node's index and its position on the scale, in the order of the computation."""
    bars = []
    for position, box in enumerate(boxes):
        value = coloring.measure.of(box) if box.phase == "forward" and coloring.measure.applies(box) else None
        if value is not None:
            bars.append((position, round(coloring.height(value), 3)))
    length = math.ceil(len(bars) / BARS)
    for start in range(0, len(bars), max(length, 1)):
        yield max(bars[start : start + length], key=lambda bar: bar[1])
