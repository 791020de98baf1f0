"""The choice of a convolution's algorithm: how to show it, and how to override it.

The compiled backend has several algorithms for each of a convolution's three sides, and uses the one with the lowest
estimated cost; see ``compiled/conv/select.py``.
"""

import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType, TracebackType
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike

from autograd_cnn.errors import ArgumentError, MissingDependencyError, ShapeError
from autograd_cnn.kernels.windows import Pair, windows
from autograd_cnn.parameters import IntOrPair, Padding, integers

_SELECT = "autograd_cnn.kernels.compiled.conv.select"


@dataclass(frozen=True)
class Candidate:
    """An algorithm for one side of a convolution.

    Attributes
    ----------
    name : str
    cost : float or None
        The estimate in cycles of one core, where one vector is multiplied and added per cycle; None if the algorithm
        doesn't support the problem.
    error_bound : float or None
        The largest error of a result, relative to the sum of the absolute values of its terms.
    chosen : bool
    """

    name: str
    cost: float | None
    error_bound: float | None
    chosen: bool

    def __str__(self) -> str:
        mark = "*" if self.chosen else " "
        if self.cost is None:
            return f"{mark} {self.name:<17} not supported"
        return f"{mark} {self.name:<17} {self.cost:>16,.0f} {self.error_bound:>12.1e}"


@dataclass(frozen=True)
class Explanation:
    """How a convolution and its two adjoints are computed; prints as a table.

    Attributes
    ----------
    title : str
    sides : dict of str to tuple of Candidate
        All algorithms for ``"forward"``, ``"wrt_input"`` and ``"wrt_weight"``.
    """

    title: str
    sides: dict[str, tuple[Candidate, ...]]

    @property
    def chosen(self) -> dict[str, str | None]:
        """The name of each side's algorithm; None if none supports it, and the reference backend computes it."""
        return {
            side: next((each.name for each in candidates if each.chosen), None)
            for side, candidates in self.sides.items()
        }

    def __repr__(self) -> str:
        lines = [self.title]
        for side, candidates in self.sides.items():
            lines += ["", f"{side:<23} {'cycles':>12} {'error bound':>12}", *map(str, candidates)]
        return "\n".join(lines)


def explain(
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    dtype: DTypeLike = np.float32,
) -> Explanation:
    """Tell which algorithm the compiled backend uses for a convolution, and what the others would cost.

    Nothing is computed or compiled.

    Parameters
    ----------
    x_shape : (N, C, H, W), (C, H, W) or (H, W)
        The shape of the images.
    w_shape : (F, C/G, KH, KW), or (KH, KW)
        The shape of the filters.
    stride, padding, dilation, groups
        As for `autograd_cnn.correlate2d`.
    dtype : float32 or float64

    Returns
    -------
    Explanation
        Its ``chosen`` names the algorithm of each side; it prints as a table.

    Raises
    ------
    ShapeError, ArgumentError
        If the shapes do not match, or a parameter is out of range.
    MissingDependencyError
        Without Numba.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> ag.kernels.explain((64, 1, 28, 28), (6, 1, 5, 5)).chosen["forward"]
    'implicit_gemm'
    """
    kind = np.dtype(dtype)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        expected = "float32 or float64"
        raise ArgumentError("explain", "no algorithm is compiled for the dtype", expected=expected, got=kind)
    x_shape, w_shape = integers("explain", "x_shape", x_shape), integers("explain", "w_shape", w_shape)
    n, c, *image = (1,) * (4 - len(x_shape)) + x_shape
    f, channels, *size = (1,) * (4 - len(w_shape)) + w_shape
    if len(image) != 2 or len(size) != 2 or groups < 1 or c != groups * channels or f % groups:
        shapes = f"x={x_shape}, w={w_shape}, groups={groups}"
        expected = "(N, C, H, W) and (F, C/G, KH, KW)"
        raise ShapeError("explain", "the shapes do not go together", expected=expected, got=shapes)
    grid = windows(
        "explain",
        cast("Pair", tuple(image)),
        cast("Pair", tuple(size)),
        stride=stride,
        padding=padding,
        dilation=dilation,
    )
    select = _select("explain")
    problem = select.ConvProblem.of(n, c, f, grid, groups, kind)
    sides = {side: _candidates(select, side, problem) for side in select.ALGORITHMS}
    return Explanation(f"x {x_shape}, w {w_shape}, {kind}", sides)


def conv_choices() -> tuple[tuple[str, ...], str] | None:
    """Return the preferred algorithms and the precision; None as long as nothing has been compiled."""
    select = sys.modules.get(_SELECT)
    return None if select is None else (select.preferred(), select.precision())


def _candidates(select: ModuleType, side: str, problem: Any) -> tuple[Candidate, ...]:
    chosen = select.choose(side, problem)
    supported = {algorithm: algorithm.supports(problem) for algorithm in select.ALGORITHMS[side]}
    return tuple(
        Candidate(algorithm.name, algorithm.cost(problem), algorithm.error_bound(problem), algorithm is chosen)
        if is_supported
        else Candidate(algorithm.name, None, None, chosen=False)
        for algorithm, is_supported in supported.items()
    )


class set_conv_precision:  # noqa: N801  # a function to its users, which `with` can undo
    """Set the precision of convolutions in float32, for the whole process; in a ``with`` statement, for its duration.

    ``"fast"``, the default, allows Winograd's algorithm for 3×3 filters with stride 1 (Lavin & Gray 2016), which needs
    less than half of the multiplications. Over a whole map its errors are like those of plain sums; but a tile of 4×4
    results mixes the 6×6 pixels under it. So where values of very different size are close together, small results have
    errors as large as the large ones', and an infinity or a NaN spreads to the whole tile. ``"exact"`` computes each
    result from its own terms only, as is always done in float64. The environment variable
    ``AUTOGRAD_CNN_CONV_PRECISION`` sets the initial value.

    Parameters
    ----------
    name : {"fast", "exact"}

    Raises
    ------
    ArgumentError
        For an unknown name.
    MissingDependencyError
        Without Numba: the reference backend is exact.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> with ag.set_conv_precision("exact"):
    ...     "winograd" in ag.kernels.explain((64, 64, 16, 16), (64, 64, 3, 3), padding=1).chosen["forward"]
    False
    """

    def __init__(self, name: str) -> None:
        self._select = _select("set_conv_precision")
        self._before = self._select.precision()
        self._select.set_precision("set_conv_precision", name)

    def __enter__(self) -> None:
        """Leave the choice made; `__exit__` undoes it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Return to the precision that was set before."""
        self._select.set_precision("set_conv_precision", self._before)


class use_conv_algorithm:  # noqa: N801  # a function to its users, which `with` can undo
    """Prefer convolution algorithms by name, for the whole process; in a ``with`` statement, for its duration.

    Each side of a convolution uses an algorithm with one of these names wherever that supports the problem (the
    cheapest, if several do); otherwise the choice is by cost, as usual. The environment variable ``AUTOGRAD_CNN_CONV``,
    names separated by commas, sets the initial value.

    Parameters
    ----------
    *names : str
        As in the table of `explain`; without names, all choices are by cost.

    Raises
    ------
    ArgumentError
        For an unknown name.
    MissingDependencyError
        Without Numba: the reference backend has one algorithm.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> with ag.kernels.use_conv_algorithm("batch_lanes"):
    ...     ag.kernels.explain((64, 1, 28, 28), (6, 1, 5, 5)).chosen["forward"]
    'batch_lanes'
    """

    def __init__(self, *names: str) -> None:
        self._select = _select("use_conv_algorithm")
        self._before = self._select.preferred()
        self._select.prefer("use_conv_algorithm", *names)

    def __enter__(self) -> None:
        """Leave the choice made; `__exit__` undoes it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Return to the names that were preferred before."""
        self._select.prefer("use_conv_algorithm", *self._before)


def _select(where: str) -> ModuleType:
    if find_spec("numba") is None:
        raise MissingDependencyError(where, "fast")
    return import_module(_SELECT)
