"""The configuration of `autograd_cnn.train.fit`."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Literal

from autograd_cnn import data
from autograd_cnn.engine.composite import parsed
from autograd_cnn.errors import ArgumentError, sentence
from autograd_cnn.parameters import integer, number

AUGMENTATIONS: Final[dict[str, data.Transform]] = {
    "shift": data.random_shift,
    "flip": data.random_flip,
    "crop": data.random_crop,
    "rotate": data.random_rotation,
    "erase": data.random_erasing,
    "brightness": data.random_brightness,
    "color": data.color_jitter,
}
"""The names that `TrainConfig` accepts."""

NONE: Final = "none"
BALANCED: Final = "balanced"


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The options of a training run.

    Parameters
    ----------
    epochs : int
        The number of passes over all images.
    batch_size : int
        Images per step.
    lr : float
        The learning rate at the start.
    seed : int
        Seeds the order of the images and their augmentation.
    augment : tuple of str
        Random changes to the images, in this order: ``"shift"``, ``"flip"``, ``"crop"``, ``"rotate"``, ``"erase"``,
        ``"brightness"`` and ``"color"``, each with the defaults of its function in `autograd_cnn.data`; ``()`` or
        ``"none"`` for none.
    mixup : float, optional
        The alpha of `autograd_cnn.data.mixup`.
    accumulate : int
        The number of parts in which a batch goes through the network, to save memory.
    clip_norm : float, optional
        The maximum norm of all gradients together.
    class_weights : "balanced" or tuple of float, optional
        The weight of each class in the loss; balanced weights are inversely proportional to the class's image count.
    ema : float, optional
        The decay of an exponential moving average of the weights, such as 0.999; the average is tested and saved.
    workers : int
        Threads that prepare the next batches.

    Raises
    ------
    ArgumentError
        If a number is out of range, or a name is unknown.
    OperandError
        If an argument is unknown.

    Examples
    --------
    >>> TrainConfig(epochs=3).lr
    0.002
    """

    epochs: int = 10
    batch_size: int = 64
    lr: float = 2e-3
    seed: int = 0
    augment: tuple[str, ...] = ("shift",)
    mixup: float | None = None
    accumulate: int = 1
    clip_norm: float | None = None
    class_weights: Literal["balanced"] | tuple[float, ...] | None = None
    ema: float | None = None
    workers: int = 0

    def __post_init__(self) -> None:
        """Check the values, and convert them to Python's types, which JSON can represent."""
        for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0), ("accumulate", 1), ("workers", 0)):
            object.__setattr__(self, name, integer("TrainConfig", name, getattr(self, name), least))
        object.__setattr__(self, "lr", _above_0("lr", self.lr))
        for name in ("mixup", "clip_norm"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _above_0(name, getattr(self, name)))
        if self.ema is not None:
            ema = number("TrainConfig", "ema", self.ema, "a number from 0 to below 1", lambda value: 0 <= value < 1)
            object.__setattr__(self, "ema", ema)
        object.__setattr__(self, "augment", self._names())
        object.__setattr__(self, "class_weights", self._weights())

    def _names(self) -> tuple[str, ...]:
        given: Any = () if self.augment is None else self.augment
        if not isinstance(given, Iterable):
            problem = "augment is not understood"
            expected = "names such as ('shift', 'flip'), or ()"
            raise ArgumentError(sentence("TrainConfig", problem, expected=expected, got=repr(given)))
        names = (given,) if isinstance(given, str) else tuple(given)
        if names == (NONE,):
            return ()
        for name in names:
            if name not in AUGMENTATIONS:
                alike = get_close_matches(str(name), AUGMENTATIONS, 1)
                raise ArgumentError(
                    sentence("TrainConfig", "augment has an unknown name", expected=", ".join(AUGMENTATIONS),
                             got=repr(name), hint=f"did you mean {alike[0]}?" if alike else "")
                )  # fmt: skip
        return names

    def _weights(self) -> Any:
        given: Any = self.class_weights
        if given is None or (isinstance(given, str) and given == BALANCED):
            return given
        if isinstance(given, str) or not isinstance(given, Iterable):
            problem = "class_weights is not understood"
            raise ArgumentError(sentence("TrainConfig", problem, expected="'balanced' or numbers", got=repr(given)))
        least: Callable[[float], bool] = lambda value: 0 <= value < math.inf  # noqa: E731  # for each
        return tuple(number("TrainConfig", "class_weights", value, "numbers of at least 0", least)
                     for value in given)  # fmt: skip


TrainConfig.__init__ = parsed(TrainConfig.__init__)  # type: ignore[method-assign]  # lists the known arguments on error


def _above_0(name: str, value: Any) -> float:
    return number("TrainConfig", name, value, "a number above 0", lambda value: 0 < value < math.inf)
