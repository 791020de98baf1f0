"""Convolution as one trilinear form, seen from three sides.

For a stride s and a dilation d let

    ⟨g, x ⋆ w⟩ = Σ over n, f, i, j, c, p, q of g[n, f, i, j] · x[n, c, i·s + p·d, j·s + q·d] · w[f, c, p, q].

It is linear in g, in x and in w. Its gradient in g is the correlation ``x ⋆ w``; its gradient in x spreads the
sensitivities g back over the input; its gradient in w correlates the input with them. The three primitives below are
these gradients, so the rules of each are the other two, and derivatives of every order stay within the family.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), g and y (N, F, OH, OW), bias (F,), for G groups; or
x (C, H, W) with a 4-D w; or x (H, W) with w (KH, KW).
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.kernels.windows import Pair, Windows, four_sided, windows
from autograd_cnn.ops import reduction
from autograd_cnn.ops.indexing import pad
from autograd_cnn.ops.precision import joined, sum_dtype
from autograd_cnn.ops.shaping import flip, reshape
from autograd_cnn.parameters import Count, IntOrPair, KnownShape, Padding, pair

__all__ = ["convolve2d", "correlate2d", "correlate2d_transpose", "correlate2d_wrt_input", "correlate2d_wrt_weight"]

_ALL_BUT_MAPS: Final = {4: (0, 2, 3), 3: (1, 2), 2: (0, 1)}
"""All axes of y but that of the filters, by the rank of y."""

# --- sizes ------------------------------------------------------------------------------------


class ConvShapes(NamedTuple):
    """The sizes of one trilinear form, with x, w and y as 4-D arrays."""

    x: Shape
    w: Shape
    y: Shape
    y_rank: int
    windows: Windows

    def lower(self, y: Array) -> Array:
        """Give a 4-D result the rank of the operands."""
        return y.reshape(y.shape[4 - self.y_rank :])


@lru_cache(maxsize=1024)
def conv_shapes(
    where: str, x: Shape, w: Shape, stride: IntOrPair, padding: Padding, dilation: IntOrPair, groups: int
) -> ConvShapes:
    """Check that the shapes and parameters fit each other.

    Raises
    ------
    ShapeError
        For ranks or channels that do not match, or a kernel that is too large.
    ArgumentError
        For parameters out of range.
    """
    shapes = f"shapes x={x}, w={w}"
    if (len(x), len(w)) not in ((2, 2), (3, 4), (4, 4)):
        raise ShapeError(where, "the ranks of x and w do not go together", expected="(N, C, H, W) or (C, H, W) with "
                         "(F, C, KH, KW), or (H, W) with (KH, KW)", got=f"x={x}, w={w}")  # fmt: skip
    n, c, *image = (1,) * (4 - len(x)) + x
    f, channels, *size = (1,) * (4 - len(w)) + w
    if groups < 1 or f % groups:
        raise ArgumentError(where, "groups is out of range", expected=f"a divisor of the {f} filters", got=repr(groups))
    if c != channels * groups:
        times = f" in each of {groups} groups" if groups > 1 else ""
        last = "; x seems to have its channels last: np.moveaxis(x, -1, -3)" if x[-1] == channels * groups else ""
        raise ShapeError(where, f"w has C={channels}{times} but x has C={c}", hint=shapes + last)
    grid = windows(
        where,
        cast("tuple[int, int]", tuple(image)),
        cast("tuple[int, int]", tuple(size)),
        stride=stride,
        padding=padding,
        dilation=dilation,
    )
    return ConvShapes((n, c, *image), (f, channels, *size), (n, f, *grid.out), len(x), grid)


def _check(where: str, name: str, got: Shape, shapes: ConvShapes) -> None:
    expected = shapes.y[4 - shapes.y_rank :]
    if got != expected:
        raise ShapeError(where, f"{name} has the wrong shape", expected=expected, got=got)


def _check_bias(where: str, bias: Shape, maps: int) -> None:
    if bias != (maps,):
        raise ShapeError(where, "bias has the wrong shape", expected=f"one number for each filter, {(maps,)}", got=bias)


# --- the three sides --------------------------------------------------------------------------


@primitive(static=True)
def correlate2d(
    x: Array,
    w: Array,
    bias: Array | None = None,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: Count = 1,
) -> Array:
    """Slide the filters ``w`` over ``x``: what networks call a convolution (LeCun et al. 1998).

    ``y[n, f, i, j] = bias[f] + Σ x[n, c, i·s + p·d, j·s + q·d] · w[f, c, p, q]`` over c, p and q.

    Parameters
    ----------
    x : (N, C, H, W), (C, H, W) or (H, W)
        Images; float32 and float64 are kept, and integers are summed in the dtype that `numpy.sum` uses.
    w : (F, C/G, KH, KW), or (KH, KW) for a 2-D ``x``
        Filters. They are not rotated; see `convolve2d`.
    bias : (F,), optional
        Numbers to add to each filter's map.
    stride, dilation : int or pair
        Pixels between neighbouring windows, and between neighbouring taps in a window.
    padding : int, pair, ((top, bottom), (left, right)), "valid", "same" or "full"
        Zeros around the image. ``"same"`` gives ``ceil(H / s)`` rows, with an odd zero at the bottom and right;
        ``"full"`` gives every position at which filter and image touch.
    groups : int
        The number of independent groups of channels and filters.

    Returns
    -------
    y : (N, F, OH, OW), (F, OH, OW) or (OH, OW)
        With ``OH = (H + top + bottom - d·(KH - 1) - 1) // s + 1``.

    Raises
    ------
    ShapeError
        If the shapes do not go together.
    ArgumentError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> correlate2d(np.arange(9.0).reshape(3, 3), np.ones((2, 2)))
    array([[ 8., 12.],
           [20., 24.]])
    """
    x_shape, w_shape = getattr(x, "shape", ()), getattr(w, "shape", ())  # np.shape() is two calls in Python
    shapes = conv_shapes(
        "correlate2d", x_shape, w_shape, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    if bias is not None and getattr(bias, "shape", ()) != shapes.w[:1]:
        _check_bias("correlate2d", np.shape(bias), shapes.w[0])
    x, w, bias = joined("correlate2d", sum_dtype, x=x, w=w, bias=bias)
    y = kernels.correlate2d(x.reshape(shapes.x), w.reshape(shapes.w), bias, shapes.windows, groups)
    return y if shapes.y_rank == 4 else shapes.lower(y)


@correlate2d.shape(dtype=sum_dtype)
def correlate2d_shape(x: AbstractArray, w: AbstractArray, bias: AbstractArray | None, **geometry: Any) -> Shape:
    shapes = conv_shapes("correlate2d", x.shape, w.shape, **geometry)
    if bias is not None:
        _check_bias("correlate2d", bias.shape, shapes.w[0])
    return shapes.y[4 - shapes.y_rank :]


@correlate2d.vjp("x")
def correlate2d_vjp_x(g: Array, *, w: Array, x_shape: Shape, **geometry: Any) -> Array:
    return correlate2d_wrt_input(g, w, x_shape=x_shape, **geometry)


@correlate2d.vjp("w")
def correlate2d_vjp_w(g: Array, *, x: Array, w_shape: Shape, **geometry: Any) -> Array:
    return correlate2d_wrt_weight(x, g, w_shape=w_shape, **geometry)


@correlate2d.vjp("bias")
def correlate2d_vjp_bias(g: Array) -> Array:
    total = reduction.sum(g, axis=_ALL_BUT_MAPS[g.ndim])  # (F,), or () of a single map
    return total if total.ndim else reshape(total, shape=1)


@primitive(static=True)
def correlate2d_wrt_input(
    g: Array,
    w: Array,
    x_shape: KnownShape,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: Count = 1,
) -> Array:
    """The trilinear form's gradient in x: each sensitivity is spread over the pixels of its window.

    In the literature: the "full" correlation of the stride-dilated sensitivity map with the
    kernel rotated by 180°, or the transposed convolution (Dumoulin & Visin 2016).

    Parameters
    ----------
    g : (N, F, OH, OW)
        Sensitivities of the output.
    w : (F, C/G, KH, KW)
        Filters.
    x_shape : tuple of int
        The shape of the input, which does not follow from the output's shape alone.
    stride, padding, dilation, groups
        As for `correlate2d`.

    Returns
    -------
    dx : (N, C, H, W)

    Raises
    ------
    ShapeError
        If ``g`` is not shaped as the output of `correlate2d` would be.

    Examples
    --------
    >>> import numpy as np
    >>> correlate2d_wrt_input(np.ones((2, 2)), np.ones((2, 2)), x_shape=(3, 3))
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    where = "correlate2d_wrt_input"
    shapes = conv_shapes(where, x_shape, np.shape(w), stride=stride, padding=padding, dilation=dilation, groups=groups)
    _check(where, "g", np.shape(g), shapes)
    g, w = joined(where, sum_dtype, g=g, w=w)
    return kernels.correlate2d_wrt_input(g.reshape(shapes.y), w.reshape(shapes.w), shapes.windows, groups).reshape(
        x_shape
    )


@correlate2d_wrt_input.shape(dtype=sum_dtype)
def correlate2d_wrt_input_shape(g: AbstractArray, w: AbstractArray, *, x_shape: Shape, **geometry: Any) -> Shape:
    _check("correlate2d_wrt_input", "g", g.shape, conv_shapes("correlate2d_wrt_input", x_shape, w.shape, **geometry))
    return x_shape


@correlate2d_wrt_input.vjp("g")
def correlate2d_wrt_input_vjp_g(u: Array, *, w: Array, x_shape: Shape, **geometry: Any) -> Array:
    return correlate2d(u, w, **geometry)


@correlate2d_wrt_input.vjp("w")
def correlate2d_wrt_input_vjp_w(u: Array, *, g: Array, w_shape: Shape, x_shape: Shape, **geometry: Any) -> Array:
    return correlate2d_wrt_weight(u, g, w_shape=w_shape, **geometry)


@primitive(static=True)
def correlate2d_wrt_weight(
    x: Array,
    g: Array,
    w_shape: KnownShape,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: Count = 1,
) -> Array:
    """The trilinear form's gradient in w: the correlation of the input with the sensitivity map.

    All windows and all images share a weight, so its gradient is a sum over them.

    Parameters
    ----------
    x : (N, C, H, W)
        Images.
    g : (N, F, OH, OW)
        Sensitivities of the output.
    w_shape : tuple of int
        The shape of the filters.
    stride, padding, dilation, groups
        As for `correlate2d`.

    Returns
    -------
    dw : (F, C/G, KH, KW)

    Raises
    ------
    ShapeError
        If ``g`` is not shaped as the output of `correlate2d` would be.

    Examples
    --------
    >>> import numpy as np
    >>> correlate2d_wrt_weight(np.arange(9.0).reshape(3, 3), np.ones((2, 2)), w_shape=(2, 2))
    array([[ 8., 12.],
           [20., 24.]])
    """
    where = "correlate2d_wrt_weight"
    shapes = conv_shapes(where, np.shape(x), w_shape, stride=stride, padding=padding, dilation=dilation, groups=groups)
    _check(where, "g", np.shape(g), shapes)
    x, g = joined(where, sum_dtype, x=x, g=g)
    return kernels.correlate2d_wrt_weight(x.reshape(shapes.x), g.reshape(shapes.y), shapes.windows, groups).reshape(
        w_shape
    )


@correlate2d_wrt_weight.shape(dtype=sum_dtype)
def correlate2d_wrt_weight_shape(x: AbstractArray, g: AbstractArray, *, w_shape: Shape, **geometry: Any) -> Shape:
    _check("correlate2d_wrt_weight", "g", g.shape, conv_shapes("correlate2d_wrt_weight", x.shape, w_shape, **geometry))
    return w_shape


@correlate2d_wrt_weight.vjp("x")
def correlate2d_wrt_weight_vjp_x(u: Array, *, g: Array, x_shape: Shape, w_shape: Shape, **geometry: Any) -> Array:
    return correlate2d_wrt_input(g, u, x_shape=x_shape, **geometry)


@correlate2d_wrt_weight.vjp("g")
def correlate2d_wrt_weight_vjp_g(u: Array, *, x: Array, w_shape: Shape, **geometry: Any) -> Array:
    return correlate2d(x, u, **geometry)


# --- made of these ----------------------------------------------------------------------------


@composite
def convolve2d(
    x: Array,
    w: Array,
    bias: Array | None = None,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: Count = 1,
) -> Array:
    """`correlate2d` with each filter rotated by 180°: the mathematical convolution.

    Parameters are those of `correlate2d`.

    Examples
    --------
    >>> import numpy as np
    >>> convolve2d(np.eye(3), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[5., 2.],
           [3., 5.]])
    """
    geometry: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    # So that an error names the function that was called.
    shapes = conv_shapes("convolve2d", shape_of(x), shape_of(w), **geometry)
    if bias is not None:
        _check_bias("convolve2d", shape_of(bias), shapes.w[0])
    return correlate2d(x, flip(w, axis=(-2, -1)), bias, **geometry)


@composite
def correlate2d_transpose(
    x: Array,
    w: Array,
    bias: Array | None = None,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    output_padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: Count = 1,
) -> Array:
    """The adjoint of `correlate2d` as a layer's forward pass: it enlarges images.

    Parameters
    ----------
    x : (N, C, H, W) or (C, H, W)
        Images.
    w : (C, F/G, KH, KW)
        Filters, in the layout of the correlation of which this is the adjoint.
    bias : (F,), optional
        Numbers to add to each of the maps.
    stride, dilation, groups
        Of that correlation.
    padding : int, pair or ((top, bottom), (left, right))
        That of the correlation; here it is cut off.
    output_padding : int or pair
        Rows and columns to add at the bottom and right, because images of several sizes give the correlation the same
        output size. Less than the stride or the dilation.

    Returns
    -------
    y : (N, F, OH, OW) or (F, OH, OW)
        With ``OH = (H - 1)·s - top - bottom + d·(KH - 1) + 1 + output_padding``.

    Raises
    ------
    ShapeError
        If the shapes do not match, or nothing is left of the maps.
    ArgumentError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> correlate2d_transpose(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)), stride=2).shape
    (1, 1, 4, 4)
    """
    where = "correlate2d_transpose"
    shape, w_shape = shape_of(x), shape_of(w)
    if len(w_shape) != 4 or len(shape) not in (3, 4):
        problem = "the ranks of x and w do not go together"
        expected = "(N, C, H, W) or (C, H, W) with (C, F, KH, KW)"
        raise ShapeError(where, problem, expected=expected, got=f"x={shape}, w={w_shape}")
    if shape[-3] != w_shape[0]:
        raise ShapeError(where, f"w has C={w_shape[0]} but x has C={shape[-3]}", hint=f"shapes x={shape}, w={w_shape}")
    if groups < 1 or shape[-3] % groups:
        expected = f"a divisor of the {shape[-3]} channels"
        raise ArgumentError(where, "groups is out of range", expected=expected, got=repr(groups))
    maps = w_shape[1] * groups
    if bias is not None:
        _check_bias(where, shape_of(bias), maps)
    steps, gaps = pair(where, "stride", stride, 1), pair(where, "dilation", dilation, 1)
    extra = pair(where, "output_padding", output_padding, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, steps, gaps, strict=True)):
        expected = f"less than the stride {steps} or the dilation {gaps}"
        raise ArgumentError(where, "output_padding is out of range", expected=expected, got=repr(output_padding))
    sides = four_sided(where, padding)
    axes = zip(shape[-2:], w_shape[2:], steps, gaps, sides, extra, strict=True)
    image, cut, beyond = zip(*(_enlarged(*axis) for axis in axes), strict=True)
    out = tuple(length + more for length, more in zip(image, beyond, strict=True))
    if 0 in shape[-2:] or min(out) < 1:
        problem = "nothing is left of the maps"
        expected = "at least one row and column"
        raise ShapeError(where, problem, expected=expected, got=out, hint=f"shapes x={shape}, w={w_shape}")
    geometry: dict[str, Any] = {"stride": stride, "dilation": dilation, "groups": groups}
    geometry["padding"] = padding if cut == sides else cut
    x_shape = (*shape[:-3], maps, *image)
    conv_shapes(where, x_shape, w_shape, **geometry)  # an error names the function that was called
    y = correlate2d_wrt_input(x, w, x_shape=x_shape, **geometry)
    if any(beyond):
        y = pad(y, (*((0, 0),) * (len(shape) - 2), *((0, rows) for rows in beyond)))
    return y if bias is None else y + reshape(bias, shape=(-1, 1, 1))


def _enlarged(places: int, taps: int, step: int, gap: int, sides: Pair, extra: int) -> tuple[int, Pair, int]:
    """Return the length of a transposed axis, the numbers cut off at its ends, and the number of zeros after it.

    The extra rows are taken from those that would be cut off, as far as these suffice. Zeros follow them where
    otherwise one more window of the correlation would fit.
    """
    before, after = sides
    whole = (places - 1) * step + gap * (taps - 1) + 1
    length = whole - before - after + extra
    if extra < step:
        return length, sides, 0
    if extra - after < step:
        return length, (before, max(after - extra, 0)), 0
    before = min(before, whole)
    return whole - before, (before, 0), length - (whole - before)
