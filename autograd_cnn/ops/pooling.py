"""Pooling: the largest or the mean value of every window.

`max_pool` picks by the positions of the winners; `gather_winners` and `scatter_winners`, which
read and write at these positions, are each other's adjoints. So are `mean_pool` and
`mean_pool_wrt_input`.

Shapes: x (N, C, H, W), (C, H, W) or (H, W); y and g the same with (OH, OW).
"""

from functools import lru_cache
from typing import Any

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.errors import ArgumentError, ShapeError, sentence
from autograd_cnn.kernels.windows import Windows, windows
from autograd_cnn.ops import reduction
from autograd_cnn.ops.linalg import matmul
from autograd_cnn.parameters import IntOrPair, pair
from autograd_cnn.primitive import primitive
from autograd_cnn.tape import Array, Shape, shape_of


def _slide(
    where: str,
    shape: Shape,
    window: IntOrPair,
    stride: IntOrPair | None,
    padding: IntOrPair,
    dilation: IntOrPair,
    ceil_mode: bool,
) -> Windows:
    if len(shape) not in (2, 3, 4):
        raise ShapeError(
            sentence(where, "x has the wrong rank", expected="(N, C, H, W), (C, H, W) or (H, W)", got=shape)
        )
    return _slid(
        where, (shape[-2], shape[-1]), window, window if stride is None else stride, padding, dilation, ceil_mode
    )


@lru_cache(maxsize=1024)
def _slid(
    where: str,
    image: tuple[int, int],
    window: IntOrPair,
    stride: IntOrPair,
    padding: IntOrPair,
    dilation: IntOrPair,
    ceil_mode: bool,
) -> Windows:
    pads = pair(where, "padding", padding, 0)
    slid = windows(where, image, window, stride=stride, padding=pads, dilation=dilation, ceil_mode=ceil_mode)
    if any(2 * p > k for p, k in zip(pads, slid.size, strict=True)):
        raise ArgumentError(
            sentence(where, "padding is out of range", expected=f"at most half of the window {slid.size}",
                     got=repr(padding), hint="a window must meet the image")
        )  # fmt: skip
    # With so little padding only the first window can miss: its taps lie on either side of the image.
    if any(p and d > n for p, d, n in zip(pads, slid.dilation, image, strict=True)):
        raise ArgumentError(
            sentence(where, "every tap of some window falls on the border", hint="use less padding or less dilation")
        )
    return slid


def _lift(x: Array) -> Array:
    return x.reshape((1,) * (4 - x.ndim) + x.shape)


# --- the largest of each window ---------------------------------------------------------------


@primitive(residuals=("winners",))
def max_pool(
    x: Array,
    *,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    rectified: bool = False,
) -> tuple[Array, Array]:
    """The largest value of every window; where several tie, the first, row by row, is the winner.

    Only the winner gets the gradient, and a pixel that wins in several windows gets the sum.
    Where 0 counts as well, it wins over all that is not positive, and then no pixel gets any.

    Parameters
    ----------
    x : (N, C, H, W), (C, H, W) or (H, W)
        Images.
    window : int or pair
        Height and width of the windows.
    stride : int or pair, optional
        Pixels between neighbouring windows; by default the window's size, so that none overlap.
    padding : int or pair
        A border that never wins; at most half of the window.
    dilation : int or pair
        Pixels between neighbouring taps of a window.
    ceil_mode : bool
        Round the number of windows up instead of down.
    rectified : bool
        Let 0 count as well: values and gradients of a `relu`, before or after, in the same pass.

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
    slid = _slide("max_pool", np.shape(x), window, stride, padding, dilation, ceil_mode)
    y, winners = kernels.max_pool(_lift(x), slid, rectified)
    shape = (*x.shape[:-2], *slid.out)
    return y.reshape(shape), winners.reshape(shape)


@max_pool.vjp("x")
def max_pool_wrt_x(g: Array, *, winners: Array, x_shape: Shape, rectified: bool, **geometry: Any) -> Array:
    return scatter_winners(g, winners=winners, x_shape=x_shape, **geometry)


@primitive
def gather_winners(
    x: Array,
    *,
    winners: Array,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> Array:
    """From every window the value at the tap that ``winners`` names, counted row by row.

    Examples
    --------
    >>> import numpy as np
    >>> gather_winners(np.arange(4.0).reshape(2, 2), winners=np.array([[2]]), window=2)
    array([[2.]])
    """
    slid = _slide("gather_winners", np.shape(x), window, stride, padding, dilation, ceil_mode)
    return kernels.gather_winners(_lift(x), _lift(winners), slid).reshape(winners.shape)


@gather_winners.vjp("x")
def gather_winners_wrt_x(g: Array, *, winners: Array, x_shape: Shape, **geometry: Any) -> Array:
    return scatter_winners(g, winners=winners, x_shape=x_shape, **geometry)


@primitive
def scatter_winners(
    g: Array,
    *,
    winners: Array,
    x_shape: Shape,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> Array:
    """Zeros of ``x_shape`` with each window's ``g`` added at its winner: also known as max-unpooling.

    Examples
    --------
    >>> import numpy as np
    >>> scatter_winners(np.array([[5.0]]), winners=np.array([[2]]), x_shape=(2, 2), window=2)
    array([[0., 0.],
           [5., 0.]])
    """
    slid = _slide("scatter_winners", x_shape, window, stride, padding, dilation, ceil_mode)
    return kernels.scatter_winners(_lift(g), _lift(winners), slid).reshape(x_shape)


@scatter_winners.vjp("g")
def scatter_winners_wrt_g(u: Array, *, winners: Array, x_shape: Shape, **geometry: Any) -> Array:
    return gather_winners(u, winners=winners, **geometry)


# --- the mean of each window ------------------------------------------------------------------


def _counts(slid: Windows, count_include_pad: bool) -> Array:
    """Return how many pixels each mean is taken over, (OH, OW)."""
    lengths = []
    for n, k, s, (before, after), places in zip(
        slid.image, slid.size, slid.stride, slid.padding, slid.out, strict=True
    ):
        start = np.arange(places) * s
        low, high = (0, before + n + after) if count_include_pad else (before, before + n)
        lengths.append(np.minimum(start + k, high) - np.maximum(start, low))
    return np.outer(*lengths)


@primitive
def mean_pool(
    x: Array,
    *,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """The mean of every window (LeCun et al. 1998 call it subsampling).

    Parameters
    ----------
    x : (N, C, H, W), (C, H, W) or (H, W)
        Images.
    window, stride, padding, ceil_mode
        As for `max_pool`; the border counts as zeros.
    count_include_pad : bool
        Divide by the number of all pixels in the window, the border's zeros included.

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
    slid = _slide("mean_pool", np.shape(x), window, stride, padding, 1, ceil_mode)
    counts = _counts(slid, count_include_pad).astype(x.dtype)
    return kernels.mean_pool(_lift(x), slid, counts).reshape(*x.shape[:-2], *slid.out)


@mean_pool.vjp("x")
def mean_pool_vjp_x(g: Array, *, x_shape: Shape, **geometry: Any) -> Array:
    return mean_pool_wrt_input(g, x_shape=x_shape, **geometry)


@primitive
def mean_pool_wrt_input(
    g: Array,
    *,
    x_shape: Shape,
    window: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """The adjoint of `mean_pool`: every pixel of a window gets the same share of its ``g``.

    Where windows do not overlap this is the Kronecker product with a constant window.

    Examples
    --------
    >>> import numpy as np
    >>> mean_pool_wrt_input(np.array([[4.0, 8.0]]), x_shape=(2, 4), window=2)
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]])
    """
    slid = _slide("mean_pool_wrt_input", x_shape, window, stride, padding, 1, ceil_mode)
    counts = _counts(slid, count_include_pad).astype(g.dtype)
    return kernels.mean_pool_wrt_input(_lift(g), slid, counts).reshape(x_shape)


@mean_pool_wrt_input.vjp("g")
def mean_pool_wrt_input_vjp_g(u: Array, *, x_shape: Shape, **geometry: Any) -> Array:
    return mean_pool(u, **geometry)


# --- made of these ----------------------------------------------------------------------------


def global_mean_pool(x: Array) -> Array:
    """The mean of every map, as maps of one pixel (Lin et al. 2014).

    Examples
    --------
    >>> import numpy as np
    >>> global_mean_pool(np.ones((2, 3, 4, 4))).shape
    (2, 3, 1, 1)
    """
    return reduction.mean(x, axis=(-2, -1), keepdims=True)


def adaptive_mean_pool(x: Array, output_size: IntOrPair) -> Array:
    """Means over windows that divide the image into ``output_size`` places as evenly as can be.

    Place i of n spans the pixels from ``floor(i·H/n)`` to ``ceil((i+1)·H/n)``, so windows may
    overlap by a pixel. It is a matrix product from either side.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_mean_pool(np.arange(5.0).reshape(1, 5), (1, 2))
    array([[1., 3.]])
    """
    shape = shape_of(x)
    sizes = pair("adaptive_mean_pool", "output_size", output_size, 1)
    if len(shape) < 2:
        raise ShapeError(sentence("adaptive_mean_pool", "x has the wrong rank", expected="at least (H, W)", got=shape))
    dtype = getattr(x, "dtype", np.dtype(float))
    rows, columns = (_averaging(n, places, dtype) for n, places in zip(shape[-2:], sizes, strict=True))
    return matmul(matmul(rows, x), columns.T)


def _averaging(length: int, places: int, dtype: Any) -> Array:
    """Return the matrix whose rows average the pixels that one place each overlaps, (places, length)."""
    pixel, place = np.arange(length), np.arange(places)[:, None]
    inside = ((pixel + 1) * places > place * length) & (pixel * places < (place + 1) * length)
    return (inside / inside.sum(axis=1, keepdims=True)).astype(dtype)
