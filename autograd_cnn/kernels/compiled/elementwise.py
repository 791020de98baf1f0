"""Passes over memory, shared by all threads.

The loops run over slices from 0 on: only then does the compiler know that no index is negative, and
turns them into vector instructions.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

FEWEST: Final = 1 << 14  # elements; NumPy is done with fewer before another thread has begun
CHUNK: Final = 1 << 12  # elements that are one job


class Line(NamedTuple):
    """The size of what is worked on."""

    size: int


def relu(x: Array) -> Any:
    """Return x where it is positive, else 0, and where that is; a NaN passes."""
    if not supports(x) or x.size < FEWEST:
        return NotImplemented
    y, mask = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
    _relu(-(-x.size // CHUNK), Line(x.size), flat(x), y.reshape(-1), mask.reshape(-1))
    return y, mask


def masked(x: Array, mask: Array) -> Any:
    """Return x where the mask is set, else 0."""
    if not supports(x) or x.size < FEWEST:
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    _masked(-(-x.size // CHUNK), Line(x.size), flat(x), flat(mask), y.reshape(-1))
    return y


@parallel_for
def _relu(first: int, last: int, s: Line, x: Any, y: Any, mask: Any) -> None:
    """Rectify a chunk of x (size,) into y, with the mask (bool) of what passed, for each job."""
    here = slice(first * CHUNK, min(last * CHUNK, s.size))
    xs, ys, masks = x[here], y[here], mask[here]
    for i in range(len(xs)):
        passes = not xs[i] <= 0
        masks[i] = passes
        ys[i] = xs[i] if passes else xs.dtype.type(0)


@parallel_for
def _masked(first: int, last: int, s: Line, x: Any, mask: Any, y: Any) -> None:
    """Write a chunk of x (size,) into y where the mask (bool) is set, else 0, for each job."""
    here = slice(first * CHUNK, min(last * CHUNK, s.size))
    xs, ys, masks = x[here], y[here], mask[here]
    for i in range(len(xs)):
        ys[i] = xs[i] if masks[i] else xs.dtype.type(0)
