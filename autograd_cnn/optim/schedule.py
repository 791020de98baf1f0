"""Learning rates that change from epoch to epoch.

A schedule has a rate for every epoch, which depends only on the epoch's number and the group's initial rate. This is
the group's rate as long as nobody else sets it. If something else sets it, another schedule or the user, the schedule
changes the rate that it finds as its own rate changes, like PyTorch's chainable forms. So a warm-up and a decay can be
combined.
"""

import math
from typing import Any

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.trace import effect
from autograd_cnn.errors import ArgumentError, OperandError, sentence
from autograd_cnn.optim.optimizer import Optimizer
from autograd_cnn.parameters import Number, Positive, Size, integer, number


class Schedule:
    """The base of all schedules; a subclass defines ``rate``.

    Parameters
    ----------
    optimizer : Optimizer
        The optimiser whose groups get the rates, at once and in every `step`.

    Attributes
    ----------
    last_epoch : int
        The number of steps so far.
    base_lrs : list of float
        The initial rates of the groups; groups that are added later are included from the next step on.
    """

    @composite
    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise OperandError(
                sentence(type(self).__name__, "optimizer is not understood", expected="an optimiser such as optim.SGD",
                         got=type(optimizer).__name__)
            )  # fmt: skip
        self.optimizer = optimizer
        self.last_epoch = 0
        self.base_lrs: list[float] = []
        self._lrs: list[float] = []  # the rates that this schedule set
        self._adopt()
        for group, base in zip(optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = self._changed(group["lr"], base, self.rate(base, 0))
        self._lrs = self.get_last_lr()

    def _adopt(self) -> None:
        """Add the initial rates of groups that are new."""
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:
            self.base_lrs.append(group.setdefault("initial_lr", float(group["lr"])))
            self._lrs.append(math.nan)

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        raise NotImplementedError(sentence(type(self).__name__, "rate is not defined"))

    def chained(self, lr: float, before: float, now: float) -> float:
        """Return the new value of a rate that somebody else set, as this one goes from ``before`` to ``now``."""
        return lr * (now / before)

    def _changed(self, lr: float, before: float, now: float) -> float:
        if lr == before:
            return now
        return self.chained(lr, before, now) if before else lr + (now - before)

    def step(self) -> None:
        """Go on to the next epoch: call it after the optimiser's steps of this one."""
        effect(self._step)

    def _step(self) -> None:
        self._adopt()
        self.last_epoch += 1
        for i, (group, base) in enumerate(zip(self.optimizer.param_groups, self.base_lrs, strict=True)):
            before, now = self.rate(base, self.last_epoch - 1), self.rate(base, self.last_epoch)
            group["lr"] = now if group["lr"] == self._lrs[i] == before else self._changed(group["lr"], before, now)
        self._lrs = self.get_last_lr()

    def get_last_lr(self) -> list[float]:
        """Return the current rate of every group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed to continue a run that was stopped."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs), "lrs": self.get_last_lr()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from `state_dict`, with the rates that were in use then.

        Raises
        ------
        ArgumentError
            If it is not such a state, or of an optimiser with another number of groups.
        """
        groups = self.optimizer.param_groups
        if not isinstance(state_dict, dict) or state_dict.keys() != {"last_epoch", "base_lrs", "lrs"}:
            raise ArgumentError(
                sentence("load_state_dict", "it is not a state of a schedule",
                         expected="a dict with last_epoch, base_lrs and lrs", got=_named(state_dict))
            )  # fmt: skip
        last_epoch = integer("load_state_dict", "last_epoch", state_dict["last_epoch"], 0)
        bases, lrs = (_rates(name, state_dict[name]) for name in ("base_lrs", "lrs"))
        if not len(groups) == len(bases) == len(lrs):
            raise ArgumentError(
                sentence("load_state_dict", "the schedule is of another optimiser", expected=f"{len(groups)} rates",
                         got=len(bases))
            )  # fmt: skip
        self.last_epoch, self.base_lrs, self._lrs = last_epoch, bases, lrs
        for group, lr in zip(groups, self._lrs, strict=True):
            group["lr"] = lr


def _rates(name: str, values: Any) -> list[float]:
    if not isinstance(values, (list, tuple)):
        raise ArgumentError(
            sentence("load_state_dict", f"{name} is not understood", expected="a list of numbers", got=repr(values))
        )
    return [number("load_state_dict", name, value) for value in values]


def _named(state: Any) -> str:
    return ", ".join(map(str, state)) if isinstance(state, dict) else type(state).__name__


class StepLR(Schedule):
    """Multiply the rate by ``gamma`` every ``step_size`` epochs.

    Parameters
    ----------
    optimizer : Optimizer
    step_size : int
    gamma : float

    Raises
    ------
    ArgumentError
        If ``step_size`` is below 1.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.StepLR(optimizer, 2, gamma=0.5)
    >>> for _ in range(3):
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    @composite
    def __init__(self, optimizer: Optimizer, step_size: Size, gamma: Number = 0.1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return float(base * self.gamma ** (epoch // self.step_size))


class CosineAnnealingLR(Schedule):
    """Decrease the rate to ``eta_min`` along half a cosine over ``T_max`` epochs (Loshchilov & Hutter 2017).

    ``eta_min + (lr - eta_min)·(1 + cos(π·epoch / T_max)) / 2``; beyond ``T_max`` it rises again.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int
    eta_min : float

    Raises
    ------
    ArgumentError
        If ``T_max`` is below 1.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.CosineAnnealingLR(optimizer, T_max=4)
    >>> schedule.step()
    >>> round(schedule.get_last_lr()[0], 4)
    0.8536
    """

    @composite
    def __init__(self, optimizer: Optimizer, T_max: Size, eta_min: Number = 0.0) -> None:  # noqa: N803  # PyTorch's name
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * epoch / self.T_max)) / 2

    def chained(self, lr: float, before: float, now: float) -> float:
        """Return the new value of a rate that somebody else set: it approaches ``eta_min`` as this one does."""
        above = before - self.eta_min
        return self.eta_min + (lr - self.eta_min) * ((now - self.eta_min) / above) if above else lr + (now - before)


class LinearLR(Schedule):
    """Change a factor from ``start_factor`` to ``end_factor`` in ``total_iters`` steps, and keep it: a warm-up.

    Parameters
    ----------
    optimizer : Optimizer
    start_factor, end_factor : float
    total_iters : int

    Raises
    ------
    ArgumentError
        If ``start_factor`` is not above 0, or ``total_iters`` below 1.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.75]
    """

    @composite
    def __init__(
        self, optimizer: Optimizer, start_factor: Positive = 1 / 3, end_factor: Number = 1.0, total_iters: Size = 5
    ) -> None:
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        done = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)
