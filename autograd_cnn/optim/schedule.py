"""Learning rates that change from epoch to epoch.

A schedule says what the rate at an epoch is for the rate that a group began with. That is a straight line: a factor
times the first rate, plus a constant. So schedules can share an optimiser. Each takes the present rate for one of its
own, finds the first rate that would have led there, and goes on from it.
"""

import math
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from autograd_cnn.errors import ArgumentError, OperandError, sentence
from autograd_cnn.nn.checks import positive
from autograd_cnn.optim.optimizer import Optimizer


class Schedule:
    """The base of all schedules; a subclass defines ``rate``.

    Several schedules on one optimiser compose, as PyTorch's chainable forms do: what the others, or you, have made of
    a rate since is kept and scaled, beyond a cosine's lowest point, too, where PyTorch's begins anew. So it is with a
    group that is added later, from its own rate on.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set, at once and in every `step`.

    Attributes
    ----------
    last_epoch : int
        How many steps there have been.
    base_lrs : list of float
        The rates that the groups began with.

    Raises
    ------
    OperandError
        If ``optimizer`` is none.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise OperandError(
                sentence(type(self).__name__, "optimizer is none", expected="an Optimizer",
                         got=type(optimizer).__name__)
            )  # fmt: skip
        self.optimizer = optimizer
        self.last_epoch = 0
        self._firsts = [float(group["lr"]) for group in optimizer.param_groups]  # which lead to the present rates
        self._last_lrs = list(self._firsts)
        self._go_to(0)

    @property
    def base_lrs(self) -> list[float]:
        """The rates that the groups began with."""
        return [group.setdefault("initial_lr", float(group["lr"])) for group in self.optimizer.param_groups]

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0: a factor times ``base``, plus a constant."""
        raise NotImplementedError(sentence(type(self).__name__, "rate is not defined"))

    def step(self) -> None:
        """Go on to the next epoch: call it after the optimiser's steps of this one."""
        self._go_to(self.last_epoch + 1)

    def get_last_lr(self) -> list[float]:
        """Return the present rate of every group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _go_to(self, epoch: int) -> None:
        _ = self.base_lrs  # those of groups that are new
        firsts, rates = [], []
        for held, last, lr in zip_longest(self._firsts, self._last_lrs, self.get_last_lr()):
            if lr == last:
                first, rate = held, self.rate(held, epoch)
            else:
                first, rate = self._taken_on(float(lr), float(lr) if held is None else held, epoch)
            firsts.append(first)
            rates.append(rate)
        self._firsts, self._last_lrs, self.last_epoch = firsts, rates, epoch
        self._set(rates)

    def _taken_on(self, present: float, first: float, epoch: int) -> tuple[float, float]:
        """Return the first rate behind one that others have set, and the rate of an epoch that follows from it."""
        offset, next_offset = self.rate(0.0, epoch - 1), self.rate(0.0, epoch)
        factor, next_factor = self.rate(1.0, epoch - 1) - offset, self.rate(1.0, epoch) - next_offset
        if factor:  # else any first rate would have led here
            first = (present - offset) / factor
        if (factor, offset) == (next_factor, next_offset):
            return first, present
        return first, self.rate(first, epoch) if factor else self.rate(first, epoch) + present - offset

    def _set(self, rates: list[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate

    def _at_least_zero(self, **options: float) -> None:
        for name, value in options.items():
            if not 0 <= value < math.inf:
                raise ArgumentError(
                    sentence(type(self).__name__, f"{name} is out of range", expected="at least 0", got=repr(value))
                )

    def state_dict(self) -> dict[str, Any]:
        """Return what a stopped training needs to go on: the options, the epoch, and the present rates."""
        options = {name: value for name, value in vars(self).items() if name[0] != "_" and name != "optimizer"}
        return {**options, "base_lrs": self.base_lrs, "first_lrs": list(self._firsts),
                "own_lrs": list(self._last_lrs), "lrs": self.get_last_lr()}  # fmt: skip

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from `state_dict`, all or nothing; the options are taken over, too.

        Schedules that share an optimiser can be loaded in any order.

        Raises
        ------
        ArgumentError
            If the state is of another kind of schedule, or of another number of groups.
        """
        expected, count = self.state_dict(), len(self.optimizer.param_groups)
        if state_dict.keys() != expected.keys():
            raise ArgumentError(
                sentence("load_state_dict", f"the state is not one of {type(self).__name__}",
                         expected=", ".join(expected), got=", ".join(map(str, state_dict)) or "nothing")
            )  # fmt: skip
        lists = {name: list(state_dict[name]) for name in ("base_lrs", "first_lrs", "own_lrs", "lrs")}
        if len(lists["lrs"]) != count:
            raise ArgumentError(
                sentence("load_state_dict", "the state is of another number of groups", expected=count,
                         got=len(lists["lrs"]))
            )  # fmt: skip
        vars(self).update({name: value for name, value in state_dict.items() if name not in lists})
        self._firsts, self._last_lrs = lists["first_lrs"], lists["own_lrs"]
        for group, base in zip(self.optimizer.param_groups, lists["base_lrs"], strict=True):
            group["initial_lr"] = base
        self._set(lists["lrs"])


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
        If ``step_size`` is below 1, or ``gamma`` below 0.

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

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        positive("StepLR", step_size=step_size)
        self._at_least_zero(gamma=gamma)
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return float(base * self.gamma ** (epoch // self.step_size))


class CosineAnnealingLR(Schedule):
    """Let the rate fall to ``eta_min`` along half a cosine of ``T_max`` epochs (Loshchilov & Hutter 2017).

    ``eta_min + (lr - eta_min)·(1 + cos(π·epoch / T_max)) / 2``; beyond ``T_max`` it rises again.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int
    eta_min : float

    Raises
    ------
    ArgumentError
        If ``T_max`` is below 1, or ``eta_min`` below 0.

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

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:  # noqa: N803  # PyTorch's name
        positive("CosineAnnealingLR", T_max=T_max)
        self._at_least_zero(eta_min=eta_min)
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * epoch / self.T_max)) / 2


class LinearLR(Schedule):
    """Let a factor go from ``start_factor`` to ``end_factor`` in ``total_iters`` steps, and stay: a warm-up.

    Parameters
    ----------
    optimizer : Optimizer
    start_factor, end_factor : float
    total_iters : int

    Raises
    ------
    ArgumentError
        If ``start_factor`` is not above 0, ``end_factor`` below 0, or ``total_iters`` below 1.

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

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        positive("LinearLR", total_iters=total_iters)
        if not start_factor > 0:
            raise ArgumentError(
                sentence("LinearLR", "start_factor is out of range", expected="above 0", got=repr(start_factor))
            )
        self._at_least_zero(start_factor=start_factor, end_factor=end_factor)
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        done = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)
