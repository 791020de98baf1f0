"""Pooling over windows, and the adjoints.

Shapes: x (N, C, H, W), y and g (N, C, OH, OW). ``indices`` holds each window's argmax, a tap's number counted row by
row, or the number of taps if no tap won.
"""

from typing import Any

import numpy as np

from autograd_cnn.kernels.reference.correlation import cropped, padded
from autograd_cnn.kernels.reference.elementwise import masked
from autograd_cnn.kernels.windows import Array, Windows

__all__ = ["max_pool", "max_pool_gather", "max_unpool", "mean_pool", "mean_pool_wrt_input"]


def max_pool(x: Array, windows: Windows, rectified: bool) -> tuple[Array, Array]:
    """Return each window's largest value and its tap; of equal ones the first, of NaNs the first NaN.

    If ``rectified``, 0 is another candidate, which wins unless a tap is positive.
    """
    extent = padded(x, windows, _lowest(x.dtype))
    values = [np.ascontiguousarray(extent[:, :, rows, columns]) for _, _, rows, columns in windows.taps()]
    y = values[0].copy()
    for value in values[1:]:
        np.maximum(y, value, out=y)
    # A window's argmax is the number of taps before the first that equals its largest value.
    indices = np.zeros(y.shape, np.min_scalar_type(len(values)))
    passed = np.ones(y.shape, bool)
    for value in values[:-1]:
        passed &= (value != y) & ~np.isnan(value)  # a NaN equals nothing, but it won
        indices += passed
    if extent is not x:
        np.maximum(indices, _first_inside(windows).astype(indices.dtype), out=indices)
    if rectified:
        zero = y <= 0
        y[zero], indices[zero] = 0, len(values)
    return y, indices


def _lowest(dtype: Any) -> float:
    """Return the smallest number of a dtype."""
    if dtype.kind == "b":
        return False
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _first_inside(windows: Windows) -> Array:
    """Return each window's first tap on the image, (OH, OW): padding does not win over a pixel of -inf."""
    rows, columns = (
        np.maximum(-((np.arange(out) * step - before) // gap), 0)
        for out, step, (before, _), gap in zip(
            windows.out, windows.stride, windows.padding, windows.dilation, strict=True
        )
    )
    return rows[:, None] * windows.size[1] + columns


def max_pool_gather(x: Array, indices: Array, windows: Windows) -> Array:
    """Return from each window the value at the tap that its index names."""
    extent = padded(x, windows)
    y = np.zeros(indices.shape, x.dtype)
    for tap, (_, _, rows, columns) in enumerate(windows.taps()):
        y += masked(np.ascontiguousarray(extent[:, :, rows, columns]), indices == tap)
    return y


def max_unpool(g: Array, indices: Array, windows: Windows) -> Array:
    """Add each window's g to the pixel that won it: the adjoint of `max_pool_gather`."""
    extent = np.zeros((*g.shape[:2], *windows.extent), g.dtype)
    g = np.ascontiguousarray(g)
    for tap, (_, _, rows, columns) in enumerate(windows.taps()):
        extent[:, :, rows, columns] += masked(g, indices == tap)
    return cropped(extent, windows)


def mean_pool(x: Array, windows: Windows, counts: Array) -> Array:
    """Return each window's sum over its count, (OH, OW) or a number."""
    extent = padded(x, windows)
    y = np.zeros((*x.shape[:2], *windows.out), x.dtype)
    for _, _, rows, columns in windows.taps():
        y += extent[:, :, rows, columns]
    return y / counts


def mean_pool_wrt_input(g: Array, windows: Windows, counts: Array) -> Array:
    """Return the cotangent of x: each pixel of a window gets the same share of its g (without overlap, np.kron)."""
    share = g / counts
    extent = np.zeros((*g.shape[:2], *windows.extent), share.dtype)
    for _, _, rows, columns in windows.taps():
        extent[:, :, rows, columns] += share
    return cropped(extent, windows)
