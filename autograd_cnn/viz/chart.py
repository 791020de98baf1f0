"""Curves over epochs, as SVG that takes its colours from the page."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

WIDTH: Final = 460
HEIGHT: Final = 250
LEFT: Final = 52
RIGHT: Final = 14
TOP: Final = 12
BOTTOM: Final = 38
MOST_DOTS: Final = 40
"""The most points that are marked on a curve."""


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers in equal steps from ``low`` to ``high``, about ``count`` of them.

    Examples
    --------
    >>> ticks(0.0, 2.3)
    [0.0, 0.5, 1.0, 1.5, 2.0]
    >>> ticks(0.91, 0.99)
    [0.92, 0.94, 0.96, 0.98]
    """
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((power * factor for factor in (1, 2, 5, 10)), key=lambda each: abs(each - rough))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


def curves(name: str, series: Mapping[str, Sequence[float]], first: int = 1) -> str:
    """Return a chart of some series over the same epochs.

    Parameters
    ----------
    name : str
        The label of the vertical axis.
    series : mapping of str to sequence of float
        Finite numbers, the same number in each series. The n-th series has the class ``curve-n``.
    first : int
        The first epoch.

    Returns
    -------
    str
        An ``<svg>`` element, without colours.
    """
    values = [value for each in series.values() for value in each]
    low, high = min(values), max(values)
    margin = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    low, high = low - margin, high + margin
    count = len(next(iter(series.values())))

    def x(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((epoch - first) / (count - 1) if count > 1 else 0.5)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    bottom = HEIGHT - BOTTOM
    parts = []
    for value in ticks(low, high):
        parts.append(f'<path class="grid" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="tick left" x="{LEFT - 7}" y="{y(value) + 4:.1f}">{value:g}</text>')
    parts += [
        f'<text class="tick" x="{x(epoch):.1f}" y="{bottom + 16}">{epoch}</text>' for epoch in _epochs(first, count)
    ]
    parts.append(f'<path class="axis" d="M{LEFT} {bottom}H{WIDTH - RIGHT}"/>')
    parts.append(f'<text class="tick" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">epoch</text>')
    for number, (label, each) in enumerate(series.items()):
        positions = [(x(first + i), y(value)) for i, value in enumerate(each)]
        line = "L".join(f"{across:.1f} {down:.1f}" for across, down in positions)
        parts.append(f'<path class="curve curve-{number}" d="M{line}"/>')
        if count <= MOST_DOTS:
            for i, (across, down) in enumerate(positions):
                title = f"{escape(label)}, epoch {first + i}: {each[i]:.4g}"
                parts.append(f'<circle class="dot-{number}" cx="{across:.1f}" cy="{down:.1f}" r="3">'
                             f"<title>{title}</title></circle>")  # fmt: skip
    says = "; ".join(f"{label}, {each[0]:.4g} to {each[-1]:.4g}" for label, each in series.items())
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(f"{name}: {says}")}">{"".join(parts)}</svg>'


def _epochs(first: int, count: int) -> Iterator[int]:
    """Yield about eight epochs to label below the axis."""
    step = max(1, math.ceil(count / 8))
    yield from range(first, first + count, step)


def spark(values: Sequence[float], low: float, high: float) -> str:
    """Return a small curve without axes, from ``low`` at the bottom to ``high`` at the top.

    Examples
    --------
    >>> spark([0.0, 1.0], 0.0, 1.0)
    '<svg class="spark" viewBox="0 0 120 24" aria-hidden="true"><path class="curve curve-1" d="M2.0 22.0L118.0 2.0"/></svg>'
    """
    step = 116 / max(len(values) - 1, 1)
    scale = 20 / ((high - low) or 1.0)
    points = [f"{2 + number * step:.1f} {22 - (value - low) * scale:.1f}" for number, value in enumerate(values)]
    path = "L".join(points if len(points) > 1 else [points[0], f"118.0 {points[0].split()[1]}"])
    return f'<svg class="spark" viewBox="0 0 120 24" aria-hidden="true"><path class="curve curve-1" d="M{path}"/></svg>'
