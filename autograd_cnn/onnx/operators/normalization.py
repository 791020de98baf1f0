"""ONNX's normalisations."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.onnx.operator import Fixed, Flag, operator


def _maps(x: Array) -> tuple[int, ...]:
    """Return the shape in which one number for each map broadcasts."""
    return (-1,) + (1,) * (len(shape_of(x)) - 2)


def _check_training(given: Any) -> None:
    if given.get("training_mode"):
        raise FormatError("training_mode is set", hint="export the network for inference")


@operator("BatchNormalization", check=_check_training)
def batch_normalization(
    x: Array, scale: Array, bias: Array, mean: Fixed, var: Fixed, *,
    epsilon: float = 1e-5, momentum: float = 0.9, training_mode: Flag = 0, spatial: Literal[1] = 1,  # noqa: ARG001  # of no use in inference
) -> Array:  # fmt: skip
    """Normalise each channel by statistics gathered in training (Ioffe & Szegedy 2015)."""
    maps = shape_of(x)[1:2]
    if wrong := [shape_of(each) for each in (scale, bias, mean, var) if shape_of(each) != maps]:
        raise ShapeError("one number for each map is needed", expected=maps, got=wrong[0])
    shape = shape_of(x)
    images = x if len(shape) == 4 else ops.reshape(x, shape=(*shape[:2], -1, 1))
    y = ops.batch_norm_inference(images, mean, var, scale, bias, eps=epsilon)
    return y if len(shape) == 4 else ops.reshape(y, shape=shape)


@operator("InstanceNormalization")
def instance_normalization(x: Array, scale: Array, bias: Array, *, epsilon: float = 1e-5) -> Array:
    """Normalise each map of each image separately (Ulyanov et al. 2016)."""
    y = ops.layer_norm(x, eps=epsilon, axes=len(shape_of(x)) - 2)
    return y * ops.reshape(scale, shape=_maps(x)) + ops.reshape(bias, shape=_maps(x))


@operator("LayerNormalization", extent=lambda shapes, *_: 3 * math.prod(shapes[0]))
def layer_normalization(
    x: Array, scale: Array, bias: Array | None = None, *, outputs: int,
    axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1,  # noqa: ARG001  # half precision is computed in float32
) -> tuple[Array, ...]:  # fmt: skip
    """Normalise over all axes from ``axis`` on (Ba et al. 2016); on request, also return the mean and 1 / deviation."""
    rank = len(shape_of(x))
    axes = tuple(range(axis % rank, rank))
    row = shape_of(x)[axis % rank :]
    weight, shift = (None if each is None else ops.broadcast_to(each, shape=row) for each in (scale, bias))
    y = ops.layer_norm(x, weight, shift, eps=epsilon, axes=len(axes))
    if outputs == 1:
        return (y,)
    inverse = (ops.var(x, axis=axes, keepdims=True) + epsilon) ** -0.5
    return y, ops.mean(x, axis=axes, keepdims=True), inverse


@operator("RMSNormalization")
def rms_normalization(
    x: Array, scale: Array, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1  # noqa: ARG001
) -> Array:  # fmt: skip
    """Divide by the root of the mean square over all axes from ``axis`` on (Zhang & Sennrich 2019)."""
    rank = len(shape_of(x))
    square = ops.mean(x * x, axis=tuple(range(axis % rank, rank)), keepdims=True)
    return x * (square + epsilon) ** -0.5 * scale


@operator("GroupNormalization")
def group_normalization(
    x: Array, scale: Array, bias: Array, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1  # noqa: ARG001
) -> Array:  # fmt: skip
    """Normalise over groups of channels (Wu & He 2018); before opset 21 there is one scale for each group."""
    shape = shape_of(x)
    grouped = ops.reshape(x, shape=(shape[0], num_groups, -1))
    y = ops.reshape(ops.layer_norm(grouped, eps=epsilon), shape=shape)
    if shape_of(scale) == (num_groups,) != shape[1:2]:
        each = shape[1] // num_groups
        scale, bias = ops.repeat(scale, each), ops.repeat(bias, each)
    return y * ops.reshape(scale, shape=_maps(x)) + ops.reshape(bias, shape=_maps(x))


@operator("MeanVarianceNormalization")
def mean_variance_normalization(x: Array, *, axes: Sequence[int] = (0, 2, 3)) -> Array:
    """Return x with mean 0 and variance 1 over the axes."""
    centered = x - ops.mean(x, axis=tuple(axes), keepdims=True)
    return centered / (ops.sqrt(ops.mean(centered * centered, axis=tuple(axes), keepdims=True)) + 1e-9)


@operator("LpNormalization")
def lp_normalization(x: Array, *, axis: int = -1, p: Literal[1, 2] = 2) -> Array:
    """Divide by the norm along an axis; where that is 0, so is the result."""
    power = ops.sum(ops.absolute(x) if p == 1 else x * x, axis=axis, keepdims=True)
    nothing = ops.equal(power, 0)
    safe = ops.where(nothing, 1, power)
    return ops.where(nothing, 0, x / (safe if p == 1 else ops.sqrt(safe)))


@operator("LRN")
def local_response_normalization(
    x: Array, *, size: int, alpha: float = 0.0001, beta: float = 0.75, bias: float = 1.0
) -> Array:
    """Local response normalisation: divide by the squares in neighbouring maps (Krizhevsky et al. 2012)."""
    shape = shape_of(x)
    squares = ops.reshape(x * x, shape=(shape[0], 1, shape[1], -1))
    before = (size - 1) // 2
    around = ops.pad(squares, ((0, 0), (0, 0), (before, size - 1 - before), (0, 0)))
    sums = ops.reshape(ops.mean_pool(around, (size, 1), stride=1), shape=shape) * size
    return x * (sums * (alpha / size) + bias) ** -beta
