"""Distances between vectors, and losses based on them or on rankings."""

import math
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ShapeError
from autograd_cnn.nn.functional.reduction import Reduction, in_floats, reduced
from autograd_cnn.parameters import Bool, Count, Finite, Positive, Power

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "normalize",
    "pairwise_distance",
    "soft_margin_loss",
    "triplet_margin_loss",
]


def _norm(x: Array, p: float, axis: int, keepdims: bool = False) -> Array:
    """Return ``(Σ|x|^p)^(1/p)``; the slope at 0 counts as 0."""
    sizes = ops.absolute(x)
    if p == math.inf:
        return ops.max(sizes, axis=axis, keepdims=keepdims)
    if p == 1:
        return ops.sum(sizes, axis=axis, keepdims=keepdims)
    total = ops.sum(ops.square(x) if p == 2 else ops.power(sizes, p), axis=axis, keepdims=keepdims)
    nothing = ops.equal(total, 0)
    root = ops.where(nothing, 1, total)
    return ops.where(nothing, 0, ops.sqrt(root) if p == 2 else ops.power(root, 1 / p))


@composite
def normalize(input: Array, p: Power = 2.0, dim: Count = 1, eps: Positive = 1e-12) -> Array:
    """``x / max(‖x‖_p, eps)`` along ``dim``.

    Examples
    --------
    >>> normalize([[3.0, 4.0]])
    array([[0.6, 0.8]])
    """
    (input,) = in_floats("normalize", input=input)
    return input / ops.clip(_norm(input, p, dim, keepdims=True), min=eps)


@composite
def cosine_similarity(x1: Array, x2: Array, dim: Count = 1, eps: Positive = 1e-8) -> Array:
    """The cosine of the angle between vectors along ``dim``, from -1 to 1; lengths are at least ``eps``.

    Examples
    --------
    >>> cosine_similarity([[3.0, 4.0]], [[1.0, 0.0]])
    array([0.6])
    """
    x1, x2 = in_floats("cosine_similarity", x1=x1, x2=x2)
    shape = np.broadcast_shapes(shape_of(x1), shape_of(x2))
    x1, x2 = (each if shape_of(each) == shape else ops.broadcast_to(each, shape=shape) for each in (x1, x2))
    one, other = (each / ops.clip(_norm(each, 2, dim, keepdims=True), min=eps) for each in (x1, x2))
    return ops.sum(one * other, axis=dim)


@composite
def pairwise_distance(x1: Array, x2: Array, p: Power = 2.0, eps: Finite = 1e-6, keepdim: Bool = False) -> Array:
    """``‖x1 - x2 + eps‖_p`` along the last axis.

    Examples
    --------
    >>> pairwise_distance([[3.0, 4.0]], [[0.0, 0.0]], eps=0.0)
    array([5.])
    """
    x1, x2 = in_floats("pairwise_distance", x1=x1, x2=x2)
    return _norm(x1 - x2 + eps, p, -1, keepdim)


# --- losses -----------------------------------------------------------------------------------


@composite
def cosine_embedding_loss(
    input1: Array, input2: Array, target: Array, margin: Finite = 0.0, reduction: Reduction = "mean"
) -> Array:
    """``1 - cos`` for vectors that belong together, and ``max(0, cos - margin)`` for those that do not.

    Parameters
    ----------
    input1, input2 : (N, D) or (D,)
    target : (N,) or ()
        1 for those that belong together, -1 for others.
    margin : float
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ShapeError
        If the targets do not match the pairs.

    Examples
    --------
    >>> cosine_embedding_loss([[3.0, 4.0]] * 2, [[1.0, 0.0]] * 2, [1, -1], reduction="none").round(3)
    array([0.4, 0.6])
    """
    where = "cosine_embedding_loss"
    input1, input2 = in_floats(where, input1=input1, input2=input2)
    if shape_of(target) != shape_of(input1)[:-1]:
        problem = "the targets do not match the pairs"
        raise ShapeError(where, problem, expected=shape_of(input1)[:-1], got=shape_of(target))
    tiny = 1e-12  # PyTorch's, so that a vector of zeros has no direction
    squares = [ops.sum(ops.square(each), axis=-1) + tiny for each in (input1, input2)]
    cosine = ops.sum(input1 * input2, axis=-1) / ops.sqrt(squares[0] * squares[1])
    near, far = ops.subtract(1, cosine), ops.clip(cosine - margin, min=0)
    return reduced(_by_sign(target, near, far), reduction)


@composite
def hinge_embedding_loss(input: Array, target: Array, margin: Finite = 1.0, reduction: Reduction = "mean") -> Array:
    """The distance ``x`` for pairs that belong together, and ``max(0, margin - x)`` for those that do not.

    Parameters
    ----------
    input : array
        Distances.
    target : array
        1 for pairs that belong together, -1 for others.
    margin : float
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> hinge_embedding_loss([0.3, 0.3], [1, -1], reduction="none")
    array([0.3, 0.7])
    """
    (input,) = in_floats("hinge_embedding_loss", input=input)
    return reduced(_by_sign(target, input, ops.clip(ops.subtract(margin, input), min=0)), reduction)


def _by_sign(target: Array, one: Array, other: Array) -> Array:
    """Return ``one`` where the target is 1, ``other`` where it is -1, and their sum where it is neither, as PyTorch does."""
    return ops.where(ops.equal(target, -1), 0, one) + ops.where(ops.equal(target, 1), 0, other)


@composite
def margin_ranking_loss(
    input1: Array, input2: Array, target: Array, margin: Finite = 0.0, reduction: Reduction = "mean"
) -> Array:
    """``max(0, -t·(x1 - x2) + margin)``: x1 should be larger where t is 1, x2 where it is -1.

    Examples
    --------
    >>> margin_ranking_loss([1.0, 1.0], [3.0, 3.0], [1, -1], reduction="none")
    array([2., 0.])
    """
    input1, input2 = in_floats("margin_ranking_loss", input1=input1, input2=input2)
    return reduced(ops.clip(ops.negative(target) * (input1 - input2) + margin, min=0), reduction)


@composite
def soft_margin_loss(input: Array, target: Array, reduction: Reduction = "mean") -> Array:
    """``log(1 + exp(-t·x))`` for targets t of 1 and -1.

    Examples
    --------
    >>> float(soft_margin_loss([0.0], [1.0]).round(3))
    0.693
    """
    (input,) = in_floats("soft_margin_loss", input=input)
    return reduced(ops.softplus(ops.negative(target) * input), reduction)


@composite
def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: Finite = 1.0,
    p: Power = 2.0,
    eps: Finite = 1e-6,
    swap: Bool = False,
    reduction: Reduction = "mean",
) -> Array:
    """``max(0, d(a, p) - d(a, n) + margin)``: the positive should be nearer than the negative (Balntas et al. 2016).

    Parameters
    ----------
    anchor, positive, negative : (..., D)
    margin : float
    p, eps
        As for `pairwise_distance`.
    swap : bool
        Use the distance from ``positive`` to ``negative`` instead, where that is smaller.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(triplet_margin_loss([[0.0]], [[1.0]], [[1.5]]).round(3))
    0.5
    """
    vectors: list[Any] = in_floats("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)
    far = pairwise_distance(vectors[0], vectors[2], p, eps)
    if swap:
        far = ops.minimum(far, pairwise_distance(vectors[1], vectors[2], p, eps))
    near = pairwise_distance(vectors[0], vectors[1], p, eps)
    return reduced(ops.clip(near - far + margin, min=0), reduction)
