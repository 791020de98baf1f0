"""Colours, shapes and scales of a drawing.

The hues are those of Okabe and Ito (2008), which people with any common kind of colour blindness
can tell apart; shapes say the same once more. Quantities run through the sequential scale
"YlOrBr" (Brewer 2003) on a logarithmic axis.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from autograd_cnn.graph.fold import Box

Theme: TypeAlias = Literal["light", "dark"]
Quantity: TypeAlias = Literal["grad", "bytes", "flops"]


@dataclass(frozen=True, slots=True)
class Look:
    """How one kind of box is drawn."""

    shape: str
    fill: str
    line: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme."""

    paper: str
    ink: str
    faint: str
    """Of what is there, but is not the matter."""
    module: str
    """The background of modules."""
    kinds: dict[str, Look]


_MEANINGS: Final = {
    "operation": ("box", "operation"),
    "backward": ("box", "operation of the backward pass"),
    "parameter": ("box", "parameter"),
    "input": ("ellipse", "input"),
    "constant": ("ellipse", "constant"),
    "output": ("ellipse", "output"),
    "gradient": ("box", "gradient of a parameter"),
    "module": ("box3d", "folded module"),
}


def _looks(colors: dict[str, tuple[str, str]]) -> dict[str, Look]:
    return {kind: Look(shape, *colors[kind], meaning) for kind, (shape, meaning) in _MEANINGS.items()}


PALETTES: Final[dict[Theme, Palette]] = {
    "light": Palette(
        paper="#ffffff", ink="#1a1a1a", faint="#8a8a8a", module="#f5f6f8",
        kinds=_looks({
            "operation": ("#d6ecfa", "#0072b2"), "backward": ("#f6e3ee", "#a8437c"),
            "parameter": ("#fbe6bd", "#b87400"), "input": ("#cdeee3", "#007a59"),
            "constant": ("#ececec", "#767676"), "output": ("#fbf6b8", "#8f8600"),
            "gradient": ("#fad9c4", "#c24e00"), "module": ("#e4e9f2", "#44546a"),
        }),
    ),
    "dark": Palette(
        paper="#14171c", ink="#f2f2f2", faint="#8f96a0", module="#1c2027",
        kinds=_looks({
            "operation": ("#0f3a57", "#56b4e9"), "backward": ("#4a2239", "#cc79a7"),
            "parameter": ("#4f3700", "#e69f00"), "input": ("#00402f", "#00b386"),
            "constant": ("#33373d", "#a0a0a0"), "output": ("#4a4600", "#f0e442"),
            "gradient": ("#5a2400", "#ff7f2a"), "module": ("#2a3140", "#9fb0c8"),
        }),
    ),
}  # fmt: skip

# --- quantities -------------------------------------------------------------------------------

SCALE: Final = ("#ffffe5", "#fee391", "#fe9929", "#cc4c02", "#8c2d04")
_ON_SCALE: Final = ("#1a1a1a", "#1a1a1a", "#1a1a1a", "#ffffff", "#ffffff")


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


def _bytes(box: Box) -> float | None:
    known = _known(node.saved_bytes for node in box.members)
    return math.fsum(known) if known else None


def _flops(box: Box) -> float | None:
    known = _known(node.flops for node in box.members)
    return math.fsum(known) if known else None


QUANTITIES: Final[dict[Quantity, tuple[Callable[[Box], float | None], str, str]]] = {
    "grad": (_grad, "gradient norm", ""),
    "bytes": (_bytes, "saved", "B"),
    "flops": (_flops, "operations", "FLOP"),
}
"""How each is measured, what it is called, and its unit."""


def quantity_text(value: float, unit: str) -> str:
    """Write a quantity with three digits, and with a prefix where it has a unit.

    Examples
    --------
    >>> quantity_text(1881600, "FLOP"), quantity_text(512, "B"), quantity_text(0.000123, "")
    ('1.88 MFLOP', '512 B', '0.000123')
    """
    if not unit:
        return f"{value:.3g}"
    power = 0 if value < 1000 else min(int(math.log10(value)) // 3, 5)
    return f"{value / 1000**power:.3g} {['', 'k', 'M', 'G', 'T', 'P'][power]}{unit}"


@dataclass(frozen=True, slots=True)
class Scale:
    """A logarithmic scale from the least positive value to the greatest."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> "Scale":
        """Span the positive values; without any, a scale that nothing but 0 is on."""
        positive = [value for value in _known(values) if value > 0]
        return cls(min(positive, default=1.0), max(positive, default=1.0))

    def step(self, value: float) -> int:
        """Return which of the colours a value has; 0 has the lightest."""
        if value <= 0 or self.low == self.high:
            return 0 if value <= 0 else len(SCALE) - 1
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return 1 + min(int(share * (len(SCALE) - 1)), len(SCALE) - 2)

    def colors(self, value: float) -> tuple[str, str]:
        """Return the fill and, readable on it, the text colour."""
        step = self.step(value)
        return SCALE[step], _ON_SCALE[step]

    def bounds(self) -> list[float]:
        """Return where each colour above the lightest begins, and where the last one ends."""
        parts = len(SCALE) - 1
        return [self.low * (self.high / self.low) ** (i / parts) for i in range(parts + 1)]
