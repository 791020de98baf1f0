"""The loss of classifiers."""

from typing import Annotated, Any, TypeAlias

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray, placeholder
from autograd_cnn.engine.node import Array, Floats, Shape
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, sentence
from autograd_cnn.ops import reduction
from autograd_cnn.ops.precision import joined
from autograd_cnn.ops.shaping import reshape
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
        Unless the scores are (N, K) and the labels (N,).
    ArgumentError
        If one is out of range.
    """
    found = np.asarray(labels)
    if found.dtype.kind not in "iu":
        raise OperandError(sentence(where, "labels are class indices", expected="integers", got=found.dtype))
    if len(shape) != 2 or found.shape != shape[:1]:
        raise ShapeError(
            sentence(where, "scores and labels do not go together", expected="(N, K) and (N,)",
                     got=f"{shape} and {found.shape}")
        )  # fmt: skip
    if found.size and found.astype(np.int64, copy=False).view(np.uint64).max() >= shape[1]:  # one below 0 is large
        index = int(np.flatnonzero((found < 0) | (found >= shape[1]))[0])
        raise ArgumentError(
            sentence(where, f"label {index} is out of range", expected=f"0 to {shape[1] - 1}", got=found[index])
        )
    return found


def _check_labels(scores: AbstractArray, *, labels: Array) -> None:
    checked_labels("softmax_cross_entropy", scores.shape, labels)


@primitive(static=_check_labels)
def softmax_cross_entropy(scores: Floats, labels: Labels, label_smoothing: Number = 0.0) -> Array:
    """Cross-entropy of each example: the negative log of the probability of its class.

    ``y[n] = logsumexp(scores[n]) - Σ_k q[n, k]·scores[n, k]``, where ``q`` is 1 at the label and 0
    elsewhere, mixed with a share ``label_smoothing`` of the uniform distribution (Szegedy et al. 2016). The
    gradient is ``softmax(scores) - q``.

    Parameters
    ----------
    scores : (N, K)
        Unnormalised log-probabilities of K classes.
    labels : (N,) of int
        The right classes, from 0 to K - 1.
    label_smoothing : float
        From 0 to 1.

    Returns
    -------
    y : (N,)

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
        raise ArgumentError(
            sentence("softmax_cross_entropy", "label_smoothing is out of range", expected="0 to 1",
                     got=repr(label_smoothing))
        )  # fmt: skip
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
    placeholder(scores.shape)[np.arange(len(labels)), labels]  # complains of a label out of range
    return scores.shape


def _check_rows(g: Array, scores: Array, labels: Array) -> None:
    if np.shape(g) != np.shape(labels) or len(labels) != scores.shape[0]:
        raise ShapeError(
            sentence("softmax_error", "scores and labels do not go together", expected="(N,), (N, K) and (N,)",
                     got=f"{np.shape(g)}, {scores.shape} and {labels.shape}")
        )  # fmt: skip


@_softmax_error.vjp("g")
def softmax_error_vjp_g(h: Array, *, scores: Array, labels: Array, label_smoothing: float) -> Array:
    ones = np.ones(len(labels), scores.dtype)
    return reduction.sum(h * _softmax_error(ones, scores, labels=labels, label_smoothing=label_smoothing), axis=1)


@_softmax_error.vjp("scores")
def softmax_error_vjp_scores(h: Array, *, g: Array, scores: Array) -> Array:
    return softmax_vjp_x(h * reshape(g, shape=(-1, 1)), y=softmax(scores, axis=1), axis=1)
