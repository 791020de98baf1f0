"""Which pixel each tap of each window reads; taps on the padding are left out."""

import numpy as np

from autograd_cnn.kernels.compiled.conv.problem import fits
from autograd_cnn.kernels.windows import Array, Windows


def tap_rows_and_columns(windows: Windows) -> tuple[Array, Array]:
    """Return the image row of each window's rows of taps, (OH, KH), and the column, (OW, KW); -1 for the padding."""
    met = []
    for n, k, s, (before, _), d, out in zip(
        windows.image, windows.size, windows.stride, windows.padding, windows.dilation, windows.out, strict=True
    ):
        line = np.arange(out)[:, None] * s + np.arange(k) * d - before
        met.append(np.where((line >= 0) & (line < n), line, -1))
    return met[0], met[1]


def count_taps_inside(windows: Windows) -> int:
    """Count the taps of all windows that are inside the image."""
    rows, columns = tap_rows_and_columns(windows)
    return int(np.count_nonzero(rows >= 0)) * int(np.count_nonzero(columns >= 0))


def table_fits(windows: Windows) -> bool:
    """Return whether tables with an entry for each of these taps are small enough."""
    return fits(8 * count_taps_inside(windows))


def tap_table(windows: Windows) -> tuple[Array, Array, Array]:
    """Return window, tap and pixel of every tap inside the image, window by window and tap by tap."""
    rows, columns = tap_rows_and_columns(windows)
    row, column = rows[:, None, :, None], columns[:, None, :]
    inside = (row >= 0) & (column >= 0)  # (OH, OW, KH, KW)
    window, tap = np.divmod(np.flatnonzero(inside), inside[0, 0].size)
    return window, tap, (row * windows.image[1] + column)[inside]
