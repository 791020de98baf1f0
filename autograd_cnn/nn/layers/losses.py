"""Losses as layers, each the function of the same name in `autograd_cnn.nn.functional`."""

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.functional.losses import (
    ClassWeights,
    Factors,
    Reduction,
    bce_loss,
    bce_with_logits,
    check_reduction,
    cross_entropy,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
)
from autograd_cnn.nn.module import Module, unusual
from autograd_cnn.parameters import Count, Positive, Share


class _Loss(Module):
    """A loss with its reduction."""

    _defaults: tuple[tuple[str, object], ...] = (("reduction", "mean"),)

    @composite
    def __init__(self, reduction: Reduction = "mean") -> None:
        check_reduction(type(self).__name__, reduction)
        self.reduction: Reduction = reduction

    def extra_repr(self) -> str:
        """Return what is not as usual."""
        return ", ".join(unusual(self, self._defaults))


class CrossEntropyLoss(_Loss):
    """`cross_entropy` as a module.

    Parameters
    ----------
    weight : (K,), optional
        How much each class counts; part of the state.
    ignore_index : int
        The target of examples that do not count.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float

    Examples
    --------
    >>> float(CrossEntropyLoss()([[0.0, 0.0]], [1]).round(3))
    0.693
    """

    weight: Array | None
    _defaults = (("ignore_index", -100), ("reduction", "mean"), ("label_smoothing", 0.0))

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


class NLLLoss(_Loss):
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
    _defaults = (("ignore_index", -100), ("reduction", "mean"))

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


class BCELoss(_Loss):
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


class BCEWithLogitsLoss(_Loss):
    """`bce_with_logits` as a module.

    Parameters
    ----------
    weight : array, optional
        Factors of the losses; part of the state.
    reduction : {"mean", "sum", "none"}
    pos_weight : array, optional
        How much a positive target counts beside a negative one; part of the state.

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


class MSELoss(_Loss):
    """`mse_loss` as a module.

    Examples
    --------
    >>> float(MSELoss("sum")([1.0, 2.0], [1.0, 4.0]))
    4.0
    """

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """`l1_loss` as a module.

    Examples
    --------
    >>> float(L1Loss()([1.0, 2.0], [1.0, 4.0]))
    1.0
    """

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return l1_loss(input, target, self.reduction)


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

    _defaults = (("reduction", "mean"), ("delta", 1.0))

    @composite
    def __init__(self, reduction: Reduction = "mean", delta: Positive = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Array, target: Array) -> Array:
        """Return the loss of two arrays of one shape."""
        return huber_loss(input, target, self.reduction, self.delta)
