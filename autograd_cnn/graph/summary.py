"""Arrays as a few numbers, and as small pictures."""

import math
from base64 import b64encode
from typing import Any

import numpy as np

from autograd_cnn.graph.nodes import Picture, Summary

BINS = 16
PLANES = 16
CELLS = 8192
"""The most cells in a picture, over all planes."""
SIDE = 64
"""The most cells in a row or column."""


def summarize(array: Any) -> Summary:
    """Return the range, moments, norm, histogram and picture of an array's finite elements.

    Examples
    --------
    >>> s = summarize([1.0, 3.0, float("nan")])
    >>> s.min, s.max, s.mean, s.std, s.bad
    (1.0, 3.0, 2.0, 1.0, 1)
    """
    given = np.asarray(array)
    if given.size == 1:
        return _of_number(float(given.reshape(-1)[0]))
    values = given.astype(np.float64).ravel()
    finite = np.isfinite(values)
    bad = values.size - int(np.count_nonzero(finite))
    if bad:
        values = values[finite]
    if not values.size:
        return Summary(None, None, None, None, None, bad, ())
    low, high = float(values.min()), float(values.max())
    with np.errstate(over="ignore", invalid="ignore"):
        moments = (float(values.mean()), float(values.std()), float(np.linalg.norm(values)))
    mean, std, norm = (m if math.isfinite(m) else None for m in moments)
    drawn = _picture(given) if given.ndim > 1 else None
    return Summary(low, high, mean, std, norm, bad, _histogram(values, low, high), drawn)


def _of_number(value: float) -> Summary:
    if not math.isfinite(value):
        return Summary(None, None, None, None, None, 1, ())
    return Summary(value, value, value, 0.0, abs(value), 0, (1,))


def _histogram(values: Any, low: float, high: float) -> tuple[int, ...]:
    if low == high:
        return (values.size,)
    positions = (values / 2 - low / 2) * (BINS / (high / 2 - low / 2))
    counts = np.bincount(np.minimum(positions.astype(int), BINS - 1), minlength=BINS)
    return tuple(counts.tolist())


# --- pictures ---------------------------------------------------------------------------------


def _picture(array: Any) -> Picture:
    """Return the first planes, averaged until they fit."""
    rows, columns = array.shape[-2:]
    kept = _planes(array.shape)
    side = min(SIDE, math.isqrt(CELLS // kept))
    block = (-(-rows // side), -(-columns // side))
    planes = array.reshape(-1, rows, columns)[:kept].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        cells = _means(planes, block)
    finite = np.isfinite(cells)
    scale = float(np.abs(cells[finite]).max(initial=0.0))
    quantised = np.full(cells.shape, -128, np.int8)
    quantised[finite] = np.rint(cells[finite] / (scale or 1.0) * 127)
    kept, rows, columns = cells.shape
    return Picture(kept, rows, columns, block, scale, b64encode(quantised.tobytes()).decode())


def _planes(shape: tuple[int, ...]) -> int:
    """Return how many planes to keep: whole images if several fit, else the first channels of one."""
    count = math.prod(shape[:-2])
    channels = shape[-3] if len(shape) > 2 else 1
    if channels > PLANES:
        return min(PLANES, count)
    cells = min(shape[-2], SIDE) * min(shape[-1], SIDE)
    images = max(1, min(PLANES // channels, CELLS // (channels * cells)))
    return min(images * channels, count)


def _means(planes: Any, block: tuple[int, int]) -> Any:
    """Return the means of blocks; blocks at the lower and right edges may be smaller."""
    for axis, length in zip((2, 1), reversed(block), strict=True):
        if length > 1:
            starts = np.arange(0, planes.shape[axis], length)
            sizes = np.diff(starts, append=planes.shape[axis])
            planes = np.add.reduceat(planes, starts, axis) / (sizes if axis == 2 else sizes[:, None])
    return planes
