"""The numbers that decide how `autograd_cnn.train.fit` trains."""

import math
from dataclasses import dataclass

from autograd_cnn.errors import ArgumentError, sentence
from autograd_cnn.parameters import integer, number


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How long, in what steps and from what seed to train.

    Parameters
    ----------
    epochs : int
        How many times to go through all images.
    batch_size : int
        Images in a step.
    lr : float
        The learning rate at the start.
    seed : int
        What the order of the images and their shifts depend on.

    Raises
    ------
    ArgumentError
        For a number out of its range.

    Examples
    --------
    >>> TrainConfig(epochs=3)
    TrainConfig(epochs=3, batch_size=64, lr=0.002, seed=0)
    """

    epochs: int = 10
    batch_size: int = 64
    lr: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers, and make them Python's own, which a JSON file can hold."""
        for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            object.__setattr__(self, name, integer("TrainConfig", name, getattr(self, name), least))
        lr = number("TrainConfig", "lr", self.lr)
        if not 0 < lr < math.inf:
            raise ArgumentError(sentence("TrainConfig", "lr is out of range", expected="a number above 0", got=lr))
        object.__setattr__(self, "lr", lr)
