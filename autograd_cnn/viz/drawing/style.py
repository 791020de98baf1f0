"""Colours, shapes and scales of a drawing.

The hues are those of Okabe and Ito (2008), which people with any common kind of colour blindness
can tell apart; shapes say the same once more. Quantities run through the sequential scale
"YlOrBr" (Brewer 2003) on a logarithmic axis.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from autograd_cnn.viz.drawing.fold import Box

Theme: TypeAlias = Literal["light", "dark"]
Quantity: TypeAlias = Literal["grad", "bytes", "flops"]


@dataclass(frozen=True, slots=True)
class Look:
    """How one kind of box is drawn."""

    shape: str
    style: str
    fill: str
    line: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme."""

    paper: str
    ink: str
    frame: str
    """Around modules."""
    faint: str
    """Of what is there, but is not the matter."""
    module: str
    """The background of modules."""
    problem: Look
    """Replaces the colours of a kind where something is wrong."""
    kinds: dict[str, Look]


_SHAPES: Final = {
    "operation": ("box", "filled,rounded", "operation"),
    "backward": ("box", "filled,rounded", "operation of the backward pass"),
    "failure": ("box", "filled,rounded,bold", "call that failed"),
    "module": ("box", "filled,rounded,bold", "module, folded"),
    "parameter": ("box", "filled", "parameter"),
    "input": ("ellipse", "filled", "input"),
    "constant": ("ellipse", "filled", "constant"),
    "output": ("ellipse", "filled", "output"),
    "gradient": ("box", "filled", "gradient of a parameter"),
    "stub": ("plaintext", "", "value from the forward pass"),
}


def _looks(colors: dict[str, tuple[str, str]]) -> dict[str, Look]:
    return {kind: Look(shape, style, *colors[kind], meaning) for kind, (shape, style, meaning) in _SHAPES.items()}


def _problem(fill: str, line: str) -> Look:
    return Look("box", "filled,bold", fill, line, "problem")


PALETTES: Final[dict[Theme, Palette]] = {
    "light": Palette(
        paper="#ffffff", ink="#1a1a1a", frame="#c9ced6", faint="#6b6b6b", module="#f5f6f8",
        problem=_problem("#fde3e3", "#b3001b"),
        kinds=_looks({
            "operation": ("#d6ecfa", "#0072b2"), "backward": ("#f6e3ee", "#a8437c"),
            "parameter": ("#fbe6bd", "#b87400"), "input": ("#cdeee3", "#007a59"),
            "constant": ("#ececec", "#767676"), "output": ("#fbf6b8", "#8f8600"),
            "gradient": ("#fad9c4", "#c24e00"), "module": ("#d6ecfa", "#0072b2"),
            "failure": ("#fde3e3", "#b3001b"), "stub": ("#ffffff", "#ffffff"),
        }),
    ),
    "dark": Palette(
        paper="#14171c", ink="#f2f2f2", frame="#3d4450", faint="#a4abb5", module="#1c2027",
        problem=_problem("#4d1318", "#ff8080"),
        kinds=_looks({
            "operation": ("#0f3a57", "#56b4e9"), "backward": ("#4a2239", "#cc79a7"),
            "parameter": ("#4f3700", "#e69f00"), "input": ("#00402f", "#00b386"),
            "constant": ("#33373d", "#a0a0a0"), "output": ("#4a4600", "#f0e442"),
            "gradient": ("#5a2400", "#ff7f2a"), "module": ("#0f3a57", "#56b4e9"),
            "failure": ("#4d1318", "#ff8080"), "stub": ("#14171c", "#14171c"),
        }),
    ),
}  # fmt: skip

# --- quantities -------------------------------------------------------------------------------

SCALE: Final = (
    ("#ffffe5", "#1a1a1a"), ("#fee391", "#1a1a1a"), ("#fe9929", "#1a1a1a"), ("#cc4c02", "#ffffff"),
    ("#8c2d04", "#ffffff"),
)  # fmt: skip
"""Fills from nothing to most, each with the text colour that is readable on it."""


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _grad(box: Box) -> float | None:
    """Return the gradient's norm; a module's is that of all its parameters together."""
    if box.module:
        grads = [node.grad for node in box.members if node.kind == "parameter"]
        norms = _known(None if grad is None else grad.norm for grad in grads)
        return math.hypot(*norms) if norms else None
    summary = box.node.value if box.node.kind == "gradient" else box.node.grad
    return None if summary is None else summary.norm


def _has_grad(box: Box) -> bool:
    if box.module:
        return any(node.kind == "parameter" for node in box.members)
    return box.node.kind in ("parameter", "gradient") or (box.node.kind == "operation" and box.phase == "forward")


def _bytes(box: Box) -> float | None:
    known = _known(node.saved_bytes for node in box.members)
    return math.fsum(known) if known else None


def _saves(box: Box) -> bool:
    return _computes(box) and box.phase == "forward"


def _flops(box: Box) -> float | None:
    known = _known(node.flops for node in box.members)
    return math.fsum(known) if known else None


def _computes(box: Box) -> bool:
    return not box.stub and any(node.kind == "operation" for node in box.members)


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity by which boxes are coloured."""

    of: Callable[[Box], float | None]
    applies: Callable[[Box], bool]
    title: str
    prefix: str
    unit: str
    absent: str
    """What is said of a box that it applies to, but for which it is not known."""


MEASURES: Final[dict[Quantity, Measure]] = {
    "grad": Measure(_grad, _has_grad, "gradient norm", "grad ", "", "not computed"),
    "bytes": Measure(_bytes, _saves, "saved for the backward pass", "saved ", "B", "freed"),
    "flops": Measure(_flops, _computes, "arithmetic", "", "FLOP", "not counted"),
}


def quantity_text(value: float, unit: str = "") -> str:
    """Write a quantity with three digits and, where it is large, a prefix.

    Examples
    --------
    >>> quantity_text(1881600, "FLOP"), quantity_text(512, "B"), quantity_text(0.000123)
    ('1.88 MFLOP', '512 B', '0.000123')
    """
    power = 0 if value < 1000 else min(int(math.log10(value)) // 3, 5)
    return f"{value / 1000**power:.3g} {['', 'k', 'M', 'G', 'T', 'P'][power]}{unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Scale:
    """A logarithmic scale from the least positive value to the greatest."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> "Scale":
        """Span the positive values; without any, nothing but 0 is on the scale."""
        positive = [value for value in _known(values) if value > 0]
        return cls(min(positive, default=0.0), max(positive, default=0.0))

    def step(self, value: float) -> int:
        """Return which of the colours a value has; 0 has the lightest."""
        if value <= 0 or self.low == self.high:
            return 0 if value <= 0 else len(SCALE) - 1
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return 1 + min(int(share * (len(SCALE) - 1)), len(SCALE) - 2)

    def colors(self, value: float) -> tuple[str, str]:
        """Return the fill and, readable on it, the text colour."""
        return SCALE[self.step(value)]

    def steps(self) -> Iterator[tuple[float, float, tuple[str, str]]]:
        """Yield from where to where each colour above the lightest reaches."""
        if self.low == self.high:
            if self.high:
                yield self.low, self.high, SCALE[-1]
            return
        parts = len(SCALE) - 1
        ends = [self.low * (self.high / self.low) ** (i / parts) for i in range(parts + 1)]
        yield from zip(ends, ends[1:], SCALE[1:], strict=False)
