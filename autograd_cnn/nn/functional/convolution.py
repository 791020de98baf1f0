"""Convolutions by PyTorch's names. Those along one and three axes are computed exactly by the one along two."""

from typing import Any

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import ArgumentError, ShapeError, sentence
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
    where = "conv1d"
    _check_ranks(where, input, weight, "(N, C, L) or (C, L)", "(F, C, K)")
    _check_channels(where, input, weight, groups)
    (step,), (gap,) = several(where, "stride", stride, 1, 1), several(where, "dilation", dilation, 1, 1)
    sides: Any = padding
    if isinstance(padding, str):
        check_name(where, padding, (step,))
    else:
        sides = (0, *several(where, "padding", padding, 1))
    y = ops.correlate2d(
        ops.expand_dims(input, axis=-2), ops.expand_dims(weight, axis=-2), bias,
        stride=(1, step), padding=sides, dilation=(1, gap), groups=groups,
    )  # fmt: skip
    return ops.squeeze(y, axis=-2)


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
        Places to add at the end; less than the stride or the dilation.

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
    where = "conv_transpose1d"
    _check_ranks(where, input, weight, "(N, C, L) or (C, L)", "(C, F, K)")
    channels, taken = shape_of(input)[-2], shape_of(weight)[0]
    if channels != taken:
        raise ShapeError(sentence(where, f"weight has C={taken} but x has C={channels}"))
    numbers = {
        "stride": (stride, 1),
        "dilation": (dilation, 1),
        "padding": (padding, 0),
        "output_padding": (output_padding, 0),
    }
    parsed: dict[str, Any] = {name: several(where, name, value, 1, least) for name, (value, least) in numbers.items()}
    y = ops.correlate2d_transpose(
        ops.expand_dims(input, axis=-2), ops.expand_dims(weight, axis=-2), bias,
        stride=(1, *parsed["stride"]), padding=(0, *parsed["padding"]), dilation=(1, *parsed["dilation"]),
        output_padding=(0, *parsed["output_padding"]), groups=groups,
    )  # fmt: skip
    return ops.squeeze(y, axis=-2)


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
    """Slide the filters ``weight`` through volumes: `autograd_cnn.correlate2d` of their slices.

    The slices under the taps along the depth are joined as channels, so that one correlation sums
    over them, too.

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
    where = "conv3d"
    _check_ranks(where, input, weight, "(N, C, D, H, W) or (C, D, H, W)", "(F, C, KD, KH, KW)")
    _check_channels(where, input, weight, groups)
    steps: Any = several(where, "stride", stride, 3, 1)
    gaps: Any = several(where, "dilation", dilation, 3, 1)
    taps, channels = shape_of(weight)[2], shape_of(weight)[1]
    sides: Any = padding
    if isinstance(padding, str):
        check_name(where, padding, steps)
        total = gaps[0] * (taps - 1) if padding == "same" else 0
        depth = total // 2, total - total // 2
    else:
        ends, *sides = several(where, "padding", padding, 3)
        depth, sides = (ends, ends), tuple(sides)
    x = input if len(shape_of(input)) == 5 else ops.expand_dims(input, axis=0)
    if any(depth):
        x = ops.pad(x, ((0, 0), (0, 0), depth, (0, 0), (0, 0)))
    n, c, length, h, w = shape_of(x)
    places = (length - gaps[0] * (taps - 1) - 1) // steps[0] + 1
    if places < 1:
        raise ShapeError(
            sentence(where, "the filters do not fit into the padded volume along its depth",
                     expected=f"at most {length} slices", got=gaps[0] * (taps - 1) + 1)
        )  # fmt: skip
    starts = (tap * gaps[0] for tap in range(taps))
    met = [
        ops.getitem(x, index=(slice(None), slice(None), slice(start, start + (places - 1) * steps[0] + 1, steps[0])))
        for start in starts
    ]
    x = ops.transpose(ops.stack(met, axis=2), axes=(0, 3, 1, 2, 4, 5))  # (N, OD, C, KD, H, W)
    y = ops.correlate2d(
        ops.reshape(x, shape=(n * places, c * taps, h, w)),
        ops.reshape(weight, shape=(-1, channels * taps, *shape_of(weight)[3:])), bias,
        stride=steps[1:], padding=sides, dilation=gaps[1:], groups=groups,
    )  # fmt: skip
    y = ops.moveaxis(ops.reshape(y, shape=(n, places, *shape_of(y)[1:])), 1, 2)
    return y if len(shape_of(input)) == 5 else ops.squeeze(y, axis=0)


@composite
def conv_transpose3d(
    input: Array, weight: Array, bias: Array | None = None, stride: PerAxis = 1, padding: PerAxis = 0,
    output_padding: PerAxis = 0, groups: Count = 1, dilation: PerAxis = 1,
) -> Array:  # fmt: skip
    """The adjoint of `conv3d` as a layer's forward pass: it enlarges volumes.

    The slices go through `autograd_cnn.correlate2d_transpose`, with the taps along the depth beside each other as
    channels; what each of them gives is moved by its place, and added up.

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
    where = "conv_transpose3d"
    _check_ranks(where, input, weight, "(N, C, D, H, W) or (C, D, H, W)", "(C, F, KD, KH, KW)")
    channels, (taken, filters, taps, *area) = shape_of(input)[-4], shape_of(weight)
    steps: Any
    ends: Any
    extra: Any
    gaps: Any
    if channels != taken:
        raise ShapeError(sentence(where, f"weight has C={taken} but x has C={channels}"))
    step, *steps = several(where, "stride", stride, 3, 1)
    end, *ends = several(where, "padding", padding, 3)
    more, *extra = several(where, "output_padding", output_padding, 3)
    gap, *gaps = several(where, "dilation", dilation, 3, 1)
    x = input if len(shape_of(input)) == 5 else ops.expand_dims(input, axis=0)
    n, _, depth, h, w = shape_of(x)
    length = (depth - 1) * step + gap * (taps - 1) + 1 + more - 2 * end
    if length < 1:
        raise ShapeError(sentence(where, "nothing is left along the depth", expected=f"a padding below {end}", got=end))
    slices = ops.correlate2d_transpose(
        ops.reshape(ops.moveaxis(x, 2, 1), shape=(n * depth, channels, h, w)),
        ops.reshape(weight, shape=(taken, filters * taps, *area)),
        stride=tuple(steps), padding=tuple(ends), dilation=tuple(gaps), output_padding=tuple(extra), groups=groups,
    )  # fmt: skip
    outputs, rest = filters * groups, shape_of(slices)[2:]
    parts = ops.moveaxis(ops.reshape(slices, shape=(n, depth, outputs, taps, *rest)), 1, 3)  # (N, F, KD, D, OH, OW)
    apart = ops.pad(ops.expand_dims(parts, axis=4), ((0, 0),) * 4 + ((0, step - 1), (0, 0), (0, 0)))
    apart = ops.reshape(apart, shape=(n, outputs, taps, depth * step, *rest))
    whole = depth * step + gap * (taps - 1) + more
    y: Array = 0
    for tap in range(taps):
        moved = ops.getitem(apart, index=(slice(None), slice(None), tap))  # (N, F, D * step, OH, OW)
        before = tap * gap
        y = y + ops.pad(moved, ((0, 0), (0, 0), (before, whole - before - depth * step), (0, 0), (0, 0)))
    y = ops.getitem(y, index=(slice(None), slice(None), slice(end, end + length)))
    if bias is not None:
        y = y + ops.reshape(bias, shape=(-1, 1, 1, 1))
    return y if len(shape_of(input)) == 5 else ops.squeeze(y, axis=0)


def _check_ranks(where: str, x: Array, weight: Array, x_axes: str, weight_axes: str) -> None:
    rank, got = weight_axes.count(",") + 1, (shape_of(x), shape_of(weight))
    if len(got[0]) not in (rank - 1, rank) or len(got[1]) != rank:
        raise ShapeError(
            sentence(where, "the ranks of x and weight do not go together", expected=f"{x_axes} with {weight_axes}",
                     got=f"x={got[0]}, weight={got[1]}")
        )  # fmt: skip


def _check_channels(where: str, x: Array, weight: Array, groups: int) -> None:
    shape, filters = shape_of(x), shape_of(weight)
    channels = shape[-len(filters) + 1]
    if groups < 1 or filters[0] % groups:
        raise ArgumentError(
            sentence(where, "groups is out of range", expected=f"a divisor of the {filters[0]} filters", got=groups)
        )
    if channels != filters[1] * groups:
        times = f" in each of {groups} groups" if groups > 1 else ""
        raise ShapeError(sentence(where, f"weight has C={filters[1]}{times} but x has C={channels}"))


def check_name(where: str, padding: str, steps: Shape) -> None:
    """Raise `ArgumentError` unless ``padding`` is a name that goes with these strides."""
    choice(where, "padding", padding, ("valid", "same"))
    if padding == "same" and set(steps) != {1}:
        raise ArgumentError(sentence(where, "padding='same' needs a stride of 1", expected=1, got=steps))
