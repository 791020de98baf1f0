"""Borders around images, with PyTorch's arguments: the last axis comes first."""

from typing import Literal, TypeAlias

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.parameters import Axes, Number

__all__ = ["pad"]

Mode: TypeAlias = Literal["constant", "reflect", "replicate", "circular"]


@composite
def pad(input: Array, pad: Axes, mode: Mode = "constant", value: Number | None = None) -> Array:
    """``x`` with a border.

    Parameters
    ----------
    input : array
    pad : sequence of int
        The number of elements before and after: ``(left, right)`` along the last axis, then ``(top, bottom)`` along the
        one before it, and so on. A negative number crops as many.
    mode : {"constant", "reflect", "replicate", "circular"}
        The contents of the border: ``value``; or elements of ``x``: mirrored at the outermost, which is not repeated;
        the outermost, repeated; or taken from the other end.
    value : float, optional
        For the constant mode; by default 0.

    Raises
    ------
    ArgumentError, ShapeError
        For an unknown mode, numbers that are not pairs, more pairs than axes, or a border for which ``x`` is too small.

    Examples
    --------
    >>> pad([[1.0, 2.0]], (1, 2))
    array([[0., 1., 2., 0., 0.]])
    >>> pad([[1.0, 2.0, 3.0]], (2, 0), mode="reflect")
    array([[3., 2., 1., 2., 3.]])
    >>> pad([1.0, 2.0, 3.0], (-1, 1), mode="replicate")
    array([2., 3., 3.])
    """
    shape = shape_of(input)
    numbers = (pad,) if isinstance(pad, int) else tuple(pad)
    if len(numbers) % 2 or len(numbers) > 2 * len(shape):
        expected = f"up to {len(shape)} pairs, for x of shape {shape}"
        raise ArgumentError("pad", "pad is not understood", expected=expected, got=numbers)
    if mode != "constant" and value is not None:
        raise ArgumentError("pad", f"value does not go with mode={mode!r}")
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))[::-1]
    lead = len(shape) - len(pairs)
    left = [n + min(before, 0) + min(after, 0) for n, (before, after) in zip(shape[lead:], pairs, strict=True)]
    if any(n < 0 for n in left):
        raise ShapeError("pad", "more is cut off than there is", expected=f"less than {shape}", got=numbers)
    if any(before < 0 or after < 0 for before, after in pairs):
        cut = (slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(shape[lead:], pairs, strict=True))
        input = ops.getitem(input, index=(*(slice(None),) * lead, *cut))
    pairs = [(max(before, 0), max(after, 0)) for before, after in pairs]
    if mode == "constant":
        return ops.pad(input, ((0, 0),) * lead + tuple(pairs), constant_values=value or 0)
    for axis, (length, sides) in enumerate(zip(left, pairs, strict=True), lead):
        if any(sides):
            most = {"reflect": length - 1, "circular": length}.get(mode, max(*sides) if length else 0)
            if max(sides) > most:
                expected = f"at most {most} along an axis of {length}"
                raise ShapeError("pad", f"x is too small for mode={mode!r}", got=sides, expected=expected)
            input = _bordered(input, axis, length, sides, mode)
    return input


def _bordered(x: Array, axis: int, length: int, sides: tuple[int, int], mode: str) -> Array:
    """Return ``x`` with slices of itself on both sides."""
    before, after = sides
    if mode == "circular":
        slices = slice(length - before, length), slice(0, after)
    elif mode == "reflect":
        end = length - 2 - after
        slices = slice(before, 0, -1), slice(length - 2, end if end >= 0 else None, -1)
    else:
        slices = slice(0, 1), slice(length - 1, length)
    first, last = (ops.getitem(x, index=(*(slice(None),) * axis, each)) for each in slices)
    if mode == "replicate":
        first, last = ops.repeat(first, before, axis=axis), ops.repeat(last, after, axis=axis)
    return ops.concatenate([part for part, count in ((first, before), (x, 1), (last, after)) if count], axis=axis)
