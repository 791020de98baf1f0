"""Pooling: the largest or the mean value of each window.

`max_pool` finds the index of each window's largest value (its argmax; the "switches" of Zeiler & Fergus 2014).
`max_pool_gather` and `max_unpool`, which read and write where these indices point, are each other's adjoints, as are
`mean_pool` and `mean_pool_wrt_input`.

Shapes: x (N, C, H, W), (C, H, W) or (H, W); y and g the same with (OH, OW).
"""

from functools import lru_cache
from typing import Any, Final

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.kernels.windows import Windows
from autograd_cnn.kernels.windows import windows as slide_windows
from autograd_cnn.ops.precision import index_dtype, joined, mean_dtype, sum_dtype
from autograd_cnn.parameters import Flag, Indices, IntOrPair, KnownShape, Padding, Size

__all__ = ["max_pool", "max_pool_gather", "max_pool_indices", "max_unpool", "mean_pool", "mean_pool_wrt_input"]

_NO_PADDING: Final = ((0, 0), (0, 0))


@lru_cache(maxsize=1024)
def _windows(
    where: str, shape: Shape, window: IntOrPair, stride: IntOrPair | None, padding: Padding, dilation: IntOrPair,
    ceil_mode: bool,
) -> Windows:  # fmt: skip
    if len(shape) not in (2, 3, 4):
        raise ShapeError(where, "x has the wrong rank", expected="(N, C, H, W), (C, H, W) or (H, W)", got=shape)
    stride = window if stride is None else stride
    windows = slide_windows(
        where, shape[-2:], window, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )
    axes = zip(windows.image, windows.size, windows.stride, windows.padding, windows.dilation, windows.out, strict=True)
    if not all(_meet(*axis) for axis in axes):
        problem = "every tap of some window falls on the border"
        raise ArgumentError(where, problem, hint="use less padding or less dilation")
    return windows


def _meet(length: int, taps: int, step: int, sides: tuple[int, int], gap: int, places: int) -> bool:
    """Whether each window along an axis has a tap on the image."""
    before, _ = sides
    if (places - 1) * step - before >= length:
        return False
    starts = np.arange(min(places, -(-before // step))) * step - before  # of windows that begin before the image
    skipped = -(starts // gap)
    return bool(np.all((skipped < taps) & (starts + skipped * gap < length)))


def _check_g(where: str, g: Array, x: Shape, windows: Windows) -> None:
    expected = (*x[:-2], *windows.out)
    if np.shape(g) != expected:
        raise ShapeError(where, "g has the wrong shape", expected=expected, got=np.shape(g))


def _lift(x: Array) -> Array:
    return x.reshape((1,) * (4 - x.ndim) + x.shape)


# --- the largest of each window ---------------------------------------------------------------


@primitive(residuals=("indices",), static=True)
def max_pool(
    x: Array,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: Flag = False,
) -> tuple[Array, Array]:
    """The largest value of every window; where several tie, the first, row by row, is the winner.

    Only that pixel gets the gradient; if it is the largest of several windows, it gets their sum.

    Parameters
    ----------
    x : (N, C, H, W), (C, H, W) or (H, W)
        Images.
    window : int or pair
        Height and width of the windows.
    stride : int or pair, optional
        Pixels between neighbouring windows; by default the window's size, so that windows do not overlap.
    padding : int, pair, ((top, bottom), (left, right)), "valid", "same" or "full"
        A border that is never chosen; every window must meet the image. ``"same"`` gives ``ceil(H / s)`` rows, with an
        odd border row at the bottom and right; ``"full"`` gives every position at which window and image touch.
    dilation : int or pair
        Pixels between neighbouring taps of a window.
    ceil_mode : bool
        Round the number of windows up instead of down; no window begins beyond the image.

    Returns
    -------
    y : (N, C, OH, OW), (C, OH, OW) or (OH, OW)

    Raises
    ------
    ShapeError, ArgumentError
        If the window does not fit, or a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> max_pool(np.arange(16.0).reshape(4, 4), 2)
    array([[ 5.,  7.],
           [13., 15.]])
    """
    windows = _windows("max_pool", np.shape(x), window, stride, padding, dilation, ceil_mode)
    return _largest("max_pool", x, windows, rectified=False)


def _largest(where: str, x: Array, windows: Windows, *, rectified: bool) -> tuple[Array, Array]:
    """Return the largest value of every window, or 0 if that is more and ``rectified``, and the tap that has it."""
    (x,) = joined(where, x=x)
    y, indices = kernels.max_pool(_lift(x), windows, rectified)
    shape = (*x.shape[:-2], *windows.out)
    return y.reshape(shape), indices.reshape(shape)


@max_pool.vjp("x")
def max_pool_vjp_x(g: Array, *, indices: Array, x_shape: Shape, **geometry: Any) -> Array:
    return _max_unpool(g, indices=indices, x_shape=x_shape, **geometry)


@primitive(constant=True)
def max_pool_indices(
    x: Array,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: Flag = False,
) -> Array:
    """The position in its map of the value that `max_pool` chooses, counted row by row; no gradient.

    Parameters are those of `max_pool`.

    Returns
    -------
    indices : (N, C, OH, OW), (C, OH, OW) or (OH, OW) of int

    Examples
    --------
    >>> import numpy as np
    >>> max_pool_indices(np.arange(16.0).reshape(4, 4), 2)
    array([[ 5,  7],
           [13, 15]])
    """
    windows = _windows("max_pool_indices", np.shape(x), window, stride, padding, dilation, ceil_mode)
    _, taps = _largest("max_pool_indices", x, windows, rectified=False)
    tap_rows, tap_columns = np.divmod(taps.astype(np.intp), windows.size[1])
    starts = (
        np.arange(places) * step - before
        for places, step, (before, _) in zip(windows.out, windows.stride, windows.padding, strict=True)
    )
    rows, columns = (
        next(starts)[:, None] + tap_rows * windows.dilation[0],
        next(starts) + tap_columns * windows.dilation[1],
    )
    return rows * windows.image[1] + columns


@composite
def max_pool_gather(
    x: Array,
    indices: Indices,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: Flag = False,
) -> Array:
    """From each window, the value at the tap that ``indices`` names, counted row by row.

    Parameters
    ----------
    x : (N, C, H, W), (C, H, W) or (H, W)
        Images.
    indices : (N, C, OH, OW), (C, OH, OW) or (OH, OW)
        For each window a tap on the image, or KH·KW, the number of taps, for none: then it gives 0.
    window, stride, padding, dilation, ceil_mode
        As for `max_pool`.

    Returns
    -------
    y : (N, C, OH, OW), (C, OH, OW) or (OH, OW)

    Raises
    ------
    ShapeError, ArgumentError
        If a shape does not fit, or a parameter or index is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> max_pool_gather(np.arange(4.0).reshape(2, 2), indices=np.array([[2]]), window=2)
    array([[2.]])
    """
    geometry: Any = (window, stride, padding, dilation, ceil_mode)
    windows = _windows("max_pool_gather", shape_of(x), *geometry)
    _check_taps("max_pool_gather", indices, shape_of(x), windows, ceil_mode)
    return _max_pool_gather(x, indices, *geometry)


@primitive(static=True)
def _max_pool_gather(
    x: Array,
    indices: Indices,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: Flag = False,
) -> Array:
    """Do the same with indices that are known to be right, such as those that `max_pool` has found."""
    windows = _windows("max_pool_gather", np.shape(x), window, stride, padding, dilation, ceil_mode)
    indices = _taps("max_pool_gather", indices, np.shape(x), windows)
    (x,) = joined("max_pool_gather", x=x)
    return kernels.max_pool_gather(_lift(x), _lift(indices), windows).reshape(indices.shape)


@_max_pool_gather.vjp("x")
def max_pool_gather_vjp_x(g: Array, *, indices: Array, x_shape: Shape, **geometry: Any) -> Array:
    return _max_unpool(g, indices=indices, x_shape=x_shape, **geometry)


@composite
def max_unpool(
    g: Array,
    indices: Indices,
    x_shape: KnownShape,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: Flag = False,
) -> Array:
    """Add each window's ``g`` where its index points, to zeros of ``x_shape``: max-unpooling.

    Parameters
    ----------
    g : (N, C, OH, OW), (C, OH, OW) or (OH, OW)
        A number for each window.
    indices, window, stride, padding, dilation, ceil_mode
        As for `max_pool_gather`, whose adjoint this is.
    x_shape : tuple of int
        The shape of the images.

    Returns
    -------
    dx : (N, C, H, W), (C, H, W) or (H, W)

    Raises
    ------
    ShapeError, ArgumentError
        If a shape does not fit, or a parameter or index is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> max_unpool(np.array([[5.0]]), indices=np.array([[2]]), x_shape=(2, 2), window=2)
    array([[0., 0.],
           [5., 0.]])
    """
    geometry: Any = (window, stride, padding, dilation, ceil_mode)
    windows = _windows("max_unpool", x_shape, *geometry)
    _check_g("max_unpool", g, x_shape, windows)
    _check_taps("max_unpool", indices, x_shape, windows, ceil_mode)
    return _max_unpool(g, indices, x_shape, *geometry)


@primitive(static=True)
def _max_unpool(
    g: Array,
    indices: Indices,
    x_shape: KnownShape,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: Flag = False,
) -> Array:
    """Do the same with indices that are known to be right, such as those that `max_pool` has found."""
    windows = _windows("max_unpool", x_shape, window, stride, padding, dilation, ceil_mode)
    _check_g("max_unpool", g, x_shape, windows)
    indices = _taps("max_unpool", indices, x_shape, windows)
    (g,) = joined("max_unpool", sum_dtype, g=g)
    return kernels.max_unpool(_lift(g), _lift(indices), windows).reshape(x_shape)


@_max_unpool.vjp("g")
def max_unpool_vjp_g(u: Array, *, indices: Array, x_shape: Shape, **geometry: Any) -> Array:
    return _max_pool_gather(u, indices=indices, **geometry)


@primitive(residuals=("indices",), static=True)
def _relu_max_pool(
    x: Array,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: Flag = False,
) -> tuple[Array, Array]:
    """The largest value of each window, or 0 where none is positive: a `relu` and a `max_pool` in one pass.

    The order of the two does not matter. Where 0 is chosen, no pixel gets a gradient. `autograd_cnn.ops.fusion`
    replaces them with it.

    Parameters are those of `max_pool`.

    Examples
    --------
    >>> import numpy as np
    >>> _relu_max_pool(np.arange(-8.0, 8.0).reshape(4, 4), window=2)
    array([[0., 0.],
           [5., 7.]])
    """
    windows = _windows("relu_max_pool", np.shape(x), window, stride, padding, dilation, ceil_mode)
    return _largest("relu_max_pool", x, windows, rectified=True)


@_relu_max_pool.vjp("x")
def relu_max_pool_vjp_x(g: Array, *, indices: Array, x_shape: Shape, **geometry: Any) -> Array:
    return _max_unpool(g, indices=indices, x_shape=x_shape, **geometry)


def _taps(where: str, indices: Array, x: Shape, windows: Windows) -> Array:
    """Return the indices in the type that `max_pool` gives them."""
    expected = (*x[:-2], *windows.out)
    if indices.shape != expected:
        raise ShapeError(where, "indices has the wrong shape", expected=expected, got=indices.shape)
    return indices.astype(np.min_scalar_type(windows.size[0] * windows.size[1]), copy=False)


def _check_taps(where: str, indices: Array, x: Shape, windows: Windows, ceil_mode: bool) -> None:
    """Check that each index meets the image or is none."""
    none, taps = windows.size[0] * windows.size[1], _taps(where, indices, x, windows)
    if indices.size and (indices.max() > none or (indices.dtype.kind == "i" and indices.min() < 0)):
        got = f"from {indices.min()} to {indices.max()}"
        raise ArgumentError(where, "indices is out of range", expected=f"from 0 to {none}", got=got)
    indices = indices.astype(np.min_scalar_type(none), copy=False)
    if windows.padding == _NO_PADDING and not ceil_mode:  # as nearly always: all windows lie entirely on the image
        return None
    for axis, some, off in _border(windows):
        if off[np.arange(some.size), np.moveaxis(taps, axis, -1)[..., some]].any():
            raise ArgumentError(where, "indices is out of range", hint="some name a tap that falls on the border")
    return indices


@lru_cache(maxsize=64)
def _border(windows: Windows) -> list[tuple[int, Array, Array]]:
    """Return, for each axis along which there are any, the windows that leave the image, and which of their taps are off it.

    The latter is (windows, taps); one more tap, for none, is never off.
    """
    found = []
    row, column = np.divmod(np.arange(windows.size[0] * windows.size[1]), windows.size[1])
    for axis, number in ((-2, row), (-1, column)):
        starts = np.arange(windows.out[axis]) * windows.stride[axis] - windows.padding[axis][0]
        ends = starts + (windows.size[axis] - 1) * windows.dilation[axis]
        some = np.flatnonzero((starts < 0) | (ends >= windows.image[axis]))
        pixels = starts[some, None] + number * windows.dilation[axis]
        off = (pixels < 0) | (pixels >= windows.image[axis])
        if some.size:
            found.append((axis, some, np.pad(off, ((0, 0), (0, 1)))))
    return found


# --- the mean of each window ------------------------------------------------------------------


def _counts(windows: Windows, count_include_pad: bool, divisor: int | None) -> Array:
    """Return the divisors of the sums, (OH, OW): the number of pixels in each, unless there is a ``divisor``."""
    if divisor is not None:
        return np.full(windows.out, divisor)
    lengths = []
    for n, k, s, (before, after), d, places in zip(
        windows.image, windows.size, windows.stride, windows.padding, windows.dilation, windows.out, strict=True
    ):
        start = np.arange(places) * s
        low, high = (0, before + n + after) if count_include_pad else (before, before + n)
        lengths.append(np.minimum(-((start - high) // d), k) - np.maximum(-((start - low) // d), 0))
    return np.outer(*lengths)


@primitive(static=True)
def mean_pool(
    x: Array,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: Flag = False,
    count_include_pad: Flag = True,
    dilation: IntOrPair = 1,
    divisor_override: Size | None = None,
) -> Array:
    """The mean of every window (LeCun et al. 1998 call it subsampling).

    Parameters
    ----------
    x : (N, C, H, W), (C, H, W) or (H, W)
        Images; the mean of integers is taken in float64.
    window, stride, padding, ceil_mode, dilation
        As for `max_pool`; the border counts as zeros.
    count_include_pad : bool
        Divide by the number of all pixels in the window, including the border's zeros, but not what a window in
        ``ceil_mode`` covers beyond the border.
    divisor_override : int, optional
        Divide by this instead.

    Returns
    -------
    y : (N, C, OH, OW), (C, OH, OW) or (OH, OW)

    Raises
    ------
    ShapeError, ArgumentError
        If the window does not fit, or a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> mean_pool(np.arange(16.0).reshape(4, 4), 2)
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    windows = _windows("mean_pool", np.shape(x), window, stride, padding, dilation, ceil_mode)
    (x,) = joined("mean_pool", mean_dtype, x=x)
    counts = _counts(windows, count_include_pad, divisor_override).astype(x.dtype)
    return kernels.mean_pool(_lift(x), windows, counts).reshape(*x.shape[:-2], *windows.out)


@mean_pool.vjp("x")
def mean_pool_vjp_x(g: Array, *, x_shape: Shape, **geometry: Any) -> Array:
    return mean_pool_wrt_input(g, x_shape=x_shape, **geometry)


@primitive(static=True)
def mean_pool_wrt_input(
    g: Array,
    x_shape: KnownShape,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: Flag = False,
    count_include_pad: Flag = True,
    dilation: IntOrPair = 1,
    divisor_override: Size | None = None,
) -> Array:
    """The adjoint of `mean_pool`: each pixel of a window gets the same share of the window's ``g``.

    Where windows do not overlap this is the Kronecker product with a constant window.

    Parameters
    ----------
    g : (N, C, OH, OW), (C, OH, OW) or (OH, OW)
        Sensitivities of the output.
    x_shape : tuple of int
        The shape of the images.
    window, stride, padding, ceil_mode, count_include_pad, dilation, divisor_override
        As for `mean_pool`.

    Returns
    -------
    dx : (N, C, H, W), (C, H, W) or (H, W)

    Raises
    ------
    ShapeError, ArgumentError
        If ``g`` is not shaped as the output of `mean_pool` would be, or a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> mean_pool_wrt_input(np.array([[4.0, 8.0]]), x_shape=(2, 4), window=2)
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]])
    """
    windows = _windows("mean_pool_wrt_input", x_shape, window, stride, padding, dilation, ceil_mode)
    _check_g("mean_pool_wrt_input", g, x_shape, windows)
    (g,) = joined("mean_pool_wrt_input", mean_dtype, g=g)
    counts = _counts(windows, count_include_pad, divisor_override).astype(g.dtype)
    return kernels.mean_pool_wrt_input(_lift(g), windows, counts).reshape(x_shape)


@mean_pool_wrt_input.vjp("g")
def mean_pool_wrt_input_vjp_g(u: Array, *, x_shape: Shape, **geometry: Any) -> Array:
    return mean_pool(u, **geometry)


# --- shapes -----------------------------------------------------------------------------------


@max_pool.shape
@max_pool_indices.shape(dtype=index_dtype)
@_relu_max_pool.shape
def max_pool_shape(x: AbstractArray, **geometry: Any) -> Shape:
    return (*x.shape[:-2], *_windows("max_pool", x.shape, **geometry).out)


@mean_pool.shape(dtype=mean_dtype)
def mean_pool_shape(x: AbstractArray, *, count_include_pad: bool, divisor_override: Any, **geometry: Any) -> Shape:
    return (*x.shape[:-2], *_windows("mean_pool", x.shape, **geometry).out)


@_max_pool_gather.shape
def max_pool_gather_shape(x: AbstractArray, *, indices: Array, **geometry: Any) -> Shape:
    windows = _windows("max_pool_gather", x.shape, **geometry)
    return np.shape(_taps("max_pool_gather", indices, x.shape, windows))


@_max_unpool.shape(dtype=sum_dtype)
def max_unpool_shape(g: AbstractArray, *, indices: Array, x_shape: Shape, **geometry: Any) -> Shape:
    windows = _windows("max_unpool", x_shape, **geometry)
    _check_g("max_unpool", g, x_shape, windows)
    _taps("max_unpool", indices, x_shape, windows)
    return x_shape


@mean_pool_wrt_input.shape(dtype=mean_dtype)
def mean_pool_wrt_input_shape(
    g: AbstractArray, *, x_shape: Shape, count_include_pad: bool, divisor_override: Any, **geometry: Any
) -> Shape:
    _check_g("mean_pool_wrt_input", g, x_shape, _windows("mean_pool_wrt_input", x_shape, **geometry))
    return x_shape
