"""Colours, shapes and scales of a drawing.

The hues are those of Okabe and Ito (2008), which people with any common kind of colour blindness can tell apart; shapes
repeat the information. Quantities use the sequential scale "YlOrBr" (Brewer 2003) on a logarithmic axis.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Theme: TypeAlias = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Look:
    """The look of one kind of box."""

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
    """The line around modules."""
    faint: str
    """The colour of secondary elements."""
    module: str
    """The background of modules."""
    problem: Look
    """Replaces the colours of a kind if something is wrong."""
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
            "failure": ("#fde3e3", "#b3001b"),
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
            "failure": ("#4d1318", "#ff8080"),
        }),
    ),
}  # fmt: skip

# --- quantities -------------------------------------------------------------------------------

SCALE: Final = (
    ("#ffffe5", "#1a1a1a"), ("#fee391", "#1a1a1a"), ("#fe9929", "#1a1a1a"), ("#cc4c02", "#ffffff"),
    ("#8c2d04", "#ffffff"),
)  # fmt: skip
"""Fills from nothing to most, each with a text colour that is readable on it."""

CHANGES: Final = {
    "same": ("", ""), "changed": ("#fbe6bd", "#1a1a1a"), "added": ("#9fdcc8", "#1a1a1a"),
    "removed": ("#f4b3a1", "#1a1a1a"),
}  # fmt: skip
"""Fills for differences between two graphs; unchanged boxes have the background's colours."""

SHADES: Final = (*SCALE, *CHANGES.values())
"""All fills of quantities; those of differences come after the scale."""


def shade(step: int, palette: Palette) -> tuple[str, str]:
    """Return the fill, and the text colour on it, of a step of `SHADES`."""
    fill, ink = SHADES[step]
    return fill or palette.paper, ink or palette.ink


PARTS: Final = len(SCALE) - 1

PREFIXES: Final = ("n", "µ", "m", "", "k", "M", "G", "T", "P")


def quantity_text(value: float, unit: str = "") -> str:
    """Format a quantity with three digits and, if it is large, a prefix; seconds have small ones, too.

    Examples
    --------
    >>> quantity_text(1881600, "FLOP"), quantity_text(512, "B"), quantity_text(0.000123), quantity_text(0.000123, "s")
    ('1.88 MFLOP', '512 B', '0.000123', '123 µs')
    """
    smallest = -3 if unit == "s" else 0
    rounded = float(f"{value:.3g}")  # 999.9 kB are 1 MB
    power = max(smallest, min(math.floor(math.log10(rounded) / 3), 5)) if value > 0 else 0
    return f"{value / 1000.0**power:.3g} {PREFIXES[power + 3]}{unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Scale:
    """The colours above the lightest, which stands for 0: each covers values up to the next of the ends.

    Attributes
    ----------
    ends : tuple of float
        From the smallest positive value on; a single one, or none, if there are no others.
    """

    ends: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float | None]) -> "Scale":
        """Divide the range from the smallest positive value to the largest into equal factors."""
        positive = _positive(values)
        if not positive:
            return cls(())
        low, high = min(positive), max(positive)
        return cls(tuple(low * (high / low) ** (i / PARTS) for i in range(PARTS + 1)) if low < high else (high,))

    @classmethod
    def decades(cls, values: Iterable[float | None]) -> "Scale":
        """Use whole powers of ten, so that insignificant differences do not show."""
        positive = _positive(values)
        if not positive:
            return cls(())
        low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
        step = max(1, math.ceil((high - low) / PARTS))
        low = min(low - (PARTS * step - (high - low)) // 2, 308 - PARTS * step)  # floats end there
        return cls(tuple(10.0 ** (low + step * i) for i in range(PARTS + 1)))

    def step(self, value: float) -> int:
        """Return the index of a value's colour."""
        if value <= 0 or not self.ends:
            return 0
        return min(1 + bisect_right(self.ends[1:], value), PARTS) if len(self.ends) > 1 else PARTS

    def height(self, value: float) -> float:
        """Return the position of a value on the scale, from 0 at its beginning to 1 at its end."""
        if value <= 0 or len(self.ends) < 2:
            return float(value > 0)
        low, high = self.ends[0], self.ends[-1]
        share = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low)) if low else value / high
        return min(max(share, 0.0), 1.0)

    def steps(self) -> Iterator[tuple[float, float, int]]:
        """Yield the range of each colour above the lightest."""
        for low, high in zip(self.ends, self.ends[1:] or self.ends, strict=False):
            yield low, high, self.step(low) if low else 1


def _positive(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and value > 0]
