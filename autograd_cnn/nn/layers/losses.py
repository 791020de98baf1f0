"""Losses as layers, each the function of the same name in `autograd_cnn.nn.functional`."""

from typing import get_args

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.functional.classification import (
    bce_loss,
    bce_with_logits,
    check_power,
    cross_entropy,
    dice_loss,
    focal_loss,
    multi_margin_loss,
    multilabel_soft_margin_loss,
    nll_loss,
)
from autograd_cnn.nn.functional.reduction import ClassWeights, Factors, Reduction, check_reduction
from autograd_cnn.nn.functional.regression import (
    DivergenceReduction,
    gaussian_nll_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    poisson_nll_loss,
    smooth_l1_loss,
)
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Bool, Count, NotNegative, Number, Positive, Share, choice

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "DiceLoss",
    "FocalLoss",
    "GaussianNLLLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
]


class Loss(Module):
    """A loss with its reduction."""

    _shown: tuple[str | tuple[str, object], ...] = (("reduction", "mean"),)

    @composite
    def __init__(self, reduction: Reduction = "mean") -> None:
        check_reduction(type(self).__name__, reduction)
        self.reduction: Reduction = reduction


class CrossEntropyLoss(Loss):
    """`cross_entropy` as a module.

    Parameters
    ----------
    weight : (K,), optional
        The weight of each class; part of the state.
    ignore_index : int
        The target of examples that are left out.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float

    Examples
    --------
    >>> float(CrossEntropyLoss()([[0.0, 0.0]], [1]).round(3))
    0.693
    """

    weight: Array | None
    _shown = (("ignore_index", -100), ("reduction", "mean"), ("label_smoothing", 0.0))

    @composite
    def __init__(
        self,
        weight: ClassWeights | None = None,
        ignore_index: Count = -100,
        reduction: Reduction = "mean",
        label_smoothing: Share = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of scores (N, K) with class indices (N,)."""
        return cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, label_smoothing=self.label_smoothing
        )


class NLLLoss(Loss):
    """`nll_loss` as a module.

    Parameters
    ----------
    weight, ignore_index, reduction
        As for `CrossEntropyLoss`.

    Examples
    --------
    >>> float(NLLLoss()([[-0.5, -1.0]], [1]))
    1.0
    """

    weight: Array | None
    _shown = (("ignore_index", -100), ("reduction", "mean"))

    @composite
    def __init__(
        self, weight: ClassWeights | None = None, ignore_index: Count = -100, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of log-probabilities (N, K) with class indices (N,)."""
        return nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class BCELoss(Loss):
    """`bce_loss` as a module.

    Parameters
    ----------
    weight : array, optional
        Factors of the losses; part of the state.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(BCELoss()([0.5], [1.0]).round(3))
    0.693
    """

    weight: Array | None

    @composite
    def __init__(self, weight: Factors | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return bce_loss(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(Loss):
    """`bce_with_logits` as a module.

    Parameters
    ----------
    weight : array, optional
        Factors of the losses; part of the state.
    reduction : {"mean", "sum", "none"}
    pos_weight : array, optional
        The weight of positive targets relative to negative ones; part of the state.

    Examples
    --------
    >>> float(BCEWithLogitsLoss()([0.0], [1.0]).round(3))
    0.693
    """

    weight: Array | None
    pos_weight: Array | None

    @composite
    def __init__(
        self, weight: Factors | None = None, reduction: Reduction = "mean", pos_weight: Factors | None = None
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return bce_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


class MSELoss(Loss):
    """`mse_loss` as a module.

    Examples
    --------
    >>> float(MSELoss("sum")([1.0, 2.0], [1.0, 4.0]))
    4.0
    """

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return mse_loss(input, target, self.reduction)


class L1Loss(Loss):
    """`l1_loss` as a module.

    Examples
    --------
    >>> float(L1Loss()([1.0, 2.0], [1.0, 4.0]))
    1.0
    """

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return l1_loss(input, target, self.reduction)


class HuberLoss(Loss):
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

    _shown = (("reduction", "mean"), ("delta", 1.0))

    @composite
    def __init__(self, reduction: Reduction = "mean", delta: Positive = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return huber_loss(input, target, self.reduction, self.delta)


class SmoothL1Loss(Loss):
    """`smooth_l1_loss` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    beta : float

    Examples
    --------
    >>> float(SmoothL1Loss(beta=2.0)([0.0], [3.0]))
    2.0
    """

    _shown = (("reduction", "mean"), ("beta", 1.0))

    @composite
    def __init__(self, reduction: Reduction = "mean", beta: NotNegative = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class KLDivLoss(Loss):
    """`kl_div` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none", "batchmean"}
    log_target : bool

    Examples
    --------
    >>> float(KLDivLoss("batchmean")([[0.0, 0.0]], [[1.0, 0.0]]))
    0.0
    """

    _shown = (("reduction", "mean"), ("log_target", False))

    @composite
    def __init__(self, reduction: DivergenceReduction = "mean", log_target: Bool = False) -> None:
        choice("KLDivLoss", "reduction", reduction, get_args(DivergenceReduction))
        super().__init__()
        self.reduction = reduction  # type: ignore[assignment]  # it has one more
        self.log_target = log_target

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Loss):
    """`poisson_nll_loss` as a module.

    Parameters
    ----------
    log_input : bool
    full : bool
    eps : float
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(PoissonNLLLoss()([0.0], [3.0]))
    1.0
    """

    _shown = (("log_input", True), ("full", False), ("eps", 1e-8), ("reduction", "mean"))

    @composite
    def __init__(
        self, log_input: Bool = True, full: Bool = False, eps: Positive = 1e-8, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return poisson_nll_loss(
            input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(Loss):
    """`gaussian_nll_loss` as a module.

    Parameters
    ----------
    full : bool
    eps : float
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(GaussianNLLLoss()([0.0], [2.0], [1.0]))
    2.0
    """

    _shown = (("full", False), ("eps", 1e-6), ("reduction", "mean"))

    @composite
    def __init__(self, *, full: Bool = False, eps: Positive = 1e-6, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Array, target: Array, var: Array) -> Array:
        """Return the loss of means, observations and variances."""
        return gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class MultiMarginLoss(Loss):
    """`multi_margin_loss` as a module.

    Parameters
    ----------
    p : {1, 2}
    margin : float
    weight : (K,), optional
        The weight of each class; part of the state.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(MultiMarginLoss()([[0.5, 0.0, 2.0]], [0]).round(3))
    1.0
    """

    _shown = (("p", 1), ("margin", 1.0), ("reduction", "mean"))
    weight: Array | None

    @composite
    def __init__(
        self, p: Count = 1, margin: Number = 1.0, weight: ClassWeights | None = None, reduction: Reduction = "mean"
    ) -> None:
        check_power("MultiMarginLoss", p)
        super().__init__(reduction)
        self.p = p
        self.margin = margin
        self.register_buffer("weight", weight)

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of scores (N, K) with class indices (N,)."""
        return multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


class MultiLabelSoftMarginLoss(Loss):
    """`multilabel_soft_margin_loss` as a module.

    Parameters
    ----------
    weight : (K,), optional
        The weight of each class; part of the state.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(MultiLabelSoftMarginLoss()([[0.0, 9.0]], [[1.0, 1.0]]).round(3))
    0.347
    """

    _shown = (("reduction", "mean"),)
    weight: Array | None

    @composite
    def __init__(self, weight: Factors | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)


class FocalLoss(Loss):
    """`focal_loss` as a module.

    Parameters
    ----------
    alpha : float, optional
    gamma : float
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(FocalLoss()([0.0], [1.0]).round(5))
    0.04332
    """

    _shown = (("alpha", 0.25), ("gamma", 2.0), ("reduction", "mean"))

    @composite
    def __init__(self, alpha: Share | None = 0.25, gamma: NotNegative = 2.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.alpha = alpha
        self.gamma = gamma

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return focal_loss(input, target, alpha=self.alpha, gamma=self.gamma, reduction=self.reduction)


class DiceLoss(Loss):
    """`dice_loss` as a module.

    Parameters
    ----------
    smooth : float
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(DiceLoss()([[[1.0, 0.0]]], [[[1.0, 0.0]]]))
    0.0
    """

    _shown = (("smooth", 1.0), ("reduction", "mean"))

    @composite
    def __init__(self, smooth: NotNegative = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.smooth = smooth

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return dice_loss(input, target, smooth=self.smooth, reduction=self.reduction)
