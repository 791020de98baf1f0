"""Losses for classifiers and for single numbers."""

from functools import partial
from math import nan, prod
from typing import Annotated, Any, TypeAlias

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray, broadcast
from autograd_cnn.engine.node import Array, Floats, Shape
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.activation import _sigmoid_backward
from autograd_cnn.ops.precision import joined
from autograd_cnn.ops.selection import greater, where
from autograd_cnn.ops.shaping import expand_dims
from autograd_cnn.ops.softmax import softmax, softmax_vjp_x
from autograd_cnn.parameters import Number, Parsed

__all__ = ["softmax_cross_entropy"]


def _array(_where: str, _name: str, value: Any) -> Array:
    return np.asarray(value)


Labels: TypeAlias = Annotated[Any, Parsed(_array, frozenset({np.ndarray}))]
"""Class indices, one for each example; see `checked_labels`."""


def checked_labels(where: str, shape: Shape, labels: Any) -> Array:
    """Return ``labels`` as an array of class indices that match scores of ``shape``.

    Raises
    ------
    OperandError
        If they are not integers.
    ShapeError
        Unless the scores are (N, K, ...) and the labels (N, ...).
    ArgumentError
        If one is out of range.
    """
    found = np.asarray(labels)
    if found.dtype.kind not in "iu":
        raise OperandError(where, "labels are class indices", expected="integers", got=found.dtype)
    if len(shape) < 2 or found.shape != (shape[0], *shape[2:]):
        problem = "scores and labels do not go together"
        raise ShapeError(where, problem, expected="(N, K, ...) and (N, ...)", got=f"{shape} and {found.shape}")
    if found.size and found.astype(np.int64, copy=False).view(np.uint64).max() >= shape[1]:  # one below 0 is large
        index = tuple(np.argwhere((found < 0) | (found >= shape[1]))[0].tolist())
        problem = f"labels[{', '.join(map(str, index))}] is out of range"
        raise ArgumentError(where, problem, expected=f"0 to {shape[1] - 1}", got=found[index])
    return found


def _check_labels(where: str, scores: AbstractArray, *, labels: Array) -> None:
    checked_labels(where, scores.shape, labels)


@primitive(static=partial(_check_labels, "softmax_cross_entropy"))
def softmax_cross_entropy(scores: Floats, labels: Labels, label_smoothing: Number = 0.0) -> Array:
    """Cross-entropy of each example: the negative log of the probability of its class.

    ``y[n] = logsumexp(scores[n]) - Σ_k q[n, k]·scores[n, k]``, where ``q`` is 1 at the label and 0
    elsewhere, mixed with a share ``label_smoothing`` of the uniform distribution (Szegedy et al. 2016). The
    gradient is ``softmax(scores) - q``.

    Parameters
    ----------
    scores : (N, K, ...)
        Unnormalised log-probabilities of K classes.
    labels : (N, ...) of int
        The right classes, from 0 to K - 1.
    label_smoothing : float
        From 0 to 1.

    Returns
    -------
    y : (N, ...)

    Raises
    ------
    OperandError, ShapeError, ArgumentError
        If the labels are not integers, do not match the scores, or are out of range.

    Examples
    --------
    >>> softmax_cross_entropy([[0.0, 0.0], [9.0, 0.0]], labels=[0, 1]).round(3)
    array([0.693, 9.   ])
    """
    labels = checked_labels("softmax_cross_entropy", np.shape(scores), labels)
    scores = np.asarray(scores)
    if not 0 <= label_smoothing <= 1:
        problem = "label_smoothing is out of range"
        raise ArgumentError("softmax_cross_entropy", problem, expected="0 to 1", got=repr(label_smoothing))
    return kernels.softmax_cross_entropy(scores, labels, label_smoothing)


@softmax_cross_entropy.shape
def softmax_cross_entropy_shape(scores: AbstractArray, *, labels: Array) -> Shape:
    return np.shape(checked_labels("softmax_cross_entropy", scores.shape, labels))


@softmax_cross_entropy.vjp("scores")
def softmax_cross_entropy_vjp_scores(g: Array, *, scores: Array, labels: Array, label_smoothing: float) -> Array:
    return _softmax_error(g, scores, labels=labels, label_smoothing=label_smoothing)


@primitive(static=True)
def _softmax_error(g: Floats, scores: Floats, labels: Labels, label_smoothing: Number = 0.0) -> Array:
    """``g·(softmax(scores) - q)``; without smoothing, the label's error is minus the sum of the others, for precision."""
    _check_rows(g, scores, labels)
    g, scores = joined("softmax_error", g=np.asarray(g), scores=np.asarray(scores))
    return kernels.softmax_error(g, scores, np.asarray(labels), label_smoothing)


@_softmax_error.shape
def softmax_error_shape(g: AbstractArray, scores: AbstractArray, *, labels: Array) -> Shape:
    _check_rows(g, scores, labels)
    checked_labels("softmax_error", scores.shape, labels)
    return scores.shape


def _check_rows(g: Array, scores: Array, labels: Array) -> None:
    if np.shape(g) != np.shape(labels) or np.shape(labels) != (*scores.shape[:1], *scores.shape[2:]):
        problem = "scores and labels do not go together"
        got = f"{np.shape(g)}, {scores.shape} and {labels.shape}"
        raise ShapeError("softmax_error", problem, expected="(N, ...), (N, K, ...) and (N, ...)", got=got)


@_softmax_error.vjp("g")
def softmax_error_vjp_g(h: Array, *, scores: Array, labels: Array, label_smoothing: float) -> Array:
    ones = np.ones(np.shape(labels), scores.dtype)
    return reduction.sum(h * _softmax_error(ones, scores, labels=labels, label_smoothing=label_smoothing), axis=1)


@_softmax_error.vjp("scores")
def softmax_error_vjp_scores(h: Array, *, g: Array, scores: Array) -> Array:
    return softmax_vjp_x(h * expand_dims(g, 1), y=softmax(scores, axis=1), axis=1)


@primitive(static=partial(_check_labels, "nll_loss"))
def _nll(scores: Floats, labels: Labels) -> Array:
    """Minus the score of each example's class.

    Examples
    --------
    >>> _nll([[-0.5, -1.0], [-2.0, -0.25]], labels=[1, 0])
    array([1., 2.])
    """
    labels, scores = checked_labels("nll_loss", np.shape(scores), labels), np.asarray(scores)
    return -_as_rows(scores)[_places(labels)].reshape(labels.shape)


@_nll.shape
def nll_shape(scores: AbstractArray, *, labels: Array) -> Shape:
    return np.shape(checked_labels("nll_loss", scores.shape, labels))


@_nll.vjp("scores")
def nll_vjp_scores(g: Array, *, scores_shape: Shape, labels: Array) -> Array:
    return _nll_backward(g, labels=labels, classes=scores_shape[1])


@primitive(static=True)
def _nll_backward(g: Floats, labels: Labels, *, classes: int) -> Array:
    """Minus ``g`` at each example's class, 0 at the others."""
    g, labels = np.asarray(g), np.asarray(labels)
    y = np.zeros(nll_backward_shape(g, labels=labels, classes=classes), g.dtype)
    _as_rows(y)[_places(labels)] = -g.reshape(len(labels), prod(labels.shape[1:]))
    return y


@_nll_backward.shape
def nll_backward_shape(g: AbstractArray, *, labels: Array, classes: int) -> Shape:
    shape = np.shape(labels)
    if g.shape != shape:
        raise ShapeError("nll_backward", "g has the wrong shape", expected=shape, got=g.shape)
    return shape[0], classes, *shape[1:]


@_nll_backward.vjp("g")
def nll_backward_vjp_g(h: Array, *, labels: Array) -> Array:
    return _nll(h, labels=labels)


def _as_rows(scores: Array) -> Array:
    """Return a view of scores (N, K, ...) as (N, K, rest)."""
    return scores.reshape(*scores.shape[:2], prod(scores.shape[2:]))


def _places(labels: Array) -> tuple[Array, Array, Array]:
    """Return the index of each label's score in these."""
    rest = prod(labels.shape[1:])
    return np.arange(len(labels))[:, None], labels.reshape(len(labels), rest), np.arange(rest)


# --- of single numbers ------------------------------------------------------------------------


@primitive(static=True)
def _huber(x: Floats, t: Floats, delta: Number = 1.0, factor: Number = 1.0, *, reduction: str = "sum") -> Array:
    """Half the square of ``x - t`` up to ``delta``, and linear from there (Huber 1964), times ``factor``.

    With an infinite ``delta`` it is the squared error. ``reduction`` is ``"mean"``, ``"sum"`` or ``"none"``.

    Examples
    --------
    >>> _huber([0.5, -3.0], [0.0, 0.0], reduction="none")
    array([0.125, 2.5  ])
    >>> float(_huber([0.5, -3.0], [0.0, 0.0], factor=2.0, reduction="mean"))
    2.625
    """
    x, t = joined("huber", x=np.asarray(x), t=np.asarray(t))
    total = kernels.huber if reduction == "none" else kernels.total_huber
    return total(x, t, delta, _scale(x, t, factor, reduction))


def _scale(x: Array, t: Array, factor: float, reduction: str) -> float:
    """Return the factor of each loss."""
    if reduction != "mean":
        return factor
    shape = x.shape if x.shape == t.shape else broadcast(x.shape, t.shape)
    return factor / (prod(shape) or nan)


@_huber.shape
def huber_shape(x: AbstractArray, t: AbstractArray, *, reduction: str) -> Shape:
    shape = broadcast(x.shape, t.shape)
    return shape if reduction == "none" else ()


@_huber.vjp("x")
def huber_vjp_x(g: Array, *, x: Array, t: Array, **params: Any) -> Array:
    return _huber_backward(g, x, t, **params)


@_huber.vjp("t")
def huber_vjp_t(g: Array, *, x: Array, t: Array, **params: Any) -> Array:
    return _huber_backward(g, t, x, **params)


@primitive(static=True)
def _huber_backward(
    g: Floats, x: Floats, t: Floats, delta: Number = 1.0, factor: Number = 1.0, *, reduction: str = "sum"
) -> Array:
    """``g`` times the slope of each loss in ``x``, in one pass."""
    g, x, t = joined("huber_backward", g=np.asarray(g), x=np.asarray(x), t=np.asarray(t))
    return kernels.huber_wrt_x(g, x, t, delta, _scale(x, t, factor, reduction))


@_huber_backward.vjp("g")
def huber_backward_vjp_g(h: Array, *, x: Array, t: Array, **params: Any) -> Array:
    return _huber_backward(h, x, t, **params)


@_huber_backward.vjp("x")
def huber_backward_vjp_x(
    h: Array, *, g: Array, x: Array, t: Array, delta: float, factor: float, reduction: str
) -> Array:
    return where(greater(abs(x - t), delta), 0, h * g * _scale(x, t, factor, reduction))


@_huber_backward.vjp("t")
def huber_backward_vjp_t(h: Array, *, g: Array, x: Array, t: Array, **params: Any) -> Array:
    return -huber_backward_vjp_x(h, g=g, x=x, t=t, **params)


@primitive(static=True)
def _logistic_loss(x: Floats, t: Floats) -> Array:
    """``t·softplus(-x) + (1 - t)·softplus(x)``: the cross-entropy of ``sigmoid(x)`` with a probability, in one pass.

    Examples
    --------
    >>> _logistic_loss([0.0, 800.0], [1.0, 0.0]).round(3)
    array([6.93e-01, 8.00e+02])
    """
    return kernels.logistic_loss(x, t)


@_logistic_loss.vjp("x")
def logistic_loss_vjp_x(g: Array, *, x: Array, t: Array) -> Array:
    return _logistic_loss_backward(g, x, t)


@_logistic_loss.vjp("t")
def logistic_loss_vjp_t(g: Array, *, x: Array) -> Array:
    return -g * x


@primitive(static=True)
def _logistic_loss_backward(g: Floats, x: Floats, t: Floats) -> Array:
    """``g·(sigmoid(x) - t)``, in one pass, and accurate where that cancels."""
    return kernels.logistic_loss_wrt_x(g, x, t)


@_logistic_loss_backward.vjp("g")
def logistic_loss_backward_vjp_g(h: Array, *, x: Array, t: Array) -> Array:
    return _logistic_loss_backward(h, x, t)


@_logistic_loss_backward.vjp("x")
def logistic_loss_backward_vjp_x(h: Array, *, g: Array, x: Array) -> Array:
    return _sigmoid_backward(h * g, x)


@_logistic_loss_backward.vjp("t")
def logistic_loss_backward_vjp_t(h: Array, *, g: Array) -> Array:
    return -h * g
