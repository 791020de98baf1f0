"""Which pixel each tap of each window meets; what falls on the padding is left out."""

import numpy as np

from autograd_cnn.kernels.windows import Array, Windows


def tap_rows_and_columns(windows: Windows) -> tuple[Array, Array]:
    """Return which row each window's rows of taps meet, (OH, KH), and which column, (OW, KW); -1 for the padding."""
    met = []
    for n, k, s, (before, _), d, places in zip(
        windows.image, windows.size, windows.stride, windows.padding, windows.dilation, windows.out, strict=True
    ):
        line = np.arange(places)[:, None] * s + np.arange(k) * d - before
        met.append(np.where((line >= 0) & (line < n), line, -1))
    return met[0], met[1]


def count_meetings(windows: Windows) -> int:
    """Count the pairs of a window's tap and a pixel."""
    rows, columns = tap_rows_and_columns(windows)
    return int(np.count_nonzero(rows >= 0)) * int(np.count_nonzero(columns >= 0))


def meetings(windows: Windows) -> tuple[Array, Array, Array]:
    """Return the window, the tap and the pixel of every meeting, window by window and tap by tap."""
    rows, columns = tap_rows_and_columns(windows)
    row, column = rows[:, None, :, None], columns[:, None, :]
    meet = (row >= 0) & (column >= 0)  # (OH, OW, KH, KW)
    place, tap = np.divmod(np.flatnonzero(meet), meet[0, 0].size)
    return place, tap, (row * windows.image[1] + column)[meet]
