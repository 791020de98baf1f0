"""Batch normalisation with moments over the examples of all processes."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import kernels, nn, ops
from autograd_cnn.distributed.group import ProcessGroup, init
from autograd_cnn.engine.node import Array, Shape, Traced, shape_of
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.trace import RUNNING, current, fresh
from autograd_cnn.errors import GradientError, ShapeError
from autograd_cnn.nn.functional.normalization import over_maps
from autograd_cnn.nn.layers.normalization import BatchNorm1d, BatchNorm2d
from autograd_cnn.ops.joint import Once


class SyncBatchNorm(BatchNorm2d):
    """`BatchNorm2d` or `BatchNorm1d` over the examples of all processes; `convert_sync_batchnorm` makes it.

    In training mode every call waits for all processes, and so does its backward pass. It has first derivatives only.

    Attributes
    ----------
    weight, bias, running_mean, running_var, num_batches_tracked
        As in `BatchNorm2d`.
    group : ProcessGroup

    Raises
    ------
    ShapeError
        If the input has no channel axis, or another number of channels.
    GradientError
        With ``create_graph=True``.
    """

    group: ProcessGroup

    def forward(self, x: Array) -> Array:
        """Return (N, C, ...) for ``x`` of the same shape."""
        shape = shape_of(x)
        if len(shape) < 2 or shape[1] != self.num_features:
            expected = f"(N, {self.num_features}, ...)"
            raise ShapeError("SyncBatchNorm", "x has the wrong shape", expected=expected, got=shape)
        x = self._computed(x)
        return over_maps(lambda maps: self._normalized(maps, shape), x)

    def _normalized(self, maps: Array, given: Shape) -> Array:
        if not self.training:
            return super()._normalized(maps, given)
        moments = fresh(self._follow_moments, maps)
        return _standardized(maps, self.weight, self.bias, eps=self.eps, moments=moments, group=self.group)

    def _follow_moments(self, maps: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return mean and variance (2, C) over all processes' maps, and update the running statistics."""
        count = _count(maps)
        mean, var = kernels.moments(maps)
        total = self.group.sum(np.array([mean, var + mean * mean, np.ones_like(mean)]) * count)
        mean, square = total[:2] / total[2]
        moments = np.array([mean, np.maximum(square - mean * mean, 0)])
        self._follow(moments, round(total[2, 0]))
        return moments


def _standardize(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float,
    moments: NDArray[np.float64],
    group: ProcessGroup,  # noqa: ARG001  # the rules ask for it
) -> Array:
    one, zero = np.ones(x.shape[1], x.dtype), np.zeros(x.shape[1], x.dtype)
    return kernels.standardize(x, moments, one if weight is None else weight, zero if bias is None else bias, eps)


_standardized: Primitive[...] = Primitive(_standardize, (), constant=False)
"""``(x - mean) / sqrt(var + eps) · weight + bias``, with moments that depend on x on all processes.

It is not registered: its rule communicates, so finite differences on one process can't check it.
"""


@_standardized.vjp("x")
def _standardize_vjp_x(
    g: Array, *, x: Array, weight: Array | None, eps: float, moments: Any, group: ProcessGroup
) -> Array:
    """The rule of `batch_norm`, with its sums averaged over all processes, weighted by their examples.

    A process's gradients are weighted by its share of all examples, and so are its maps, so the shares cancel.
    """
    if isinstance(g, Traced) and not (RUNNING and current.get() is not None):
        raise GradientError("SyncBatchNorm", "it has first derivatives only", hint="leave create_graph out")
    mean = fresh(_mean, group, _sums(g, x, moments, eps), _count(x))
    return ops.batch_norm_wrt_input(g, x, weight, eps=eps, moments=moments, sums=mean)


@_standardized.vjp("weight")
def _standardize_vjp_weight(g: Array, *, x: Array, eps: float, moments: Any) -> Array:
    return _sums(g, x, moments, eps)[0]


@_standardized.vjp("bias")
def _standardize_vjp_bias(g: Array, *, x: Array, eps: float, moments: Any) -> Array:
    return _sums(g, x, moments, eps)[1]


@Once
def _sums(g: Array, x: Array, moments: NDArray[np.float64], eps: float) -> Array:
    """Return the sums on this process that all three rules need."""
    return ops.batch_norm_wrt_affine(g, x, eps=eps, moments=moments)


def _mean(group: ProcessGroup, sums: NDArray[np.floating], count: int) -> NDArray[np.floating]:
    return group.mean(sums, count).astype(sums.dtype)


def _count(maps: Array) -> int:
    """Return the number of values per channel."""
    shape = shape_of(maps)
    return math.prod(shape) // shape[1]


def convert_sync_batchnorm(model: nn.Module, group: ProcessGroup | None = None) -> nn.Module:
    """Replace each `BatchNorm2d` and `BatchNorm1d` in a model by a `SyncBatchNorm` with the same parameters.

    Parameters
    ----------
    model : Module
        It is changed.
    group : ProcessGroup, optional
        By default all processes; see `init`.

    Returns
    -------
    Module
        The model, or its replacement if it is itself such a layer.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    >>> [type(layer).__name__ for layer in convert_sync_batchnorm(model)]  # doctest: +SKIP
    ['Conv2d', 'SyncBatchNorm', 'ReLU']
    """
    return _converted(model, init() if group is None else group, {})


def _converted(module: nn.Module, group: ProcessGroup, known: dict[int, nn.Module]) -> nn.Module:
    if id(module) not in known:
        known[id(module)] = module
        if type(module) in {BatchNorm1d, BatchNorm2d}:
            made = SyncBatchNorm.__new__(SyncBatchNorm)
            vars(made).update(vars(module), group=group)
            known[id(module)] = made
        else:
            for name, child in list(module.named_children()):
                setattr(module, name, _converted(child, group, known))
    return known[id(module)]
