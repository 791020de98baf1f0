"""Resizing images: interpolation, and channels that become pixels."""

import math
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.kernels.taps import Taps, identity
from autograd_cnn.ops.resampling import _resample
from autograd_cnn.parameters import Bool, Size, number, several

__all__ = ["channel_shuffle", "interpolate", "pixel_shuffle", "pixel_unshuffle"]

Mode: TypeAlias = Literal["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "area"]

_AXES: Final = {"linear": 1, "bilinear": 2, "bicubic": 2}
"""The ranks of the images that each mode accepts."""

_FLOATS: Final = (np.float32, np.float64)

_BEND: Final = -0.75
"""The parameter a of Keys's cubic kernel, PyTorch's and OpenCV's choice."""


@composite
def interpolate(
    input: Array,
    size: Any = None,
    scale_factor: Any = None,
    mode: Mode = "nearest",
    align_corners: Bool | None = None,
    recompute_scale_factor: Bool | None = None,
) -> Array:
    """``x`` sampled on a finer or coarser grid.

    Linear and cubic interpolation are products with a sparse matrix from either side.

    Parameters
    ----------
    input : (N, C, L) or (N, C, H, W)
    size : int or sequence of int, optional
        The size of the result, along L, or H and W.
    scale_factor : float or sequence of float, optional
        Instead of ``size``: how many times larger.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "bicubic", "area"}
        ``"linear"`` is for (N, C, L), ``"bilinear"`` and ``"bicubic"`` (Keys 1981) are for (N, C, H, W). ``"area"`` takes
        means, as `autograd_cnn.adaptive_mean_pool`.
    align_corners : bool, optional
        In the linear and cubic modes: align the centres of the outermost pixels rather than their outer edges.
    recompute_scale_factor : bool, optional
        Use the ratio of the two sizes as the scale, instead of ``scale_factor``, which may differ from it by rounding.

    Raises
    ------
    ShapeError, ArgumentError
        If not exactly one of ``size`` and ``scale_factor`` is given, or an argument does not fit the rank or the mode.

    Examples
    --------
    >>> interpolate([[[[1.0, 2.0]]]], scale_factor=2)
    array([[[[1., 1., 2., 2.],
             [1., 1., 2., 2.]]]])
    >>> interpolate([[[1.0, 2.0, 3.0]]], size=5, mode="linear", align_corners=True)
    array([[[1. , 1.5, 2. , 2.5, 3. ]]])
    """
    shape = shape_of(input)
    _check(shape, mode, align_corners)
    sizes, scales = _sizes(shape[2:], size, scale_factor, bool(recompute_scale_factor))
    if mode == "area":
        return _means(input, sizes)
    axes = [*zip(shape[2:], sizes, scales, strict=True)]
    if not mode.startswith("nearest"):
        return _sampled(input, [_weighted(*axis, bool(align_corners), mode == "bicubic") for axis in axes])
    taps = [_nearest(*axis, 0.5 if mode == "nearest-exact" else 0.0) for axis in axes]
    if getattr(input, "dtype", np.dtype(float)) not in _FLOATS:
        for axis, each in enumerate(taps, 2):
            input = ops.take(input, np.array(each.places), axis)
        return input
    whole = len(axes) == 2 and all(not size % n and scale * size == n for n, size, scale in axes)
    return _repeated(input, sizes) if whole else _sampled(input, taps)


def _check(shape: Shape, mode: str, align_corners: bool | None) -> None:
    where = "interpolate"
    if len(shape) not in (3, 4) or 0 in shape[2:]:
        raise ShapeError(where, "x has the wrong shape", expected="(N, C, L) or (N, C, H, W)", got=shape)
    if mode in _AXES and _AXES[mode] != len(shape) - 2:
        expected = "(N, C, L)" if _AXES[mode] == 1 else "(N, C, H, W)"
        raise ShapeError(where, f"x has the wrong rank for mode={mode!r}", expected=expected, got=shape)
    if align_corners is not None and mode not in _AXES:
        raise ArgumentError(where, f"align_corners does not go with mode={mode!r}")


def check_how_large(where: str, size: Any, factor: Any) -> None:
    """Raise `ArgumentError` unless one of the two is given, as a number or numbers."""
    for name, value in {"size": size, "scale_factor": factor}.items():
        for each in value if isinstance(value, (list, tuple)) else () if value is None else (value,):
            number(where, name, each, expected="a number above 0", fits=lambda x: x > 0)
    if (size is None) == (factor is None):
        got = "neither" if size is None else "both"
        raise ArgumentError(where, "how large is the result", expected="size or scale_factor", got=got)


def _sizes(lengths: Shape, size: Any, factor: Any, recompute: bool) -> tuple[Shape, list[float]]:
    """Return the lengths of the result's axes, and the number of image pixels per pixel of the result."""
    where, count = "interpolate", len(lengths)
    check_how_large(where, size, factor)
    if size is not None:
        if recompute:
            raise ArgumentError(where, "recompute_scale_factor does not go with size")
        sizes = several(where, "size", size, count, 1)
        return sizes, [n / size for n, size in zip(lengths, sizes, strict=True)]
    factors = list(factor) if isinstance(factor, (list, tuple)) else [factor] * count
    if len(factors) != count:
        problem = "scale_factor has the wrong length"
        raise ArgumentError(where, problem, expected=f"{count}, one for each axis", got=len(factors))
    numbers = [float(each) for each in factors]
    sizes = tuple(math.floor(n * each) for n, each in zip(lengths, numbers, strict=True))
    if 0 in sizes:
        raise ArgumentError(where, "nothing is left of the image", expected="a larger scale_factor", got=factor)
    if recompute:
        return sizes, [n / size for n, size in zip(lengths, sizes, strict=True)]
    return sizes, [1 / each for each in numbers]


def _exact(x: Array) -> Array:
    """Return images as floats in which shares and sums are not cut off."""
    given = np.dtype(getattr(x, "dtype", float))
    return x if given.kind == "f" else ops.astype(x, dtype=np.result_type(given, np.float32))


def _means(x: Array, sizes: Shape) -> Array:
    if len(sizes) == 1:
        return ops.squeeze(ops.adaptive_mean_pool(ops.expand_dims(x, axis=-2), (1, *sizes)), axis=-2)
    return ops.adaptive_mean_pool(x, sizes)


def _repeated(x: Array, sizes: Shape) -> Array:
    """Return each pixel repeated to fill the sizes: the adjoint of sums over windows that do not overlap."""
    shape = shape_of(x)
    window: Any = tuple(size // length for length, size in zip(shape[2:], sizes, strict=True))
    return ops.mean_pool_wrt_input(x, x_shape=(*shape[:2], *sizes), window=window, divisor_override=1)


def _sampled(x: Array, taps: list[Taps]) -> Array:
    """Return sums of the pixels along one axis or two."""
    rows, columns = taps if len(taps) == 2 else (identity(shape_of(x)[1]), *taps)
    return _resample(_exact(x), rows=rows, columns=columns)


@lru_cache(maxsize=64)
def _nearest(length: int, size: int, scale: float, shift: float) -> Taps:
    """Return the nearest source pixel for each pixel of the result; PyTorch computes it in float32."""
    found = np.floor((np.arange(size, dtype=np.float32) + np.float32(shift)) * np.float32(scale))
    places = np.minimum(found, length - 1).astype(int).tolist()
    return Taps(length, tuple(range(size + 1)), tuple(places), (1.0,) * size)


@lru_cache(maxsize=64)
def _weighted(length: int, size: int, scale: float, align_corners: bool, cubic: bool) -> Taps:
    """Return the weights of the source pixels for each pixel of the result."""
    position = np.arange(size)
    if align_corners:
        at = position * ((length - 1) / (size - 1) if size > 1 else 0.0)
    else:
        at = (position + 0.5) * scale - 0.5
        at = at if cubic else np.maximum(at, 0)
    first = np.floor(at).astype(int)
    beyond = at - first
    if cubic:
        taps = {-1: _far(beyond + 1), 0: _near(beyond), 1: _near(1 - beyond), 2: _far(2 - beyond)}
    else:
        taps = {0: 1 - beyond, 1: beyond}
    places = np.clip([first + offset for offset in taps], 0, length - 1)  # (taps, size)
    rows = np.broadcast_to(position, places.shape)
    return Taps.of_entries(size, length, rows.ravel(), places.ravel(), np.ravel([*taps.values()]))


def _near(t: NDArray[Any]) -> NDArray[Any]:
    """Return Keys's kernel up to a distance of 1."""
    return ((_BEND + 2) * t - (_BEND + 3)) * t * t + 1


def _far(t: NDArray[Any]) -> NDArray[Any]:
    """Return Keys's kernel between distances of 1 and 2."""
    return _BEND * (((t - 5) * t + 8) * t - 4)


# --- channels and pixels ----------------------------------------------------------------------


@composite
def pixel_shuffle(input: Array, upscale_factor: Size) -> Array:
    """Rearrange groups of ``upscale_factor²`` channels into squares of pixels (Shi et al. 2016).

    Parameters
    ----------
    input : (..., C·r², H, W)
    upscale_factor : int
        r.

    Returns
    -------
    y : (..., C, H·r, W·r)

    Raises
    ------
    ShapeError
        If the channels can't be grouped into squares.

    Examples
    --------
    >>> import numpy as np
    >>> pixel_shuffle(np.arange(4.0).reshape(4, 1, 1), 2)
    array([[[0., 1.],
            [2., 3.]]])
    """
    shape, r = shape_of(input), upscale_factor
    if len(shape) < 3 or shape[-3] % (r * r):
        expected = f"(..., C, H, W), with C a multiple of {r * r}"
        raise ShapeError("pixel_shuffle", "the channels do not make up squares", got=shape, expected=expected)
    *lead, channels, h, w = shape
    n = len(lead)
    x = ops.reshape(input, shape=(*lead, channels // (r * r), r, r, h, w))
    x = ops.transpose(x, axes=(*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return ops.reshape(x, shape=(*lead, channels // (r * r), h * r, w * r))


@composite
def pixel_unshuffle(input: Array, downscale_factor: Size) -> Array:
    """The inverse of `pixel_shuffle`: rearrange squares of pixels into channels.

    Parameters
    ----------
    input : (..., C, H·r, W·r)
    downscale_factor : int
        r.

    Returns
    -------
    y : (..., C·r², H, W)

    Raises
    ------
    ShapeError
        If the image can't be divided into squares.

    Examples
    --------
    >>> pixel_unshuffle([[[0.0, 1.0], [2.0, 3.0]]], 2).tolist()
    [[[0.0]], [[1.0]], [[2.0]], [[3.0]]]
    """
    shape, r = shape_of(input), downscale_factor
    if len(shape) < 3 or shape[-1] % r or shape[-2] % r:
        expected = f"(..., C, H, W), with H and W multiples of {r}"
        raise ShapeError("pixel_unshuffle", "the pixels do not make up squares", got=shape, expected=expected)
    *lead, channels, h, w = shape
    n = len(lead)
    x = ops.reshape(input, shape=(*lead, channels, h // r, r, w // r, r))
    x = ops.transpose(x, axes=(*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return ops.reshape(x, shape=(*lead, channels * r * r, h // r, w // r))


@composite
def channel_shuffle(input: Array, groups: Size) -> Array:
    """Interleave the channels of ``groups``, so that the next grouped convolution sees all of them (Zhang et al. 2018).

    Parameters
    ----------
    input : (N, C, ...)
    groups : int

    Raises
    ------
    ShapeError
        If ``groups`` does not divide the channels.

    Examples
    --------
    >>> channel_shuffle([[0.0, 1.0, 2.0, 3.0]], 2)
    array([[0., 2., 1., 3.]])
    """
    shape = shape_of(input)
    if len(shape) < 2 or shape[1] % groups:
        problem = "groups does not divide the channels"
        raise ShapeError("channel_shuffle", problem, got=shape, expected=f"(N, C, ...), with C a multiple of {groups}")
    parts = ops.reshape(input, shape=(shape[0], groups, shape[1] // groups, *shape[2:]))
    return ops.reshape(ops.swapaxes(parts, 1, 2), shape=shape)
