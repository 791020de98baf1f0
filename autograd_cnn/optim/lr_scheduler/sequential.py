"""Schedules in sequence."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from autograd_cnn.engine.composite import declared
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.optim.lr_scheduler.schedule import Schedule, Scheduler
from autograd_cnn.parameters import integers


@declared
class SequentialLR(Schedule):
    """Schedules in sequence, each starting at its own epoch 0.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : sequence of Schedule
        Schedules of this optimiser.
    milestones : sequence of int
        The epochs in which the next schedule takes over.

    Raises
    ------
    OperandError
        If one of the schedulers is not a `Schedule`.
    ArgumentError
        If one is of another optimiser, or the milestones are not increasing or not one fewer than the schedules.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> optimizer = optim.SGD([ag.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> warm, cool = optim.ConstantLR(optimizer, 0.5, 2), optim.ExponentialLR(optimizer, 0.1)
    >>> schedule = optim.SequentialLR(optimizer, [warm, cool], milestones=[2])
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [0.5, 0.5, 1.0, 0.1]
    """

    schedulers: Sequence[Schedule]
    milestones: Sequence[int]

    def __post_init__(self) -> None:
        Scheduler.__post_init__(self)
        given = self.schedulers
        if not isinstance(given, (list, tuple)) or not all(isinstance(each, Schedule) for each in given):
            problem = "schedulers are not understood"
            raise OperandError("SequentialLR", problem, expected="a list of schedules", got=repr(given))
        if any(each.optimizer is not self.optimizer for each in given):
            raise ArgumentError("SequentialLR", "a schedule is of another optimiser")
        epochs = integers("SequentialLR", "milestones", self.milestones, 1)
        if len(epochs) != len(given) - 1 or any(a >= b for a, b in pairwise(epochs)):
            problem, expected = "milestones do not fit", f"{len(given) - 1} increasing epochs"
            raise ArgumentError("SequentialLR", problem, expected=expected, got=self.milestones)
        self.schedulers, self.milestones = list(given), epochs
        for group in self.optimizer.param_groups:  # which all of them have changed
            group["lr"] = group["initial_lr"]
        super().__post_init__()

    def adopt_groups(self) -> None:
        """Add the initial rates of groups that are new, here and in all schedules."""
        super().adopt_groups()
        for schedule in self.schedulers:
            schedule.adopt_groups()

    def _at(self, epoch: int) -> tuple[Schedule, int]:
        """Return the schedule of an epoch, and its own epoch number."""
        index = bisect_right(self.milestones, epoch)
        return self.schedulers[index], epoch - (0, *self.milestones)[index]

    def rates(self, epoch: int) -> list[float]:
        """Return the learning rate of every group in an epoch."""
        schedule, own = self._at(epoch)
        return schedule.rates(own)

    def adjust(self, epoch: int) -> None:
        """Set other options that depend on the epoch."""
        schedule, own = self._at(epoch)
        schedule.adjust(own)
