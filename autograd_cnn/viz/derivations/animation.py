"""One scene as an animated picture: an SVG that plays without scripts.

Each number, frame and colour that changes is an element that is visible during some of the steps; SVG's own animation
(SMIL) shows and hides it. In print, and for viewers who prefer reduced motion, the picture is the last step.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from math import prod
from typing import Final, NamedTuple

import numpy as np

from autograd_cnn.errors import ArgumentError
from autograd_cnn.viz.derivations.page import scale_of
from autograd_cnn.viz.derivations.walk import Cells, NamedArray, Panel, Scene, Walk

MOST_STEPS: Final = 150
MOST_CELLS: Final = 1200
"""The limits for a picture; a page can show more."""

WIDTH: Final = 900
"""The width of a picture with more than one row."""
CELL: Final = 30
GAP: Final = 10
BETWEEN: Final = 36
CAPTION: Final = 24
LETTER: Final = 7.4  # pixels across

STYLE: Final = """\
text{font:14px Helvetica,Arial,sans-serif;fill:#1a1a1a;text-anchor:middle}
.b,.h,.s{text-anchor:start}.b{font-weight:700;font-size:16px}.h{font-weight:700;font-size:15px}.s,.z{fill:#6b6b6b}
.p{fill:#fff}.c{fill:#fff;stroke:#c9ced6}.e{stroke:#c9ced6;stroke-dasharray:2 2}.n{fill:#0072b2}.u{fill:#d55e00}
.l{fill:none;stroke-width:3}.f0{stroke:#0072b2}.f1{stroke:#007a59;stroke-dasharray:6 3}.f2{stroke:#a8437c;stroke-dasharray:2 3}
.t{stroke:#d55e00;stroke-width:4}.m{stroke:#d55e00;stroke-dasharray:3 2}
@media (prefers-color-scheme:dark){text{fill:#f2f2f2}.s,.z{fill:#a4abb5}.p{fill:#14171c}.c{fill:#14171c;stroke:#3d4450}
.e{stroke:#3d4450}.n{fill:#56b4e9}.u{fill:#ff7f2a}.f0{stroke:#56b4e9}.f1{stroke:#00c391}.f2{stroke:#e08fc0}.t,.m{stroke:#ff9d3d}}
"""


@dataclass(frozen=True)
class _Place:
    """The place of an array in the picture."""

    x: float
    y: float
    width: float
    shape: tuple[int, ...]

    @property
    def columns(self) -> int:
        return self.shape[-1]

    @property
    def rows(self) -> int:
        return self.shape[-2] if len(self.shape) > 1 else 1

    @property
    def across(self) -> int:
        """The number of planes side by side: a filter's, or all."""
        return self.shape[-3] if len(self.shape) > 2 else 1

    def size(self) -> tuple[float, float]:
        """Return the size of all planes together."""
        down = prod(self.shape[:-3])
        return (
            self.across * (self.columns * self.width + GAP) - GAP,
            CAPTION + down * (self.rows * CELL + GAP) - GAP,
        )

    def corner(self, index: int) -> tuple[float, float]:
        """Return the upper left corner of a cell."""
        plane, cell = divmod(index, self.rows * self.columns)
        row, column = divmod(cell, self.columns)
        down, right = divmod(plane, self.across)
        return (
            self.x + right * (self.columns * self.width + GAP) + column * self.width,
            self.y + CAPTION + down * (self.rows * CELL + GAP) + row * CELL,
        )


class _Time(NamedTuple):
    """When something is visible: from one step until just before another, out of so many."""

    first: int
    end: int


def animate(title: str, arrays: Mapping[str, NamedArray], scene: Scene, seconds: float) -> str:
    """Return the picture that `Derivation.to_svg` writes; the same scene gives the same text.

    Raises
    ------
    ArgumentError
        If the scene is too large for a picture, or the time is not positive.
    """
    cells = sum(arrays[name].values.size for panel in scene.panels for name in panel.arrays)
    if len(scene) > MOST_STEPS or cells > MOST_CELLS:
        raise ArgumentError("to_svg", f"the scene {scene.title!r} is too large for a picture",
                            expected=f"at most {MOST_STEPS} steps and {MOST_CELLS} cells",
                            got=f"{len(scene)} and {cells}", hint="to_html writes a page, which holds more")  # fmt: skip
    if not 0.001 <= seconds <= 3600:
        raise ArgumentError("to_svg", "seconds is out of range", expected="0.001 to 3600", got=seconds)
    return _Picture(title, arrays, scene, seconds).text()


class _Picture:
    def __init__(self, title: str, arrays: Mapping[str, NamedArray], scene: Scene, seconds: float) -> None:
        self.title = title
        self.arrays = arrays
        self.scene = scene
        self.steps = len(scene) + 2  # also before the first, and the last once more
        self.seconds = seconds
        self.width = self.height = 0.0

    def text(self) -> str:
        parts = [part for panel in self.scene.panels for part in self.panel(panel)]
        width, height = (f"{length + GAP:.0f}" for length in (self.width, self.height))
        label = escape(f"{self.title}: {self.scene.title}")
        size = f'width="{width}" height="{height}"'
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" role="img" aria-label="{label}">',
            f"<style>{STYLE}</style>",
            f'<rect class="p" {size}/>',
            *parts,
            "</svg>\n",
        ])  # fmt: skip

    def panel(self, panel: Panel) -> Iterator[str]:
        """Yield the elements of a panel, below the panels before it."""
        top = self.height + GAP + 14
        yield f'<text class="h" x="{GAP}" y="{top}">{escape(panel.title)}</text>'
        places = self.arrange(panel, top + 8)
        for name, place in places.items():
            text = f'{escape(name)}<tspan class="s" dx="6" font-weight="400" font-size="13">{escape(self.arrays[name].text)}</tspan>'
            yield f'<text class="b" x="{place.x}" y="{place.y + 16}">{text}</text>'
            yield from self.grid(place, self.arrays[name])
        targets = panel.targets
        for name, place in places.items():
            if name not in targets:
                for index, value in enumerate(self.arrays[name].values.ravel().tolist()):
                    yield from self.cell(place, index, value, self.arrays[name])
        yield from self.filled(panel, places)
        yield from self.frames(panel, places)

    def arrange(self, panel: Panel, top: float) -> dict[str, _Place]:
        """Lay the arrays out in rows."""
        places = {}
        x, y, bottom = float(GAP), top, top
        for name in panel.arrays:
            values = np.atleast_1d(self.arrays[name].values)
            shape = values.shape if values.ndim < 4 else (prod(values.shape[:-3]), *values.shape[-3:])
            letters = max((len(_number(value)) for value in values.ravel().tolist()), default=1)
            width = max(CELL, letters * LETTER + 8)
            place = _Place(x, y, width, shape)
            caption = 9 * len(name) + 6.4 * len(self.arrays[name].text) + 10
            size, height = max(place.size()[0], caption), place.size()[1]
            if x > GAP and x + size > WIDTH:
                x, y = GAP, bottom + BETWEEN / 2
                place = _Place(x, y, width, shape)
            places[name] = place
            x += size + BETWEEN
            bottom = max(bottom, y + height)
            self.width = max(self.width, x - BETWEEN)
        self.height = bottom
        return places

    def grid(self, place: _Place, array: NamedArray) -> Iterator[str]:
        """Yield the empty cells."""
        edges = {True: [], False: []}  # type: dict[bool, list[str]]
        for index, inside in enumerate(array.inside.tolist()):
            x, y = place.corner(index)
            edges[inside].append(f"M{x:g} {y:g}h{place.width:g}v{CELL}h{-place.width:g}z")
        for inside, paths in edges.items():
            if paths:
                yield f'<path class="{"c" if inside else "c e"}" d="{"".join(paths)}"/>'

    def cell(
        self, place: _Place, index: int, value: float, array: NamedArray, time: _Time | None = None
    ) -> Iterator[str]:
        """Yield a number and the colour behind it."""
        x, y = place.corner(index)
        share = min(1.0, abs(value) / scale_of(array.values)) if np.isfinite(value) else 0.0
        when = self.when(time)
        if share:
            area = f'x="{x + 0.5:g}" y="{y + 0.5:g}" width="{place.width - 1:g}" height="{CELL - 1}"'
            yield f'<rect class="{"n" if value < 0 else "u"}" {area} opacity="{0.45 * share:.2g}"{_wrapped("rect", when)}'
        faint = ' class="z"' if value == 0 else ""
        yield f'<text{faint} x="{x + place.width / 2:g}" y="{y + 20:g}"{_hidden(when)}>{_number(value)}{when}</text>'

    def filled(self, panel: Panel, places: Mapping[str, _Place]) -> Iterator[str]:
        """Yield the numbers in the arrays being filled, each for the steps in which it is shown."""
        values = {name: each.values for name, each in self.arrays.items()}
        states = {name: np.zeros(values[name].size) for name in panel.targets}
        since = {name: np.zeros(values[name].size, int) for name in panel.targets}  # 0 where nothing has arrived
        for number, (walk, step) in enumerate(_steps(panel), start=1):
            name = walk.target.array
            state, begun = states[name], since[name]
            at = np.unique(walk.target.at(slice(step, step + 1)))
            before = state[at].copy()
            walk.run(values, state, slice(step, step + 1))
            for index, old in zip(at.tolist(), before.tolist(), strict=True):
                if begun[index] and old == state[index]:
                    continue
                if begun[index]:
                    yield from self.cell(places[name], index, old, self.arrays[name], _Time(int(begun[index]), number))
                begun[index] = number
        for name, state in states.items():
            for index, value in enumerate(state.tolist()):
                time = _Time(
                    int(since[name][index]) or len(panel), self.steps
                )  # where nothing arrives, it is 0 in the end
                yield from self.cell(places[name], index, value, self.arrays[name], time)

    def frames(self, panel: Panel, places: Mapping[str, _Place]) -> Iterator[str]:
        """Yield the frames around what each step reads and fills."""
        for number, (walk, step) in enumerate(_steps(panel), start=1):
            roles: dict[str, str] = {}
            cells = [each for product in walk.products for each in product.factors]
            for each in cells:
                roles.setdefault(each.array, f"f{len(roles) % 3}")
            lights = [(roles[each.array], each) for each in cells] + [("t", walk.target)]
            lights += [] if walk.marks is None else [("m", walk.marks)]
            for role, each in lights:
                if each.array in places:
                    when = self.when(_Time(number, number + 1))
                    path = _outline(places[each.array], each, step)
                    yield f'<path class="l {role}" d="{path}"{_wrapped("path", when)}'

    def when(self, time: _Time | None) -> str:
        """Return the animation that shows an element during some steps."""
        if time is None:
            return ""
        first, end = (round(step / self.steps, 4) for step in time)
        changes = [(0.0, "hidden" if first else "visible")]
        changes += [(first, "visible")] if first else []
        changes += [(end, "hidden")] if time.end < self.steps else []
        states, times = ";".join(state for _, state in changes), ";".join(f"{at:g}" for at, _ in changes)
        duration = f"{self.steps * self.seconds:g}s"
        return (
            f'<animate attributeName="visibility" calcMode="discrete" values="{states}" keyTimes="{times}" '
            f'dur="{duration}" repeatCount="indefinite"/>'
        )


def _hidden(when: str) -> str:
    """Hide what is not there at the end, for viewers without animation."""
    return ' visibility="hidden"' if when and ";hidden" in when else ""


def _wrapped(tag: str, when: str) -> str:
    return f"{_hidden(when)}>{when}</{tag}>" if when else "/>"


def _steps(panel: Panel) -> Iterator[tuple[Walk, int]]:
    for walk in panel.walks:
        for step in range(len(walk)):
            yield walk, step


def _outline(place: _Place, cells: Cells, step: int) -> str:
    """Return the outline of cells: of a whole window, or of each cell if there are gaps."""
    indices = set(cells.at(slice(step, step + 1)).ravel().tolist())
    parts = []
    for index in sorted(indices):
        x, y = place.corner(index)
        row, column = index // place.columns % place.rows, index % place.columns
        sides = [
            (row > 0 and index - place.columns in indices, x, y, "h", place.width),
            (row < place.rows - 1 and index + place.columns in indices, x, y + CELL, "h", place.width),
            (column > 0 and index - 1 in indices, x, y, "v", CELL),
            (column < place.columns - 1 and index + 1 in indices, x + place.width, y, "v", CELL),
        ]
        parts += [f"M{left:g} {top:g}{way}{length:g}" for inner, left, top, way, length in sides if not inner]
    return "".join(parts)


def _number(value: float) -> str:
    """Write a number as the page does."""
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else "−∞" if value < 0 else "∞"
    return f"{value:.3g}".replace("-", "−")
