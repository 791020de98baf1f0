"""Functions of samples along a line: differences, integrals, interpolation and convolution in one dimension."""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, dtype_of, shape_of
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.correlation import correlate2d
from autograd_cnn.ops.elementwise import absolute, add, astype, divide, multiply, power, subtract
from autograd_cnn.ops.indexing import getitem
from autograd_cnn.ops.joining import atleast_1d
from autograd_cnn.ops.logic import logical_and
from autograd_cnn.ops.rounding import floor_divide, trunc
from autograd_cnn.ops.selection import clip, equal, greater, less, not_equal, where
from autograd_cnn.ops.shaping import broadcast_to, concatenate, expand_dims, flip, moveaxis, reshape
from autograd_cnn.ops.sorting import searchsorted
from autograd_cnn.parameters import Axis, Count, Flag, Number, Whole

__all__ = [
    "convolve",
    "correlate",
    "diff",
    "ediff1d",
    "geomspace",
    "gradient",
    "interp",
    "linspace",
    "logspace",
    "trapezoid",
    "unwrap",
]

# --- differences and integrals ----------------------------------------------------------------


@composite
def diff(x: Array, n: Whole = 1, axis: Count = -1, prepend: Array | None = None, append: Array | None = None) -> Array:
    """The ``n``-th differences of neighbours along ``axis``, with values added before and after, if given.

    Examples
    --------
    >>> diff([1.0, 4.0, 9.0])
    array([3., 5.])
    """
    shape = shape_of(x)
    axis = normalize_axis_index(axis, len(shape))

    def fitted(values: Array) -> Array:
        one = (*shape[:axis], 1, *shape[axis + 1 :])
        return values if shape_of(values) else broadcast_to(values, shape=one)

    parts = [fitted(part) for part in (prepend, append) if part is not None]
    if parts:
        x = concatenate([*parts[: prepend is not None], x, *parts[prepend is not None :]], axis=axis)
    lead = (slice(None),) * axis
    for _ in range(n):
        later, earlier = getitem(x, index=(*lead, slice(1, None))), getitem(x, index=(*lead, slice(None, -1)))
        x = not_equal(later, earlier) if dtype_of(later).kind == "b" else subtract(later, earlier)
    return x


@composite
def ediff1d(x: Array, to_end: Array | None = None, to_begin: Array | None = None) -> Array:
    """The differences of neighbours in the flattened ``x``, with values added before and after, if given.

    Examples
    --------
    >>> ediff1d([1.0, 4.0, 9.0], to_begin=0.0)
    array([0., 3., 5.])
    """
    difference = diff(reshape(x, shape=-1))
    dtype = dtype_of(difference)
    ends = [None if part is None else astype(reshape(part, shape=-1), dtype=dtype) for part in (to_begin, to_end)]
    return concatenate([part for part in (ends[0], difference, ends[1]) if part is not None])


@composite
def gradient(x: Array, *varargs: Any, axis: Axis = None, edge_order: Whole = 1) -> Any:
    """Central differences along each axis, one-sided at the ends, as in `numpy.gradient`.

    Parameters
    ----------
    x : array
        Samples.
    *varargs : number or 1-D array
        The distance of neighbours, or the coordinates of all samples; one for all axes or one for each.
    axis : int or tuple of int, optional
        By default all axes.
    edge_order : 1 or 2
        The order of the differences at the ends.

    Returns
    -------
    array, or a tuple of them if there are several axes

    Examples
    --------
    >>> gradient([1.0, 4.0, 9.0, 16.0])
    array([3., 4., 6., 7.])
    """
    rank = len(shape_of(x))
    axes = tuple(range(rank)) if axis is None else normalize_axis_tuple(axis, rank)
    spacings = varargs or (1.0,)
    if len(spacings) == 1:
        spacings *= len(axes)
    if len(spacings) != len(axes) or edge_order not in (1, 2):
        expected, got = f"none, one or {len(axes)}, and an edge_order of 1 or 2", f"{len(varargs)} and {edge_order}"
        raise ArgumentError("gradient", "distances or edge_order are not understood", expected=expected, got=got)
    if dtype_of(x).kind != "f":
        x = astype(x, dtype=np.float64)
    found = tuple(_slopes(x, a, spacing, edge_order) for a, spacing in zip(axes, spacings, strict=True))
    return found[0] if len(found) == 1 else found


def _slopes(x: Array, axis: int, spacing: Any, edge_order: int) -> Array:
    line = moveaxis(x, axis, -1)
    length = shape_of(line)[-1]
    if length < edge_order + 1:
        expected = f"at least {edge_order + 1} samples"
        raise ArgumentError("gradient", "an axis is too short", expected=expected, got=length)
    if shape_of(spacing):
        if shape_of(spacing) != (length,):
            raise ShapeError("gradient", "coordinates do not fit", expected=f"shape ({length},)", got=shape_of(spacing))
        steps = diff(spacing)
    else:
        steps = broadcast_to(spacing, shape=(length - 1,))

    def at(y: Array, *index: int | slice) -> Array:
        return getitem(y, index=(..., *index))

    h = astype(steps, dtype=dtype_of(line)) if dtype_of(line) != dtype_of(steps) else steps
    slopes = divide(diff(line), h)
    before, after = at(h, slice(None, -1)), at(h, slice(1, None))
    left, right = at(slopes, slice(None, -1)), at(slopes, slice(1, None))
    inner = divide(add(multiply(left, after), multiply(right, before)), add(before, after))
    ends = [at(slopes, slice(0, 1)), at(slopes, slice(-1, None))]
    if edge_order == 2:  # of the parabola through three samples
        for end, (near, next_) in enumerate(((0, 1), (-1, -2))):
            bend = divide(subtract(at(slopes, next_), at(slopes, near)), add(at(h, next_), at(h, near)))
            ends[end] = expand_dims(subtract(at(slopes, near), multiply(bend, at(h, near))), -1)
    return moveaxis(concatenate([ends[0], inner, ends[1]], axis=-1), -1, axis)


@composite
def trapezoid(y: Array, x: Array | None = None, dx: Array = 1.0, axis: Count = -1) -> Array:
    """The integral along ``axis`` by the trapezoidal rule, for samples at ``x`` or at distances ``dx``.

    Examples
    --------
    >>> float(trapezoid([1.0, 2.0, 3.0]))
    4.0
    """
    line = moveaxis(y, axis, -1)
    if x is not None:
        dx = diff(x if len(shape_of(x)) == 1 else moveaxis(x, axis, -1))
    pairs = add(getitem(line, index=(..., slice(1, None))), getitem(line, index=(..., slice(None, -1))))
    return reduction.sum(divide(multiply(dx, pairs), 2.0), axis=-1)


@composite
def unwrap(x: Array, discont: Number | None = None, axis: Count = -1, *, period: Number = 2 * np.pi) -> Array:
    """Angles along ``axis`` with whole periods added, so that no step exceeds half a period, or ``discont``.

    Examples
    --------
    >>> unwrap([0.0, 3.0, 6.5]).round(3)
    array([0.   , 3.   , 0.217])
    """
    steps = diff(x, axis=axis)
    half = period / 2
    turns = floor_divide(add(steps, half), period)  # constants, so that the gradient is that of x
    stays = logical_and(equal(subtract(steps, multiply(turns, period)), -half), greater(steps, 0))
    turns = where(stays, subtract(turns, 1), turns)
    turns = where(less(absolute(steps), half if discont is None else max(discont, half)), 0, turns)
    lead = (slice(None),) * normalize_axis_index(axis, len(shape_of(x)))
    start = multiply(trunc(getitem(x, index=(*lead, slice(0, 1)))), 0)
    return subtract(x, multiply(reduction.cumsum(concatenate([start, turns], axis=axis), axis=axis), period))


# --- interpolation ----------------------------------------------------------------------------


@composite
def interp(
    x: Array, xp: Array, fp: Array, left: Array | None = None, right: Array | None = None, period: Number | None = None
) -> Array:
    """The values at ``x`` of the piecewise linear function with the values ``fp`` at the increasing ``xp``.

    Below and above ``xp`` it has the values ``left`` and ``right``, by default those at the ends. The derivative at a
    point of ``xp`` is the one to its right.

    Examples
    --------
    >>> interp([0.5, 3.0], [0.0, 1.0, 2.0], [0.0, 10.0, 30.0])
    array([ 5., 30.])
    """
    if period is not None:
        hint = "reduce x with np.mod, and repeat the samples at the ends"
        raise ArgumentError("interp", "period is not supported", hint=hint)
    count = shape_of(xp)[0]
    if count == 1:
        xp, fp, count = concatenate([xp, add(xp, 1)]), concatenate([fp, fp]), 2
    interval = clip(searchsorted(xp, x, side="right") - 1, min=0, max=count - 2)
    (x0, x1), (y0, y1) = ([getitem(z, index=interval), getitem(z, index=interval + 1)] for z in (xp, fp))
    y = add(y0, multiply(subtract(x, x0), divide(subtract(y1, y0), subtract(x1, x0))))
    first, last = (getitem(xp, index=end) for end in (0, -1))
    y = where(less(x, first), getitem(fp, index=0) if left is None else left, y)
    return where(greater(x, last), getitem(fp, index=-1) if right is None else right, y)


@composite
def linspace(
    start: Array, stop: Array, num: Whole = 50, endpoint: Flag = True, retstep: Flag = False, axis: Count = 0
) -> Any:
    """``num`` evenly spaced numbers from ``start`` to ``stop``, along a new axis; if ``retstep``, with the distance.

    Examples
    --------
    >>> linspace(0.0, 1.0, 3)
    array([0. , 0.5, 1. ])
    """
    span = multiply(subtract(stop, start), 1.0)
    rank = len(shape_of(span))
    share = np.linspace(0.0, 1.0, num, endpoint=endpoint).reshape(-1, *(1,) * rank)
    share = share.astype(np.result_type(dtype_of(span), 1.0) if dtype_of(span).kind == "f" else float)
    line = moveaxis(add(start, multiply(share, span)), 0, axis)
    steps = num - 1 if endpoint else num
    return (line, divide(span, steps) if steps else multiply(span, np.nan)) if retstep else line


@composite
def logspace(
    start: Array, stop: Array, num: Whole = 50, endpoint: Flag = True, base: Array = 10.0, axis: Count = 0
) -> Array:
    """``base`` to the power of ``num`` evenly spaced numbers from ``start`` to ``stop``; see `linspace`.

    Examples
    --------
    >>> logspace(0.0, 2.0, 3)
    array([  1.,  10., 100.])
    """
    return power(base, linspace(start, stop, num, endpoint, axis=axis))


@composite
def geomspace(start: Array, stop: Array, num: Whole = 50, endpoint: Flag = True, axis: Count = 0) -> Array:
    """``num`` numbers from ``start`` to ``stop``, each the same multiple of the one before; see `linspace`.

    Examples
    --------
    >>> geomspace(1.0, 100.0, 3)
    array([  1.,  10., 100.])
    """
    ratio = divide(stop, start)
    return multiply(start, power(ratio, linspace(multiply(ratio, 0.0), 1.0, num, endpoint, axis=axis)))


# --- convolution ------------------------------------------------------------------------------


@composite
def convolve(x1: Array, x2: Array, mode: str = "full") -> Array:
    """The convolution of two lines: ``y[k]`` is the sum of ``x1[i] * x2[k - i]``.

    Parameters
    ----------
    x1, x2 : (N,), (M,)
    mode : str
        ``"full"`` gives all N + M - 1 numbers, ``"same"`` the middle ones, as many as the longer line has, and
        ``"valid"`` those for which the shorter line lies within the longer one.

    Examples
    --------
    >>> convolve([1.0, 2.0, 3.0], [1.0, 10.0])
    array([ 1., 12., 23., 30.])
    """
    return _filtered("convolve", x1, x2, mode)


@composite
def correlate(x1: Array, x2: Array, mode: str = "valid") -> Array:
    """The correlation of two lines: the sums of ``x1[i + k] * x2[i]``; for the modes see `convolve`.

    Examples
    --------
    >>> correlate([1.0, 2.0, 3.0], [1.0, 10.0])
    array([21., 32.])
    """
    if shape_of(x1)[0] < shape_of(x2)[0]:
        return flip(_filtered("correlate", x2, flip(x1), mode))
    return _filtered("correlate", x1, flip(x2), mode)


def _filtered(where_: str, x1: Array, x2: Array, mode: str) -> Array:
    first, second = atleast_1d(x1), atleast_1d(x2)
    if shape_of(first)[0] < shape_of(second)[0]:
        first, second = second, first
    (length,) = shape_of(second)
    widths = {
        "full": (length - 1, length - 1),
        "same": (length - 1 - (length - 1) // 2, (length - 1) // 2),
        "valid": (0, 0),
    }
    if mode not in widths or not length:
        expected, got = "a filter, and a mode full, same or valid", f"{length} numbers, and {mode!r}"
        raise ArgumentError(where_, "can't be done", expected=expected, got=got)
    lines = expand_dims(first, 0), expand_dims(flip(second), 0)
    return reshape(correlate2d(*lines, padding=((0, 0), widths[mode])), shape=-1)
