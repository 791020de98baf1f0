"""Losses: one number that says how wrong predictions are.

``reduction`` is ``"mean"``, ``"sum"``, or ``"none"`` for one number each.
"""

import math
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, Traced, shape_of, values_of
from autograd_cnn.engine.trace import RUNNING, assuming, effect, reading
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, raise_as, sentence
from autograd_cnn.ops.loss import checked_labels, softmax_cross_entropy
from autograd_cnn.parameters import Count, Parsed, Positive, Share, choice

Reduction: TypeAlias = Literal["mean", "sum", "none"]

_FLOATS: Final = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


def _factors(where: str, name: str, value: Any) -> Any:
    """Return what losses are to be multiplied by as an array."""
    try:
        factors = np.asarray(value)
    except ValueError as error:
        raise_as(where, error)
        raise
    if factors.dtype.kind not in "biuf":
        hint = f"say reduction={value!r}" if isinstance(value, str) else ""
        raise OperandError(
            sentence(
                where,
                f"{name} is not an array of numbers",
                expected="ints, floats or bools",
                got=repr(value),
                hint=hint,
            )
        )
    return factors


def _class_weights(where: str, name: str, value: Any) -> Any:
    """Return one factor for each class as an array."""
    weights = _factors(where, name, value)
    if weights.ndim != 1:
        raise ArgumentError(
            sentence(where, f"{name} is not understood", expected="one number for each class", got=repr(value))
        )
    return weights


Factors: TypeAlias = Annotated[Any, Parsed(_factors, frozenset())]
ClassWeights: TypeAlias = Annotated[Any, Parsed(_class_weights, frozenset())]


def check_reduction(where: str, reduction: str) -> None:
    """Raise `ArgumentError` for an unknown reduction."""
    choice(where, "reduction", reduction, get_args(Reduction))


def _reduced(where: str, losses: Array, reduction: Reduction) -> Array:
    check_reduction(where, reduction)
    if reduction == "mean":
        return ops.mean(losses)
    return ops.sum(losses) if reduction == "sum" else losses


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


def _alike(where: str, input: Array, target: Array) -> list[Any]:
    """Return input and target in floats, if they are of one shape."""
    both = _in_floats(where, input=input, target=target)
    got = shape_of(input), shape_of(target)
    if got[0] != got[1]:
        raise ShapeError(
            sentence(
                where, "input and target differ in shape", expected=got[0], got=got[1], hint="they are not broadcast"
            )
        )
    return both


def _expanded(where: str, name: str, factors: Any, shape: Shape, dtype: Any) -> Any:
    """Return factors of losses in the losses' dtype, if they are of this shape or broadcast to it."""
    try:
        np.broadcast_to(factors, shape)
    except ValueError:
        raise ShapeError(sentence(where, f"{name} has the wrong shape", expected=shape, got=factors.shape)) from None
    return ops.astype(factors, dtype=dtype)


def _dtype_of(x: Array) -> np.dtype[Any]:
    return np.result_type(getattr(x, "dtype", float), 0.5)


# --- for classes ------------------------------------------------------------------------------


@composite
def cross_entropy(
    input: Array,
    target: Array,
    weight: ClassWeights | None = None,
    ignore_index: Count = -100,
    reduction: Reduction = "mean",
    label_smoothing: Share = 0.0,
) -> Array:
    """Cross-entropy of scores with class indices: ``-log(softmax(input)[target])``.

    With a ``weight``, an example's loss is multiplied by that of its class, and the mean is the sum of the losses
    over the sum of these weights.

    Parameters
    ----------
    input : (N, K)
        Unnormalised log-probabilities of K classes.
    target : (N,) of int
        The right classes, from 0 to K - 1.
    weight : (K,), optional
        How much each class counts.
    ignore_index : int
        The target of examples that do not count: their loss is 0, and the mean is that of the others.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float
        The share of an even distribution in what is aimed at, from 0 to 1 (Szegedy et al. 2016).

    Raises
    ------
    OperandError, ShapeError, ArgumentError
        If the targets are not integers, do not go with the scores, or are out of range; if there is not one weight
        for each class.

    Examples
    --------
    >>> float(cross_entropy([[0.0, 0.0], [0.0, 0.0]], [0, 1]).round(3))
    0.693
    >>> cross_entropy([[0.0, 0.0], [0.0, 0.0]], [1, -100], weight=[1.0, 2.0], reduction="none").round(3)
    array([1.386, 0.   ])
    """
    where = "cross_entropy"
    labels, counted = _labels(where, target, ignore_index, weight)
    if counted is None and weight is None:
        losses = softmax_cross_entropy(input, labels=labels, label_smoothing=label_smoothing)
        return _reduced(where, losses, reduction)
    (input,) = _in_floats(where, input=input)
    scores, labels, factors = _examples(where, input, labels, counted, weight)
    if weight is None or not label_smoothing:
        losses = softmax_cross_entropy(scores, labels=labels, label_smoothing=label_smoothing)
        losses = losses if weight is None else losses * factors[labels]
    else:
        aims = np.full((len(labels), len(factors)), label_smoothing / len(factors), factors.dtype)
        aims[np.arange(len(labels)), labels] += 1 - label_smoothing
        losses = -ops.sum(ops.log_softmax(scores, axis=1) * (aims * factors), axis=1)
    return _weighted(where, losses, factors[labels], counted, len(input), reduction)


@composite
def nll_loss(
    input: Array,
    target: Array,
    weight: ClassWeights | None = None,
    ignore_index: Count = -100,
    reduction: Reduction = "mean",
) -> Array:
    """Negative log-likelihood: what `cross_entropy` is when the log of the softmax is taken already.

    Parameters
    ----------
    input : (N, K)
        Log-probabilities, such as `autograd_cnn.log_softmax` returns.
    target, weight, ignore_index, reduction
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
    labels, counted = _labels(where, target, ignore_index, weight)
    (input,) = _in_floats(where, input=input)
    if counted is None and weight is None:
        return _reduced(where, _picked(where, input, labels), reduction)
    logs, labels, factors = _examples(where, input, labels, counted, weight)
    losses = _picked(where, logs, labels) * factors[labels]
    return _weighted(where, losses, factors[labels], counted, len(input), reduction)


def _labels(where: str, target: Array, ignore_index: int, weight: Any) -> tuple[Any, Any]:
    """Return the labels as an array, and whether each counts, or None where all do."""
    labels = np.asarray(target.value if isinstance(target, Traced) else target)
    some = assuming(f"ignore_index of {where}", lambda labels: np.any(np.equal(labels, ignore_index)), target)
    if some or weight is not None:  # what follows computes with them in NumPy
        reading(f"{where} with weight or ignore_index", target)
        reading(f"weight of {where}", weight)
    return labels, np.asarray(labels != ignore_index) if some else None


def _examples(where: str, input: Array, labels: Any, counted: Any, weight: Any) -> tuple[Array, Any, Any]:
    """Return the rows and labels that count, and a factor for each class."""
    shape = shape_of(input)
    labels = checked_labels(where, shape, labels if counted is None else np.where(counted, labels, 0))
    if counted is not None:
        input, labels = ops.getitem(input, index=(np.flatnonzero(counted),)), labels[counted]
    factors = np.ones(shape[1]) if weight is None else weight
    if factors.shape != shape[1:]:
        raise ShapeError(
            sentence(
                where,
                "weight has the wrong shape",
                expected=f"one number for each of {shape[1]} classes",
                got=factors.shape,
            )
        )
    return input, labels, factors.astype(_dtype_of(input))


def _picked(where: str, input: Array, labels: Any) -> Array:
    rows = checked_labels(where, shape_of(input), labels)
    effect(checked_labels, where, shape_of(input), labels)
    return -ops.getitem(input, index=(np.arange(len(rows)), rows))


def _weighted(where: str, losses: Array, weights: Any, counted: Any, count: int, reduction: Reduction) -> Array:
    """Return the losses of the examples that count, a loss of 0 for each of the others, or their sum or mean."""
    check_reduction(where, reduction)
    if reduction == "mean":
        total = weights.sum()
        return ops.sum(losses) / total if total else ops.sum(losses) * np.nan  # PyTorch's NaN, without a warning
    if reduction == "none" and counted is not None:
        return ops.scatter_add(losses, index=(np.flatnonzero(counted),), shape=(count,))
    return _reduced(where, losses, reduction)


@composite
def bce_loss(input: Array, target: Array, weight: Factors | None = None, reduction: Reduction = "mean") -> Array:
    """Binary cross-entropy ``-(t·log(p) + (1 - t)·log(1 - p))`` of probabilities.

    No probability counts as less than exp(-100), as in PyTorch, nor than the smallest normal number
    of its dtype, so that loss and gradient stay finite; below that the slope stays what it is there, so
    that a confident wrong answer is unlearned. `bce_with_logits` needs no such limit.

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
    input, target = _alike("bce_loss", input, target)
    effect(_check_probabilities, input)
    least = max(math.exp(-100), float(np.finfo(_dtype_of(input)).tiny))
    yes, no = (ops.log(_at_least(least, p)) for p in (input, ops.subtract(1, input)))
    losses = -(target * yes + ops.subtract(1, target) * no)
    return _reduced("bce_loss", _rescaled("bce_loss", losses, "weight", weight), reduction)


def _check_probabilities(p: Array) -> None:
    p = np.asarray(p)
    if np.any(outside := (p < 0) | (p > 1)):
        raise ArgumentError(
            sentence(
                "bce_loss",
                "probabilities are out of range",
                expected="numbers from 0 to 1",
                got=p[outside].flat[0],
                hint="for scores of any size use bce_with_logits",
            )
        )


def _rescaled(where: str, losses: Array, name: str, weight: Any) -> Array:
    """Multiply losses by factors, if there are any."""
    return losses if weight is None else losses * _expanded(where, name, weight, shape_of(losses), _dtype_of(losses))


def _at_least(least: float, p: Array) -> Array:
    """Return ``p``, or ``least`` where that is more, with a slope of 1 everywhere."""
    value = p.tensor_type.wrap(p.value) if isinstance(p, Traced) else np.asarray(p)
    limit = np.asarray(least, values_of(value).dtype)
    if RUNNING or np.any(values_of(value) < limit):
        return ops.add(p, ops.maximum(ops.subtract(limit, value), 0))
    return p


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
        How much a positive target counts beside a negative one.

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
    input, target = _alike(where, input, target)
    positive = _rescaled(where, target * ops.softplus(ops.negative(input)), "pos_weight", pos_weight)
    losses = positive + ops.subtract(1, target) * ops.softplus(input)
    return _reduced(where, _rescaled(where, losses, "weight", weight), reduction)


# --- for numbers ------------------------------------------------------------------------------


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
    input, target = _alike("mse_loss", input, target)
    return _reduced("mse_loss", ops.square(ops.subtract(input, target)), reduction)


@composite
def l1_loss(input: Array, target: Array, reduction: Reduction = "mean") -> Array:
    """The absolute error ``|x - t|``.

    Parameters are those of `mse_loss`.

    Examples
    --------
    >>> float(l1_loss([1.0, 2.0], [1.0, 4.0]))
    1.0
    """
    input, target = _alike("l1_loss", input, target)
    return _reduced("l1_loss", ops.absolute(ops.subtract(input, target)), reduction)


@composite
def huber_loss(input: Array, target: Array, reduction: Reduction = "mean", delta: Positive = 1.0) -> Array:
    """Half the squared error up to ``delta``, and straight on from there (Huber 1964).

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
    input, target = _alike("huber_loss", input, target)
    error = ops.absolute(ops.subtract(input, target))
    bent = ops.clip(error, max=delta)  # both branches are bent·(error - bent / 2)
    return _reduced("huber_loss", bent * (error - bent * 0.5), reduction)
