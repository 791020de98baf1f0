"""The base of schedules: a rate for every epoch."""

import copy
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

from autograd_cnn.engine.composite import declared
from autograd_cnn.engine.trace import effect
from autograd_cnn.errors import ArgumentError, require, sentence
from autograd_cnn.optim.optimizer import Optimizer
from autograd_cnn.parameters import Parse, not_negative, whole


def rates_of(where: str, name: str, values: Any) -> list[float]:
    """Return a list of rates from a state as floats."""
    if not isinstance(values, (list, tuple)):
        raise ArgumentError(where, f"{name} is not understood", expected="a list of numbers", got=repr(values))
    return [not_negative(where, name, value) for value in values]


@declared
class Scheduler:
    """What changes an optimiser's rates; a subclass names what it ``remembers``."""

    optimizer: Optimizer

    remembers: ClassVar[Mapping[str, Parse]] = {}
    """The attributes that are part of the state, and how they are parsed."""

    def __post_init__(self) -> None:
        expected = "an optimiser such as optim.SGD"
        fits = isinstance(self.optimizer, Optimizer)
        require(fits, type(self).__name__, "optimizer is not understood", expected, self.optimizer)
        self.last_epoch = 0

    def adjust(self, epoch: int) -> None:
        """Set other options that depend on the epoch; by default there are none."""

    def get_last_lr(self) -> list[float]:
        """Return the current rate of every group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed to continue an interrupted run."""
        return copy.deepcopy({name: getattr(self, name) for name in self.remembers}) | {"lrs": self.get_last_lr()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from `state_dict`, with the rates that were in use then.

        Raises
        ------
        ArgumentError
            If it is not such a state, or of an optimiser with another number of groups.
        """
        where, groups = "load_state_dict", self.optimizer.param_groups
        parsers = {**self.remembers, "lrs": rates_of}
        if not isinstance(state_dict, dict) or state_dict.keys() != parsers.keys():
            problem, expected = "it is not a state of this schedule", f"a dict with {', '.join(parsers)}"
            got = ", ".join(map(str, state_dict)) if isinstance(state_dict, dict) else type(state_dict).__name__
            raise ArgumentError(where, problem, expected=expected, got=got)
        state = {name: parse(where, name, state_dict[name]) for name, parse in parsers.items()}
        for rates in (each for each in state.values() if isinstance(each, list)):
            if len(rates) != len(groups):
                problem = "the schedule is of another optimiser"
                raise ArgumentError(where, problem, expected=f"{len(groups)} rates", got=len(rates))
        lrs = state.pop("lrs")
        vars(self).update(state)
        self.adjust(self.last_epoch)
        for group, lr in zip(groups, lrs, strict=True):
            group["lr"] = lr

    def __repr__(self) -> str:
        options = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.name != "optimizer"]
        return f"{type(self).__name__}({', '.join([*options, f'last_epoch={self.last_epoch}'])})"


@declared
class Schedule(Scheduler):
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

    remembers: ClassVar = {"last_epoch": whole, "base_lrs": rates_of}

    def __post_init__(self) -> None:
        super().__post_init__()
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


class Absolute(Schedule):
    """A schedule that sets its own rate, whatever the current rate is."""

    def chained(self, lr: float, before: float, now: float) -> float:  # noqa: ARG002  # it is not chained
        """Return this schedule's own rate."""
        return now


def for_groups(where: str, name: str, value: Any, optimizer: Optimizer) -> list[float]:
    """Return one number for each group."""
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        expected = f"{groups}, one for each group"
        raise ArgumentError(where, f"{name} has the wrong length", expected=expected, got=len(values))
    return [not_negative(where, name, each) for each in values]
