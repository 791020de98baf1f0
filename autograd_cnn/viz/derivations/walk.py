"""Derivations as data: arrays, and walks that compute some of them from others, cell by cell.

A step of a walk multiplies cells of some arrays, and adds the products to cells of another: all to one cell, which
becomes their sum, or one to each cell. Except for a pool's winners, the cells are an affine function of the step, so a
walk of a thousand steps takes a few numbers. Nothing here knows an operation by name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.errors import ArgumentError

Integers: TypeAlias = NDArray[np.int64]
Pair: TypeAlias = tuple[int, int]

MOST_STEPS: Final = 100_000
MOST_PRODUCTS: Final = 4_000_000
"""The limits for a panel; nobody would look at more, and a browser could no longer add them up instantly."""


@dataclass(frozen=True)
class NamedArray:
    """An array with its symbol in formulas.

    Attributes
    ----------
    values : array
        With two or more axes it is shown as planes; the last two axes are those of a plane.
    text : str
        What it is.
    border : ((top, bottom), (left, right))
        The cells around each plane that are only read or cut off.
    checked : bool
        Whether the values are the engine's, so that the result of the steps is compared with them.
    """

    values: NDArray[Any]
    text: str = ""
    border: tuple[Pair, Pair] = ((0, 0), (0, 0))
    checked: bool = True

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Return a flat mask of the cells outside the border."""
        (top, bottom), (left, right) = self.border
        rows, columns = (1, 1, *self.values.shape)[-2:]
        mask = np.zeros((self.values.size // (rows * columns), rows, columns), bool)
        mask[:, top : rows - bottom, left : columns - right] = True
        return mask.ravel()


def as_shown(array: NamedArray) -> NamedArray:
    """Drop leading axes of length 1, down to a plane; positions in the flattened array stay the same."""
    values = array.values
    while values.ndim > 2 and len(values) == 1:
        values = values[0]
    return replace(array, values=values)


@dataclass(frozen=True)
class Span:
    """The integers ``base + Σ i·step`` for all indices ``i`` of some axes, each of them ``(length, step)``.

    Examples
    --------
    >>> Span((2, 10), (3, 1), base=5).indices
    array([ 5,  6,  7, 15, 16, 17])
    """

    axes: tuple[Pair, ...]
    base: int = 0

    def __init__(self, *axes: Pair, base: int = 0) -> None:
        object.__setattr__(self, "axes", axes)
        object.__setattr__(self, "base", base)

    def __len__(self) -> int:
        return int(np.prod([length for length, _ in self.axes], dtype=np.int64))

    @property
    def indices(self) -> Integers:
        """All of them, the last axis running fastest."""
        total = np.array([self.base])
        for length, step in self.axes:
            total = (total[:, None] + np.arange(length) * step).ravel()
        return total


ONE: Final = Span()
"""Only the first cell."""


@dataclass(frozen=True)
class Cells:
    """Cells of an array by position in the flattened array: in step ``t``, ``starts[t]`` plus each offset."""

    array: str
    starts: Span | Integers
    offsets: Span = ONE

    def at(self, steps: slice = slice(None)) -> Integers:
        """Return the positions in some steps, (T, K)."""
        starts = self.starts.indices if isinstance(self.starts, Span) else self.starts
        return np.asarray(starts[steps, None] + self.offsets.indices)


@dataclass(frozen=True)
class Product:
    """Cells of some arrays, to be multiplied: one with one, or one with many."""

    factors: tuple[Cells, ...]
    sign: int = 1

    def __init__(self, *factors: Cells, sign: int = 1) -> None:
        object.__setattr__(self, "factors", factors)
        object.__setattr__(self, "sign", sign)


@dataclass(frozen=True)
class Walk:
    """Steps that compute an array.

    Attributes
    ----------
    target : Cells
        The cells that are added to.
    products : sequence of Product
        What is added.
    function : str
        What is computed from the cells instead of the sum of their products, such as "max"; the results are in
        ``values``.
    values : array, optional
        The results of the function, one for each step.
    marks : Cells, optional
        The cells to highlight in each step, such as a winner.
    notes : mapping of int to str
        Remarks on single steps.
    """

    target: Cells
    products: Sequence[Product]
    function: str = ""
    values: NDArray[Any] | None = None
    marks: Cells | None = None
    notes: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.target.starts)

    @property
    def arrays(self) -> list[str]:
        """The arrays that are read, and the one that is filled."""
        return [*(cells.array for each in self.products for cells in each.factors), self.target.array]

    @property
    def width(self) -> int:
        """The most products in a step, or cells, if there are more of these."""
        read = [cells for product in self.products for cells in product.factors]
        return max(len(cells.offsets) for cells in (self.target, *read))

    @property
    def adds(self) -> bool:
        """Whether some cell is added to more than once."""
        at = self.target.at()
        return len(np.unique(at)) < at.size

    def run(self, arrays: Mapping[str, NDArray[Any]], out: NDArray[Any], steps: slice = slice(None)) -> None:
        """Take some steps: add to ``out``, which is flat, in float64."""
        at = self.target.at(steps)
        if self.values is not None:
            out[at[:, 0]] = self.values[steps]
            return
        for product in self.products:
            terms = np.full(1, float(product.sign))
            for cells in product.factors:
                terms = terms * arrays[cells.array].ravel()[cells.at(steps)].astype(np.float64)
            np.add.at(out, at, terms.sum(axis=1, keepdims=True) if at.shape[1] == 1 else terms)


@dataclass(frozen=True)
class Panel:
    """One way to compute an array: consecutive walks, and the arrays that they read and fill."""

    title: str
    text: str
    arrays: tuple[str, ...]
    walks: tuple[Walk, ...]

    @classmethod
    def of(cls, title: str, text: str, *walks: Walk, first: tuple[str, ...] = ()) -> "Panel":
        """Return a panel with the arrays ``first``, then those that the walks read and fill.

        Raises
        ------
        ArgumentError
            If it is too large to look at.
        """
        check_size(f"{title!r}", walks)
        return cls(title, text, tuple(dict.fromkeys(chain(first, *(walk.arrays for walk in walks)))), walks)

    def __len__(self) -> int:
        return sum(map(len, self.walks))

    @property
    def targets(self) -> list[str]:
        """The arrays that are filled, in order."""
        return list(dict.fromkeys(walk.target.array for walk in self.walks))

    def results(self, arrays: Mapping[str, NamedArray]) -> dict[str, NDArray[Any]]:
        """Return the filled arrays after all steps."""
        values = {name: each.values for name, each in arrays.items()}
        found = {name: np.zeros(values[name].size) for name in self.targets}
        for walk in self.walks:
            walk.run(values, found[walk.target.array])
        return {name: flat.reshape(values[name].shape) for name, flat in found.items()}


@dataclass(frozen=True)
class Scene:
    """Panels that are played side by side."""

    title: str
    panels: tuple[Panel, ...]

    @classmethod
    def alone(cls, title: str, way: str, text: str, *walks: Walk, first: tuple[str, ...] = ()) -> "Scene":
        """Return a scene with a single panel; see `Panel.of`."""
        return cls(title, (Panel.of(way, text, *walks, first=first),))

    def __len__(self) -> int:
        return max(map(len, self.panels))


def check_size(name: str, walks: Iterable[Walk]) -> None:
    """Raise if there are too many steps or products to show.

    Raises
    ------
    ArgumentError
        If there are more than the limits.
    """
    sizes = [(len(walk), len(walk) * walk.width) for walk in walks]
    steps, products = (sum(each) for each in zip(*sizes, strict=True))
    if steps > MOST_STEPS or products > MOST_PRODUCTS:
        raise ArgumentError(
            "viz.play", f"{name} is too large to be played",
            expected=f"at most {MOST_STEPS:,} steps and {MOST_PRODUCTS:,} products",
            got=f"{steps:,} and {products:,}", hint="play it for a smaller input, or with fewer channels"
        )  # fmt: skip
