"""The networks that the command knows by name, and those described by a pattern."""

import inspect
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from autograd_cnn import nn
from autograd_cnn.cli.options import did_you_mean
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.recording import no_grad
from autograd_cnn.errors import ArgumentError
from autograd_cnn.kernels import set_backend
from autograd_cnn.tensor import Tensor

ImageShape: TypeAlias = tuple[int, int, int]
"""(C, H, W)"""

MOST_PIXELS: Final = (1 << 16) - 1
"""The most channels, rows and columns of an image."""

MODELS: Final[dict[str, ImageShape]] = {
    "digits_net": (1, 8, 8),
    "lenet5": (1, 28, 28),
    "lenet1998": (1, 32, 32),
    "small_vgg": (3, 32, 32),
    "resnet20": (3, 32, 32),
    "resnet18": (3, 64, 64),
    "mobilenet_v2": (3, 64, 64),
    "tiny_vit": (3, 32, 32),
}
"""The image classifiers of `autograd_cnn.nn`, with the shapes of the images for which they are drawn."""


def make_model(text: str, image_shape: ImageShape, seed: int, classes: int = 10) -> nn.Module:
    """Return the network of this name or pattern, for images of this shape and this number of classes.

    Raises
    ------
    ArgumentError
        If no network has this name, or the images do not fit it.

    Examples
    --------
    >>> make_model("CONV -> POOL -> FC", (1, 8, 8), 0)
    Sequential(): 2,730 parameters
      conv1: Conv2d(1, 16, kernel_size=(3, 3), padding='same'): 160 parameters
      relu1: ReLU()
      pool1: MaxPool2d(kernel_size=(2, 2))
      flatten: Flatten(start_dim=1)
      fc1: Linear(256, 10): 2,570 parameters
    """
    if text not in MODELS and text.isidentifier() and text != "FC":
        problem = "no network of this name"
        expected = f"one of {', '.join(MODELS)}, or a pattern"
        raise ArgumentError("--model", problem, expected=expected, got=repr(text), hint=did_you_mean(text, MODELS))
    try:
        if text in MODELS:
            model = _named(text, image_shape, seed, classes)
        else:
            model = nn.build(text, input_shape=image_shape, classes=classes, rng=seed)
        with no_grad(), set_backend("reference"):  # the trial run compiles and computes nothing
            model.eval()(Tensor.wrap(AbstractArray((1, *image_shape), np.float32)))
    except ValueError as error:
        raise ArgumentError(f"--model: {error}") from error
    return model.train()


def _named(name: str, image_shape: ImageShape, seed: int, classes: int) -> nn.Module:
    make: Callable[..., nn.Module] = getattr(nn, name)
    asked = {"rng": seed, "in_channels": image_shape[0], "image_size": image_shape[1], "classes": classes}
    taken = inspect.signature(make).parameters
    return make(**{option: value for option, value in asked.items() if option in taken})
