"""A learning rate that depends on a metric."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from autograd_cnn.engine.composite import declared
from autograd_cnn.engine.trace import RUNNING, current
from autograd_cnn.errors import ArgumentError, OperandError, sentence
from autograd_cnn.optim.lr_scheduler.schedule import check_optimizer, contents_of, for_groups, rates_of
from autograd_cnn.optim.optimizer import Optimizer
from autograd_cnn.parameters import NotNegative, Whole, integer, number

_COUNTERS = ("cooldown_counter", "last_epoch", "num_bad_epochs")


@declared
class ReduceLROnPlateau:
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

    optimizer: Optimizer
    mode: Literal["min", "max"] = "min"
    factor: NotNegative = 0.1
    patience: Whole = 10
    threshold: NotNegative = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    cooldown: Whole = 0
    min_lr: float | Sequence[float] = 0
    eps: NotNegative = 1e-8

    def __post_init__(self) -> None:
        check_optimizer("ReduceLROnPlateau", self.optimizer)
        if self.factor >= 1:
            problem = "factor is out of range"
            raise ArgumentError(sentence("ReduceLROnPlateau", problem, expected="0 to below 1", got=self.factor))
        self.best = math.inf if self.mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0
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
                sentence("ReduceLROnPlateau.step", "metrics is not a number", expected="such as the epoch's mean loss",
                         got=repr(metrics))
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

    def get_last_lr(self) -> list[float]:
        """Return the current rate of every group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed to continue an interrupted run."""
        counters = {name: getattr(self, name) for name in _COUNTERS}
        return {"best": self.best, **counters, "lrs": self.get_last_lr()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from `state_dict`, with the rates that were in use then.

        Raises
        ------
        ArgumentError
            If it is not such a state, or of an optimiser with another number of groups.
        """
        names = {"best", *_COUNTERS, "lrs"}
        if not isinstance(state_dict, dict) or state_dict.keys() != names:
            problem = "it is not a state of a ReduceLROnPlateau"
            expected = f"a dict with {', '.join(sorted(names))}"
            raise ArgumentError(sentence("load_state_dict", problem, expected=expected, got=contents_of(state_dict)))
        groups = self.optimizer.param_groups
        lrs = rates_of("lrs", state_dict["lrs"])
        if len(lrs) != len(groups):
            problem = "the schedule is of another optimiser"
            raise ArgumentError(sentence("load_state_dict", problem, expected=f"{len(groups)} rates", got=len(lrs)))
        best = number("load_state_dict", "best", state_dict["best"])
        counters = {name: integer("load_state_dict", name, state_dict[name], 0) for name in _COUNTERS}
        vars(self).update(counters, best=best)
        for group, lr in zip(groups, lrs, strict=True):
            group["lr"] = lr
