"""The quantities by which a graph can be coloured: one table, for drawings and for the page."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from autograd_cnn.graph.nodes import Edge, GraphNode
from autograd_cnn.viz.drawing.box import Box
from autograd_cnn.viz.drawing.style import CHANGES, SCALE, Scale, quantity_text

Quantity: TypeAlias = Literal["grad", "bytes", "flops", "time", "nan", "dead", "change"]


@dataclass(frozen=True, slots=True)
class Words:
    """A scale of numbers that stand for words: each has its colour.

    Attributes
    ----------
    words : tuple of str
        The words for 0, 1, 2, …
    steps : tuple of int
        Their colours.
    """

    words: tuple[str, ...]
    colors: tuple[int, ...]

    def step(self, value: float) -> int:
        """Return the colour of a number."""
        return self.colors[int(value)]

    def height(self, value: float) -> float:  # noqa: ARG002  # as of a `Scale`
        """Return 1, because words are neither high nor low."""
        return 1.0


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity by which boxes are coloured.

    Attributes
    ----------
    of : callable
        Returns the quantity of a box to which it applies, or None if it is unknown.
    applies : callable
    title, unit : str
    prefix : str
        The text before a number in a box.
    absent : str
        The text for a box to which it applies, but for which it is unknown.
    scale : callable
        Returns the scale for given quantities.
    """

    of: Callable[[Box], float | None]
    applies: Callable[[Box], bool]
    title: str
    unit: str = ""
    prefix: str = ""
    absent: str = "not known"
    scale: Callable[[Iterable[float | None]], Scale | Words] = Scale.of


class Coloring:
    """The boxes of a drawing or a page, coloured by a quantity.

    Parameters
    ----------
    measure : Measure
    boxes : iterable of Box
        All boxes that are or may be shown.
    """

    def __init__(self, measure: Measure, boxes: Iterable[Box]) -> None:
        self.measure = measure
        self._values = [measure.of(box) for box in boxes if measure.applies(box)]
        self._scale = measure.scale(self._values)

    @property
    def is_known(self) -> bool:
        """Whether the quantity is known for any box."""
        return any(value is not None for value in self._values)

    def step(self, value: float | None) -> int | None:
        """Return the index in `autograd_cnn.viz.drawing.style.SHADES` for a quantity; None if it is unknown."""
        return None if value is None else self._scale.step(value)

    def height(self, value: float) -> float:
        """Return the position of a quantity on the scale, from 0 to 1."""
        return self._scale.height(value)

    def text(self, box: Box) -> str:
        """Return the text for a box's quantity; empty if there is none."""
        if not self.measure.applies(box):
            return ""
        value = self.measure.of(box)
        if value is None:
            return self.measure.absent
        if isinstance(self._scale, Words):
            return self._scale.words[int(value)] if value else ""
        return f"{self.measure.prefix}{quantity_text(value, self.measure.unit)}"

    def legend(self) -> Iterator[tuple[str, int | None]]:
        """Yield the meanings of the colours in use, from the lightest to the darkest; None stands for unknown quantities."""
        unit = self.measure.unit
        used = {self.step(value) for value in self._values}
        if isinstance(self._scale, Words):
            yield from (each for each in zip(self._scale.words, self._scale.colors, strict=True) if each[1] in used)
        else:
            if 0 in used:
                yield f"0 {unit}".rstrip(), 0
            for low, high, step in self._scale.steps():
                if step in used:
                    yield " to ".join(dict.fromkeys(quantity_text(end, unit) for end in (low, high))), step
        if None in used:
            yield self.measure.absent, None


QUARTERS: Final = (0.0, 25.0, 50.0, 75.0, 100.0)
NOT_FINITE: Final = Words(("finite", "not finite", "first not finite"), (0, 2, 4))
CHANGED: Final = Words(tuple(CHANGES), tuple(range(len(SCALE), len(SCALE) + len(CHANGES))))


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
        "nan": Measure(not_finite, _holds, "NaN and infinity", scale=lambda _: NOT_FINITE),
        "dead": Measure(_dead, _has_units, "dead units of this batch", "%", "dead ", scale=lambda _: Scale(QUARTERS)),
        "change": Measure(_change, _is_compared, "what has changed", scale=lambda _: CHANGED),
    }


def first_not_finite(nodes: Iterable[GraphNode], edges: Iterable[Edge]) -> frozenset[str]:
    """Return the ids of the nodes whose value has NaN or infinity although their operands' values have not.

    An operand with an unknown value counts as finite.
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
    return any(node.kind == "operation" for node in box.members)


def _holds(box: Box) -> bool:
    return any(node.kind not in ("failure", "constant") for node in box.members)


def _grad(box: Box) -> float | None:
    """Return the gradient's norm; for a module, the norm over all its parameters together."""
    if box.frame:
        norms = _known(_norm(node) for node in box.members if node.kind in ("parameter", "gradient"))
        return math.hypot(*norms) if norms else None
    return _norm(box.node)


def _norm(node: GraphNode) -> float | None:
    """Return the norm of a value's gradient; a node of the backward pass is itself a gradient."""
    summary = node.value if node.phase == "backward" else node.grad
    return None if summary is None else summary.norm


def _has_grad(box: Box) -> bool:
    if box.frame:
        return any(node.kind in ("parameter", "gradient") for node in box.members)
    return box.node.kind in ("parameter", "gradient", "operation")


def _bytes(box: Box) -> float | None:
    return _total(node.saved_bytes for node in box.members)


def _saves(box: Box) -> bool:
    return _computes(box) and box.phase == "forward"


def _flops(box: Box) -> float | None:
    return _total(node.flops for node in box.members)


def _time(box: Box) -> float | None:
    return _total(node.time for node in box.members)


def _takes_time(box: Box) -> bool:
    return _computes(box) or _time(box) is not None


def _dead(box: Box) -> float | None:
    """Return the percentage of dead units; for a module, that of its operation with the most."""
    return _most(100 * len(node.units.dead) / node.units.count for node in box.members if node.units)


def _has_units(box: Box) -> bool:
    return any(node.units for node in box.members)


def _change(box: Box) -> float | None:
    """Return the common change of all nodes; if they differ, the module has changed."""
    found = {node.change for node in box.members if node.change is not None}
    return float(CHANGED.words.index(found.pop() if len(found) == 1 else "changed")) if found else None


def _is_compared(box: Box) -> bool:
    return _change(box) is not None
