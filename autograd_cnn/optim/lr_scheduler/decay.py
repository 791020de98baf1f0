"""Chainable schedules: steps and curves."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from autograd_cnn.engine.composite import declared
from autograd_cnn.optim.lr_scheduler.schedule import Schedule
from autograd_cnn.parameters import NotNegative, Positive, Share, Size, Whole, integers


@declared
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

    step_size: Size
    gamma: NotNegative = 0.1

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return float(base * self.gamma ** (epoch // self.step_size))


@declared
class MultiStepLR(Schedule):
    """Multiply the rate by ``gamma`` at each of the ``milestones``.

    Parameters
    ----------
    optimizer : Optimizer
    milestones : sequence of int
        Epochs, in any order; repeated ones count repeatedly.
    gamma : float

    Raises
    ------
    ArgumentError
        If a milestone is below 0.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.MultiStepLR(optimizer, [1, 3], gamma=0.5)
    >>> for _ in range(3):
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    milestones: Sequence[int]
    gamma: NotNegative = 0.1

    def __post_init__(self) -> None:
        self.milestones = sorted(integers("MultiStepLR", "milestones", self.milestones, 0))
        super().__post_init__()

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return float(base * self.gamma ** bisect_right(self.milestones, epoch))


@declared
class ExponentialLR(Schedule):
    """Multiply the rate by ``gamma`` in every epoch.

    Parameters
    ----------
    optimizer : Optimizer
    gamma : float

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.ExponentialLR(optimizer, gamma=0.5)
    >>> schedule.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    gamma: NotNegative

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return float(base * self.gamma**epoch)


@declared
class ConstantLR(Schedule):
    """Multiply the rate by ``factor`` for the first ``total_iters`` epochs.

    Parameters
    ----------
    optimizer : Optimizer
    factor : float
        From 0 to 1.
    total_iters : int

    Raises
    ------
    ArgumentError
        If an argument is out of range.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> schedule.get_last_lr()
    [0.5]
    >>> schedule.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [1.0]
    """

    factor: Share = 1 / 3
    total_iters: Whole = 5

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return base * self.factor if epoch < self.total_iters else base


@declared
class PolynomialLR(Schedule):
    """Decrease the rate to 0: ``lr·(1 - epoch / total_iters)^power`` until ``total_iters``.

    Parameters
    ----------
    optimizer : Optimizer
    total_iters : int
    power : float

    Raises
    ------
    ArgumentError
        If ``total_iters`` is below 1.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.PolynomialLR(optimizer, total_iters=4, power=2.0)
    >>> schedule.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    total_iters: Size = 5
    power: NotNegative = 1.0

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return float(base * (1 - min(epoch, self.total_iters) / self.total_iters) ** self.power)


@declared
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

    T_max: Size
    eta_min: NotNegative = 0.0

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * epoch / self.T_max)) / 2

    def chained(self, lr: float, before: float, now: float) -> float:
        """Return the new value of a rate that something else set: it approaches ``eta_min`` as this one does."""
        above = before - self.eta_min
        return self.eta_min + (lr - self.eta_min) * ((now - self.eta_min) / above) if above else lr + (now - before)


@declared
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

    start_factor: Positive = 1 / 3
    end_factor: NotNegative = 1.0
    total_iters: Size = 5

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        done = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)
