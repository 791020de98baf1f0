"""Finding repetitions in a sequence."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

PERIOD: Final = 64
"""The length of the longest unit that is searched for."""
TIMES: Final = 3
"""The least number of equal units that count as a repetition; two are read faster than unfolded."""


class Repeat(NamedTuple):
    """The start, unit length and count of a repetition."""

    start: int
    length: int
    times: int


def repeats(looks: Sequence[int]) -> Iterator[Repeat]:
    """Find consecutive equal units in a sequence of what its members look like.

    If several begin at the same place, the one that covers most is chosen, with the shortest unit; and it begins as
    early as possible.

    Parameters
    ----------
    looks : sequence of int
        Equal for equal members.

    Examples
    --------
    >>> list(repeats([7, 1, 2, 1, 2, 1, 2, 8, 8, 8]))
    [Repeat(start=1, length=2, times=3), Repeat(start=7, length=1, times=3)]
    """
    told = np.asarray(looks)
    lengths = range(1, min(PERIOD, len(told) // TIMES) + 1)
    runs = {length: _run(told[length:] == told[:-length]) for length in lengths}
    start = 0
    while start < len(told):
        found = [
            Repeat(start, length, int(run[start]) // length + 1)
            for length, run in runs.items()
            if start < len(run) and run[start] >= (TIMES - 1) * length
        ]
        best = max(found, key=lambda each: (each.times * each.length, -each.length), default=None)
        if best is None:
            start += 1
        else:
            yield best
            start += best.times * best.length


def _run(equal: np.ndarray) -> np.ndarray:
    """Return the number of consecutive True values from each place on."""
    positions = np.arange(len(equal))
    ends = np.where(equal, len(equal), positions)
    return np.asarray(np.minimum.accumulate(ends[::-1])[::-1] - positions)
