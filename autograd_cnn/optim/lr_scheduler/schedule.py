"""The base of schedules: a rate for every epoch."""

from typing import Any

from autograd_cnn.engine.composite import declared
from autograd_cnn.engine.trace import effect
from autograd_cnn.errors import ArgumentError, require, sentence
from autograd_cnn.optim.optimizer import Optimizer
from autograd_cnn.parameters import integer, number


@declared
class Schedule:
    """The base of all schedules; a subclass defines ``rate``.

    Parameters
    ----------
    optimizer : Optimizer
        The optimiser whose groups get the rates, now and in every ``step``.

    Attributes
    ----------
    last_epoch : int
        The number of steps so far.
    base_lrs : list of float
        The initial rates of the groups; groups that are added later are included from the next step on.
    """

    optimizer: Optimizer

    def __post_init__(self) -> None:
        check_optimizer(type(self).__name__, self.optimizer)
        self.last_epoch = 0
        self.base_lrs: list[float] = []
        self.adopt_groups()
        for group, base, now in zip(self.optimizer.param_groups, self.base_lrs, self.rates(0), strict=True):
            group["lr"] = self._changed(group["lr"], base, now)
        self.adjust(0)

    def adopt_groups(self) -> None:
        """Add the initial rates of groups that are new."""
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:
            self.base_lrs.append(group.setdefault("initial_lr", float(group["lr"])))

    def rate(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        raise NotImplementedError(sentence(type(self).__name__, "rate is not defined"))

    def rates(self, epoch: int) -> list[float]:
        """Return the learning rate of every group in an epoch."""
        return [self.rate(base, epoch) for base in self.base_lrs]

    def chained(self, lr: float, before: float, now: float) -> float:
        """Return the new value of a rate that something else set, as this one goes from ``before`` to ``now``."""
        return lr * (now / before) if before else lr + (now - before)

    def adjust(self, epoch: int) -> None:
        """Set other options that depend on the epoch; by default there are none."""

    def _changed(self, lr: float, before: float, now: float) -> float:
        return now if lr == before else self.chained(lr, before, now)

    def step(self) -> None:
        """Advance to the next epoch; call it after the optimiser's steps of the current one."""
        effect(self._step)

    def _step(self) -> None:
        self.adopt_groups()
        before, now = self.rates(self.last_epoch), self.rates(self.last_epoch + 1)
        self.last_epoch += 1
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"] = self._changed(group["lr"], before[i], now[i])
        self.adjust(self.last_epoch)

    def get_last_lr(self) -> list[float]:
        """Return the current rate of every group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed to continue an interrupted run."""
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
            problem = "it is not a state of a schedule"
            expected = "a dict with last_epoch, base_lrs and lrs"
            raise ArgumentError(sentence("load_state_dict", problem, expected=expected, got=contents_of(state_dict)))
        last_epoch = integer("load_state_dict", "last_epoch", state_dict["last_epoch"], 0)
        bases, lrs = (rates_of(name, state_dict[name]) for name in ("base_lrs", "lrs"))
        if not len(groups) == len(bases) == len(lrs):
            problem = "the schedule is of another optimiser"
            raise ArgumentError(sentence("load_state_dict", problem, expected=f"{len(groups)} rates", got=len(bases)))
        self.last_epoch, self.base_lrs = last_epoch, bases
        self.adjust(last_epoch)
        for group, lr in zip(groups, lrs, strict=True):
            group["lr"] = lr


def rates_of(name: str, values: Any) -> list[float]:
    """Return a list of numbers from a state as floats."""
    if not isinstance(values, (list, tuple)):
        problem = f"{name} is not understood"
        raise ArgumentError(sentence("load_state_dict", problem, expected="a list of numbers", got=repr(values)))
    return [number("load_state_dict", name, value) for value in values]


def contents_of(state: Any) -> str:
    """Return the names in a state, or its type if it is not a dict."""
    return ", ".join(map(str, state)) if isinstance(state, dict) else type(state).__name__


class Absolute(Schedule):
    """A schedule that sets its own rate, whatever the current rate is."""

    def chained(self, lr: float, before: float, now: float) -> float:  # noqa: ARG002  # it is not chained
        """Return this schedule's own rate."""
        return now


def check_optimizer(where: str, optimizer: Any) -> None:
    """Raise `OperandError` unless it is an optimiser."""
    expected = "an optimiser such as optim.SGD"
    require(isinstance(optimizer, Optimizer), where, "optimizer is not understood", expected, optimizer)


def for_groups(where: str, name: str, value: Any, optimizer: Optimizer) -> list[float]:
    """Return one number for each group."""
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        expected = f"{groups}, one for each group"
        raise ArgumentError(sentence(where, f"{name} has the wrong length", expected=expected, got=len(values)))
    return [number(where, name, each, expected="a number of at least 0", fits=lambda x: x >= 0) for each in values]
