"""A learning rate that depends on a metric."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from autograd_cnn.engine.composite import declared
from autograd_cnn.engine.trace import RUNNING, current
from autograd_cnn.errors import OperandError
from autograd_cnn.optim.lr_scheduler.schedule import Scheduler, for_groups
from autograd_cnn.parameters import BelowOne, NotNegative, Whole, number, whole


@declared
class ReduceLROnPlateau(Scheduler):
    """Multiply the rate by ``factor`` when a metric has not improved for more than ``patience`` epochs.

    Parameters
    ----------
    optimizer : Optimizer
    mode : {"min", "max"}
        Whether smaller or larger is better.
    factor : float
        From 0 to below 1.
    patience : int
    threshold : float
        The smallest improvement that counts, as a share of the best value or as an amount.
    threshold_mode : {"rel", "abs"}
    cooldown : int
        The number of epochs after a reduction in which nothing is counted.
    min_lr : float, or sequence of float
        The minimum rate, for all groups or for each.
    eps : float
        Reductions by no more than this are skipped.

    Attributes
    ----------
    best : float
        The best value so far.
    num_bad_epochs : int
        The number of epochs since then, or since the last reduction.

    Raises
    ------
    ArgumentError
        If an argument is out of range.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in [3.0, 2.0, 2.0, 2.0]:
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.5]
    """

    remembers: ClassVar = {
        "best": number, "cooldown_counter": whole, "last_epoch": whole, "num_bad_epochs": whole,
    }  # fmt: skip

    mode: Literal["min", "max"] = "min"
    factor: BelowOne = 0.1
    patience: Whole = 10
    threshold: NotNegative = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    cooldown: Whole = 0
    min_lr: float | Sequence[float] = 0
    eps: NotNegative = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        self.best = math.inf if self.mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0
        for_groups("ReduceLROnPlateau", "min_lr", self.min_lr, self.optimizer)

    def step(self, metrics: Any) -> None:
        """Take the metric of an epoch, a number or a tensor of one number.

        Raises
        ------
        OperandError
            If it is not a number.
        """
        if RUNNING and (trace := current.get()) is not None:
            trace.refuse("ReduceLROnPlateau goes by a number")
        try:
            metric = float(metrics)
        except (TypeError, ValueError):
            raise OperandError(
                "ReduceLROnPlateau.step", "metrics is not a number", expected="such as the epoch's mean loss",
                got=repr(metrics)
            ) from None  # fmt: skip
        self.last_epoch += 1
        if self._is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            least = for_groups("ReduceLROnPlateau", "min_lr", self.min_lr, self.optimizer)
            for group, limit in zip(self.optimizer.param_groups, least, strict=True):
                lr = max(group["lr"] * self.factor, limit)
                if group["lr"] - lr > self.eps:
                    group["lr"] = lr

    def _is_better(self, metric: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * metric > sign * self.best * (1 + sign * self.threshold)
        return sign * metric > sign * self.best + self.threshold
