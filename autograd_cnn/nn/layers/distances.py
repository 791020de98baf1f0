"""Distances, and losses based on them, as layers; each is the function of the same name."""

from autograd_cnn.engine.node import Array
from autograd_cnn.nn import functional
from autograd_cnn.nn.functional.reduction import Reduction
from autograd_cnn.nn.layers.function import Function, layer
from autograd_cnn.nn.layers.losses import Loss, TargetLoss
from autograd_cnn.parameters import Bool, Count, Finite, Positive, Power

__all__ = [
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "PairwiseDistance",
    "SoftMarginLoss",
    "TripletMarginLoss",
]


@layer
class CosineSimilarity(Function):
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

    function = staticmethod(functional.cosine_similarity)
    dim: Count = 1
    eps: Positive = 1e-8

    def forward(self, x1: Array, x2: Array) -> Array:
        """Return the cosine of each pair of vectors."""
        return self._result(x1, x2)


@layer
class PairwiseDistance(Function):
    """`pairwise_distance` as a module.

    Parameters
    ----------
    p : float
        The exponent of the norm.
    eps : float
    keepdim : bool

    Examples
    --------
    >>> PairwiseDistance(eps=0.0)([[3.0, 4.0]], [[0.0, 0.0]])
    array([5.])
    """

    function = staticmethod(functional.pairwise_distance)
    p: Power = 2.0
    eps: Finite = 1e-6
    keepdim: Bool = False

    def forward(self, x1: Array, x2: Array) -> Array:
        """Return the distance of each pair of vectors."""
        return self._result(x1, x2)


@layer
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

    function = staticmethod(functional.cosine_embedding_loss)
    margin: Finite = 0.0
    reduction: Reduction = "mean"

    def forward(self, input1: Array, input2: Array, target: Array) -> Array:
        """Return the loss of pairs of vectors."""
        return self._result(input1, input2, target)


@layer
class HingeEmbeddingLoss(TargetLoss):
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

    function = staticmethod(functional.hinge_embedding_loss)
    margin: Finite = 1.0
    reduction: Reduction = "mean"


@layer
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

    function = staticmethod(functional.margin_ranking_loss)
    margin: Finite = 0.0
    reduction: Reduction = "mean"

    def forward(self, input1: Array, input2: Array, target: Array) -> Array:
        """Return the loss of pairs of numbers."""
        return self._result(input1, input2, target)


@layer
class SoftMarginLoss(TargetLoss):
    """`soft_margin_loss` as a module.

    Examples
    --------
    >>> float(SoftMarginLoss()([0.0], [1.0]).round(3))
    0.693
    """

    function = staticmethod(functional.soft_margin_loss)
    reduction: Reduction = "mean"


@layer
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

    function = staticmethod(functional.triplet_margin_loss)
    margin: Finite = 1.0
    p: Power = 2.0
    eps: Finite = 1e-6
    swap: Bool = False
    reduction: Reduction = "mean"

    def forward(self, anchor: Array, positive: Array, negative: Array) -> Array:
        """Return the loss of triples of vectors."""
        return self._result(anchor, positive, negative)
