"""Losses as layers; each is the function of the same name in `autograd_cnn.nn.functional`."""

from dataclasses import KW_ONLY

from autograd_cnn.engine.node import Array
from autograd_cnn.nn import functional
from autograd_cnn.nn.functional.classification import check_power
from autograd_cnn.nn.functional.reduction import ClassWeights, Factors, Reduction
from autograd_cnn.nn.functional.regression import DivergenceReduction
from autograd_cnn.nn.layers.function import Function, layer
from autograd_cnn.nn.module import unusual
from autograd_cnn.parameters import Bool, Count, Finite, NotNegative, Positive, Share

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


class Loss(Function):
    """A loss; its weights are buffers, and so part of the state."""

    def __post_init__(self) -> None:
        for name in ("weight", "pos_weight"):
            if name in vars(self):
                self.register_buffer(name, vars(self).pop(name))

    def extra_repr(self) -> str:
        """Return the options that differ from the default, without the weights."""
        return ", ".join(unusual(self, (each for each in self._shown if each[0] not in self.buffer_names)))


class TargetLoss(Loss):
    """A loss of an input and a target."""

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss."""
        return self._result(input, target)


@layer
class CrossEntropyLoss(TargetLoss):
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

    function = staticmethod(functional.cross_entropy)
    weight: ClassWeights | None = None
    ignore_index: Count = -100
    reduction: Reduction = "mean"
    label_smoothing: Share = 0.0


@layer
class NLLLoss(TargetLoss):
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

    function = staticmethod(functional.nll_loss)
    weight: ClassWeights | None = None
    ignore_index: Count = -100
    reduction: Reduction = "mean"


@layer
class BCELoss(TargetLoss):
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

    function = staticmethod(functional.bce_loss)
    weight: Factors | None = None
    reduction: Reduction = "mean"


@layer
class BCEWithLogitsLoss(TargetLoss):
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

    function = staticmethod(functional.bce_with_logits)
    weight: Factors | None = None
    reduction: Reduction = "mean"
    pos_weight: Factors | None = None


@layer
class MSELoss(TargetLoss):
    """`mse_loss` as a module.

    Examples
    --------
    >>> float(MSELoss("sum")([1.0, 2.0], [1.0, 4.0]))
    4.0
    """

    function = staticmethod(functional.mse_loss)
    reduction: Reduction = "mean"


@layer
class L1Loss(TargetLoss):
    """`l1_loss` as a module.

    Examples
    --------
    >>> float(L1Loss()([1.0, 2.0], [1.0, 4.0]))
    1.0
    """

    function = staticmethod(functional.l1_loss)
    reduction: Reduction = "mean"


@layer
class HuberLoss(TargetLoss):
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

    function = staticmethod(functional.huber_loss)
    reduction: Reduction = "mean"
    delta: Positive = 1.0


@layer
class SmoothL1Loss(TargetLoss):
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

    function = staticmethod(functional.smooth_l1_loss)
    reduction: Reduction = "mean"
    beta: NotNegative = 1.0


@layer
class KLDivLoss(TargetLoss):
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

    function = staticmethod(functional.kl_div)
    reduction: DivergenceReduction = "mean"
    log_target: Bool = False


@layer
class PoissonNLLLoss(TargetLoss):
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

    function = staticmethod(functional.poisson_nll_loss)
    log_input: Bool = True
    full: Bool = False
    eps: Positive = 1e-8
    reduction: Reduction = "mean"


@layer
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

    function = staticmethod(functional.gaussian_nll_loss)
    _: KW_ONLY
    full: Bool = False
    eps: Positive = 1e-6
    reduction: Reduction = "mean"

    def forward(self, input: Array, target: Array, var: Array) -> Array:
        """Return the loss of means, observations and variances."""
        return self._result(input, target, var)


@layer
class MultiMarginLoss(TargetLoss):
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

    function = staticmethod(functional.multi_margin_loss)
    p: Count = 1
    margin: Finite = 1.0
    weight: ClassWeights | None = None
    reduction: Reduction = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_power("MultiMarginLoss", self.p)


@layer
class MultiLabelSoftMarginLoss(TargetLoss):
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

    function = staticmethod(functional.multilabel_soft_margin_loss)
    weight: Factors | None = None
    reduction: Reduction = "mean"


@layer
class FocalLoss(TargetLoss):
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

    function = staticmethod(functional.focal_loss)
    alpha: Share | None = 0.25
    gamma: NotNegative = 2.0
    reduction: Reduction = "mean"


@layer
class DiceLoss(TargetLoss):
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

    function = staticmethod(functional.dice_loss)
    smooth: NotNegative = 1.0
    reduction: Reduction = "mean"
