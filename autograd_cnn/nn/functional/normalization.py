"""Normalisation of batches, rows, groups of channels and single maps, with PyTorch's arguments."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_cnn import kernels, ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.trace import effect
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.nn.functional.reduction import in_floats
from autograd_cnn.parameters import Bool, Finite, NotNegative, Size, Sizes

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]

# --- rows -------------------------------------------------------------------------------------


@composite
def layer_norm(
    input: Array, normalized_shape: Sizes, weight: Array | None = None, bias: Array | None = None,
    eps: NotNegative = 1e-5,
) -> Array:  # fmt: skip
    """``(x - mean) / sqrt(var + eps) · weight + bias``, with the moments of each row (Ba et al. 2016).

    Parameters
    ----------
    input : (..., D1, ..., Dk)
    normalized_shape : int or tuple of int
        (D1, ..., Dk), the shape of a row.
    weight, bias : (D1, ..., Dk), optional
        By default 1 and 0.
    eps : float
        Keeps the division away from 0.

    Raises
    ------
    ShapeError
        If the last axes of the input are not a row, or weight or bias do not have a row's shape.

    Examples
    --------
    >>> layer_norm([[1.0, 3.0], [8.0, 2.0]], 2).round(3)
    array([[-1.,  1.],
           [ 1., -1.]])
    """
    _check_row("layer_norm", input, normalized_shape)
    for name, values in {"weight": weight, "bias": bias}.items():
        if values is not None and shape_of(values) != normalized_shape:
            expected = f"that of a row, {normalized_shape}"
            raise ShapeError("layer_norm", f"{name} has the wrong shape", expected=expected, got=shape_of(values))
    return ops.layer_norm(input, weight, bias, eps=eps, axes=len(normalized_shape))


@composite
def rms_norm(
    input: Array, normalized_shape: Sizes, weight: Array | None = None, eps: NotNegative | None = None
) -> Array:
    """``x / sqrt(mean(x²) + eps) · weight``, for each row (Zhang & Sennrich 2019).

    Parameters
    ----------
    input : (..., D1, ..., Dk)
    normalized_shape : int or tuple of int
        (D1, ..., Dk), the shape of a row.
    weight : (D1, ..., Dk), optional
        By default 1.
    eps : float, optional
        Keeps the division away from 0; by default the `numpy.finfo` eps of the input's dtype.

    Raises
    ------
    ShapeError
        If the last axes of the input, or the weight, are not a row.

    Examples
    --------
    >>> rms_norm([[1.0, 7.0], [3.0, -3.0]], 2).round(3)
    array([[ 0.2,  1.4],
           [ 1. , -1. ]])
    """
    _check_row("rms_norm", input, normalized_shape)
    if weight is not None and shape_of(weight) != normalized_shape:
        raise ShapeError("rms_norm", "weight has the wrong shape", expected=normalized_shape, got=shape_of(weight))
    (x,) = in_floats("rms_norm", input=input)
    row = tuple(range(-len(normalized_shape), 0))
    eps = np.finfo(x.dtype).eps.item() if eps is None else eps
    y = x / ops.sqrt(ops.mean(ops.square(x), axis=row, keepdims=True) + eps)
    return y if weight is None else y * weight


def _check_row(where: str, x: Array, row: Shape) -> None:
    if shape_of(x)[-len(row) :] != row:
        expected = f"(..., {', '.join(map(str, row))})"
        raise ShapeError(where, "input has the wrong shape", expected=expected, got=shape_of(x))


# --- channels ---------------------------------------------------------------------------------


@composite
def group_norm(
    input: Array, num_groups: Size, weight: Array | None = None, bias: Array | None = None, eps: NotNegative = 1e-5
) -> Array:
    """``(x - mean) / sqrt(var + eps) · weight + bias``, with the moments of groups of channels (Wu & He 2018).

    Parameters
    ----------
    input : (N, C, ...)
    num_groups : int
        Divides C.
    weight, bias : (C,), optional
        By default 1 and 0.
    eps : float
        Keeps the division away from 0.

    Raises
    ------
    ShapeError
        If the input has no channels, or weight or bias do not have one number for each.
    ArgumentError
        If the groups would differ in size.

    Examples
    --------
    >>> group_norm([[[1.0, 3.0], [1.0, 3.0]]], 1).round(3)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    (input,) = in_floats("group_norm", input=input)
    shape = _check_channels("group_norm", input, weight=weight, bias=bias)
    if shape[1] % num_groups:
        problem = "channels don't go into the groups"
        raise ArgumentError("group_norm", problem, expected=f"a multiple of {num_groups}", got=shape[1])
    rows = num_groups, shape[1] // num_groups, math.prod(shape[2:])
    weight, bias = (each if each is None else ops.reshape(each, (*rows[:2], 1)) for each in (weight, bias))
    return ops.reshape(ops.layer_norm(ops.reshape(input, (shape[0], *rows)), weight, bias, eps=eps, axes=2), shape)


@composite
def batch_norm(
    input: Array, running_mean: Array | None, running_var: Array | None, weight: Array | None = None,
    bias: Array | None = None, training: Bool = False, momentum: Finite = 0.1, eps: NotNegative = 1e-5,
) -> Array:  # fmt: skip
    """``(x - mean) / sqrt(var + eps) · weight + bias``, for each channel (Ioffe & Szegedy 2015).

    Parameters
    ----------
    input : (N, C, ...)
    running_mean, running_var : (C,), or None
        Used instead of the batch's own moments unless ``training``. In training they may be None, or NumPy arrays,
        which are updated with a share ``momentum`` of the batch's mean and unbiased variance.
    weight, bias : (C,), optional
        By default 1 and 0.
    training : bool
        Whether mean and variance are the batch's own.
    momentum : float
        The share of the batch in the running values.
    eps : float
        Keeps the division away from 0.

    Raises
    ------
    ShapeError
        If the shapes do not match, or in training, if a channel has only one value.
    ArgumentError
        If it has no running values to evaluate with, or one without the other.
    OperandError
        If running values can't be written to.

    Examples
    --------
    >>> x, mean, var = np.array([[1.0], [3.0]]), np.zeros(1), np.ones(1)
    >>> batch_norm(x, mean, var, training=True).round(3).ravel()
    array([-1.,  1.])
    >>> mean, var
    (array([0.2]), array([1.1]))
    """
    where = "batch_norm"
    (input,) = in_floats(where, input=input)
    shape = _check_channels(
        where, input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )  # fmt: skip
    if not training:
        return _with_known(where, input, running_mean, running_var, weight, bias, eps)
    _check_count(where, shape, math.prod(shape) // shape[1])

    def normalized(maps: Array) -> Array:
        _let_follow(where, running_mean, running_var, maps, momentum)
        return ops.batch_norm(maps, weight, bias, eps=eps)

    return over_maps(normalized, input)


@composite
def instance_norm(
    input: Array, running_mean: Array | None = None, running_var: Array | None = None, weight: Array | None = None,
    bias: Array | None = None, use_input_stats: Bool = True, momentum: Finite = 0.1, eps: NotNegative = 1e-5,
) -> Array:  # fmt: skip
    """``(x - mean) / sqrt(var + eps) · weight + bias``, for each map of each image (Ulyanov et al. 2016).

    Parameters
    ----------
    input : (N, C, ...)
        With at least one axis after C.
    running_mean, running_var : (C,), optional
        Used instead of the maps' own moments unless ``use_input_stats``; otherwise as for `batch_norm`, with the
        moments averaged over all images.
    weight, bias : (C,), optional
        By default 1 and 0.
    use_input_stats : bool
        Whether mean and variance are the map's own.
    momentum : float
        The share of these images in the running values.
    eps : float
        Keeps the division away from 0.

    Raises
    ------
    ShapeError, ArgumentError, OperandError
        As for `batch_norm`.

    Examples
    --------
    >>> instance_norm([[[1.0, 3.0]], [[5.0, 9.0]]], weight=[2.0]).round(3).ravel()
    array([-2.,  2., -2.,  2.])
    """
    where = "instance_norm"
    (input,) = in_floats(where, input=input)
    shape = _check_channels(
        where, input, 3, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )  # fmt: skip
    if not use_input_stats:
        return _with_known(where, input, running_mean, running_var, weight, bias, eps)
    images, channels, pixels = *shape[:2], math.prod(shape[2:])
    _check_count(where, shape, pixels)
    if not images:
        return group_norm(input, channels, weight, bias, eps)  # which allows zero groups
    maps = ops.reshape(input, (1, images * channels, pixels, 1))
    _let_follow(where, running_mean, running_var, maps, momentum)
    weight, bias = (
        each if each is None else ops.reshape(ops.broadcast_to(each, (images, channels)), -1) for each in (weight, bias)
    )
    return ops.reshape(ops.batch_norm(maps, weight, bias, eps=eps), shape)


def over_maps(normalize: Callable[[Array], Array], x: Array) -> Array:
    """Apply ``normalize`` to ``x`` (N, C, ...) as maps (N, C, H, W); return the result in the shape of ``x``."""
    shape = shape_of(x)
    if len(shape) == 4:
        return normalize(x)
    if len(shape) == 2:  # the batch as one map for each feature
        maps = ops.reshape(ops.transpose(x), (1, *shape[::-1], 1))
        return ops.transpose(ops.reshape(normalize(maps), shape[::-1]))
    return ops.reshape(normalize(ops.reshape(x, (*shape[:2], math.prod(shape[2:]), 1))), shape)


def _with_known(
    where: str, x: Array, mean: Array | None, var: Array | None, weight: Array | None, bias: Array | None, eps: float
) -> Array:
    """Normalise with given moments."""
    if mean is None or var is None:
        problem = "it has no running values to evaluate with"
        raise ArgumentError(where, problem, expected="running_mean and running_var", got="None")
    return over_maps(lambda maps: ops.batch_norm_inference(maps, mean, var, weight, bias, eps=eps), x)


def _let_follow(where: str, running_mean: Any, running_var: Any, maps: Array, momentum: float) -> None:
    """Update the channels' running values (C,), if there are any, with a share of the moments of maps (N, K·C, H, W)."""
    if running_mean is None and running_var is None:
        return
    for name, values in {"running_mean": running_mean, "running_var": running_var}.items():
        if not isinstance(values, np.ndarray) or not values.flags.writeable:
            got = "a read-only array" if isinstance(values, np.ndarray) else type(values).__name__
            raise OperandError(where, f"{name} can't be written to", expected="an array of NumPy's", got=got)

    def follow(maps: Array) -> None:
        means, variances = kernels.moments(maps).reshape(2, -1, running_mean.size)
        count = maps.size // means.size
        for running, moments in (running_mean, means), (running_var, variances * (count / (count - 1))):
            running[...] = running * (1 - momentum) + moments.mean(axis=0) * momentum

    effect(follow, maps)


def _check_channels(where: str, x: Array, axes: int = 2, **numbers: Array | None) -> Shape:
    """Return the shape of ``x``, if it has channels and each parameter has one number for each."""
    shape = shape_of(x)
    if len(shape) < axes or 0 in shape[1:]:
        expected = f"(N, C, ...) of at least {axes} axes, not empty"
        raise ShapeError(where, "input has the wrong shape", expected=expected, got=shape)
    for name, values in numbers.items():
        if values is not None and shape_of(values) != shape[1:2]:
            expected = f"one number for each channel, {shape[1:2]}"
            raise ShapeError(where, f"{name} has the wrong shape", expected=expected, got=shape_of(values))
    return shape


def _check_count(where: str, shape: Shape, count: int) -> None:
    if count < 2:
        raise ShapeError(where, "one value has no variance", expected="at least 2", got=f"shape {shape}")
