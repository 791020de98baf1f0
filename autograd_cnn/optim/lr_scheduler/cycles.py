"""Schedules that set their own rate, whatever the current rate is."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

from autograd_cnn.engine.composite import declared
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.optim.lr_scheduler.schedule import Absolute, Scheduler, for_groups
from autograd_cnn.parameters import Bool, NotNegative, Positive, Share, Size


@declared
class LambdaLR(Absolute):
    """The initial rate times a function of the epoch.

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : callable, or sequence of callables
        Maps the epoch number to a factor; one function for all groups, or one for each.

    Raises
    ------
    ArgumentError
        If the functions do not match the groups.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]

    def __post_init__(self) -> None:
        functions = [self.lr_lambda] if callable(self.lr_lambda) else self.lr_lambda
        if not isinstance(functions, (list, tuple)) or not all(map(callable, functions)):
            expected = "a function, or one for each group"
            raise OperandError("LambdaLR", "lr_lambda is not understood", expected=expected, got=repr(self.lr_lambda))
        super().__post_init__()

    def rates(self, epoch: int) -> list[float]:
        """Return the learning rate of every group in an epoch."""
        count = len(self.base_lrs)
        functions = [self.lr_lambda] * count if callable(self.lr_lambda) else self.lr_lambda
        if len(functions) != count:
            expected = f"{count} functions, one for each group"
            raise ArgumentError("LambdaLR", "lr_lambda has the wrong length", expected=expected, got=len(functions))
        return [float(base * function(epoch)) for base, function in zip(self.base_lrs, functions, strict=True)]


@declared
class CosineAnnealingWarmRestarts(Absolute):
    """Decrease the rate to ``eta_min`` along half a cosine, then restart (Loshchilov & Hutter 2017).

    Parameters
    ----------
    optimizer : Optimizer
    T_0 : int
        Epochs until the first restart.
    T_mult : int
        The factor by which each cycle is longer than the last.
    eta_min : float

    Raises
    ------
    ArgumentError
        If ``T_0`` or ``T_mult`` is below 1.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [1.0, 0.5, 1.0, 0.5]
    """

    T_0: Size
    T_mult: Size = 1
    eta_min: NotNegative = 0.0

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        length = self.T_0
        if self.T_mult == 1:
            epoch %= length
        while epoch >= length:
            epoch, length = epoch - length, length * self.T_mult
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * epoch / length)) / 2


@declared
class OneCycleLR(Absolute):
    """Raise the rate to ``max_lr``, then lower it to almost 0; momentum moves the other way (Smith & Topin 2018).

    Call it after every batch. The rate starts at ``max_lr / div_factor`` and ends at that value divided by
    ``final_div_factor``.

    Parameters
    ----------
    optimizer : Optimizer
    max_lr : float, or sequence of float
        For all groups, or one for each.
    total_steps : int, optional
        The total number of batches; by default ``epochs * steps_per_epoch``.
    epochs, steps_per_epoch : int, optional
    pct_start : float
        The share of the steps in which the rate rises, from 0 to 1.
    anneal_strategy : {"cos", "linear"}
        The shape of the rise and the fall.
    cycle_momentum : bool
        Whether the momentum, or the first beta, goes from ``max_momentum`` down to ``base_momentum`` and back.
    base_momentum, max_momentum : float
    div_factor, final_div_factor : float
    three_phase : bool
        Fall to the initial rate in as many steps as the rise takes, and then to the final rate.

    Raises
    ------
    ArgumentError
        If an argument is out of range, there are no steps, or the optimiser has no momentum; ``step`` raises it after
        the last step.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> schedule = optim.OneCycleLR(optimizer, max_lr=1.0, total_steps=5, pct_start=0.4, anneal_strategy="linear")
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> [round(rate, 3) for rate in rates]
    [0.04, 1.0, 0.667, 0.333]
    """

    max_lr: float | Sequence[float]
    total_steps: Size | None = None
    epochs: Size | None = None
    steps_per_epoch: Size | None = None
    pct_start: Share = 0.3
    anneal_strategy: Literal["cos", "linear"] = "cos"
    cycle_momentum: Bool = True
    base_momentum: Share = 0.85
    max_momentum: Share = 0.95
    div_factor: Positive = 25.0
    final_div_factor: Positive = 1e4
    three_phase: Bool = False

    def __post_init__(self) -> None:
        Scheduler.__post_init__(self)
        if self.total_steps is None:
            if self.epochs is None or self.steps_per_epoch is None:
                hint = "pass total_steps, or epochs and steps_per_epoch"
                raise ArgumentError("OneCycleLR", "how long is the cycle", hint=hint)
            self.total_steps = self.epochs * self.steps_per_epoch
        if self.cycle_momentum and not {"momentum", "betas"} & self.optimizer.defaults.keys():
            problem = f"{type(self.optimizer).__name__} has no momentum"
            raise ArgumentError("OneCycleLR", problem, hint="pass cycle_momentum=False")
        # Each phase ends at a step, with a share of the peak: 0 is the first rate, 1 the peak, -1 the last rate.
        self._phases = [(self.pct_start * self.total_steps - 1, 1), (self.total_steps - 1, -1)]
        if self.three_phase:
            self._phases.insert(1, (2 * self.pct_start * self.total_steps - 2, 0))
        peaks = for_groups("OneCycleLR", "max_lr", self.max_lr, self.optimizer)
        for group, peak in zip(self.optimizer.param_groups, peaks, strict=True):
            group["initial_lr"] = peak / self.div_factor
        super().__post_init__()

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        return self._between((base, base * self.div_factor, base / self.final_div_factor), epoch)

    def adjust(self, epoch: int) -> None:
        """Set the momentum of a step."""
        if not self.cycle_momentum:
            return
        momentum = self._between((self.max_momentum, self.base_momentum, self.max_momentum), epoch)
        for group in self.optimizer.param_groups:
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum

    def _between(self, values: tuple[float, float, float], step: int) -> float:
        """Return the value at a step, given the first value, the peak value and the last value."""
        if step > self._phases[-1][0] + 1:
            raise ArgumentError("OneCycleLR", "the cycle is over", expected=f"{self.total_steps} steps", got=step)
        begin, first = 0.0, values[0]
        for end, position in self._phases:
            last = values[position]
            if step <= end or position == -1:
                break
            begin, first = end, last
        done = (step - begin) / (end - begin) if end > begin else 1.0
        if self.anneal_strategy == "linear":
            return first + (last - first) * done
        return last + (first - last) / 2 * (1 + math.cos(math.pi * done))
