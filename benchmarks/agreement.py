"""Whether all peers have computed the same."""

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from benchmarks.tasks import Array, Arrays

NUMBERS = 1e-3
"""The largest relative difference that is let pass in a number, such as a loss."""

SINGLE = 5
"""How many times the difference of all arrays together that of a single one may be."""

ROUNDED = 1e-3
"""Arrays shorter than this share of all together are held to that length: they may be 0 but for rounding."""


def disagreements(results: Mapping[str, Arrays], tolerance: float) -> dict[str, str]:
    """Return who is out of line, and where; ``tolerance`` is for all arrays together.

    No peer is privileged: each array is held against the median of all peers, value by value. So
    of two that differ both are named, and of three or more the odd one out.

    Examples
    --------
    >>> same, other = {"loss": np.array(2.0)}, {"loss": np.array(3.0)}
    >>> disagreements({"a": same, "b": same, "c": other}, 1e-3)
    {'c': 'loss is off by 5e-01'}
    """
    names = list(dict.fromkeys(name for arrays in results.values() for name in arrays))
    middle = {name: _median([arrays[name] for arrays in results.values() if name in arrays]) for name in names}
    complaints = {peer: _complaint(arrays, middle, tolerance) for peer, arrays in results.items()}
    return {peer: complaint for peer, complaint in complaints.items() if complaint}


def _median(arrays: list[Array]) -> Array:
    """Return the median of the arrays that have the usual shape and no NaN."""
    usual = Counter(array.shape for array in arrays).most_common(1)[0][0]
    sound = [array for array in arrays if array.shape == usual and np.isfinite(array).all()]
    return np.median(sound, axis=0) if sound else np.full(usual, np.nan)


def _complaint(arrays: Arrays, middle: Arrays, tolerance: float) -> str:
    """Return the first thing that is wrong, or nothing."""
    several = [name for name, expected in middle.items() if expected.ndim]
    least = ROUNDED * _length([middle[name] for name in several])
    for name, expected in middle.items():
        if name not in arrays:
            return f"{name} is missing"
        if arrays[name].shape != expected.shape:
            return f"{name} is {arrays[name].shape}, not {expected.shape}"
        error = _distance([arrays[name]], [expected], least if expected.ndim else 0.0)
        if not error <= (SINGLE * tolerance if expected.ndim else NUMBERS):
            return f"{name} is off by {error:.0e}"
    error = _distance([arrays[name] for name in several], [middle[name] for name in several])
    return "" if error <= tolerance else f"all arrays together are off by {error:.0e}"


def _distance(found: list[Array], expected: list[Array], least: float = 0.0) -> float:
    """Return the length of the difference relative to what was expected, at least ``least``, unless that is 0."""
    difference = _length([a - b for a, b in zip(found, expected, strict=True)])
    return difference / (max(_length(expected), least) or 1.0)


def _length(arrays: list[Array]) -> float:
    """Return the Euclidean length of all arrays together."""
    return math.hypot(*(float(np.linalg.norm(array)) for array in arrays))
