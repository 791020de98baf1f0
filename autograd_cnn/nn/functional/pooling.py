"""Pooling with PyTorch's names and arguments. Pooling along one axis treats sequences as images of one row."""

import math
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of, values_of
from autograd_cnn.engine.trace import reading
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.ops.adaptive_pooling import adapted
from autograd_cnn.parameters import Bool, IntOrPair, Padding, PerAxis, Size, several

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
]

adaptive_avg_pool2d = ops.adaptive_mean_pool
"""`autograd_cnn.adaptive_mean_pool` by PyTorch's name."""


@composite
def max_pool2d(
    input: Array, kernel_size: IntOrPair, stride: IntOrPair | None = None, padding: Padding = 0,
    dilation: IntOrPair = 1, ceil_mode: Bool = False, return_indices: Bool = False,
) -> Any:  # fmt: skip
    """The largest value of each window: `autograd_cnn.max_pool`.

    Parameters
    ----------
    input : (N, C, H, W), (C, H, W) or (H, W)
    kernel_size, stride, padding, dilation, ceil_mode
        As for `autograd_cnn.max_pool`.
    return_indices : bool
        Also return where in its map each value is, counted row by row, for `max_unpool2d`.

    Examples
    --------
    >>> y, indices = max_pool2d([[[1.0, 2.0], [4.0, 3.0]]], 2, return_indices=True)
    >>> y, indices
    (array([[[4.]]]), array([[[2]]]))
    """
    geometry: dict[str, Any] = {"window": kernel_size, "stride": stride, "padding": padding, "dilation": dilation,
                                "ceil_mode": ceil_mode}  # fmt: skip
    y = ops.max_pool(input, **geometry)
    return (y, ops.max_pool_indices(input, **geometry)) if return_indices else y


@composite
def avg_pool2d(
    input: Array, kernel_size: IntOrPair, stride: IntOrPair | None = None, padding: Padding = 0,
    ceil_mode: Bool = False, count_include_pad: Bool = True, divisor_override: Size | None = None,
) -> Array:  # fmt: skip
    """The mean of each window: `autograd_cnn.mean_pool`.

    Examples
    --------
    >>> avg_pool2d([[[1.0, 2.0], [4.0, 3.0]]], 2, divisor_override=1)
    array([[[10.]]])
    """
    return ops.mean_pool(
        input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override=divisor_override
    )


@composite
def max_pool1d(
    input: Array, kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0, dilation: PerAxis = 1,
    ceil_mode: Bool = False, return_indices: Bool = False,
) -> Any:  # fmt: skip
    """The largest value of each window along the last axis.

    Parameters are those of `max_pool2d`, with one number for each; ``input`` is (N, C, L) or (C, L).

    Examples
    --------
    >>> max_pool1d([[1.0, 3.0, 2.0, 5.0]], 2)
    array([[3., 5.]])
    """
    window, step, border = _in_one_row("max_pool1d", input, kernel_size, stride, padding)
    gap = (1, *several("max_pool1d", "dilation", dilation, 1, 1))
    found = max_pool2d(ops.expand_dims(input, axis=-2), window, step, border, gap, ceil_mode, return_indices)
    return tuple(ops.squeeze(each, axis=-2) for each in found) if return_indices else ops.squeeze(found, axis=-2)


@composite
def avg_pool1d(
    input: Array, kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0, ceil_mode: Bool = False,
    count_include_pad: Bool = True,
) -> Array:  # fmt: skip
    """The mean of each window along the last axis.

    Parameters are those of `avg_pool2d`, with one number for each; ``input`` is (N, C, L) or (C, L).

    Examples
    --------
    >>> avg_pool1d([[1.0, 3.0, 2.0, 5.0]], 2)
    array([[2. , 3.5]])
    """
    window, step, border = _in_one_row("avg_pool1d", input, kernel_size, stride, padding)
    y = ops.mean_pool(ops.expand_dims(input, axis=-2), window, step, border, ceil_mode, count_include_pad)
    return ops.squeeze(y, axis=-2)


def _in_one_row(
    where: str, x: Array, kernel_size: Any, stride: Any, padding: Any
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return the geometry of windows along the last axis as windows on an image of one row."""
    if len(shape_of(x)) not in (2, 3):
        raise ShapeError(where, "x has the wrong rank", expected="(N, C, L) or (C, L)", got=shape_of(x))
    (window,) = several(where, "kernel_size", kernel_size, 1, 1)
    (step,) = (window,) if stride is None else several(where, "stride", stride, 1, 1)
    (border,) = several(where, "padding", padding, 1)
    return (1, window), (1, step), (0, border)


# --- adaptive ---------------------------------------------------------------------------------


@composite
def adaptive_avg_pool1d(input: Array, output_size: Any) -> Array:
    """Means over windows that divide the last axis into ``output_size`` regions as evenly as can be.

    Examples
    --------
    >>> adaptive_avg_pool1d([[1.0, 3.0, 2.0, 6.0]], 2)
    array([[2., 4.]])
    """
    places = adapted("adaptive_avg_pool1d", output_size, shape_of(input)[-1:])
    return ops.squeeze(ops.adaptive_mean_pool(ops.expand_dims(input, axis=-2), (1, *places)), axis=-2)


@composite
def adaptive_max_pool2d(input: Array, output_size: Any, return_indices: Bool = False) -> Any:
    """The largest values of windows that divide the image into ``output_size`` regions as evenly as can be.

    The windows are those of `autograd_cnn.adaptive_mean_pool`; if several values tie, the first gets the gradient.

    Parameters
    ----------
    input : (..., H, W)
    output_size : int or pair
        Rows and columns; in a pair, None leaves the length as it is.
    return_indices : bool
        Also return where in its map each value is, counted row by row.

    Raises
    ------
    ShapeError, ArgumentError
        If ``input`` has no pixels, or a size is out of range.

    Examples
    --------
    >>> adaptive_max_pool2d([[1.0, 2.0, 3.0, 4.0, 5.0]], (1, 2))
    array([[3., 5.]])
    """
    shape = shape_of(input)
    if len(shape) < 2 or 0 in shape[-2:]:
        raise ShapeError("adaptive_max_pool2d", "x has no pixels", expected="(..., H, W) with H, W > 0", got=shape)
    sizes = adapted("adaptive_max_pool2d", output_size, shape[-2:])
    if not (shape[-2] % sizes[0] or shape[-1] % sizes[1]):  # the windows are alike
        return max_pool2d(input, (shape[-2] // sizes[0], shape[-1] // sizes[1]), return_indices=return_indices)
    positions = _positions(shape[-2:], sizes)  # (OH·OW, K)
    windows = ops.getitem(ops.reshape(input, shape=(*shape[:-2], math.prod(shape[-2:]))), index=(..., positions))
    argmax_indices = ops.argmax(windows, axis=-1, keepdims=True)
    y = ops.reshape(ops.take_along_axis(windows, argmax_indices, axis=-1), shape=(*shape[:-2], *sizes))
    if not return_indices:
        return y
    reading("return_indices of adaptive_max_pool2d", argmax_indices)
    indices = positions[np.arange(len(positions)), values_of(argmax_indices)[..., 0]]
    return y, indices.reshape(*shape[:-2], *sizes)


def _positions(image: Shape, sizes: Shape) -> Array:
    """Return the pixels of each window, counted row by row, (windows, pixels); smaller windows repeat their first pixel.

    The repetitions come last, so they are never the first of the largest.
    """
    axes = [
        [range(i * n // size, -(-(i + 1) * n // size)) for i in range(size)]
        for n, size in zip(image, sizes, strict=True)
    ]
    windows = [
        [row * image[1] + column for row in rows for column in columns] for rows in axes[0] for columns in axes[1]
    ]
    most = max(map(len, windows))
    return np.array([window + window[:1] * (most - len(window)) for window in windows])


@composite
def adaptive_max_pool1d(input: Array, output_size: Any, return_indices: Bool = False) -> Any:
    """The largest values of windows that divide the last axis into ``output_size`` regions as evenly as can be.

    Examples
    --------
    >>> adaptive_max_pool1d([[1.0, 3.0, 2.0, 6.0]], 2)
    array([[3., 6.]])
    """
    places = adapted("adaptive_max_pool1d", output_size, shape_of(input)[-1:])
    found = adaptive_max_pool2d(ops.expand_dims(input, axis=-2), (1, *places), return_indices)
    return tuple(ops.squeeze(each, axis=-2) for each in found) if return_indices else ops.squeeze(found, axis=-2)


# --- back to the larger image -----------------------------------------------------------------


@composite
def max_unpool2d(
    input: Array, indices: Array, kernel_size: IntOrPair, stride: IntOrPair | None = None, padding: IntOrPair = 0,
    output_size: Any = None,
) -> Array:  # fmt: skip
    """Put each value where ``indices`` says, among zeros: a partial inverse of `max_pool2d` (Zeiler et al. 2011).

    If several values go to one pixel, the last one is kept.

    Parameters
    ----------
    input, indices : (N, C, OH, OW) or (C, OH, OW)
        What `max_pool2d` returns.
    kernel_size, stride, padding
        Of that pool.
    output_size : sequence of int, optional
        The size (H, W) of the image, or its whole shape; by default the smallest from which the pool makes ``input``.

    Raises
    ------
    ShapeError, ArgumentError
        If the shapes do not match, or an index is outside the image.

    Examples
    --------
    >>> y, indices = max_pool2d([[[1.0, 2.0], [4.0, 3.0]]], 2, return_indices=True)
    >>> max_unpool2d(y, indices, 2)
    array([[[0., 0.],
            [4., 0.]]])
    """
    where = "max_unpool2d"
    reading(where, indices)
    shape, places = shape_of(input), np.asarray(values_of(indices))
    if len(shape) not in (3, 4) or places.shape != shape:
        problem = "input and indices do not go together"
        raise ShapeError(where, problem, expected="two of (N, C, H, W) or (C, H, W)", got=f"{shape} and {places.shape}")
    windows = several(where, "kernel_size", kernel_size, 2, 1)
    steps = windows if stride is None else several(where, "stride", stride, 2, 1)
    borders = several(where, "padding", padding, 2)
    if output_size is None:
        image = tuple((n - 1) * s - 2 * b + k for n, s, b, k in zip(shape[-2:], steps, borders, windows, strict=True))
    else:
        given = tuple(output_size)
        image = several(where, "output_size", given[-2:] if given[:-2] == shape[:-2] else given, 2, 1)
    pixels = image[0] * image[1]
    if places.size and not 0 <= places.min() <= places.max() < pixels:
        problem = "indices is out of range"
        expected = f"0 to {pixels - 1}, of an image of {image}"
        raise ArgumentError(where, problem, expected=expected, got=f"from {places.min()} to {places.max()}")
    maps = math.prod(shape[:-2])
    rows = maps, math.prod(shape[-2:])
    index = np.arange(maps)[:, None], places.reshape(rows)
    zeros = np.zeros((maps, pixels), values_of(input).dtype)
    filled = ops.set_at(zeros, ops.reshape(input, shape=rows), index=index)
    return ops.reshape(filled, shape=(*shape[:-2], *image))


@composite
def max_unpool1d(
    input: Array, indices: Array, kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0,
    output_size: Any = None,
) -> Array:  # fmt: skip
    """`max_unpool2d` of sequences, with what `max_pool1d` returns.

    Examples
    --------
    >>> y, indices = max_pool1d([[1.0, 3.0, 5.0, 2.0]], 2, return_indices=True)
    >>> max_unpool1d(y, indices, 2)
    array([[0., 3., 5., 0.]])
    """
    window, step, border = _in_one_row("max_unpool1d", input, kernel_size, stride, padding)
    size = output_size
    if size is not None:
        size = (1, *several("max_unpool1d", "output_size", tuple(size)[-1:], 1, 1))
    reading("max_unpool1d", indices)
    rows = ops.expand_dims(input, axis=-2), np.expand_dims(np.asarray(values_of(indices)), -2)
    return ops.squeeze(max_unpool2d(*rows, window, step, border, size), axis=-2)


# --- volumes ----------------------------------------------------------------------------------


@composite
def max_pool3d(
    input: Array, kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0, dilation: PerAxis = 1,
    ceil_mode: Bool = False,
) -> Array:  # fmt: skip
    """The largest value of each window of a volume: first within slices, then along the depth.

    Parameters are those of `max_pool2d`, with three numbers for each; ``input`` is (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import numpy as np
    >>> max_pool3d(np.arange(16.0).reshape(1, 2, 2, 4), 2).tolist()
    [[[[13.0, 15.0]]]]
    """
    where = "max_pool3d"
    geometry: Any = _of_volume(where, input, kernel_size, stride, padding)
    gaps: Any = several(where, "dilation", dilation, 3, 1)
    (window, step, border), (depths, deep_step, deep_border) = geometry
    slices = ops.max_pool(_slices(input), window, step, border, gaps[1:], ceil_mode)
    return _restacked(
        ops.max_pool(_columns(input, slices), depths, deep_step, deep_border, (gaps[0], 1), ceil_mode), slices
    )


@composite
def avg_pool3d(
    input: Array, kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0, ceil_mode: Bool = False,
    count_include_pad: Bool = True, divisor_override: Size | None = None,
) -> Array:  # fmt: skip
    """The mean of each window of a volume: first within slices, then along the depth.

    Parameters are those of `avg_pool2d`, with three numbers for each; ``input`` is (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool3d(np.arange(16.0).reshape(1, 2, 2, 4), 2).tolist()
    [[[[6.5, 8.5]]]]
    """
    geometry: Any = _of_volume("avg_pool3d", input, kernel_size, stride, padding)
    (window, step, border), (depths, deep_step, deep_border) = geometry
    first = None if divisor_override is None else 1
    slices = ops.mean_pool(_slices(input), window, step, border, ceil_mode, count_include_pad, divisor_override=first)
    return _restacked(
        ops.mean_pool(_columns(input, slices), depths, deep_step, deep_border, ceil_mode, count_include_pad,
                      divisor_override=divisor_override), slices
    )  # fmt: skip


@composite
def adaptive_max_pool3d(input: Array, output_size: Any) -> Array:
    """The largest values of windows that divide a volume into ``output_size`` regions as evenly as can be.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_max_pool3d(np.arange(16.0).reshape(1, 2, 2, 4), (1, None, 1)).tolist()
    [[[[11.0], [15.0]]]]
    """
    _check_volume("adaptive_max_pool3d", input)
    depth, *sizes = adapted("adaptive_max_pool3d", output_size, shape_of(input)[-3:])
    slices = adaptive_max_pool2d(_slices(input), tuple(sizes))
    return _restacked(adaptive_max_pool2d(_columns(input, slices), (depth, None)), slices)


@composite
def adaptive_avg_pool3d(input: Array, output_size: Any) -> Array:
    """Means over windows that divide a volume into ``output_size`` regions as evenly as can be.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_avg_pool3d(np.arange(16.0).reshape(1, 2, 2, 4), (1, None, 1)).tolist()
    [[[[5.5], [9.5]]]]
    """
    _check_volume("adaptive_avg_pool3d", input)
    depth, *sizes = adapted("adaptive_avg_pool3d", output_size, shape_of(input)[-3:])
    slices = ops.adaptive_mean_pool(_slices(input), tuple(sizes))
    return _restacked(ops.adaptive_mean_pool(_columns(input, slices), (depth, None)), slices)


def _check_volume(where: str, x: Array) -> None:
    if len(shape_of(x)) not in (4, 5):
        raise ShapeError(where, "x has the wrong rank", expected="(N, C, D, H, W) or (C, D, H, W)", got=shape_of(x))


def _of_volume(where: str, x: Array, kernel_size: Any, stride: Any, padding: Any) -> tuple[Any, Any]:
    """Return windows, strides and borders in the slices of a volume, and along its depth."""
    _check_volume(where, x)
    windows = several(where, "kernel_size", kernel_size, 3, 1)
    steps = windows if stride is None else several(where, "stride", stride, 3, 1)
    borders = several(where, "padding", padding, 3)
    return (windows[1:], steps[1:], borders[1:]), ((windows[0], 1), (steps[0], 1), (borders[0], 0))


def _slices(x: Array) -> Array:
    """Return a volume (..., C, D, H, W) as images (C', H, W)."""
    return ops.reshape(x, shape=(-1, *shape_of(x)[-2:]))


def _columns(x: Array, slices: Array) -> Array:
    """Return the images of a volume ``x`` as one image for each channel, (..., C, D, H·W)."""
    return ops.reshape(slices, shape=(*shape_of(x)[:-2], math.prod(shape_of(slices)[-2:])))


def _restacked(columns: Array, slices: Array) -> Array:
    """Return images of columns as volumes."""
    return ops.reshape(columns, shape=(*shape_of(columns)[:-1], *shape_of(slices)[-2:]))
