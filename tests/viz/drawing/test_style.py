"""Colours and scales."""

from dataclasses import astuple

import pytest
from tables import for_each

from autograd_cnn.viz.drawing.style import PALETTES, SHADES, Scale, quantity_text, shade


def _luminance(color):
    """Return the relative luminance of WCAG 2."""
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one, other):
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", PALETTES)
def test_text_is_readable_on_every_fill(theme):
    palette = PALETTES[theme]
    assert all(_contrast(look.fill, palette.ink) >= 7 for look in (*palette.kinds.values(), palette.problem))
    assert _contrast(palette.paper, palette.faint) >= 4.5
    assert _contrast(palette.module, palette.faint) >= 4.5


@pytest.mark.parametrize(("fill", "ink"), [shade(step, PALETTES["light"]) for step in range(len(SHADES))])
def test_text_is_readable_on_the_scale(fill, ink):
    assert _contrast(fill, ink) >= 4.5


@pytest.mark.parametrize("theme", PALETTES)
def test_no_two_kinds_look_alike(theme):
    looks = [astuple(look)[:-1] for name, look in PALETTES[theme].kinds.items()]
    assert len(set(looks)) == len(looks)


@for_each(
    "scale, values, steps, ends",
    [
        (Scale.of([1.0, None, 0.0, 10_000.0, 50.0]), [0.0, 1.0, 9.9, 10.1, 999.0, 1001.0, 1e4], [0, 1, 1, 2, 3, 4, 4],
         [(1, 10, 1), (10, 100, 2), (100, 1000, 3), (1000, 10_000, 4)]),
        (Scale.of([3.0, 3.0]), [0.0, 3.0], [0, 4], [(3, 3, 4)]),
        (Scale.of([None, 0.0]), [0.0], [0], []),
        (Scale.decades([0.2, 0.7]), [0.01, 0.1, 0.99, 1.1], [1, 2, 2, 3],
         [(0.01, 0.1, 1), (0.1, 1, 2), (1, 10, 3), (10, 100, 4)]),
        (Scale.decades([1e-7, 3.0]), [1e-7, 1e-5, 1e-3, 3.0], [1, 2, 3, 4],
         [(1e-7, 1e-5, 1), (1e-5, 1e-3, 2), (1e-3, 0.1, 3), (0.1, 10, 4)]),
        (Scale.decades([1.7e308, 5e-324]), [5e-324, 1.7e308], [1, 4],
         [(0, 1e-169, 1), (1e-169, 1e-10, 2), (1e-10, 1e149, 3), (1e149, 1e308, 4)]),
        (Scale.decades([None, 0.0]), [0.0], [0], []),
    ],
)  # fmt: skip
def test_values_have_the_color_of_their_part_of_the_scale(scale, values, steps, ends):
    assert [scale.step(value) for value in values] == steps
    assert [(pytest.approx(low), pytest.approx(high), step) for low, high, step in scale.steps()] == ends


@for_each(
    "value, unit, text",
    [
        (0, "B", "0 B"), (999, "B", "999 B"), (1000, "B", "1 kB"), (999_600, "B", "1 MB"), (1_500_000, "FLOP", "1.5 MFLOP"),
        (2.5e20, "FLOP", "2.5e+05 PFLOP"), (0.00012345, "", "0.000123"), (12345.0, "", "12.3 k"),
        (1.5e-7, "s", "150 ns"), (0.0021, "s", "2.1 ms"), (0.0, "s", "0 s"), (90.0, "s", "90 s"), (1e-12, "s", "0.001 ns"),
    ],
)  # fmt: skip
def test_quantities_are_short(value, unit, text):
    assert quantity_text(value, unit) == text
