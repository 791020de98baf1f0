"""Correlation and its two adjoints, as matrix products over columns of image patches.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), g and y (N, F, OH, OW), for G groups.
"""

from math import prod

import numpy as np

from autograd_cnn.kernels.windows import Array, Windows

__all__ = ["correlate2d", "correlate2d_wrt_input", "correlate2d_wrt_weight"]


def padded(x: Array, windows: Windows, fill: float = 0) -> Array:
    """Return the part of the padded image that the windows reach."""
    if windows.extent == windows.image and windows.padding[0][0] == windows.padding[1][0] == 0:
        return x
    out = np.full((*x.shape[:2], *windows.extent), fill, x.dtype)
    rows, columns, kept_rows, kept_columns = windows.inside()
    out[:, :, rows, columns] = x[:, :, kept_rows, kept_columns]
    return out


def cropped(extent: Array, windows: Windows) -> Array:
    """Undo `padded`: drop the padding, and fill the pixels that no window reached with 0."""
    if windows.extent == windows.image and windows.padding[0][0] == windows.padding[1][0] == 0:
        return extent
    x = np.zeros((*extent.shape[:2], *windows.image), extent.dtype)
    rows, columns, kept_rows, kept_columns = windows.inside()
    x[:, :, kept_rows, kept_columns] = extent[:, :, rows, columns]
    return x


def columns(x: Array, windows: Windows, groups: int) -> Array:
    """Return every patch as a column (im2col)."""
    n, c = x.shape[:2]
    extent = padded(x, windows)
    patches = np.empty((n, c, *windows.size, *windows.out), x.dtype)
    for p, q, rows, cols in windows.taps():
        patches[:, :, p, q] = extent[:, :, rows, cols]
    return patches.reshape(n, groups, c // groups * prod(windows.size), prod(windows.out))  # (N, G, C/G·KH·KW, OH·OW)


def correlate2d(x: Array, w: Array, bias: Array | None, windows: Windows, groups: int) -> Array:
    """Return y[n, f] = bias[f] + Σ over c, p, q of w[f, c, p, q] · x[n, c, i·s + p·d, j·s + q·d]."""
    kernels = w.reshape(groups, w.shape[0] // groups, prod(w.shape[1:]))  # (G, F/G, C/G·KH·KW)
    y = kernels @ columns(x, windows, groups)  # (N, G, F/G, OH·OW)
    y = y.reshape(x.shape[0], w.shape[0], *windows.out)
    if bias is not None:
        y += bias[:, None, None]
    return y


def correlate2d_wrt_input(g: Array, w: Array, windows: Windows, groups: int) -> Array:
    """Return the cotangent of x: at each pixel the sum over the patches that cover it (col2im)."""
    n, f = g.shape[:2]
    kernels = w.reshape(groups, f // groups, prod(w.shape[1:]))
    patches = kernels.swapaxes(1, 2) @ g.reshape(n, groups, f // groups, prod(windows.out))  # (N, G, C/G·KH·KW, OH·OW)
    c = groups * w.shape[1]
    patches = patches.reshape(n, c, *windows.size, *windows.out)
    extent = np.zeros((n, c, *windows.extent), patches.dtype)
    for p, q, rows, cols in windows.taps():
        extent[:, :, rows, cols] += patches[:, :, p, q]
    return cropped(extent, windows)


def correlate2d_wrt_weight(x: Array, g: Array, windows: Windows, groups: int) -> Array:
    """Return the cotangent of w: input times sensitivity, summed over images and positions."""
    n, f = g.shape[:2]
    maps = g.reshape(n, groups, f // groups, prod(windows.out))  # (N, G, F/G, OH·OW)
    dw = (maps @ columns(x, windows, groups).swapaxes(2, 3)).sum(axis=0)  # (G, F/G, C/G·KH·KW)
    return dw.reshape(f, x.shape[1] // groups, *windows.size)
