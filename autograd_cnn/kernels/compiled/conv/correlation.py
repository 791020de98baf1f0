"""Correlation and its two adjoints, each by the algorithm that is chosen for the problem.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), g and y (N, F, OH, OW), for G groups.
"""

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, Side
from autograd_cnn.kernels.compiled.conv.select import choices, choose
from autograd_cnn.kernels.compiled.parallel import flat, supports
from autograd_cnn.kernels.windows import Array, Windows

Shape: TypeAlias = tuple[int, ...]
Route: TypeAlias = tuple[ConvProblem, Algorithm] | None
"""What a convolution is, and the algorithm that computes it; None if none does."""


def correlate2d(x: Array, w: Array, bias: Array | None, windows: Windows, groups: int) -> Any:
    """Return y[n, f] = bias[f] + w[f] · patches of x[n], for each group."""
    if bias is not None and bias.dtype != x.dtype:
        return NotImplemented
    route = _route("forward", x.shape, w.shape, x.dtype, w.dtype, windows, groups, choices())
    if route is None:
        return NotImplemented
    p, algorithm = route
    return algorithm.run(p, x, w, np.zeros(p.f, x.dtype) if bias is None else flat(bias))


def correlate2d_wrt_input(g: Array, w: Array, windows: Windows, groups: int) -> Any:
    """Return what each pixel of x gets, of all windows that meet it."""
    route = _route("wrt_input", g.shape, w.shape, g.dtype, w.dtype, windows, groups, choices())
    return NotImplemented if route is None else route[1].run(route[0], g, w)


def correlate2d_wrt_weight(x: Array, g: Array, windows: Windows, groups: int) -> Any:
    """Return what each weight gets: g · patches of x, transposed, summed over the images."""
    route = _route("wrt_weight", x.shape, g.shape, x.dtype, g.dtype, windows, groups, choices())
    return NotImplemented if route is None else route[1].run(route[0], x, g)


@lru_cache(maxsize=4096)
def _route(
    side: Side, first: Shape, second: Shape, dtype: Any, other: Any, windows: Windows, groups: int, _choices: Any
) -> Route:
    """Return how to compute a side of two arrays of these shapes and dtypes."""
    if not supports(np.empty(1, dtype), np.empty(1, other)) or 0 in (*first, *second, *windows.image):
        return None
    channels = groups * second[1] if side == "wrt_input" else first[1]
    filters = second[1] if side == "wrt_weight" else second[0]
    p = ConvProblem.of(first[0], channels, filters, windows, groups, dtype)
    algorithm = choose(side, p)
    return None if algorithm is None else (p, algorithm)
