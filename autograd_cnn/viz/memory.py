"""A picture of a plan's arena: the memory of its compiled loops over time."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from autograd_cnn.files import AnyPath, write
from autograd_cnn.plans.memory import Lifetime
from autograd_cnn.viz.chart import ticks

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, KEY = 960, 520, 70, 12, 44, 190
COLORS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6bb1")
"""The colours of the calls whose results take the most memory in total (Okabe & Ito 2008); all others are gray."""
GRAY: Final = "#9aa1ab"
LETTER: Final = 7.2  # pixels across


def render(lifetimes: Sequence[Lifetime], path: AnyPath) -> Path:
    """Draw the lifetimes of arrays into an SVG file.

    Raises
    ------
    ArgumentError
        If the name does not end in ``.svg``.
    OSError
        If the file can't be written.
    """
    return write("render_memory", path, ".svg", svg(lifetimes))


def svg(lifetimes: Sequence[Lifetime]) -> str:
    """Return the picture: loops from left to right, bytes from the bottom up.

    Examples
    --------
    >>> svg([Lifetime("relu", 0, 3, 0, 64)]).count("<rect")
    3
    """
    loops = 1 + max((each.last for each in lifetimes), default=0)
    size = max((each.start + each.nbytes for each in lifetimes), default=1)
    bottom, right = HEIGHT - BOTTOM, WIDTH - KEY
    total: Counter[str] = Counter()
    for each in lifetimes:
        total[each.name] += each.nbytes
    colors = dict(zip([name for name, _ in total.most_common(len(COLORS))], COLORS, strict=False))

    def x(loop: float) -> float:
        return LEFT + (right - LEFT) * loop / loops

    def y(byte: float) -> float:
        return bottom - (bottom - TOP) * byte / size

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>']
    unit, name = next((unit, name) for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB"), (1, "bytes")) if size >= unit)
    for value in ticks(0, size / unit):
        parts.append(f'<path d="M{LEFT} {y(value * unit):.1f}H{right}" stroke="#e3e6eb"/>')
        parts.append(f'<text x="{LEFT - 7}" y="{y(value * unit) + 4:.1f}" text-anchor="end">{value:g}</text>')
    parts += [
        f'<text x="{x(value):.1f}" y="{bottom + 17}" text-anchor="middle">{value:g}</text>' for value in ticks(0, loops)
    ]
    parts.append(
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">compiled loops, in their order</text>'
    )
    parts.append(
        f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 {HEIGHT / 2})">{name}</text>'
    )
    for each in lifetimes:
        across, down = x(each.first), y(each.start + each.nbytes)
        width, height = x(each.last + 1) - across, y(each.start) - down
        title = f"{each.name}: {each.nbytes:,} bytes, loops {each.first} to {each.last}"
        parts.append(
            f'<rect x="{across:.1f}" y="{down:.1f}" width="{width:.1f}" height="{height:.1f}" stroke="#ffffff" '
            f'fill="{colors.get(each.name, GRAY)}" fill-opacity="0.85"><title>{escape(title)}</title></rect>'
        )
        if height > 12 and width > LETTER * len(each.name):
            parts.append(f'<text x="{across + 4:.1f}" y="{down + 12:.1f}" fill="#ffffff">{escape(each.name)}</text>')
    for number, (name, color) in enumerate(
        [*colors.items(), *([("others", GRAY)] if len(total) > len(colors) else [])]
    ):
        parts.append(f'<rect x="{right + 14}" y="{TOP + 20 * number}" width="12" height="12" fill="{color}"/>')
        parts.append(f'<text x="{right + 32}" y="{TOP + 10 + 20 * number}">{escape(name)}</text>')
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="Helvetica,Arial,sans-serif" '
        f'font-size="12" fill="#3b414b" role="img" aria-label="the memory of a plan over time">\n{body}\n</svg>\n'
    )
