"""A small network after VGG (Simonyan & Zisserman 2015)."""

from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import ArgumentError
from autograd_cnn.nn import init
from autograd_cnn.nn.containers import Sequential
from autograd_cnn.nn.layers.activation import ReLU
from autograd_cnn.nn.layers.convolution import Conv2d
from autograd_cnn.nn.layers.linear import Flatten, Linear
from autograd_cnn.nn.layers.pooling import MaxPool2d
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Size
from autograd_cnn.seeding import default_rng


@composite
def small_vgg(*, rng: init.Rng = None, in_channels: Size = 3, image_size: Size = 32, classes: Size = 10) -> Sequential:
    """Six 3×3 convolutions in three stages, after VGG (Simonyan & Zisserman 2015), for CIFAR's images.

    Parameters
    ----------
    rng : Generator, int or None
        Seeds all layers; see `autograd_cnn.nn.init`.
    in_channels : int
        C of the images (N, C, H, W).
    image_size : int
        H and W, at least 8.
    classes : int

    Raises
    ------
    ArgumentError
        If the images are too small.

    Examples
    --------
    >>> import numpy as np
    >>> small_vgg(rng=0)(np.zeros((1, 3, 32, 32), np.float32)).shape
    (1, 10)
    """
    left = image_size // 8
    if left < 1:
        raise ArgumentError("small_vgg", "image_size is out of range", expected="at least 8", got=image_size)
    rng = default_rng(rng)
    modules: dict[str, Module] = {}
    channels = in_channels
    for stage, filters in enumerate((32, 64, 128), 1):
        for position in (2 * stage - 1, 2 * stage):
            modules[f"conv{position}"] = Conv2d(channels, filters, 3, padding=1, rng=rng)
            modules[f"relu{position}"] = ReLU()
            channels = filters
        modules[f"pool{stage}"] = MaxPool2d(2)
    return Sequential({**modules, "flatten": Flatten(), "fc": Linear(128 * left * left, classes, rng=rng)})
