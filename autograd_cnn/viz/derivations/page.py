"""A derivation as a page: the data for its player."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.viz.derivations.walk import Cells, NamedArray, Panel, Scene, Span, Walk
from autograd_cnn.viz.web.document import application

MOST_NUMBERS: Final = {True: 400, False: 120}
"""The largest array that is shown as numbers, by whether they are integers; a larger one is shown as a heat map."""
WIDEST_NUMBERS: Final = 16
MOST_BESIDE: Final = 16
"""The most channels of a filter that are shown in one row."""
ROOM: Final = (520, 300)
"""The space for a heat map, in pixels."""


def page(title: str, text: str, arrays: Mapping[str, NamedArray], scenes: Sequence[Scene]) -> str:
    """Return the page that `Derivation.to_html` writes; the same derivation gives the same text."""
    shown = {name for scene in scenes for panel in scene.panels for name in panel.arrays}
    data = {
        "text": text,
        "arrays": {name: _array(array) for name, array in arrays.items() if name in shown},
        "scenes": [{"title": scene.title, "panels": [_panel(panel) for panel in scene.panels]} for scene in scenes],
    }
    return application("derivations/player", title=title, data=data)


def is_in_numbers(values: NDArray[Any]) -> bool:
    """Whether an array is shown as numbers rather than as a heat map."""
    whole = bool((values[np.isfinite(values)] % 1 == 0).all())
    return values.size <= MOST_NUMBERS[whole] and values.shape[-1] <= WIDEST_NUMBERS


class HeatGrid(NamedTuple):
    """The layout of a heat map: the width and height of a cell in pixels, and the number of planes side by side."""

    width: float
    height: float
    across: int

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "HeatGrid":
        """Make the cells as large as fits; those of a single thin plane are taller than wide.

        Examples
        --------
        >>> HeatGrid.of((6, 24, 24)), HeatGrid.of((120,))
        (HeatGrid(width=6, height=6, across=3), HeatGrid(width=4, height=16, across=1))
        """
        *lead, rows, columns = (1, 1, *shape)[-max(len(shape), 2) :]
        planes = prod(lead)
        filter_size = shape[-3] if len(shape) > 3 and shape[-3] <= MOST_BESIDE else 1
        cell, across = max(
            (min(14, (ROOM[0] / across - 5) / columns, (ROOM[1] / -(-planes // across) - 5) / rows), -across)
            for across in range(filter_size, planes + 1, filter_size)
        )
        width = max(1, int(cell))
        return cls(width, max(width, min(16, 48 // rows)) if planes == 1 else width, -across)


def scale_of(values: NDArray[Any]) -> float:
    """Return the largest finite absolute value, or 1 if there is none above 0."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max(initial=0)) or 1.0


def _array(array: NamedArray) -> dict[str, Any]:
    values = np.atleast_1d(array.values)
    dtype = "<f4" if values.dtype in (np.float32, np.float16) else "<f8"
    data = {
        "shape": values.shape, "text": array.text, "border": array.border, "dtype": dtype,
        "values": _bytes(values, dtype), "scale": scale_of(values), "checked": array.checked,
    }  # fmt: skip
    return data if is_in_numbers(values) else data | {"heat": HeatGrid.of(values.shape)}


def _bytes(values: NDArray[Any], dtype: str) -> str:
    return b64encode(np.ascontiguousarray(values, dtype).tobytes()).decode()


def _panel(panel: Panel) -> dict[str, Any]:
    met: dict[str, set[int]] = {name: set() for name in panel.targets}
    walks = []
    for walk in panel.walks:
        cells = set(walk.target.at().ravel().tolist())
        walks.append(_walk(walk, adds=walk.adds or not cells.isdisjoint(met[walk.target.array])))
        met[walk.target.array] |= cells
    return {"title": panel.title, "text": panel.text, "arrays": panel.arrays, "walks": walks}


def _walk(walk: Walk, *, adds: bool) -> dict[str, Any]:
    return {
        "target": _cells(walk.target),
        "products": [{"sign": each.sign, "factors": list(map(_cells, each.factors))} for each in walk.products],
        "function": walk.function, "adds": adds, "notes": walk.notes,
        "values": None if walk.values is None else _bytes(walk.values, "<f8"),
        "marks": None if walk.marks is None else _cells(walk.marks),
    }  # fmt: skip


def _cells(cells: Cells) -> dict[str, Any]:
    return {"array": cells.array, "starts": _positions(cells.starts), "offsets": _positions(cells.offsets)}


def _positions(positions: Span | NDArray[Any]) -> Any:
    return {"base": positions.base, "axes": positions.axes} if isinstance(positions, Span) else positions.tolist()
