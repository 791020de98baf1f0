"""The configuration of `autograd_cnn.train.fit`."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Any, Final, Literal, TypeAlias

from autograd_cnn import data
from autograd_cnn.engine.composite import parsed
from autograd_cnn.errors import ArgumentError
from autograd_cnn.parameters import BelowOne, Parsed, Positive, Size, Whole, number

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


def _names(where: str, name: str, value: Any) -> tuple[str, ...]:
    given = () if value is None else value
    if not isinstance(given, Iterable):
        problem = f"{name} is not understood"
        raise ArgumentError(where, problem, expected="names such as ('shift', 'flip'), or ()", got=repr(given))
    names = (given,) if isinstance(given, str) else tuple(given)
    if names == (NONE,):
        return ()
    for each in names:
        if each not in AUGMENTATIONS:
            alike = get_close_matches(str(each), AUGMENTATIONS, 1)
            raise ArgumentError(
                where, f"{name} has an unknown name", expected=", ".join(AUGMENTATIONS), got=repr(each),
                hint=f"did you mean {alike[0]}?" if alike else ""
            )  # fmt: skip
    return names


def _weights(where: str, name: str, value: Any) -> Any:
    if value is None or (isinstance(value, str) and value == BALANCED):
        return value
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ArgumentError(where, f"{name} is not understood", expected="'balanced' or numbers", got=repr(value))
    least = partial(number, where, name, expected="numbers of at least 0", fits=lambda x: 0 <= x < math.inf)
    weights = tuple(map(least, value))
    if not any(weights):
        raise ArgumentError(where, f"{name} are all 0", expected="a number above 0 among them", got=weights)
    return weights


Names: TypeAlias = Annotated[tuple[str, ...], Parsed(_names, frozenset())]
ClassWeights: TypeAlias = Annotated[Literal["balanced"] | tuple[float, ...] | None, Parsed(_weights, frozenset())]


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

    epochs: Size = 10
    batch_size: Size = 64
    lr: Positive = 2e-3
    seed: Whole = 0
    augment: Names = ("shift",)
    mixup: Positive | None = None
    accumulate: Size = 1
    clip_norm: Positive | None = None
    class_weights: ClassWeights = None
    ema: BelowOne | None = None
    workers: Whole = 0


TrainConfig.__init__ = parsed(TrainConfig.__init__)  # type: ignore[method-assign]  # in Python's types, as JSON has them
