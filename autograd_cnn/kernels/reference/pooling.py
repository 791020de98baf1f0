"""Pooling over windows, and the adjoints.

Shapes: x (N, C, H, W), y and g (N, C, OH, OW). ``winners`` holds for each window the number of
its largest tap, counted row by row.
"""

import numpy as np

from autograd_cnn.kernels.reference.correlation import cropped, padded
from autograd_cnn.kernels.windows import Array, Windows


def max_pool(x: Array, windows: Windows) -> tuple[Array, Array]:
    """Return each window's largest value and its tap; of equal ones the first, of NaNs the first NaN."""
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    extent = padded(x, windows, lowest)
    taps = windows.size[0] * windows.size[1]
    y = np.full((*x.shape[:2], *windows.out), lowest, x.dtype)
    winners = np.zeros(y.shape, np.min_scalar_type(taps - 1))
    for tap, (_, _, rows, columns) in enumerate(windows.taps()):
        value = extent[:, :, rows, columns]
        better = ~(value <= y) & (y == y)  # so that a NaN wins, and keeps winning
        np.copyto(y, value, where=better)
        np.copyto(winners, winners.dtype.type(tap), where=better)
    return y, winners


def gather_winners(x: Array, winners: Array, windows: Windows) -> Array:
    """Return from each window the value at its winner's tap."""
    extent = padded(x, windows)
    y = np.zeros(winners.shape, x.dtype)
    for tap, (_, _, rows, columns) in enumerate(windows.taps()):
        np.copyto(y, extent[:, :, rows, columns], where=winners == tap)
    return y


def scatter_winners(g: Array, winners: Array, windows: Windows) -> Array:
    """Add each window's g to the pixel that won it: the adjoint of `gather_winners`."""
    extent = np.zeros((*g.shape[:2], *windows.extent), g.dtype)
    for tap, (_, _, rows, columns) in enumerate(windows.taps()):
        view = extent[:, :, rows, columns]
        np.add(view, g, out=view, where=winners == tap)
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
