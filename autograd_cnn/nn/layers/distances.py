"""Distances and losses based on them as layers, each the function of the same name."""

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.functional.distances import (
    cosine_embedding_loss,
    cosine_similarity,
    hinge_embedding_loss,
    margin_ranking_loss,
    pairwise_distance,
    soft_margin_loss,
    triplet_margin_loss,
)
from autograd_cnn.nn.functional.reduction import Reduction
from autograd_cnn.nn.layers.losses import Loss
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Bool, Count, Number, Positive

__all__ = [
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "PairwiseDistance",
    "SoftMarginLoss",
    "TripletMarginLoss",
]


class CosineSimilarity(Module):
    """`cosine_similarity` as a module.

    Parameters
    ----------
    dim : int
        The axis of the vectors.
    eps : float

    Examples
    --------
    >>> CosineSimilarity()([[3.0, 4.0]], [[1.0, 0.0]])
    array([0.6])
    """

    _shown = (("dim", 1), ("eps", 1e-8))

    @composite
    def __init__(self, dim: Count = 1, eps: Positive = 1e-8) -> None:
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Array, x2: Array) -> Array:
        """Return the cosine of each pair of vectors."""
        return cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """`pairwise_distance` as a module.

    Parameters
    ----------
    p : float
        Of the norm.
    eps : float
    keepdim : bool

    Examples
    --------
    >>> PairwiseDistance(eps=0.0)([[3.0, 4.0]], [[0.0, 0.0]])
    array([5.])
    """

    _shown = (("p", 2.0), ("eps", 1e-6), ("keepdim", False))

    @composite
    def __init__(self, p: Positive = 2.0, eps: Number = 1e-6, keepdim: Bool = False) -> None:
        self.p = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Array, x2: Array) -> Array:
        """Return the distance of each pair of vectors."""
        return pairwise_distance(x1, x2, self.p, self.eps, self.keepdim)


class CosineEmbeddingLoss(Loss):
    """`cosine_embedding_loss` as a module.

    Parameters
    ----------
    margin : float
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(CosineEmbeddingLoss()([[3.0, 4.0]], [[1.0, 0.0]], [1]).round(3))
    0.4
    """

    _shown = (("margin", 0.0), ("reduction", "mean"))

    @composite
    def __init__(self, margin: Number = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Array, input2: Array, target: Array) -> Array:
        """Return the loss of pairs of vectors."""
        return cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(Loss):
    """`hinge_embedding_loss` as a module.

    Parameters
    ----------
    margin : float
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(HingeEmbeddingLoss()([0.25], [-1]))
    0.75
    """

    _shown = (("margin", 1.0), ("reduction", "mean"))

    @composite
    def __init__(self, margin: Number = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of distances."""
        return hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """`margin_ranking_loss` as a module.

    Parameters
    ----------
    margin : float
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(MarginRankingLoss()([1.0], [3.0], [1]))
    2.0
    """

    _shown = (("margin", 0.0), ("reduction", "mean"))

    @composite
    def __init__(self, margin: Number = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Array, input2: Array, target: Array) -> Array:
        """Return the loss of pairs of numbers."""
        return margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """`soft_margin_loss` as a module.

    Examples
    --------
    >>> float(SoftMarginLoss()([0.0], [1.0]).round(3))
    0.693
    """

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of scores with targets of 1 and -1."""
        return soft_margin_loss(input, target, self.reduction)


class TripletMarginLoss(Loss):
    """`triplet_margin_loss` as a module.

    Parameters
    ----------
    margin : float
    p : float
    eps : float
    swap : bool
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(TripletMarginLoss()([[0.0]], [[1.0]], [[1.5]]).round(3))
    0.5
    """

    _shown = (("margin", 1.0), ("p", 2.0), ("eps", 1e-6), ("swap", False), ("reduction", "mean"))

    @composite
    def __init__(
        self,
        margin: Number = 1.0,
        p: Positive = 2.0,
        eps: Number = 1e-6,
        swap: Bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Array, positive: Array, negative: Array) -> Array:
        """Return the loss of triples of vectors."""
        return triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )
