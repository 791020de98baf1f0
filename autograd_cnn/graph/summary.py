"""Arrays in a few numbers."""

import math
from typing import Any

import numpy as np

from autograd_cnn.graph.model import Summary

BINS = 16


def summarize(array: Any) -> Summary:
    """Return the range, moments, norm and histogram of an array's finite elements.

    Examples
    --------
    >>> s = summarize([1.0, 3.0, float("nan")])
    >>> s.min, s.max, s.mean, s.std, s.bad
    (1.0, 3.0, 2.0, 1.0, 1)
    """
    values = np.asarray(array)
    if values.size == 1:
        return _of_number(float(values.reshape(-1)[0]))
    values = values.astype(np.float64).ravel()
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
    return Summary(low, high, mean, std, norm, bad, _histogram(values, low, high))


def _of_number(value: float) -> Summary:
    if not math.isfinite(value):
        return Summary(None, None, None, None, None, 1, ())
    return Summary(value, value, value, 0.0, abs(value), 0, (1,))


def _histogram(values: Any, low: float, high: float) -> tuple[int, ...]:
    if low == high:
        return (values.size,)
    places = (values / 2 - low / 2) * (BINS / (high / 2 - low / 2))
    counts = np.bincount(np.minimum(places.astype(int), BINS - 1), minlength=BINS)
    return tuple(counts.tolist())
