"""Pooling over windows, and the adjoints.

Shapes: x (N, C, H, W), y and g (N, C, OH, OW). ``winners`` holds for each window the number of
its largest tap, counted row by row, or the number of taps where none of them won.
"""

from typing import Any

import numpy as np

from autograd_cnn.kernels.reference.correlation import cropped, padded
from autograd_cnn.kernels.reference.elementwise import masked
from autograd_cnn.kernels.windows import Array, Windows


def max_pool(x: Array, windows: Windows, rectified: bool) -> tuple[Array, Array]:
    """Return each window's largest value and its tap; of equal ones the first, of NaNs the first NaN.

    Where ``rectified``, 0 wins over all that is not positive.
    """
    extent = padded(x, windows, _lowest(x.dtype))
    values = [np.ascontiguousarray(extent[:, :, rows, columns]) for _, _, rows, columns in windows.taps()]
    y = values[0].copy()
    for value in values[1:]:
        np.maximum(y, value, out=y)
    # A window's winner is the number of taps that it has to pass by: all those before the first equal.
    winners = np.zeros(y.shape, np.min_scalar_type(len(values)))
    passed = np.ones(y.shape, bool)
    for value in values[:-1]:
        passed &= (value != y) & ~np.isnan(value)  # a NaN equals nothing, but has won
        winners += passed
    if extent is not x:
        np.maximum(winners, _first_inside(windows).astype(winners.dtype), out=winners)
    if rectified:
        zero = y <= 0
        y[zero], winners[zero] = 0, len(values)
    return y, winners


def _lowest(dtype: Any) -> float:
    """Return what no number of a dtype is below."""
    if dtype.kind == "b":
        return False
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _first_inside(windows: Windows) -> Array:
    """Return each window's first tap on the image, (OH, OW): the border does not win over a pixel of -inf."""
    rows, columns = (
        np.maximum(-((np.arange(places) * step - before) // gap), 0)
        for places, step, (before, _), gap in zip(
            windows.out, windows.stride, windows.padding, windows.dilation, strict=True
        )
    )
    return rows[:, None] * windows.size[1] + columns


def gather_winners(x: Array, winners: Array, windows: Windows) -> Array:
    """Return from each window the value at its winner's tap."""
    extent = padded(x, windows)
    y = np.zeros(winners.shape, x.dtype)
    for tap, (_, _, rows, columns) in enumerate(windows.taps()):
        y += masked(np.ascontiguousarray(extent[:, :, rows, columns]), winners == tap)
    return y


def scatter_winners(g: Array, winners: Array, windows: Windows) -> Array:
    """Add each window's g to the pixel that won it: the adjoint of `gather_winners`."""
    extent = np.zeros((*g.shape[:2], *windows.extent), g.dtype)
    g = np.ascontiguousarray(g)
    for tap, (_, _, rows, columns) in enumerate(windows.taps()):
        extent[:, :, rows, columns] += masked(g, winners == tap)
    return cropped(extent, windows)


def mean_pool(x: Array, windows: Windows, counts: Array) -> Array:
    """Return each window's sum over its count, (OH, OW) or a number."""
    extent = padded(x, windows)
    y = np.zeros((*x.shape[:2], *windows.out), x.dtype)
    for _, _, rows, columns in windows.taps():
        y += extent[:, :, rows, columns]
    return y / counts


def mean_pool_wrt_input(g: Array, windows: Windows, counts: Array) -> Array:
    """Give every pixel of a window the same share of its g: a Kronecker product where windows do not overlap."""
    share = g / counts
    extent = np.zeros((*g.shape[:2], *windows.extent), share.dtype)
    for _, _, rows, columns in windows.taps():
        extent[:, :, rows, columns] += share
    return cropped(extent, windows)
