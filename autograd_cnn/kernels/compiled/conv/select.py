"""Correlation and its two adjoints, each by the cheapest algorithm of the table below.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), g and y (N, F, OH, OW), for G groups.

A new algorithm takes a new file in this folder and a name in `ALGORITHMS`.
"""

import os
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np

from autograd_cnn.errors import ArgumentError
from autograd_cnn.kernels.compiled.conv import (
    batch_lanes,
    col2im,
    col2im_gather,
    flipped_gemm,
    group_lanes,
    implicit_gemm,
    pixel_rows,
    pointwise,
    wgrad_by_tap,
    wgrad_group_lanes,
    wgrad_patches,
    wgrad_pixel_lanes,
    winograd,
    winograd_wgrad,
)
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, Side
from autograd_cnn.kernels.compiled.parallel import flat, supports
from autograd_cnn.kernels.windows import Array, Windows

Shape: TypeAlias = tuple[int, ...]
Route: TypeAlias = tuple[ConvProblem, Algorithm] | None
"""A convolution's problem, and the algorithm that computes it; None if none does."""

ALGORITHMS: Final[dict[Side, tuple[Algorithm, ...]]] = {
    "forward": (
        batch_lanes.FORWARD,
        implicit_gemm.FORWARD,
        pointwise.FORWARD,
        pixel_rows.FORWARD,
        group_lanes.FORWARD,
        winograd.F2_FORWARD,
        winograd.F4_FORWARD,
    ),
    "wrt_input": (
        batch_lanes.WRT_INPUT,
        flipped_gemm.WRT_INPUT,
        col2im_gather.WRT_INPUT,
        col2im.WRT_INPUT,
        pointwise.WRT_INPUT,
        pixel_rows.WRT_INPUT,
        group_lanes.WRT_INPUT,
        winograd.F2_WRT_INPUT,
        winograd.F4_WRT_INPUT,
    ),
    "wrt_weight": (
        wgrad_by_tap.WRT_WEIGHT,
        wgrad_patches.WRT_WEIGHT,
        wgrad_pixel_lanes.WRT_WEIGHT,
        wgrad_group_lanes.WRT_WEIGHT,
        winograd_wgrad.F4_WRT_WEIGHT,
    ),
}
"""The algorithms of each side; the first wins a tie of costs."""

# --- the choice -------------------------------------------------------------------------------

VARIABLE: Final = "AUTOGRAD_CNN_CONV"
PRECISION_VARIABLE: Final = "AUTOGRAD_CNN_CONV_PRECISION"
PRECISIONS: Final = ("fast", "exact")

_names: Final[list[tuple[str, ...] | None]] = [None]
"""The names of the preferred algorithms; None before the first use."""

_precision: Final[list[str | None]] = [None]
"""One of `PRECISIONS`; None before the first use."""


def preferred() -> tuple[str, ...]:
    """Return the names of the preferred algorithms: initially those of the environment variable."""
    names = _names[0]
    return prefer(VARIABLE, *os.environ.get(VARIABLE, "").replace(",", " ").split()) if names is None else names


def prefer(where: str, *names: str) -> tuple[str, ...]:
    """Prefer the algorithms with these names, and return the names.

    Raises
    ------
    ArgumentError
        For a name that no algorithm has.
    """
    known = dict.fromkeys(algorithm.name for algorithms in ALGORITHMS.values() for algorithm in algorithms)
    for name in names:
        if name not in known:
            problem = "unknown convolution algorithm"
            raise ArgumentError(where, problem, expected=f"one of {', '.join(known)}", got=repr(name))
    _names[0] = names
    return names


def precision() -> str:
    """Return the precision: initially that of the environment variable, or ``"fast"``."""
    name = _precision[0]
    return set_precision(PRECISION_VARIABLE, os.environ.get(PRECISION_VARIABLE) or "fast") if name is None else name


def set_precision(where: str, name: str) -> str:
    """Set the precision, and return it.

    Raises
    ------
    ArgumentError
        For an unknown one.
    """
    if name not in PRECISIONS:
        raise ArgumentError(where, "unknown precision", expected=f"one of {', '.join(PRECISIONS)}", got=repr(name))
    _precision[0] = name
    return name


def choose(side: Side, problem: ConvProblem) -> Algorithm | None:
    """Return the algorithm that computes one side of a problem; None if none supports it.

    It is the cheapest, or the cheapest preferred one if any preferred one supports the problem. With the precision
    ``"exact"``, only algorithms that compute each result from its own terms are considered.
    """
    return _cheapest(side, problem, preferred(), precision())


@lru_cache(maxsize=4096)
def _cheapest(side: Side, problem: ConvProblem, names: tuple[str, ...], precision: str) -> Algorithm | None:
    allowed = [algorithm for algorithm in ALGORITHMS[side] if algorithm.local or precision == "fast"]
    able = [algorithm for algorithm in allowed if algorithm.supports(problem)]
    wanted = [algorithm for algorithm in able if algorithm.name in names]
    return min(wanted or able, key=lambda algorithm: algorithm.cost(problem), default=None)


# --- the kernels ------------------------------------------------------------------------------


def correlate2d(x: Array, w: Array, bias: Array | None, windows: Windows, groups: int) -> Any:
    """Return y[n, f] = bias[f] + w[f] · patches of x[n], for each group."""
    if bias is not None and bias.dtype != x.dtype:
        return NotImplemented
    route = _route("forward", x.shape, w.shape, x.dtype, w.dtype, windows, groups, _names[0], _precision[0])
    if route is None:
        return NotImplemented
    p, algorithm = route
    return algorithm.run(p, x, w, np.zeros(p.f, x.dtype) if bias is None else flat(bias))


def correlate2d_wrt_input(g: Array, w: Array, windows: Windows, groups: int) -> Any:
    """Return the cotangent of x: at each pixel the sum over all windows that cover it."""
    route = _route("wrt_input", g.shape, w.shape, g.dtype, w.dtype, windows, groups, _names[0], _precision[0])
    return NotImplemented if route is None else route[1].run(route[0], g, w)


def correlate2d_wrt_weight(x: Array, g: Array, windows: Windows, groups: int) -> Any:
    """Return the cotangent of w: g · patches of x, transposed, summed over the images."""
    route = _route("wrt_weight", x.shape, g.shape, x.dtype, g.dtype, windows, groups, _names[0], _precision[0])
    return NotImplemented if route is None else route[1].run(route[0], x, g)


@lru_cache(maxsize=4096)
def _route(
    side: Side, first: Shape, second: Shape, dtype: Any, other: Any, windows: Windows, groups: int,
    names: tuple[str, ...] | None, precision: str | None,
) -> Route:  # fmt: skip
    """Return the problem and algorithm for a side of two arrays of these shapes and dtypes, with these settings."""
    if not supports(np.empty(1, dtype), np.empty(1, other)) or 0 in (*first, *second, *windows.image):
        return None
    channels = groups * second[1] if side == "wrt_input" else first[1]
    filters = second[1] if side == "wrt_weight" else second[0]
    p = ConvProblem.of(first[0], channels, filters, windows, groups, dtype)
    algorithm = choose(side, p)
    return None if algorithm is None else (p, algorithm)
