"""A learning rate range test: a short trial that shows which learning rates work."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.data import Loader
from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import ArgumentError
from autograd_cnn.nn.modes import keeping_modes
from autograd_cnn.parameters import Number, Size, of_kind
from autograd_cnn.train.trainer import Trainer, in_parts

SMOOTHING = 0.9
"""The decay of the running mean of the losses."""
HOPELESS = 4.0
"""The trial ends when the mean has grown to this many times its minimum."""


@dataclass(frozen=True)
class LearningRates:
    """The result of a learning rate range test.

    Attributes
    ----------
    rates : (N,)
        The rates that were tried, from low to high.
    losses : (N,)
        The running mean of the loss at each.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]

    @property
    def suggestion(self) -> float:
        """A tenth of the rate with the lowest loss: a good first choice."""
        return float(self.rates[self.losses.argmin()]) / 10


@composite
def find_lr(
    trainer: Trainer, loader: Loader, low: Number = 1e-6, high: Number = 1.0, steps: Size = 100
) -> LearningRates:
    """Take steps at growing learning rates and record the loss; then restore everything.

    The rates grow by a constant factor per step (Smith 2017, arXiv:1506.01186). The trial ends early if the loss
    explodes. At the end the states of the model, the optimiser and the schedule are restored, but not those of
    generators, such as dropout's.

    Parameters
    ----------
    trainer : Trainer
        The trainer to test.
    loader : Loader
        The batches, repeated as often as necessary. Its state is unchanged.
    low, high : float
        The first rate and the last.
    steps : int
        The number of steps, at least 3.

    Raises
    ------
    ArgumentError
        If a number is out of range, there are no batches, or the loss is not finite from the start.
    OperandError
        If ``trainer`` is not a `Trainer`, or ``loader`` is not a `Loader`.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> model = ag.nn.digits_net(rng=0)
    >>> trainer = Trainer(model, ag.optim.AdamW(model.parameters()))
    >>> found = find_lr(trainer, ag.data.Loader(*ag.data.digits().train))
    >>> 1e-5 < found.suggestion < 0.5
    True
    """
    of_kind("find_lr", "trainer", trainer, Trainer, "train.Trainer(model, optimizer)")
    of_kind("find_lr", "loader", loader, Loader, "data.Loader(images, labels)")
    if not 0 < low < high < math.inf or steps < 3:
        expected = "0 < low < high, and at least 3 steps"
        got = f"low {low}, high {high}, {steps} steps"
        raise ArgumentError("find_lr", "a number is out of range", expected=expected, got=got)
    if not len(loader):
        raise ArgumentError("find_lr", "the loader has no batches")
    parts = [
        part
        for part in (trainer.model, trainer.optimizer, trainer.schedule, trainer.average, loader)
        if part is not None
    ]
    states = [part.state_dict() for part in parts]
    rates = np.geomspace(low, high, steps)
    losses: list[float] = []
    mean = 0.0
    try:
        with keeping_modes(trainer.model):
            trainer.model.train()
            batches = iter(loader)
            for count, rate in enumerate(rates, 1):
                batch = next(batches, None)
                if batch is None:
                    batches = iter(loader)
                    batch = next(batches)
                for group in trainer.optimizer.param_groups:
                    group["lr"] = float(rate)
                loss = trainer.train_step(*in_parts(*batch, trainer.accumulate))[0].item()
                mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
                smoothed = mean / (1 - SMOOTHING**count)
                if not math.isfinite(smoothed) or (losses and smoothed > HOPELESS * min(losses)):
                    break
                losses.append(smoothed)
    finally:
        for part, state in zip(parts, states, strict=True):
            part.load_state_dict(state)
    if len(losses) < 3:
        problem = f"the loss exploded after {len(losses)} steps"
        raise ArgumentError("find_lr", problem, expected="3 at least", got=f"low {low}", hint="begin with a lower one")
    return LearningRates(rates[: len(losses)], np.array(losses))
