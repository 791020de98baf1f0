"""All windows of an image as columns of a matrix, and back: ``im2col`` and ``col2im``."""

from functools import reduce
from typing import Any

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ShapeError
from autograd_cnn.kernels.windows import Windows, windows
from autograd_cnn.parameters import IntOrPair, several

__all__ = ["fold", "unfold"]


@composite
def unfold(
    input: Array, kernel_size: IntOrPair, dilation: IntOrPair = 1, padding: IntOrPair = 0, stride: IntOrPair = 1
) -> Array:
    """Return the windows of an image as columns.

    Parameters
    ----------
    input : (N, C, H, W) or (C, H, W)
    kernel_size, dilation, padding, stride : int or pair
        The geometry of the windows.

    Returns
    -------
    y : (N, C·KH·KW, L) or (C·KH·KW, L)
        For L windows, row by row.

    Raises
    ------
    ShapeError, ArgumentError
        If no window fits, or a parameter is out of range.

    Examples
    --------
    >>> unfold([[[1.0, 2.0, 3.0]]], (1, 2))
    array([[1., 2.],
           [2., 3.]])
    """
    shape = shape_of(input)
    if len(shape) not in (3, 4):
        raise ShapeError("unfold", "x has the wrong rank", expected="(N, C, H, W) or (C, H, W)", got=shape)
    grid = windows("unfold", shape[-2:], kernel_size, stride=stride, padding=padding, dilation=dilation)
    x = ops.pad(input, ((0, 0),) * (len(shape) - 2) + grid.padding) if grid.padding != ((0, 0), (0, 0)) else input
    taps = [ops.getitem(x, index=(..., rows, columns)) for _, _, rows, columns in grid.taps()]
    y = ops.stack(taps, axis=-3)  # (N, C, KH·KW, OH, OW)
    return ops.reshape(y, shape=(*shape[:-3], shape[-3] * len(taps), grid.out[0] * grid.out[1]))


@composite
def fold(
    input: Array, output_size: IntOrPair, kernel_size: IntOrPair, dilation: IntOrPair = 1, padding: IntOrPair = 0,
    stride: IntOrPair = 1,
) -> Array:  # fmt: skip
    """The adjoint of `unfold`: add each column to its window's pixels in an image.

    Parameters
    ----------
    input : (N, C·KH·KW, L) or (C·KH·KW, L)
    output_size : int or pair
        H and W.
    kernel_size, dilation, padding, stride : int or pair
        The geometry of the windows in the image.

    Returns
    -------
    y : (N, C, H, W) or (C, H, W)

    Raises
    ------
    ShapeError, ArgumentError
        If there are not L windows of KH·KW pixels in the image, or a parameter is out of range.

    Examples
    --------
    >>> fold([[1.0, 2.0], [2.0, 3.0]], (1, 3), (1, 2))
    array([[[1., 4., 3.]]])
    """
    shape = shape_of(input)
    image = several("fold", "output_size", output_size, 2, 1)
    grid = windows("fold", image, kernel_size, stride=stride, padding=padding, dilation=dilation)
    size, count = grid.size[0] * grid.size[1], grid.out[0] * grid.out[1]
    if len(shape) not in (2, 3) or shape[-2] % size or shape[-1] != count:
        expected = f"(N, C·{size}, {count}) or (C·{size}, {count})"
        raise ShapeError("fold", "x has the wrong shape", expected=expected, got=shape)
    lead = (*shape[:-2], shape[-2] // size)
    columns = ops.reshape(input, shape=(*lead, size, *grid.out))
    (top, bottom), (left, right) = grid.padding
    padded = (*lead, image[0] + top + bottom, image[1] + left + right)
    y = _added(columns, padded, grid)
    if grid.padding == ((0, 0), (0, 0)):
        return y
    return ops.getitem(y, index=(..., slice(top, top + image[0]), slice(left, left + image[1])))


def _added(columns: Array, shape: tuple[int, ...], grid: Windows) -> Array:
    """Return the sum of all taps, each at its own pixels."""
    taps: list[Any] = [
        ops.scatter_add(
            ops.getitem(columns, index=(..., tap, slice(None), slice(None))), index=(..., rows, along), shape=shape
        )
        for tap, (_, _, rows, along) in enumerate(grid.taps())
    ]
    return reduce(ops.add, taps)
