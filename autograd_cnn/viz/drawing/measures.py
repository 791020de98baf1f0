"""The quantities by which a graph can be coloured: one table, for drawings and for the page."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from autograd_cnn.graph.nodes import Edge, GraphNode
from autograd_cnn.viz.drawing.fold import Box
from autograd_cnn.viz.drawing.style import Scale, quantity_text

Quantity: TypeAlias = Literal["grad", "bytes", "flops", "time", "nan", "dead"]

NOT_FINITE: Final = ("", "not finite", "first not finite")
"""What is said of a box by the largest of its values in `_not_finite`."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity by which boxes are coloured.

    Attributes
    ----------
    of : callable
        The quantity of a box to which it applies, or None where it is not known.
    applies : callable
    title, unit : str
    prefix : str
        What stands before a number in a box.
    absent : str
        What is said of a box that it applies to, but for which it is not known.
    scale : callable
        The scale for some quantities.
    words : tuple of str
        What is written in place of the numbers 0, 1, 2, …, if they only stand for words.
    """

    of: Callable[[Box], float | None]
    applies: Callable[[Box], bool]
    title: str
    unit: str = ""
    prefix: str = ""
    absent: str = "not known"
    scale: Callable[[Iterable[float | None]], Scale] = Scale.of
    words: tuple[str, ...] = ()

    def text(self, value: float) -> str:
        """Write a quantity as it stands in a box."""
        return self.words[int(value)] if self.words else f"{self.prefix}{quantity_text(value, self.unit)}"


class Coloring:
    """The boxes of a drawing or a page, coloured by a quantity.

    Parameters
    ----------
    measure : Measure
    boxes : iterable of Box
        All that are shown, or may be.
    """

    def __init__(self, measure: Measure, boxes: Iterable[Box]) -> None:
        self.measure = measure
        self._values = [measure.of(box) for box in boxes if measure.applies(box)]
        self._scale = measure.scale(self._values)

    @property
    def is_known(self) -> bool:
        """Whether the quantity is known of any box."""
        return any(value is not None for value in self._values)

    def step(self, value: float | None) -> int | None:
        """Return which of the colours of `autograd_cnn.viz.drawing.style.SCALE` a quantity has; None if it is not known."""
        return None if value is None else self._scale.step(value)

    def text(self, box: Box) -> str:
        """Return what a box says of its quantity; empty where there is nothing to say."""
        if not self.measure.applies(box):
            return ""
        value = self.measure.of(box)
        return self.measure.absent if value is None else self.measure.text(value)

    def legend(self) -> Iterator[tuple[str, int | None]]:
        """Yield what the colours mean that are used, from the lightest to the darkest; None stands for what is not known."""
        words, unit = self.measure.words, self.measure.unit
        used = {self.step(value) for value in self._values}
        if 0 in used:
            yield ("finite" if words else f"0 {unit}".rstrip()), 0
        for low, high, step in self._scale.steps():
            if step in used:
                ends = dict.fromkeys(quantity_text(end, unit) for end in (low, high))
                yield (words[int(low)] if words else " to ".join(ends)), step
        if None in used:
            yield self.measure.absent, None


def measures(nodes: Sequence[GraphNode], edges: Iterable[Edge]) -> dict[Quantity, Measure]:
    """Return the table of all quantities for the boxes of a graph."""
    first = first_not_finite(nodes, edges)

    def not_finite(box: Box) -> float | None:
        return _most(
            None if node.value is None else (node.value.bad > 0) * (1 + (node.id in first)) for node in box.members
        )

    return {
        "grad": Measure(_grad, _has_grad, "gradient norm", "", "grad ", "not computed", Scale.decades),
        "bytes": Measure(_bytes, _saves, "saved for the backward pass", "B", "saved ", "freed"),
        "flops": Measure(_flops, _computes, "arithmetic", "FLOP", "", "not counted"),
        "time": Measure(_time, _takes_time, "time", "s", "", "not timed"),
        "nan": Measure(
            not_finite, _holds, "NaN and infinity", words=NOT_FINITE, scale=lambda _: Scale((1.0, 2.0, 3.0))
        ),
        "dead": Measure(
            _dead,
            _has_units,
            "dead units of this batch",
            "%",
            "dead ",
            scale=lambda _: Scale((0.0, 25.0, 50.0, 75.0, 100.0)),
        ),
    }


def first_not_finite(nodes: Iterable[GraphNode], edges: Iterable[Edge]) -> frozenset[str]:
    """Return the ids of the nodes whose value has NaN or infinity though those of its operands have not.

    An operand whose value is not known counts as finite.
    """
    bad = {node.id for node in nodes if node.value is not None and node.value.bad}
    return frozenset(bad - {edge.target for edge in edges if edge.source in bad})


# --- what each quantity is of a box -----------------------------------------------------------


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _total(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return math.fsum(known) if known else None


def _most(values: Iterable[float | None]) -> float | None:
    return max(_known(values), default=None)


def _computes(box: Box) -> bool:
    return not box.stub and any(node.kind == "operation" for node in box.members)


def _holds(box: Box) -> bool:
    return not box.stub and any(node.kind not in ("failure", "constant") for node in box.members)


def _grad(box: Box) -> float | None:
    """Return the gradient's norm; a module's is that of all its parameters together."""
    if box.module:
        norms = _known(_norm(node) for node in box.members if node.kind in ("parameter", "gradient"))
        return math.hypot(*norms) if norms else None
    return _norm(box.node)


def _norm(node: GraphNode) -> float | None:
    summary = node.value if node.kind == "gradient" else node.grad
    return None if summary is None else summary.norm


def _has_grad(box: Box) -> bool:
    if box.module:
        return any(node.kind in ("parameter", "gradient") for node in box.members)
    return box.node.kind in ("parameter", "gradient") or (box.node.kind == "operation" and box.phase == "forward")


def _bytes(box: Box) -> float | None:
    return _total(node.saved_bytes for node in box.members)


def _saves(box: Box) -> bool:
    return _computes(box) and box.phase == "forward"


def _flops(box: Box) -> float | None:
    return _total(node.flops for node in box.members)


def _time(box: Box) -> float | None:
    return _total(node.time for node in box.members)


def _takes_time(box: Box) -> bool:
    return _computes(box) or (not box.stub and _time(box) is not None)


def _dead(box: Box) -> float | None:
    """Return the percentage of the units that are dead; of a module's operations, of that with the most."""
    return _most(100 * len(node.units.dead) / node.units.count for node in box.members if node.units)


def _has_units(box: Box) -> bool:
    return not box.stub and any(node.units for node in box.members)
