"""Convolutions by PyTorch's names. Those along one and three axes use the two-dimensional one, and are exact."""

from collections.abc import Callable
from typing import Any

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.parameters import Count, IntOrPair, Padding, PerAxis, choice, several

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


@composite
def conv1d(
    input: Array, weight: Array, bias: Array | None = None, stride: PerAxis = 1, padding: Any = 0,
    dilation: PerAxis = 1, groups: Count = 1,
) -> Array:  # fmt: skip
    """Slide the filters ``weight`` along sequences: `autograd_cnn.correlate2d` of images of one row.

    Parameters
    ----------
    input : (N, C, L) or (C, L)
    weight : (F, C / groups, K)
    bias : (F,), optional
    stride, dilation : int
    padding : int, "valid" or "same"
        Zeros at either end.
    groups : int

    Returns
    -------
    y : (N, F, OL) or (F, OL)

    Raises
    ------
    ShapeError, ArgumentError
        If the shapes do not go together, or a parameter is out of range.

    Examples
    --------
    >>> conv1d([[[1.0, 2.0, 3.0, 4.0]]], [[[1.0, -1.0]]])
    array([[[-1., -1., -1.]]])
    """
    _check_ranks("conv1d", input, weight, "(N, C, L) or (C, L)", "(F, C, K)")
    return _convolved("conv1d", input, weight, bias, stride, padding, dilation, groups)


@composite
def conv_transpose1d(
    input: Array, weight: Array, bias: Array | None = None, stride: PerAxis = 1, padding: PerAxis = 0,
    output_padding: PerAxis = 0, groups: Count = 1, dilation: PerAxis = 1,
) -> Array:  # fmt: skip
    """The adjoint of `conv1d` as a layer's forward pass: it lengthens sequences.

    Parameters
    ----------
    input : (N, C, L) or (C, L)
    weight : (C, F / groups, K)
    bias : (F,), optional
    stride, padding, groups, dilation
        Of the convolution that this is the adjoint of.
    output_padding : int
        Elements to add at the end; less than the stride or the dilation.

    Returns
    -------
    y : (N, F, OL) or (F, OL)

    Raises
    ------
    ShapeError, ArgumentError
        If the shapes do not go together, or a parameter is out of range.

    Examples
    --------
    >>> conv_transpose1d([[[1.0, 2.0]]], [[[1.0, 1.0]]], stride=2)
    array([[[1., 1., 2., 2.]]])
    """
    _check_ranks("conv_transpose1d", input, weight, "(N, C, L) or (C, L)", "(C, F, K)")
    return _transposed("conv_transpose1d", input, weight, bias, stride, padding, output_padding, groups, dilation)


@composite
def conv2d(
    input: Array, weight: Array, bias: Array | None = None, stride: IntOrPair = 1, padding: Padding = 0,
    dilation: IntOrPair = 1, groups: Count = 1,
) -> Array:  # fmt: skip
    """`autograd_cnn.correlate2d`.

    Examples
    --------
    >>> conv2d([[[1.0, 2.0], [3.0, 4.0]]], [[[[1.0, -1.0]]]])
    array([[[-1.],
            [-1.]]])
    """
    return ops.correlate2d(input, weight, bias, stride, padding, dilation, groups)


@composite
def conv_transpose2d(
    input: Array, weight: Array, bias: Array | None = None, stride: IntOrPair = 1, padding: Padding = 0,
    output_padding: IntOrPair = 0, groups: Count = 1, dilation: IntOrPair = 1,
) -> Array:  # fmt: skip
    """`autograd_cnn.correlate2d_transpose`.

    Examples
    --------
    >>> conv_transpose2d([[[1.0, 2.0]]], [[[[1.0, 1.0]]]], stride=2)
    array([[[1., 1., 2., 2.]]])
    """
    return ops.correlate2d_transpose(
        input, weight, bias, stride=stride, padding=padding, output_padding=output_padding, dilation=dilation,
        groups=groups,
    )  # fmt: skip


@composite
def conv3d(
    input: Array, weight: Array, bias: Array | None = None, stride: PerAxis = 1, padding: Any = 0,
    dilation: PerAxis = 1, groups: Count = 1,
) -> Array:  # fmt: skip
    """Slide the filters ``weight`` through volumes: `autograd_cnn.correlate2d` on their slices.

    The slices under the taps along the depth are joined as channels, so one correlation sums over them, too.

    Parameters
    ----------
    input : (N, C, D, H, W) or (C, D, H, W)
    weight : (F, C / groups, KD, KH, KW)
    bias : (F,), optional
    stride, dilation : int or triple
    padding : int, triple, "valid" or "same"
        Zeros at either end of each axis.
    groups : int

    Returns
    -------
    y : (N, F, OD, OH, OW) or (F, OD, OH, OW)

    Raises
    ------
    ShapeError, ArgumentError
        If the shapes do not go together, or a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> conv3d(np.ones((1, 1, 4, 4, 4)), np.ones((1, 1, 3, 2, 2))).shape
    (1, 1, 2, 3, 3)
    """
    _check_ranks("conv3d", input, weight, "(N, C, D, H, W) or (C, D, H, W)", "(F, C, KD, KH, KW)")
    return _convolved("conv3d", input, weight, bias, stride, padding, dilation, groups)


@composite
def conv_transpose3d(
    input: Array, weight: Array, bias: Array | None = None, stride: PerAxis = 1, padding: PerAxis = 0,
    output_padding: PerAxis = 0, groups: Count = 1, dilation: PerAxis = 1,
) -> Array:  # fmt: skip
    """The adjoint of `conv3d` as a layer's forward pass: it enlarges volumes.

    The slices go through `autograd_cnn.correlate2d_transpose`, with the taps along the depth as channels; each tap's
    result is shifted by its position, and all are added up.

    Parameters
    ----------
    input : (N, C, D, H, W) or (C, D, H, W)
    weight : (C, F / groups, KD, KH, KW)
    bias : (F,), optional
    stride, padding, groups, dilation
        Of the convolution that this is the adjoint of.
    output_padding : int or triple
        Elements to add at the end of each axis; less than the stride or the dilation.

    Returns
    -------
    y : (N, F, OD, OH, OW) or (F, OD, OH, OW)

    Raises
    ------
    ShapeError, ArgumentError
        If the shapes do not go together, or a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose3d(np.ones((1, 1, 2, 2, 2)), np.ones((1, 1, 3, 2, 2)), stride=2).shape
    (1, 1, 5, 4, 4)
    """
    _check_ranks("conv_transpose3d", input, weight, "(N, C, D, H, W) or (C, D, H, W)", "(C, F, KD, KH, KW)")
    return _transposed("conv_transpose3d", input, weight, bias, stride, padding, output_padding, groups, dilation)


# --- for any number of axes -------------------------------------------------------------------


def convolve(
    where: str, x: Array, weight: Array, bias: Array | None, stride: Any, sides: Any, dilation: Any, groups: int
) -> Array:
    """Slide filters (F, C/G, ...) along the axes of ``x`` (N, C, ...), which may be one or many.

    ``stride`` and ``dilation`` have a number for each axis, ``sides`` the zeros before and after it. A sequence is an
    image of one row. The slices of a volume under the taps along its first axis are joined as channels, so that one
    convolution of them sums over these taps, too.
    """
    taps, *area = shape_of(weight)[2:]
    if len(area) == 1:
        return ops.correlate2d(x, weight, bias, stride=stride, padding=sides, dilation=dilation, groups=groups)
    if not area:
        image, filters = ops.expand_dims(x, axis=-2), ops.expand_dims(weight, axis=-2)
        y = convolve(where, image, filters, bias, (1, *stride), ((0, 0), *sides), (1, *dilation), groups)
        return ops.squeeze(y, axis=-2)
    if any(sides[0]):
        x = ops.pad(x, ((0, 0), (0, 0), sides[0], *((0, 0),) * len(area)))
    n, c, length, *image = shape_of(x)
    places = (length - dilation[0] * (taps - 1) - 1) // stride[0] + 1
    if places < 1:
        problem = "the filters do not fit into the padded volume along its depth"
        raise ShapeError(where, problem, expected=f"at most {length} slices", got=dilation[0] * (taps - 1) + 1)
    starts = (tap * dilation[0] for tap in range(taps))
    met = [
        ops.getitem(x, index=(slice(None), slice(None), slice(start, start + (places - 1) * stride[0] + 1, stride[0])))
        for start in starts
    ]
    x = ops.moveaxis(ops.stack(met, axis=2), 3, 1)  # (N, OD, C, KD, ...)
    y = convolve(
        where, ops.reshape(x, shape=(n * places, c * taps, *image)),
        ops.reshape(weight, shape=(-1, shape_of(weight)[1] * taps, *area)), bias, stride[1:], sides[1:], dilation[1:], groups,
    )  # fmt: skip
    return ops.moveaxis(ops.reshape(y, shape=(n, places, *shape_of(y)[1:])), 1, 2)


def transpose(
    where: str, x: Array, weight: Array, bias: Array | None, stride: Any, sides: Any, extra: Any, dilation: Any,
    groups: int,
) -> Array:  # fmt: skip
    """Do the adjoint of `convolve` with filters (C, F/G, ...), and add ``extra`` elements at the end of each axis.

    The taps along the first axis of a volume are channels beside each other; what each of them gives is moved by its
    place, and added up.
    """
    filters, taps, *area = shape_of(weight)[1:]
    if len(area) == 1:
        return ops.correlate2d_transpose(
            x, weight, bias, stride=stride, padding=sides, output_padding=extra, dilation=dilation, groups=groups
        )
    if not area:
        image, kernels = ops.expand_dims(x, axis=-2), ops.expand_dims(weight, axis=-2)
        geometry = (1, *stride), ((0, 0), *sides), (0, *extra), (1, *dilation)
        return ops.squeeze(transpose(where, image, kernels, bias, *geometry, groups), axis=-2)
    step, gap, (before, after) = stride[0], dilation[0], sides[0]
    n, channels, depth, *image = shape_of(x)
    length = (depth - 1) * step + gap * (taps - 1) + 1 + extra[0] - before - after
    if length < 1:
        raise ShapeError(where, "nothing is left along the depth", expected=f"a padding below {before}", got=before)
    slices = transpose(
        where, ops.reshape(ops.moveaxis(x, 2, 1), shape=(n * depth, channels, *image)),
        ops.reshape(weight, shape=(channels, filters * taps, *area)), None, stride[1:], sides[1:], extra[1:],
        dilation[1:], groups,
    )  # fmt: skip
    outputs, rest = filters * groups, shape_of(slices)[2:]
    none: Any = ((0, 0),) * len(rest)
    parts = ops.moveaxis(ops.reshape(slices, shape=(n, depth, outputs, taps, *rest)), 1, 3)  # (N, F, KD, D, ...)
    apart = ops.pad(ops.expand_dims(parts, axis=4), (*((0, 0),) * 4, (0, step - 1), *none))
    apart = ops.reshape(apart, shape=(n, outputs, taps, depth * step, *rest))
    whole = depth * step + gap * (taps - 1) + extra[0]
    y: Array = 0
    for tap in range(taps):
        moved = ops.getitem(apart, index=(slice(None), slice(None), tap))  # (N, F, D * step, ...)
        start = tap * gap
        y = y + ops.pad(moved, ((0, 0), (0, 0), (start, whole - start - depth * step), *none))
    y = ops.getitem(y, index=(slice(None), slice(None), slice(before, before + length)))
    return y if bias is None else y + ops.reshape(bias, shape=(-1, 1, *(1,) * len(rest)))


def _convolved(
    where: str, x: Array, weight: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Array:
    """Convolve a batch or a single example, with PyTorch's parameters."""
    _check_channels(where, x, weight, groups)
    size = shape_of(weight)[2:]
    steps, gaps = (several(where, n, v, len(size), 1) for n, v in (("stride", stride), ("dilation", dilation)))
    if isinstance(padding, str):
        check_name(where, padding, steps)
        totals = [gap * (taps - 1) if padding == "same" else 0 for gap, taps in zip(gaps, size, strict=True)]
        sides = tuple((total // 2, total - total // 2) for total in totals)
    else:
        sides = tuple((end, end) for end in several(where, "padding", padding, len(size)))
    return _of_batches(len(size), x, lambda x: convolve(where, x, weight, bias, steps, sides, gaps, groups))


def _transposed(
    where: str, x: Array, weight: Array, bias: Array | None, stride: Any, padding: Any, output_padding: Any,
    groups: int, dilation: Any,
) -> Array:  # fmt: skip
    """Do the adjoint for a batch or a single example, with PyTorch's parameters."""
    rank = len(shape_of(weight)) - 2
    channels, taken = shape_of(x)[-rank - 1], shape_of(weight)[0]
    if channels != taken:
        raise ShapeError(where, f"weight has C={taken} but x has C={channels}")
    steps = several(where, "stride", stride, rank, 1)
    sides = tuple((end, end) for end in several(where, "padding", padding, rank))
    extra = several(where, "output_padding", output_padding, rank)
    gaps = several(where, "dilation", dilation, rank, 1)
    return _of_batches(rank, x, lambda x: transpose(where, x, weight, bias, steps, sides, extra, gaps, groups))


def _of_batches(rank: int, x: Array, function: Callable[[Array], Array]) -> Array:
    """Call a function of batches, which for sequences may also be single ones."""
    if rank == 1 or len(shape_of(x)) == rank + 2:
        return function(x)
    return ops.squeeze(function(ops.expand_dims(x, axis=0)), axis=0)


def _check_ranks(where: str, x: Array, weight: Array, x_axes: str, weight_axes: str) -> None:
    rank, got = weight_axes.count(",") + 1, (shape_of(x), shape_of(weight))
    if len(got[0]) not in (rank - 1, rank) or len(got[1]) != rank:
        problem = "the ranks of x and weight do not go together"
        raise ShapeError(where, problem, expected=f"{x_axes} with {weight_axes}", got=f"x={got[0]}, weight={got[1]}")


def _check_channels(where: str, x: Array, weight: Array, groups: int) -> None:
    shape, filters = shape_of(x), shape_of(weight)
    channels = shape[-len(filters) + 1]
    if groups < 1 or filters[0] % groups:
        expected = f"a divisor of the {filters[0]} filters"
        raise ArgumentError(where, "groups is out of range", expected=expected, got=groups)
    if channels != filters[1] * groups:
        times = f" in each of {groups} groups" if groups > 1 else ""
        raise ShapeError(where, f"weight has C={filters[1]}{times} but x has C={channels}")


def check_name(where: str, padding: str, steps: Shape) -> None:
    """Raise `ArgumentError` unless ``padding`` is a name that fits these strides."""
    choice(where, "padding", padding, ("valid", "same"))
    if padding == "same" and set(steps) != {1}:
        raise ArgumentError(where, "padding='same' needs a stride of 1", expected=1, got=steps)
