"""Losses for classifiers. ``reduction`` is ``"mean"``, ``"sum"``, or ``"none"`` for one number per example."""

import math
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, Traced, shape_of
from autograd_cnn.engine.trace import assuming, check, reading
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn.functional.reduction import (
    ClassWeights,
    Factors,
    Reduction,
    alike,
    at_least,
    float_of,
    in_floats,
    reduced,
    rescaled,
)
from autograd_cnn.ops.loss import _logistic_loss, _nll, checked_labels, softmax_cross_entropy
from autograd_cnn.parameters import Count, Finite, NotNegative, Share

__all__ = [
    "bce_loss",
    "bce_with_logits",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dice_loss",
    "focal_loss",
    "multi_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
]


@composite
def cross_entropy(
    input: Array,
    target: Array,
    weight: ClassWeights | None = None,
    ignore_index: Count = -100,
    reduction: Reduction = "mean",
    label_smoothing: Share = 0.0,
) -> Array:
    """Cross-entropy of scores with classes: ``-log(softmax(input)[target])``, or its mean under given probabilities.

    With a ``weight``, an example's loss is multiplied by its class's weight, and the mean is the sum of the losses
    divided by the sum of these weights. With probabilities, each term is multiplied by its class's weight, and the mean
    is over the examples.

    Parameters
    ----------
    input : (N, K), (N, K, d1, d2, ...) or (K,)
        Unnormalised log-probabilities of K classes.
    target : (N,), (N, d1, d2, ...) or () of int, or of floats in the shape of ``input``
        The right classes, from 0 to K - 1; or the probability of each class.
    weight : (K,), optional
        The weight of each class.
    ignore_index : int
        The target of examples to ignore: their loss is 0, and the mean is over the others.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float
        The share of a uniform distribution in the targets, from 0 to 1 (Szegedy et al. 2016).

    Returns
    -------
    y : (), or (N,), (N, d1, d2, ...) or () without a reduction

    Raises
    ------
    OperandError, ShapeError, ArgumentError
        If the targets are neither integers nor probabilities, do not match the scores, or are out of range; if there is
        not one weight per class.

    Examples
    --------
    >>> float(cross_entropy([[0.0, 0.0], [0.0, 0.0]], [0, 1]).round(3))
    0.693
    >>> cross_entropy([[0.0, 0.0], [0.0, 0.0]], [1, -100], weight=[1.0, 2.0], reduction="none").round(3)
    array([1.386, 0.   ])
    >>> float(cross_entropy([[0.0, 0.0]], [[0.5, 0.5]]).round(3))
    0.693
    """
    where = "cross_entropy"
    if _are_probabilities(input, target):
        return _of_probabilities(where, input, target, weight, reduction, label_smoothing)
    labels, counted = _labels(target, ignore_index)  # as they came: a compiled step looks at arguments
    if counted is None and weight is None and len(shape_of(input)) > 1:
        losses = softmax_cross_entropy(input, labels=labels, label_smoothing=label_smoothing)
        return reduced(losses, reduction)
    input, labels, shape = _in_rows(where, input, labels)
    counted = None if counted is None else ops.reshape(counted, shape=(-1,))
    if counted is None and weight is None:
        losses = softmax_cross_entropy(input, labels=labels, label_smoothing=label_smoothing)
        return _shaped(reduced(losses, reduction), reduction, shape)
    (input,) = in_floats(where, input=input)
    scores, labels, factors = _examples(where, input, labels, counted, weight)
    if weight is None or not label_smoothing:
        losses = softmax_cross_entropy(scores, labels=labels, label_smoothing=label_smoothing) * factors
    else:
        logs, of_classes = ops.log_softmax(scores, axis=1), ops.astype(weight, dtype=float_of(input))
        evenly = ops.sum(logs * of_classes, axis=1) * (label_smoothing / len(weight))
        losses = _nll(logs, labels=labels) * factors * (1 - label_smoothing)
        losses = losses - (evenly if counted is None else ops.where(counted, evenly, 0))
    return _shaped(_weighted(losses, factors, reduction), reduction, shape)


def _are_probabilities(input: Array, target: Array) -> bool:
    dtype = getattr(target, "dtype", None)
    if dtype is None:
        dtype = np.asarray(target).dtype
    return bool(dtype.kind == "f") and len(shape_of(input)) > 0 and shape_of(input) == shape_of(target)


def _of_probabilities(
    where: str, input: Array, target: Array, weight: Any, reduction: Reduction, smoothing: float
) -> Array:
    input, target = in_floats(where, input=input, target=target)
    shape = shape_of(input)
    axis = min(1, len(shape) - 1)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / shape[axis]
    if weight is not None:
        reading(f"weight of {where}", weight)
        factors = _factors_of_classes(where, shape[axis], weight).astype(float_of(input))
        target = target * factors.reshape(-1, *(1,) * (len(shape) - axis - 1))
    losses = -ops.sum(ops.log_softmax(input, axis=axis) * target, axis=axis)
    return reduced(losses, reduction)


def _in_rows(where: str, input: Array, target: Array) -> tuple[Array, Array, Shape | None]:
    """Return scores (N, K) and labels (N,) for any matching shapes, and the losses' shape if it is not (N,).

    The loss refuses labels that do not match (N, K).
    """
    shape, labels = shape_of(input), shape_of(target)
    if len(shape) in (0, 2):
        return input, target, None
    losses = (*shape[:1], *shape[2:]) if len(shape) > 1 else ()
    if labels != losses:
        expected = "(N, K, ...) and (N, ...)" if losses else "(K,) and ()"
        raise ShapeError(where, "scores and labels do not go together", got=f"{shape} and {labels}", expected=expected)
    if losses:
        input = ops.moveaxis(input, 1, -1)
    rows = ops.reshape(input, shape=(math.prod(losses), shape[min(1, len(shape) - 1)]))
    return rows, ops.reshape(target, shape=(-1,)), losses


def _shaped(losses: Array, reduction: Reduction, shape: Shape | None) -> Array:
    """Return the losses of the examples in the examples' shape."""
    return losses if shape is None or reduction != "none" else ops.reshape(losses, shape=shape)


@composite
def nll_loss(
    input: Array,
    target: Array,
    weight: ClassWeights | None = None,
    ignore_index: Count = -100,
    reduction: Reduction = "mean",
) -> Array:
    """Negative log-likelihood: `cross_entropy` for inputs that are already log-probabilities.

    Parameters
    ----------
    input : (N, K), (N, K, d1, d2, ...) or (K,)
        Log-probabilities, such as `autograd_cnn.log_softmax` returns.
    target : (N,), (N, d1, d2, ...) or () of int
    weight, ignore_index, reduction
        As for `cross_entropy`.

    Raises
    ------
    OperandError, ShapeError, ArgumentError
        As for `cross_entropy`.

    Examples
    --------
    >>> float(nll_loss([[-0.5, -1.0]], [1]))
    1.0
    """
    where = "nll_loss"
    labels, counted = _labels(target, ignore_index)  # as they came: a compiled step looks at arguments
    (input,) = in_floats(where, input=input)
    if counted is None and weight is None and len(shape_of(input)) > 1:
        return reduced(_nll(input, labels=labels), reduction)
    input, labels, shape = _in_rows(where, input, labels)
    counted = None if counted is None else ops.reshape(counted, shape=(-1,))
    if counted is None and weight is None:
        return _shaped(reduced(_nll(input, labels=labels), reduction), reduction, shape)
    logs, labels, factors = _examples(where, input, labels, counted, weight)
    losses = _nll(logs, labels=labels) * factors
    return _shaped(_weighted(losses, factors, reduction), reduction, shape)


def _labels(target: Array, ignore_index: int) -> tuple[Any, Any]:
    """Return the labels as an array, and whether each counts, or None if all do."""
    labels = target.value if isinstance(target, Traced) else np.asarray(target)
    some = assuming(lambda labels: (np.asarray(labels) == ignore_index).any(), target, otherwise=True)
    return labels, ops.not_equal(labels, ignore_index) if some else None


def _examples(where: str, input: Array, labels: Any, counted: Any, weight: Any) -> tuple[Array, Any, Any]:
    """Return the rows, labels and factors of examples; ignored ones get zeros, the first class and 0.

    Primitives compute all of it, so a recorded step can be replayed with other labels and weights.
    """
    shape = shape_of(input)
    if counted is not None:
        labels = ops.where(counted, labels, 0)
    check(checked_labels, where, shape, labels)
    if counted is not None:
        input = ops.masked(input, mask=ops.broadcast_to(ops.reshape(counted, shape=(-1, 1)), shape=shape))
    if weight is None:
        return input, labels, ops.astype(counted, dtype=float_of(input))
    weight = ops.astype(_factors_of_classes(where, shape[1], weight), dtype=float_of(input))
    factors = ops.getitem(weight, index=(labels,))
    return input, labels, factors if counted is None else ops.where(counted, factors, 0)


def _factors_of_classes(where: str, classes: int, weight: Any) -> Any:
    if weight.shape != (classes,):
        expected = f"one number for each of {classes} classes"
        raise ShapeError(where, "weight has the wrong shape", expected=expected, got=weight.shape)
    return weight


def _weighted(losses: Array, factors: Any, reduction: Reduction) -> Array:
    """Return the losses, or their sum or mean, weighted by the factors."""
    if reduction != "mean":
        return reduced(losses, reduction)
    total = ops.sum(factors)
    return ops.sum(losses) / ops.where(ops.equal(total, 0), np.nan, total)  # PyTorch's NaN, without a warning


@composite
def bce_loss(input: Array, target: Array, weight: Factors | None = None, reduction: Reduction = "mean") -> Array:
    """Binary cross-entropy ``-(t·log(p) + (1 - t)·log(1 - p))`` of probabilities.

    Probabilities are limited from below to exp(-100), as in PyTorch, and to the smallest normal number of their dtype,
    so that loss and gradient stay finite. Below the limit the slope stays constant, so a confident wrong answer can be
    unlearned. `bce_with_logits` needs no such limit.

    Parameters
    ----------
    input, target : arrays of one shape
        From 0 to 1.
    weight : array of that shape, or of one that broadcasts to it, optional
        Factors of the losses; the mean is taken over all losses, whatever these are.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ShapeError
        If the shapes differ.
    ArgumentError
        If a probability is not from 0 to 1.

    Examples
    --------
    >>> float(bce_loss(np.array([0.5]), np.array([1.0])).round(3))
    0.693
    """
    input, target = alike("bce_loss", input, target)
    check(_check_probabilities, input)
    least = max(math.exp(-100), float(np.finfo(float_of(input)).tiny))
    yes, no = (ops.log(at_least(least, p)) for p in (input, ops.subtract(1, input)))
    losses = -(target * yes + ops.subtract(1, target) * no)
    return reduced(rescaled("bce_loss", losses, "weight", weight), reduction)


def _check_probabilities(p: Array) -> None:
    p = np.asarray(p)
    if np.any(outside := (p < 0) | (p > 1)):
        problem = "probabilities are out of range"
        hint = "for scores of any size use bce_with_logits"
        raise ArgumentError("bce_loss", problem, expected="numbers from 0 to 1", got=p[outside].flat[0], hint=hint)


@composite
def bce_with_logits(
    input: Array,
    target: Array,
    weight: Factors | None = None,
    reduction: Reduction = "mean",
    pos_weight: Factors | None = None,
) -> Array:
    """Binary cross-entropy of ``sigmoid(input)``, stable for logits of any size.

    It is ``p·t·softplus(-z) + (1 - t)·softplus(z)`` with p, the ``pos_weight``, 1 if there is none.

    Parameters
    ----------
    input, target : arrays of one shape
        Logits z, and targets t from 0 to 1.
    weight : array of that shape, or of one that broadcasts to it, optional
        Factors of the losses; the mean is taken over all losses, whatever these are.
    reduction : {"mean", "sum", "none"}
    pos_weight : array of that shape, or of one that broadcasts to it, optional
        The weight of positive targets relative to negative ones.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> float(bce_with_logits(np.array([1000.0]), np.array([0.0])))
    1000.0
    """
    where = "bce_with_logits"
    input, target = alike(where, input, target)
    if pos_weight is None:
        losses = _logistic_loss(input, target)
    else:
        positive = rescaled(where, target * ops.softplus(ops.negative(input)), "pos_weight", pos_weight)
        losses = positive + ops.subtract(1, target) * ops.softplus(input)
    return reduced(rescaled(where, losses, "weight", weight), reduction)


def check_power(where: str, p: int) -> None:
    """Raise `ArgumentError` unless a margin's power is 1 or 2."""
    if p not in (1, 2):
        raise ArgumentError(where, "p is unknown", expected="1 or 2", got=p)


@composite
def multi_margin_loss(
    input: Array,
    target: Array,
    p: Count = 1,
    margin: Finite = 1.0,
    weight: ClassWeights | None = None,
    reduction: Reduction = "mean",
) -> Array:
    """Multi-class hinge loss: ``Σ max(0, margin - x[t] + x[k])^p / K`` over the classes k other than t.

    Parameters
    ----------
    input : (N, K) or (K,)
        Scores.
    target : (N,) or () of int
        The right classes.
    p : {1, 2}
    margin : float
    weight : (K,), optional
        Factors of the classes' losses.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    OperandError, ShapeError, ArgumentError
        If the targets are not integers, do not match the scores, or are out of range; if ``p`` is neither 1 nor 2.

    Examples
    --------
    >>> float(multi_margin_loss([[0.5, 0.0, 2.0]], [0]).round(3))
    1.0
    """
    where = "multi_margin_loss"
    check_power(where, p)
    (input,) = in_floats(where, input=input)
    x, target, shape = _in_rows(where, input, target)
    reading(where, target)
    labels = target.value if isinstance(target, Traced) else np.asarray(target)
    check(checked_labels, where, shape_of(x), labels)
    right = ops.negative(_nll(x, labels=labels))
    count, classes = shape_of(x)
    errors = ops.clip(x - ops.expand_dims(right, axis=1) + margin, min=0)
    others = np.ones((count, classes), float_of(x))
    others[np.arange(count), labels] = 0
    losses = ops.sum((errors if p == 1 else ops.square(errors)) * (others / classes), axis=1)
    if weight is not None:
        reading(f"weight of {where}", weight)
        losses = losses * _factors_of_classes(where, classes, weight).astype(others.dtype)[labels]
    return _shaped(reduced(losses, reduction), reduction, shape)


@composite
def multilabel_soft_margin_loss(
    input: Array, target: Array, weight: Factors | None = None, reduction: Reduction = "mean"
) -> Array:
    """`bce_with_logits` for each class, averaged over the classes, which are the last axis.

    Parameters
    ----------
    input, target : (..., K)
        Scores, and 0 or 1 for each.
    weight : (K,), optional
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(multilabel_soft_margin_loss([[0.0, 9.0]], [[1.0, 1.0]]).round(3))
    0.347
    """
    losses = bce_with_logits(input, target, weight, "none")
    return reduced(ops.mean(losses, axis=-1), reduction)


# --- for images -------------------------------------------------------------------------------


@composite
def focal_loss(
    input: Array, target: Array, alpha: Share | None = 0.25, gamma: NotNegative = 2.0, reduction: Reduction = "mean"
) -> Array:
    """`bce_with_logits` with less weight on easy examples: ``α_t·(1 - p_t)^γ·(-log(p_t))`` (Lin et al. 2017).

    p_t is the probability of the target; α_t is α for a target of 1 and 1 - α for a target of 0.

    Parameters
    ----------
    input, target : arrays of one shape
        Logits, and targets from 0 to 1.
    alpha : float, optional
        α, from 0 to 1; by default both targets count equally.
    gamma : float
        γ; 0 changes nothing.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> focal_loss([0.0, 4.0], [1.0, 1.0], reduction="none").round(5)
    array([0.04332, 0.     ])
    """
    input, target = alike("focal_loss", input, target)
    rest = ops.subtract(1, target)
    losses = _logistic_loss(input, target)
    if gamma:
        wrong = target * ops.sigmoid(ops.negative(input)) + rest * ops.sigmoid(input)
        losses = losses * ops.power(wrong, gamma)
    if alpha is not None:
        losses = losses * (target * alpha + rest * (1 - alpha))
    return reduced(losses, reduction)


@composite
def dice_loss(input: Array, target: Array, smooth: NotNegative = 1.0, reduction: Reduction = "mean") -> Array:
    """``1 - (2·Σ p·t + s) / (Σ p + Σ t + s)`` for each map: 1 minus the overlap of two regions (Milletari et al. 2016).

    Parameters
    ----------
    input, target : (N, C, d1, ...)
        Probabilities p, such as `autograd_cnn.sigmoid` or `autograd_cnn.softmax` gives, and targets t from 0 to 1.
    smooth : float
        s, which keeps the loss defined for maps without a region.
    reduction : {"mean", "sum", "none"}
        Over images and channels; without one the result is (N, C).

    Raises
    ------
    ShapeError
        If the shapes differ, or ``input`` has no axes but N and C.

    Examples
    --------
    >>> float(dice_loss([[[0.0, 1.0, 1.0]]], [[[0.0, 0.0, 1.0]]], smooth=0.0).round(3))
    0.333
    """
    where = "dice_loss"
    input, target = alike(where, input, target)
    shape = shape_of(input)
    if len(shape) < 3:
        raise ShapeError(where, "x has the wrong rank", expected="(N, C, d1, ...)", got=shape)
    axes = tuple(range(2, len(shape)))
    both = ops.sum(input * target, axis=axes)
    either = ops.sum(input, axis=axes) + ops.sum(target, axis=axes)
    return reduced(ops.subtract(1, (both * 2 + smooth) / (either + smooth)), reduction)


# --- the same functions by PyTorch's names ----------------------------------------------------

binary_cross_entropy = bce_loss
binary_cross_entropy_with_logits = bce_with_logits
