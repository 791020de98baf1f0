"""Whether all peers have computed the same."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from benchmarks.tasks import Array, Arrays

TOLERANCE = 1e-3
"""The largest difference that is let pass, relative to an array's largest value: float32 and many sums."""


def disagreements(results: Mapping[str, Arrays], tolerance: float = TOLERANCE) -> dict[str, str]:
    """Return who is out of line, and where first.

    No peer is privileged: each array is held against the median of all peers, value by value. So
    of two that differ both are named, and of three or more the odd one out.

    Examples
    --------
    >>> same, other = {"loss": np.array(2.0)}, {"loss": np.array(3.0)}
    >>> disagreements({"a": same, "b": same, "c": other})
    {'c': 'loss is off by 5e-01'}
    """
    names = list(dict.fromkeys(name for arrays in results.values() for name in arrays))
    middle = {name: _median([arrays[name] for arrays in results.values() if name in arrays]) for name in names}
    found = {}
    for peer, arrays in results.items():
        complaint = next(
            filter(None, (_complaint(name, arrays.get(name), middle[name], tolerance) for name in names)), ""
        )
        if complaint:
            found[peer] = complaint
    return found


def _median(arrays: list[Array]) -> Array:
    """Return the median of the arrays that have the usual shape and no NaN."""
    usual = Counter(array.shape for array in arrays).most_common(1)[0][0]
    sound = [array for array in arrays if array.shape == usual and np.isfinite(array).all()]
    return np.median(sound, axis=0) if sound else np.full(usual, np.nan)


def _complaint(name: str, array: Array | None, middle: Array, tolerance: float) -> str:
    if array is None:
        return f"{name} is missing"
    if array.shape != middle.shape:
        return f"{name} is {array.shape}, not {middle.shape}"
    scale = np.abs(middle).max(initial=0) or 1.0
    error = float(np.abs(array - middle).max(initial=0) / scale)
    return "" if error <= tolerance else f"{name} is off by {error:.0e}"
