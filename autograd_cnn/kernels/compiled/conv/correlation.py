"""Correlation and its two adjoints, each by the algorithm that is chosen for the problem.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), g and y (N, F, OH, OW), for G groups.
"""

from typing import Any

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import ConvProblem
from autograd_cnn.kernels.compiled.conv.select import choose
from autograd_cnn.kernels.compiled.parallel import flat, supports
from autograd_cnn.kernels.windows import Array, Windows


def correlate2d(x: Array, w: Array, bias: Array | None, windows: Windows, groups: int) -> Any:
    """Return y[n, f] = bias[f] + w[f] · patches of x[n], for each group."""
    if not supports(x, w, *(() if bias is None else (bias,))):
        return NotImplemented
    p = ConvProblem.of(x.shape[0], x.shape[1], w.shape[0], windows, groups, x.dtype)
    algorithm = choose("forward", p)
    if algorithm is None:
        return NotImplemented
    start = np.zeros(p.f, x.dtype) if bias is None else flat(bias)
    return algorithm.run(p, x, w, start)


def correlate2d_wrt_input(g: Array, w: Array, windows: Windows, groups: int) -> Any:
    """Return what each pixel of x gets, of all windows that meet it."""
    if not supports(g, w) or 0 in windows.image:
        return NotImplemented
    p = ConvProblem.of(g.shape[0], groups * w.shape[1], w.shape[0], windows, groups, g.dtype)
    algorithm = choose("wrt_input", p)
    return NotImplemented if algorithm is None else algorithm.run(p, g, w)


def correlate2d_wrt_weight(x: Array, g: Array, windows: Windows, groups: int) -> Any:
    """Return what each weight gets: g · patches of x, transposed, summed over the images."""
    if not supports(x, g):
        return NotImplemented
    p = ConvProblem.of(x.shape[0], x.shape[1], g.shape[1], windows, groups, x.dtype)
    algorithm = choose("wrt_weight", p)
    return NotImplemented if algorithm is None else algorithm.run(p, x, g)
