"""Batch normalisation."""

import math

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import kernels, ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Traced, shape_of
from autograd_cnn.engine.trace import effect
from autograd_cnn.errors import ShapeError, sentence
from autograd_cnn.nn.module import Module, computed_in
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Bool, FloatDType, NotNegative, Share, Size


class BatchNorm2d(Module):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, for each channel (Ioffe & Szegedy 2015).

    In training mean and variance are the batch's own, and the running ones follow them; in eval mode
    the running ones stand in their place.

    Parameters
    ----------
    num_features : int
        C.
    eps : float
        Keeps the division away from 0.
    momentum : float or None
        The share of the newest batch in the running values; None gives every batch the same.
    affine : bool
        Whether to learn ``weight`` and ``bias``.
    dtype : dtype
        Of parameters and running values.

    Attributes
    ----------
    weight, bias : Parameter, (C,), or None
    running_mean, running_var : array, (C,)
        The running variance is the unbiased one, over the count less 1.
    num_batches_tracked : array, ()

    Raises
    ------
    ArgumentError
        For a size below 1, an ``eps`` below 0, or a momentum that is not between 0 and 1.
    OperandError
        If ``affine`` is not a bool, or ``dtype`` not one of floats.

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

    weight: Parameter | None
    bias: Parameter | None
    running_mean: NDArray[np.floating]
    running_var: NDArray[np.floating]
    num_batches_tracked: NDArray[np.integer]

    @composite
    def __init__(
        self,
        num_features: Size,
        eps: NotNegative = 1e-5,
        momentum: Share | None = 0.1,
        affine: Bool = True,
        *,
        dtype: FloatDType = np.float32,
    ) -> None:
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = Parameter(np.ones(num_features, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_features, dtype)) if affine else None
        self.register_buffer("running_mean", np.zeros(num_features, dtype))
        self.register_buffer("running_var", np.ones(num_features, dtype))
        self.register_buffer("num_batches_tracked", np.array(0))

    def forward(self, x: Array) -> Array:
        """Return (N, C, H, W) for ``x`` of the same shape."""
        shape = shape_of(x)
        if len(shape) != 4 or shape[1] != self.num_features:
            raise ShapeError(
                sentence("BatchNorm2d", "x has the wrong shape", expected=f"(N, {self.num_features}, H, W)", got=shape)
            )
        x = computed_in(x, self.running_mean.dtype)
        if self.training:
            count = math.prod(shape) // self.num_features
            if count < 2:
                raise ShapeError(
                    sentence("BatchNorm2d", "one value for each channel has no variance to train with",
                             expected="at least 2", got=f"shape {shape}")
                )  # fmt: skip
            y = ops.batch_norm(x, self.weight, self.bias, eps=self.eps)
            moments = _recorded_moments(y)
            if moments is None:
                effect(self._follow_batch, x, count)
            else:
                effect(self._follow, moments, count)
            return y
        scale = ops.divide(1, ops.sqrt(ops.add(self.running_var, self.eps)))
        if self.weight is not None:
            scale = ops.multiply(scale, self.weight)
        y = (x - _maps(self.running_mean)) * _maps(scale)
        return y if self.bias is None else y + _maps(self.bias)

    def _follow_batch(self, x: Array, count: int) -> None:
        """Let the running values follow a batch."""
        self._follow(kernels.moments(x), count)

    def _follow(self, moments: Array, count: int) -> None:
        """Let the running values follow a batch's mean and variance."""
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
        affine = "" if self.weight is not None else ", affine=False"
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}{affine}"


def _recorded_moments(y: Array) -> Array | None:
    """Return the mean and the variance that the tape keeps for the rules of `batch_norm`."""
    node = y.node if isinstance(y, Traced) else None
    return None if node is None or node.saved is None else node.saved.get("moments")


def _maps(values: Array) -> Array:
    """Line up one value a channel with (N, C, H, W)."""
    return ops.reshape(values, shape=(-1, 1, 1))


def _moved(running: NDArray[np.floating], batch: NDArray[np.floating], share: float) -> NDArray[np.floating]:
    """Return the running values with ``share`` of the batch's in them."""
    return (running * (1 - share) + batch * share).astype(running.dtype, copy=False)
