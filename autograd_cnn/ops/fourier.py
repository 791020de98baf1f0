"""The inverse transforms of `numpy.fft` from real spectra to real signals; complex numbers have no gradients.

A signal with a real spectrum is a sum of cosines, and the matrix of ``cos(2π Σ j·k/n)`` is symmetric: the one primitive
here is its own rule, and slices and factors bring half spectra into its form.
"""

from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Floats, Shape, dtype_of, shape_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError
from autograd_cnn.ops.elementwise import astype, multiply
from autograd_cnn.ops.indexing import getitem, pad
from autograd_cnn.parameters import Axis, Count, OneAxis

__all__ = ["hfft", "irfft", "irfft2", "irfftn"]


@primitive
def _cosines(x: Floats, axis: Axis = None) -> Array:
    """``y[j]`` is the sum over k of ``x[k] · cos(2π Σ j·k/n)``, where the n are the lengths of the axes."""
    x = np.asarray(x)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if not prod(x.shape):
        return np.zeros_like(x)
    return np.ascontiguousarray(np.fft.fftn(x, axes=axes).real)


@_cosines.shape
def cosines_shape(x: AbstractArray, *, axis: Axis) -> Shape:
    if axis is not None:
        normalize_axis_tuple(axis, x.ndim)
    return x.shape


@_cosines.vjp("x")
def cosines_vjp_x(g: Array, *, axis: Axis) -> Array:
    return _cosines(g, axis=axis)


@composite
def irfft(x: Array, n: OneAxis = None, axis: Count = -1, norm: str | None = None) -> Array:
    """The real signal of ``n`` numbers whose spectrum begins with ``x``, along ``axis``; see `irfftn`.

    Examples
    --------
    >>> irfft([1.0, 1.0, 0.0])
    array([ 0.75,  0.25, -0.25,  0.25])
    """
    return _signal("irfft", x, None if n is None else (n,), (axis,), norm)


@composite
def hfft(x: Array, n: OneAxis = None, axis: Count = -1, norm: str | None = None) -> Array:
    """The real spectrum, of ``n`` numbers, of a signal that is symmetric about its first element, given its half ``x``.

    This is `irfft` with another factor: none with the ``norm`` ``"backward"``, and ``1/n`` with ``"forward"``.

    Examples
    --------
    >>> hfft([1.0, 1.0, 0.0])
    array([ 3.,  1., -1.,  1.])
    """
    swapped = {None: "forward", "backward": "forward", "forward": "backward"}
    return _signal("hfft", x, None if n is None else (n,), (axis,), swapped.get(norm, norm))


@composite
def irfft2(x: Array, s: Axis = None, axes: Axis = (-2, -1), norm: str | None = None) -> Array:
    """The real image whose spectrum is given by ``x``; `irfftn` along the last two axes.

    Examples
    --------
    >>> irfft2([[1.0, 0.0], [1.0, 0.0]])
    array([[0.5, 0.5],
           [0. , 0. ]])
    """
    return _signal("irfft2", x, s, axes, norm)


@composite
def irfftn(x: Array, s: Axis = None, axes: Axis = None, norm: str | None = None) -> Array:
    """The real signal with the half spectrum ``x``, halved along the last of ``axes``, as `numpy.fft.irfftn`; ``x`` is real.

    Parameters
    ----------
    x : array
        If it is too long it is cropped; if it is too short, zeros are appended.
    s : int or tuple of int, optional
        The lengths of the result along ``axes``; -1 for the length of ``x``. By default those of ``x``, and
        ``2 * (m - 1)`` for ``m`` numbers along the last one.
    axes : int or tuple of int, optional
        By default all, or the last ones if there is an ``s``.
    norm : "backward", "ortho" or "forward", optional
        Whether the result is divided by the product of the lengths (the default), by its square root, or not at all.

    Examples
    --------
    >>> irfftn([[1.0, 0.0], [1.0, 0.0]], norm="forward")
    array([[2., 2.],
           [0., 0.]])
    """
    return _signal("irfftn", x, s, axes, norm)


def _signal(where: str, x: Array, s: Any, axes: Any, norm: str | None) -> Array:
    shape = shape_of(x)
    if axes is None:
        axes = range(len(shape) - (len(shape) if s is None else np.size(s)), len(shape))
    axes = normalize_axis_tuple(axes, len(shape))
    lengths = [shape[a] for a in axes]
    if s is None:
        lengths[-1:] = [2 * (n - 1) for n in lengths[-1:]]
    else:
        given = (s,) if isinstance(s, int) else s
        lengths = [shape[a] if n == -1 else n for a, n in zip(axes, given, strict=True)]
    factors = {None: 1, "backward": 1, "ortho": 0.5, "forward": 0}
    if not axes or min(lengths) < 1 or norm not in factors:
        expected = "axes of lengths from 1 on, and a norm backward, ortho or forward"
        raise ArgumentError(where, "can't be done", expected=expected, got=f"{tuple(lengths)} and {norm!r}")
    x = x if dtype_of(x).kind == "f" else astype(x, dtype=float)
    last, half = axes[-1], lengths[-1] // 2 + 1
    taken = dict(zip(axes, [*lengths[:-1], half], strict=True))
    x = getitem(x, index=tuple(slice(taken.get(a)) for a in range(len(shape))))
    # a number between the first and the middle one of a half spectrum stands for two
    twice = np.full(half, 2.0)
    twice[0] = twice[lengths[-1] / 2 == np.arange(half)] = 1
    share = (twice / prod(lengths) ** factors[norm]).astype(dtype_of(x))
    kept = shape_of(x)[last]
    x = multiply(x, share[:kept].reshape(-1, *(1,) * (len(shape) - last - 1)))
    full = dict(zip(axes, lengths, strict=True))
    missing = tuple((0, full.get(a, n) - n) for a, n in enumerate(shape_of(x)))
    return _cosines(pad(x, missing), axis=axes)
