"""Losses for numbers and distributions. ``reduction`` is ``"mean"``, ``"sum"``, or ``"none"`` for one per element."""

import math
from typing import Literal, TypeAlias

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.engine.trace import check
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn.functional.reduction import Reduction, alike, at_least, in_floats, reduced
from autograd_cnn.ops.loss import _huber
from autograd_cnn.parameters import Bool, NotNegative, Positive

__all__ = ["gaussian_nll_loss", "huber_loss", "kl_div", "l1_loss", "mse_loss", "poisson_nll_loss", "smooth_l1_loss"]

DivergenceReduction: TypeAlias = Literal["mean", "sum", "none", "batchmean"]


@composite
def mse_loss(input: Array, target: Array, reduction: Reduction = "mean") -> Array:
    """The squared error ``(x - t)²``.

    Parameters
    ----------
    input, target : arrays of one shape
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> float(mse_loss([1.0, 2.0], [1.0, 4.0]))
    2.0
    """
    return _bent("mse_loss", input, target, reduction, math.inf, 2)


@composite
def l1_loss(input: Array, target: Array, reduction: Reduction = "mean") -> Array:
    """The absolute error ``|x - t|``.

    Parameters are those of `mse_loss`.

    Examples
    --------
    >>> float(l1_loss([1.0, 2.0], [1.0, 4.0]))
    1.0
    """
    return _absolute("l1_loss", input, target, reduction)


@composite
def huber_loss(input: Array, target: Array, reduction: Reduction = "mean", delta: Positive = 1.0) -> Array:
    """Half the squared error up to ``delta``, and linear from there (Huber 1964).

    With ``a = |x - t|`` it is ``a² / 2`` where ``a <= delta``, else ``delta·(a - delta / 2)``. For
    ``delta = 1`` it is also known as the smooth L1 loss.

    Parameters
    ----------
    input, target : arrays of one shape
    reduction : {"mean", "sum", "none"}
    delta : float
        Above 0.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ArgumentError
        If ``delta`` is not above 0.

    Examples
    --------
    >>> huber_loss([0.0, 0.0], [1.0, 3.0], reduction="none")
    array([0.5, 2.5])
    """
    return _bent("huber_loss", input, target, reduction, delta)


@composite
def smooth_l1_loss(input: Array, target: Array, reduction: Reduction = "mean", beta: NotNegative = 1.0) -> Array:
    """`huber_loss` divided by ``beta``: the absolute error, smoothed below ``beta`` (Girshick 2015).

    Parameters
    ----------
    input, target : arrays of one shape
    reduction : {"mean", "sum", "none"}
    beta : float
        With 0 it is `l1_loss`.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> smooth_l1_loss([0.0, 0.0], [1.0, 3.0], reduction="none", beta=2.0)
    array([0.25, 2.  ])
    """
    if not beta:
        return _absolute("smooth_l1_loss", input, target, reduction)
    return _bent("smooth_l1_loss", input, target, reduction, beta, 1 / beta)


def _absolute(where: str, input: Array, target: Array, reduction: Reduction) -> Array:
    return reduced(ops.absolute(ops.subtract(*alike(where, input, target))), reduction)


def _bent(where: str, input: Array, target: Array, reduction: Reduction, delta: float, factor: float = 1) -> Array:
    """Return ``factor`` times half the squared error, continued by its tangent beyond ``delta``; reduced in the same pass."""
    input, target = alike(where, input, target)
    return _huber(input, target, delta=delta, factor=factor, reduction=reduction)


# --- for distributions ------------------------------------------------------------------------


@composite
def kl_div(input: Array, target: Array, reduction: DivergenceReduction = "mean", log_target: Bool = False) -> Array:
    """The Kullback-Leibler divergence ``t·(log(t) - x)`` of each element, 0 where t is 0.

    Parameters
    ----------
    input : array
        Log-probabilities x.
    target : array of that shape
        Probabilities t, or their logarithms.
    reduction : {"mean", "sum", "none", "batchmean"}
        ``"batchmean"`` divides the sum by the length of the first axis: the mean divergence of the distributions.
    log_target : bool
        Whether the targets are logarithms.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> float(kl_div(np.log([[0.5, 0.5]]), [[1.0, 0.0]], reduction="batchmean").round(3))
    0.693
    """
    input, target = alike("kl_div", input, target)
    losses = ops.exp(target) * (target - input) if log_target else _entropy(target) - target * input
    if reduction == "batchmean":
        return ops.sum(losses) / (shape_of(input) or (1,))[0]
    return reduced(losses, reduction)


def _entropy(p: Array) -> Array:
    """Return ``p·log(p)``, 0 where p is 0, with a finite slope."""
    none = ops.equal(p, 0)
    return p * ops.log(ops.where(none, 1, p))


@composite
def poisson_nll_loss(
    input: Array,
    target: Array,
    log_input: Bool = True,
    full: Bool = False,
    eps: Positive = 1e-8,
    reduction: Reduction = "mean",
) -> Array:
    """The negative log-likelihood of counts, ``rate - t·log(rate)``, without the terms that do not depend on the rate.

    Parameters
    ----------
    input, target : arrays of one shape
        Logarithms of rates, or rates; and counts t.
    log_input : bool
        Whether the rates are given as logarithms.
    full : bool
        Add Stirling's approximation of ``log(t!)`` for counts above 1.
    eps : float
        Added to rates before their logarithm is taken.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> float(poisson_nll_loss([0.0], [3.0]))
    1.0
    """
    input, target = alike("poisson_nll_loss", input, target)
    losses = ops.exp(input) - target * input if log_input else input - target * ops.log(input + eps)
    if full:
        many = ops.greater(target, 1)
        counts = ops.where(many, target, 1)
        logs = ops.log(counts)
        stirling = counts * logs - counts + (logs + math.log(2 * math.pi)) * 0.5
        losses = losses + ops.where(many, stirling, 0)
    return reduced(losses, reduction)


@composite
def gaussian_nll_loss(
    input: Array, target: Array, var: Array, full: Bool = False, eps: Positive = 1e-6, reduction: Reduction = "mean"
) -> Array:
    """The negative log-likelihood of a normal distribution: ``(log(v) + (x - t)² / v) / 2``.

    Parameters
    ----------
    input, target : arrays of one shape
        Means, and observations.
    var : array of that shape, with a 1 for any of its axes, or without the last one
        Variances v.
    full : bool
        Add ``log(2π) / 2``.
    eps : float
        The lower limit of the variances; below it, the gradient is the one at the limit.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ShapeError
        If the shapes do not match.
    ArgumentError
        If a variance is below 0.

    Examples
    --------
    >>> float(gaussian_nll_loss([0.0], [2.0], [1.0]))
    2.0
    """
    where = "gaussian_nll_loss"
    input, target = alike(where, input, target)
    (var,) = in_floats(where, var=var)
    shape, given = shape_of(input), shape_of(var)
    if given == shape[:-1] and given:
        var = ops.expand_dims(var, axis=-1)
    elif given and (len(given) != len(shape) or any(m not in {1, n} for m, n in zip(given, shape, strict=True))):
        raise ShapeError(where, "var has the wrong shape", expected=f"{shape} or {shape[:-1]}", got=given)
    check(_check_variances, var)
    var = at_least(eps, var)
    losses = (ops.log(var) + ops.square(input - target) / var) * 0.5
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _check_variances(var: Array) -> None:
    if np.any(np.asarray(var) < 0):
        expected = "numbers of at least 0"
        raise ArgumentError("gaussian_nll_loss", "var is out of range", expected=expected, got=np.min(var))
