"""Losses, as functions and as modules: one number that says how wrong predictions are.

``reduction`` is ``"mean"``, ``"sum"``, or ``"none"`` for one number each.
"""

import math
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Traced, shape_of, values_of
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, raise_as, sentence
from autograd_cnn.nn.module import Module
from autograd_cnn.ops.loss import checked_labels, softmax_cross_entropy
from autograd_cnn.parameters import Positive, Share

Reduction: TypeAlias = Literal["mean", "sum", "none"]

_FLOATS: Final = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


def _reduced(where: str, losses: Array, reduction: Reduction) -> Array:
    if isinstance(reduction, str):
        if reduction == "mean":
            return ops.mean(losses)
        if reduction == "sum":
            return ops.sum(losses)
        if reduction == "none":
            return losses
    raise ArgumentError(
        sentence(where, "reduction is unknown", expected="'mean', 'sum' or 'none'", got=repr(reduction))
    )


def _plain(labels: Any) -> Any:
    """Take labels out of a tensor: they have no gradient."""
    return labels.value if isinstance(labels, Traced) else labels


def _in_floats(where: str, **arrays: Array) -> list[Any]:
    """Return the arrays, integers and bools in the floats that NumPy joins them in: differences must not wrap."""
    if all(getattr(x, "dtype", None) in _FLOATS for x in arrays.values()):  # in training they are, at every step
        return list(arrays.values())
    values = {name: x.value if isinstance(x, Traced) else x for name, x in arrays.items()}
    for name, value in values.items():
        if not isinstance(value, (int, float)):
            try:
                values[name] = np.asarray(value)
            except ValueError as error:
                raise_as(where, error)
                raise
        if np.result_type(values[name]).kind not in "biuf":
            raise OperandError(
                sentence(where, f"{name} is not an array of numbers", expected="ints, floats or bools",
                         got=type(value).__name__)
            )  # fmt: skip
    dtype = np.result_type(*values.values())
    dtype = dtype if dtype.kind == "f" else np.dtype(float)
    return [
        x if np.result_type(value).kind == "f" else ops.astype(x, dtype=dtype)
        for x, value in zip(arrays.values(), values.values(), strict=True)
    ]


def _alike(where: str, predictions: Array, targets: Array) -> list[Any]:
    """Return predictions and targets in floats, if they are of one shape."""
    both = _in_floats(where, predictions=predictions, targets=targets)
    got = shape_of(predictions), shape_of(targets)
    if got[0] != got[1]:
        raise ShapeError(
            sentence(where, "predictions and targets differ in shape", expected=got[0], got=got[1],
                     hint="they are not broadcast")
        )  # fmt: skip
    return both


# --- for classes ------------------------------------------------------------------------------


@composite
def cross_entropy(scores: Array, labels: Array, reduction: Reduction = "mean", label_smoothing: Share = 0.0) -> Array:
    """Cross-entropy of scores with class indices: ``-log(softmax(scores)[label])``.

    Parameters
    ----------
    scores : (N, K)
        Unnormalised log-probabilities of K classes.
    labels : (N,) of int
        The right classes, from 0 to K - 1.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float
        The share of an even distribution in what is aimed at, from 0 to 1 (Szegedy et al. 2016).

    Raises
    ------
    OperandError, ShapeError, ArgumentError
        If the labels are no integers, do not go with the scores, or are out of range.

    Examples
    --------
    >>> float(cross_entropy([[0.0, 0.0], [0.0, 0.0]], [0, 1]).round(3))
    0.693
    """
    losses = softmax_cross_entropy(scores, labels=_plain(labels), label_smoothing=label_smoothing)
    return _reduced("cross_entropy", losses, reduction)


@composite
def nll_loss(log_probabilities: Array, labels: Array, reduction: Reduction = "mean") -> Array:
    """Negative log-likelihood: what `cross_entropy` is when the log of the softmax is taken already.

    Parameters
    ----------
    log_probabilities : (N, K)
        Such as `autograd_cnn.log_softmax` returns.
    labels : (N,) of int
        The right classes, from 0 to K - 1.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    OperandError, ShapeError, ArgumentError
        If the labels are no integers, do not go with the scores, or are out of range.

    Examples
    --------
    >>> float(nll_loss([[-0.5, -1.0]], [1]))
    1.0
    """
    rows = checked_labels("nll_loss", shape_of(log_probabilities), _plain(labels))
    (log_probabilities,) = _in_floats("nll_loss", log_probabilities=log_probabilities)
    picked = ops.getitem(log_probabilities, index=(np.arange(len(rows)), rows))
    return _reduced("nll_loss", -picked, reduction)


@composite
def bce_loss(probabilities: Array, targets: Array, reduction: Reduction = "mean") -> Array:
    """Binary cross-entropy ``-(t·log(p) + (1 - t)·log(1 - p))`` of probabilities.

    No probability counts as less than exp(-100), as in PyTorch, nor than the smallest normal number
    of its dtype, so that loss and gradient stay finite; below that the slope stays what it is there, so
    that a confident wrong answer is unlearned. `bce_with_logits` needs no such limit.

    Parameters
    ----------
    probabilities, targets : arrays of one shape
        From 0 to 1.
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
    probabilities, targets = _alike("bce_loss", probabilities, targets)
    p = np.asarray(values_of(probabilities))
    if np.any(outside := (p < 0) | (p > 1)):
        raise ArgumentError(
            sentence("bce_loss", "probabilities are out of range", expected="numbers from 0 to 1", got=p[outside].flat[0],
                     hint="for scores of any size use bce_with_logits")
        )  # fmt: skip
    dtype = np.result_type(getattr(probabilities, "dtype", float), 1.0)
    least = max(math.exp(-100), float(np.finfo(dtype).tiny))
    yes, no = (ops.log(_at_least(least, p)) for p in (probabilities, ops.subtract(1, probabilities)))
    return _reduced("bce_loss", -(targets * yes + ops.subtract(1, targets) * no), reduction)


def _at_least(least: float, p: Array) -> Array:
    """Return ``p``, or ``least`` where that is more, with a slope of 1 everywhere."""
    value = p.value if isinstance(p, Traced) else np.asarray(p)
    return ops.add(p, np.maximum(np.asarray(least, value.dtype) - value, 0)) if np.any(value < least) else p


@composite
def bce_with_logits(logits: Array, targets: Array, reduction: Reduction = "mean") -> Array:
    """Binary cross-entropy of ``sigmoid(logits)``, stable for logits of any size.

    It is ``t·softplus(-z) + (1 - t)·softplus(z)``.

    Parameters
    ----------
    logits, targets : arrays of one shape
        Targets from 0 to 1.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> float(bce_with_logits(np.array([1000.0]), np.array([0.0])))
    1000.0
    """
    logits, targets = _alike("bce_with_logits", logits, targets)
    losses = targets * ops.softplus(ops.negative(logits)) + ops.subtract(1, targets) * ops.softplus(logits)
    return _reduced("bce_with_logits", losses, reduction)


# --- for numbers ------------------------------------------------------------------------------


@composite
def mse_loss(predictions: Array, targets: Array, reduction: Reduction = "mean") -> Array:
    """The squared error ``(x - t)²``.

    Parameters
    ----------
    predictions, targets : arrays of one shape
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
    predictions, targets = _alike("mse_loss", predictions, targets)
    return _reduced("mse_loss", ops.square(ops.subtract(predictions, targets)), reduction)


@composite
def l1_loss(predictions: Array, targets: Array, reduction: Reduction = "mean") -> Array:
    """The absolute error ``|x - t|``.

    Parameters are those of `mse_loss`.

    Examples
    --------
    >>> float(l1_loss([1.0, 2.0], [1.0, 4.0]))
    1.0
    """
    predictions, targets = _alike("l1_loss", predictions, targets)
    return _reduced("l1_loss", ops.absolute(ops.subtract(predictions, targets)), reduction)


@composite
def huber_loss(predictions: Array, targets: Array, reduction: Reduction = "mean", delta: Positive = 1.0) -> Array:
    """Half the squared error up to ``delta``, and straight on from there (Huber 1964).

    With ``a = |x - t|`` it is ``a² / 2`` where ``a <= delta``, else ``delta·(a - delta / 2)``. For
    ``delta = 1`` it is also known as the smooth L1 loss.

    Parameters
    ----------
    predictions, targets : arrays of one shape
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
    predictions, targets = _alike("huber_loss", predictions, targets)
    error = ops.absolute(ops.subtract(predictions, targets))
    bent = ops.clip(error, max=delta)  # both branches are bent·(error - bent / 2)
    return _reduced("huber_loss", bent * (error - bent * 0.5), reduction)


# --- as modules -------------------------------------------------------------------------------


class _Loss(Module):
    """A loss with its reduction."""

    @composite
    def __init__(self, reduction: Reduction = "mean") -> None:
        _reduced(type(self).__name__, 0.0, reduction)
        self.reduction: Reduction = reduction

    def extra_repr(self) -> str:
        """Return the reduction, unless it is the mean."""
        return "" if self.reduction == "mean" else f"reduction={self.reduction!r}"


class CrossEntropyLoss(_Loss):
    """`cross_entropy` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    label_smoothing : float

    Examples
    --------
    >>> float(CrossEntropyLoss()([[0.0, 0.0]], [1]).round(3))
    0.693
    """

    @composite
    def __init__(self, reduction: Reduction = "mean", label_smoothing: Share = 0.0) -> None:
        super().__init__(reduction)
        self.label_smoothing = label_smoothing

    def forward(self, scores: Array, labels: Array) -> Array:
        """Return the loss of ``scores`` (N, K) with ``labels`` (N,)."""
        return cross_entropy(scores, labels, self.reduction, self.label_smoothing)


class NLLLoss(_Loss):
    """`nll_loss` as a module.

    Examples
    --------
    >>> float(NLLLoss()([[-0.5, -1.0]], [1]))
    1.0
    """

    def forward(self, log_probabilities: Array, labels: Array) -> Array:
        """Return the loss of ``log_probabilities`` (N, K) with ``labels`` (N,)."""
        return nll_loss(log_probabilities, labels, self.reduction)


class BCELoss(_Loss):
    """`bce_loss` as a module.

    Examples
    --------
    >>> float(BCELoss()(np.array([0.5]), np.array([1.0])).round(3))
    0.693
    """

    def forward(self, probabilities: Array, targets: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return bce_loss(probabilities, targets, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """`bce_with_logits` as a module.

    Examples
    --------
    >>> float(BCEWithLogitsLoss()(np.array([0.0]), np.array([1.0])).round(3))
    0.693
    """

    def forward(self, logits: Array, targets: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return bce_with_logits(logits, targets, self.reduction)


class MSELoss(_Loss):
    """`mse_loss` as a module.

    Examples
    --------
    >>> float(MSELoss("sum")([1.0, 2.0], [1.0, 4.0]))
    4.0
    """

    def forward(self, predictions: Array, targets: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return mse_loss(predictions, targets, self.reduction)


class L1Loss(_Loss):
    """`l1_loss` as a module.

    Examples
    --------
    >>> float(L1Loss()([1.0, 2.0], [1.0, 4.0]))
    1.0
    """

    def forward(self, predictions: Array, targets: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return l1_loss(predictions, targets, self.reduction)


class HuberLoss(_Loss):
    """`huber_loss` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    delta : float

    Examples
    --------
    >>> float(HuberLoss(delta=2.0)([0.0], [3.0]))
    4.0
    """

    @composite
    def __init__(self, reduction: Reduction = "mean", delta: Positive = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, predictions: Array, targets: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return huber_loss(predictions, targets, self.reduction, self.delta)
