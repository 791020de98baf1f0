"""PyTorch's ``nn.utils``: gradient clipping, parameters as one vector, weight and spectral normalisation."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.engine.trace import Held, effect, fresh, reading
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, require
from autograd_cnn.nn.parametrization import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm
from autograd_cnn.parameters import Bool, Limit, Power
from autograd_cnn.spelling import announce as _announce
from autograd_cnn.tensor import Tensor

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "parameters_to_vector",
    "remove_spectral_norm",
    "remove_weight_norm",
    "spectral_norm",
    "vector_to_parameters",
    "weight_norm",
]

_announce(globals())


def _listed(where: str, parameters: Any) -> tuple[Tensor, ...]:
    """Return one tensor or several as a tuple."""
    found = (parameters,) if isinstance(parameters, Tensor) else parameters
    if not isinstance(found, Iterable):
        found = (found,)
    listed = tuple(found)
    for each in listed:
        require(isinstance(each, Tensor), where, "parameters are not tensors", "such as model.parameters()", each)
    return listed


@composite
def clip_grad_norm_(
    parameters: Any, max_norm: Limit, norm_type: Power = 2.0, error_if_nonfinite: Bool = False
) -> Tensor:
    """Scale all gradients down together, so that their common norm is at most ``max_norm`` (Pascanu et al. 2013).

    It works in compiled steps, too.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are ignored.
    max_norm : float
    norm_type : float
        The p of the norm; ``float("inf")`` for the largest absolute value.
    error_if_nonfinite : bool
        Raise an error, and change nothing, if the norm is infinite or not a number.

    Returns
    -------
    norm : Tensor, ()
        The norm before scaling.

    Raises
    ------
    ArgumentError
        If the norm is not finite and ``error_if_nonfinite`` is True.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x / 2).sum().backward()
    >>> clip_grad_norm_(x, 1.0)
    tensor(5.)
    >>> x.grad.numpy().round(3)
    array([0.6, 0.8])
    """
    listed = _listed("clip_grad_norm_", parameters)
    return Tensor.wrap(fresh(_scale, Held(listed), max_norm, norm_type, error_if_nonfinite, changes=listed))


def _scale(parameters: tuple[Tensor, ...], most: float, p: float, strict: bool) -> Array:
    gradients = [(each, each.grad.data) for each in parameters if each.grad is not None]
    norms = [np.linalg.norm(g.ravel().astype(np.float64, copy=False), p) for _, g in gradients]
    total = float(np.linalg.norm(norms, p)) if norms else 0.0
    if strict and not math.isfinite(total):
        raise ArgumentError("clip_grad_norm_", "the norm is not finite", expected="a number", got=total)
    factor = most / (total + 1e-6)  # as in PyTorch, avoids division by 0
    if not factor >= 1:
        for each, g in gradients:
            each.grad = g * g.dtype.type(factor)
    return np.asarray(total, np.result_type(*(g.dtype for _, g in gradients)) if gradients else np.float32)


@composite
def clip_grad_value_(parameters: Any, clip_value: Limit) -> None:
    """Limit every element of all gradients to the range from ``-clip_value`` to ``clip_value``.

    It works in compiled steps, too.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([3.0, -0.5], requires_grad=True)
    >>> (x * x / 2).sum().backward()
    >>> clip_grad_value_(x, 1.0)
    >>> x.grad
    tensor([ 1. , -0.5])
    """
    listed = _listed("clip_grad_value_", parameters)
    effect(_limit, Held(listed), clip_value, changes=listed)


def _limit(parameters: tuple[Tensor, ...], most: float) -> None:
    for each in parameters:
        if each.grad is not None:
            each.grad = np.clip(each.grad.data, -most, most)


@composite
def parameters_to_vector(parameters: Any) -> Tensor:
    """Concatenate all elements of all parameters; gradients flow back into each.

    Raises
    ------
    OperandError
        If there are no parameters.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> parameters_to_vector([nn.Parameter([[1.0, 2.0]]), nn.Parameter([3.0])]).numpy()
    array([1., 2., 3.])
    """
    listed = _listed("parameters_to_vector", parameters)
    if not listed:
        raise OperandError("parameters_to_vector", "parameters is empty")
    return ops.concatenate([ops.reshape(each, shape=(-1,)) for each in listed])


@composite
def vector_to_parameters(vec: Array, parameters: Any) -> None:
    """Set all parameters to the values of a vector, as returned by `parameters_to_vector`.

    Raises
    ------
    ShapeError
        If the numbers of elements differ.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> layer = nn.Linear(2, 1)
    >>> vector_to_parameters(np.array([1.0, 2.0, 3.0]), layer.parameters())
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[1.0, 2.0]], [3.0])
    """
    where = "vector_to_parameters"
    listed = _listed(where, parameters)
    reading(where, vec)
    values = vec.data if isinstance(vec, Tensor) else np.asarray(vec)
    count = sum(each.size for each in listed)
    if values.shape != (count,):
        raise ShapeError(where, "vec has the wrong shape", expected=(count,), got=values.shape)
    ends = np.cumsum([each.size for each in listed])[:-1]
    for each, part in zip(listed, np.split(values, ends), strict=True):
        each.data = part.reshape(each.shape)
