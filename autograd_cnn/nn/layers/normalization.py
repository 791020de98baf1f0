"""Normalisation: of batches, of rows, and of groups of channels."""

import math

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import kernels, ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, Traced, shape_of
from autograd_cnn.engine.trace import effect
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn.functional import normalization as functional
from autograd_cnn.nn.module import Module, in_dtype_of
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Bool, FloatDType, NotNegative, Share, Size, Sizes

__all__ = ["BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm2d", "LayerNorm", "RMSNorm"]


class _BatchNorm(Module):
    """The common part of batch normalisation for images and for features."""

    weight: Parameter | None
    bias: Parameter | None
    running_mean: NDArray[np.floating] | None
    running_var: NDArray[np.floating] | None
    num_batches_tracked: NDArray[np.integer] | None

    @composite
    def __init__(
        self,
        num_features: Size,
        eps: NotNegative = 1e-5,
        momentum: Share | None = 0.1,
        affine: Bool = True,
        track_running_stats: Bool = True,
        *,
        bias: Bool = True,
        dtype: FloatDType = np.float32,
    ) -> None:
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = Parameter(np.ones(num_features, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_features, dtype)) if affine and bias else None
        tracked = track_running_stats
        self.register_buffer("running_mean", np.zeros(num_features, dtype) if tracked else None)
        self.register_buffer("running_var", np.ones(num_features, dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", np.array(0) if tracked else None)

    def _computed(self, x: Array) -> Array:
        """Return the input in the dtype of the layer's parameters."""
        own = self.weight if self.running_mean is None else self.running_mean
        return in_dtype_of(own, x)

    def _normalized(self, maps: Array, given: Shape) -> Array:
        """Return (N, C, H, W) for maps of that shape, reshaped from the input's."""
        if not self.training and self.running_mean is not None:
            mean, var = self.running_mean, self.running_var
            return ops.batch_norm_inference(maps, mean, var, self.weight, self.bias, eps=self.eps)
        count = math.prod(given) // self.num_features
        if count < 2:
            problem = "one value for each channel has no variance to train with"
            raise ShapeError(type(self).__name__, problem, expected="at least 2", got=f"shape {given}")
        y = ops.batch_norm(maps, self.weight, self.bias, eps=self.eps)
        if self.running_mean is None:
            return y
        moments = _recorded_moments(y)
        if moments is None:
            effect(self._follow_batch, maps, count, changes=(self,))
        else:
            effect(self._follow, moments, count, changes=(self,))
        return y

    def _follow_batch(self, x: Array, count: int) -> None:
        """Update the running values with a batch."""
        self._follow(kernels.moments(x), count)

    def _follow(self, moments: Array, count: int) -> None:
        """Update the running values with a batch's mean and variance."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        mean, var = moments
        batches = self.num_batches_tracked + 1
        share = 1 / int(batches) if self.momentum is None else self.momentum
        self.set_buffers(
            num_batches_tracked=batches,
            running_mean=_moved(self.running_mean, mean, share),
            running_var=_moved(self.running_var, var * (count / (count - 1)), share),
        )

    def extra_repr(self) -> str:
        """Return the parameters."""
        tracked = "" if self.running_mean is not None else ", track_running_stats=False"
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}{_affine(self)}{tracked}"


class BatchNorm2d(_BatchNorm):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, for each channel (Ioffe & Szegedy 2015).

    In training, mean and variance are the batch's, and the running ones follow them; in eval mode the running ones are
    used.

    Parameters
    ----------
    num_features : int
        C.
    eps : float
        Keeps the division away from 0.
    momentum : float or None
        The share of the newest batch in the running values; None gives every batch the same share.
    affine : bool
        Whether to learn ``weight`` and ``bias``.
    dtype : dtype
        Of parameters and running values.

    Attributes
    ----------
    weight, bias : Parameter, (C,), or None
    running_mean, running_var : array, (C,)
        The running variance is the unbiased one, divided by the count minus 1.
    num_batches_tracked : array, ()

    Raises
    ------
    ArgumentError
        For a size below 1, an ``eps`` below 0, or a momentum that is not between 0 and 1.
    OperandError
        If a flag is not a bool, or ``dtype`` not one of floats.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> norm = nn.BatchNorm2d(1)
    >>> norm(np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)).numpy().round(2)
    array([[[[-1.34, -0.45],
             [ 0.45,  1.34]]]], dtype=float32)
    >>> norm.running_mean
    array([0.15], dtype=float32)
    """

    def forward(self, x: Array) -> Array:
        """Return (N, C, H, W) for ``x`` of the same shape."""
        shape = shape_of(x)
        if len(shape) != 4 or shape[1] != self.num_features:
            expected = f"(N, {self.num_features}, H, W)"
            raise ShapeError("BatchNorm2d", "x has the wrong shape", expected=expected, got=shape)
        return self._normalized(self._computed(x), shape)


class BatchNorm1d(_BatchNorm):
    """`BatchNorm2d` of features (N, C), or of rows (N, C, L).

    Parameters
    ----------
    num_features : int
        C.
    eps : float
        Keeps the division away from 0.
    momentum : float or None
        The share of the newest batch in the running values; None gives every batch the same share.
    affine : bool
        Whether to learn ``weight`` and ``bias``.
    track_running_stats : bool
        Whether to keep running values; without them, the batch's own are used in eval mode, too.
    bias : bool
        Whether to learn ``bias`` beside ``weight``.
    dtype : dtype
        Of parameters and running values.

    Attributes
    ----------
    weight, bias : Parameter, (C,), or None
    running_mean, running_var : array, (C,), or None
    num_batches_tracked : array, (), or None

    Raises
    ------
    ArgumentError
        For a size below 1, an ``eps`` below 0, or a momentum that is not between 0 and 1.
    OperandError
        If a flag is not a bool, or ``dtype`` not one of floats.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.BatchNorm1d(2)(np.float32([[1, 5], [3, 5]])).numpy().round(2)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    def forward(self, x: Array) -> Array:
        """Return (N, C) or (N, C, L) for ``x`` of the same shape."""
        shape = shape_of(x)
        if len(shape) not in {2, 3} or shape[1] != self.num_features:
            expected = f"(N, {self.num_features}) or (N, {self.num_features}, L)"
            raise ShapeError("BatchNorm1d", "x has the wrong shape", expected=expected, got=shape)
        x = self._computed(x)
        return functional.over_maps(lambda maps: self._normalized(maps, shape), x)


class LayerNorm(Module):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, for each row (Ba et al. 2016).

    Parameters
    ----------
    normalized_shape : int or tuple of int
        (D1, ..., Dk), the shape of a row: the last axes of the input.
    eps : float
        Keeps the division away from 0.
    elementwise_affine : bool
        Whether to learn ``weight`` and ``bias``.
    bias : bool
        Whether to learn ``bias`` as well as ``weight``.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight, bias : Parameter, (D1, ..., Dk), or None

    Raises
    ------
    ArgumentError
        For a size below 1, or an ``eps`` below 0.
    OperandError
        If a flag is not a bool, or ``dtype`` not one of floats.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.LayerNorm(2)(np.float32([[1, 3], [8, 2]])).numpy().round(3)
    array([[-1.,  1.],
           [ 1., -1.]], dtype=float32)
    """

    weight: Parameter | None
    bias: Parameter | None

    @composite
    def __init__(
        self,
        normalized_shape: Sizes,
        eps: NotNegative = 1e-5,
        elementwise_affine: Bool = True,
        bias: Bool = True,
        *,
        dtype: FloatDType = np.float32,
    ) -> None:
        self.normalized_shape: Shape = normalized_shape
        self.eps = eps
        self.weight = Parameter(np.ones(normalized_shape, dtype)) if elementwise_affine else None
        self.bias = Parameter(np.zeros(normalized_shape, dtype)) if elementwise_affine and bias else None

    def forward(self, x: Array) -> Array:
        """Return (..., D1, ..., Dk) for ``x`` of the same shape."""
        x = _with_rows(self, x, self.normalized_shape, self.weight)
        return ops.layer_norm(x, self.weight, self.bias, eps=self.eps, axes=len(self.normalized_shape))

    def extra_repr(self) -> str:
        """Return the parameters."""
        return f"{self.normalized_shape}, eps={self.eps}{_affine(self, 'elementwise_affine')}"


class RMSNorm(Module):
    """``x / sqrt(mean(x²) + eps) * weight``, for each row (Zhang & Sennrich 2019).

    Parameters
    ----------
    normalized_shape : int or tuple of int
        (D1, ..., Dk), the shape of a row: the last axes of the input.
    eps : float or None
        Keeps the division away from 0; None stands for the `numpy.finfo` eps of the input's dtype.
    elementwise_affine : bool
        Whether to learn ``weight``.
    dtype : dtype
        Of the parameter.

    Attributes
    ----------
    weight : Parameter, (D1, ..., Dk), or None

    Raises
    ------
    ArgumentError
        For a size below 1, or an ``eps`` below 0.
    OperandError
        If ``elementwise_affine`` is not a bool, or ``dtype`` not one of floats.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.RMSNorm(2)(np.float32([[1, 7], [3, -3]])).numpy().round(3)
    array([[ 0.2,  1.4],
           [ 1. , -1. ]], dtype=float32)
    """

    weight: Parameter | None

    @composite
    def __init__(
        self,
        normalized_shape: Sizes,
        eps: NotNegative | None = None,
        elementwise_affine: Bool = True,
        *,
        dtype: FloatDType = np.float32,
    ) -> None:
        self.normalized_shape: Shape = normalized_shape
        self.eps = eps
        self.weight = Parameter(np.ones(normalized_shape, dtype)) if elementwise_affine else None

    def forward(self, x: Array) -> Array:
        """Return (..., D1, ..., Dk) for ``x`` of the same shape."""
        x = _with_rows(self, x, self.normalized_shape, self.weight)
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the parameters."""
        affine = ", elementwise_affine=False" if self.weight is None else ""
        return f"{self.normalized_shape}, eps={self.eps}{affine}"


class GroupNorm(Module):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, with the moments of groups of channels (Wu & He 2018).

    Parameters
    ----------
    num_groups : int
    num_channels : int
        C, a multiple of ``num_groups``.
    eps : float
        Keeps the division away from 0.
    affine : bool
        Whether to learn ``weight`` and ``bias``, a number for each channel.
    bias : bool
        Whether to learn ``bias`` beside ``weight``.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight, bias : Parameter, (C,), or None

    Raises
    ------
    ArgumentError
        For a size below 1, an ``eps`` below 0, or groups of different sizes.
    OperandError
        If a flag is not a bool, or ``dtype`` not one of floats.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.GroupNorm(1, 2)(np.float32([[[1, 3], [1, 3]]])).numpy().round(3)
    array([[[-1.,  1.],
            [-1.,  1.]]], dtype=float32)
    """

    weight: Parameter | None
    bias: Parameter | None

    @composite
    def __init__(
        self,
        num_groups: Size,
        num_channels: Size,
        eps: NotNegative = 1e-5,
        affine: Bool = True,
        *,
        bias: Bool = True,
        dtype: FloatDType = np.float32,
    ) -> None:
        if num_channels % num_groups:
            problem = "channels don't go into the groups"
            raise ArgumentError("GroupNorm", problem, expected=f"a multiple of {num_groups}", got=num_channels)
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.weight = Parameter(np.ones(num_channels, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_channels, dtype)) if affine and bias else None

    def forward(self, x: Array) -> Array:
        """Return (N, C, ...) for ``x`` of the same shape."""
        shape = shape_of(x)
        if len(shape) < 2 or shape[1] != self.num_channels:
            raise ShapeError("GroupNorm", "x has the wrong shape", expected=f"(N, {self.num_channels}, ...)", got=shape)
        x = in_dtype_of(self.weight, x)
        return functional.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the parameters."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}{_affine(self)}"


class InstanceNorm2d(Module):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, for each map (Ulyanov et al. 2016).

    Parameters
    ----------
    num_features : int
        C.
    eps : float
        Keeps the division away from 0.
    momentum : float or None
        Accepted for compatibility with PyTorch, whose layer can have running values; this one has none.
    affine : bool
        Whether to learn ``weight`` and ``bias``, a number for each channel.
    bias : bool
        Whether to learn ``bias`` beside ``weight``.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight, bias : Parameter, (C,), or None

    Raises
    ------
    ArgumentError
        For a size below 1, or an ``eps`` below 0.
    OperandError
        If a flag is not a bool, or ``dtype`` not one of floats.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.InstanceNorm2d(1)(np.float32([[[[1, 3]]], [[[5, 9]]]])).round(3).ravel()
    array([-1.,  1., -1.,  1.], dtype=float32)
    """

    weight: Parameter | None
    bias: Parameter | None

    @composite
    def __init__(
        self,
        num_features: Size,
        eps: NotNegative = 1e-5,
        momentum: Share | None = 0.1,
        affine: Bool = False,
        *,
        bias: Bool = True,
        dtype: FloatDType = np.float32,
    ) -> None:
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = Parameter(np.ones(num_features, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_features, dtype)) if affine and bias else None

    def forward(self, x: Array) -> Array:
        """Return (N, C, H, W) or (C, H, W) for ``x`` of the same shape."""
        shape = shape_of(x)
        if len(shape) not in {3, 4} or shape[-3] != self.num_features:
            expected = f"(N, {self.num_features}, H, W) or ({self.num_features}, H, W)"
            raise ShapeError("InstanceNorm2d", "x has the wrong shape", expected=expected, got=shape)
        if len(shape) == 3:
            return self.forward(ops.expand_dims(x, 0))[0]
        if math.prod(shape[2:]) < 2:
            problem = "one value for each map has no variance"
            raise ShapeError("InstanceNorm2d", problem, expected="at least 2", got=f"shape {shape}")
        x = in_dtype_of(self.weight, x)
        return functional.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)

    def extra_repr(self) -> str:
        """Return the parameters."""
        affine = "" if self.weight is None else ", affine=True" + _affine(self)
        return f"{self.num_features}, eps={self.eps}{affine}"


def _affine(module: _BatchNorm | LayerNorm | GroupNorm | InstanceNorm2d, name: str = "affine") -> str:
    """Return the missing parameters, for `repr`."""
    return f", {name}=False" if module.weight is None else ", bias=False" if module.bias is None else ""


def _with_rows(module: Module, x: Array, row: Shape, weight: Parameter | None) -> Array:
    """Return the input in the parameters' dtype; its last axes must be a row."""
    shape = shape_of(x)
    if shape[-len(row) :] != row:
        expected = f"(..., {', '.join(map(str, row))})"
        raise ShapeError(type(module).__name__, "x has the wrong shape", expected=expected, got=shape)
    return in_dtype_of(weight, x)


def _recorded_moments(y: Array) -> Array | None:
    """Return the mean and the variance that the tape keeps for the rules of `batch_norm`."""
    node = y.node if isinstance(y, Traced) else None
    return None if node is None or node.saved is None else node.saved.get("moments")


def _moved(running: NDArray[np.floating], batch: NDArray[np.floating], share: float) -> NDArray[np.floating]:
    """Return the running values, updated with a ``share`` of the batch's."""
    return (running * (1 - share) + batch * share).astype(running.dtype, copy=False)
