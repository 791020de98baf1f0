"""Residual networks for CIFAR's images (He et al. 2016)."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn import init
from autograd_cnn.nn.containers import Sequential
from autograd_cnn.nn.layers.activation import ReLU
from autograd_cnn.nn.layers.convolution import Conv2d
from autograd_cnn.nn.layers.linear import Flatten, Identity, Linear
from autograd_cnn.nn.layers.normalization import BatchNorm2d
from autograd_cnn.nn.layers.pooling import GlobalMeanPool2d
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Size


def _convolution(in_channels: int, out_channels: int, stride: int, rng: np.random.Generator) -> Conv2d:
    """Return a 3×3 convolution that begins as He et al. 2015 have it."""
    made = Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False, rng=rng)
    made.weight.data = init.kaiming_normal(made.weight.shape, rng, mode="fan_out")
    return made


class PadShortcut(Module):
    """The shortcut without parameters: every other pixel, and zeros for the channels that come new.

    Parameters
    ----------
    channels : int
        How many channels come new.

    Examples
    --------
    >>> PadShortcut(2)(np.ones((1, 2, 4, 4))).shape
    (1, 4, 2, 2)
    """

    def __init__(self, channels: int) -> None:
        self.channels = channels

    def forward(self, x: Array) -> Array:
        """Return (N, C + channels, H / 2, W / 2) for ``x`` (N, C, H, W)."""
        halved = ops.getitem(x, index=(..., slice(None, None, 2), slice(None, None, 2)))
        return ops.pad(halved, ((0, 0), (0, self.channels), (0, 0), (0, 0)))

    def extra_repr(self) -> str:
        """Return the number of new channels."""
        return f"channels={self.channels}"


class BasicBlock(Module):
    """``relu(shortcut(x) + F(x))``, where F is two convolutions with batch normalisation (He et al. 2016).

    Parameters
    ----------
    in_channels, out_channels : int
        C before and after.
    stride : int
        2 where the block halves the image.
    rng : Generator, int or None

    Examples
    --------
    >>> BasicBlock(2, 4, 2, rng=0)(np.ones((1, 2, 4, 4), np.float32)).shape
    (1, 4, 2, 2)
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, *, rng: init.Rng = None) -> None:
        rng = np.random.default_rng(rng)
        self.conv1 = _convolution(in_channels, out_channels, stride, rng)
        self.bn1 = BatchNorm2d(out_channels)
        self.relu1 = ReLU()
        self.conv2 = _convolution(out_channels, out_channels, 1, rng)
        self.bn2 = BatchNorm2d(out_channels)
        self.shortcut = Identity() if stride == 1 else PadShortcut(out_channels - in_channels)
        self.relu2 = ReLU()

    def forward(self, x: Array) -> Array:
        """Return (N, out_channels, H / stride, W / stride) for ``x`` (N, in_channels, H, W)."""
        y = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(y)) + self.shortcut(x))


@composite
def resnet20(*, rng: init.Rng = None, in_channels: Size = 3, classes: Size = 10) -> Sequential:
    """The residual network of 20 layers for CIFAR (He et al. 2016, section 4.2), shortcuts without parameters.

    Parameters
    ----------
    rng : Generator, int or None
        Seeds all layers; see `autograd_cnn.nn.init`.
    in_channels : int
        C of the images (N, C, H, W).
    classes : int

    Examples
    --------
    >>> net = resnet20(rng=0)
    >>> net(np.zeros((1, 3, 32, 32), np.float32)).shape
    (1, 10)
    >>> sum(p.size for p in net.parameters())
    269722
    """
    rng = np.random.default_rng(rng)
    modules: dict[str, Module] = {
        "conv1": _convolution(in_channels, 16, 1, rng),
        "bn1": BatchNorm2d(16),
        "relu": ReLU(),
    }
    channels = 16
    for stage, filters in enumerate((16, 32, 64), 1):
        blocks = []
        for _ in range(3):
            blocks.append(BasicBlock(channels, filters, 1 if channels == filters else 2, rng=rng))
            channels = filters
        modules[f"layer{stage}"] = Sequential(*blocks)
    return Sequential({
        **modules,
        "pool": GlobalMeanPool2d(),
        "flatten": Flatten(),
        "fc": Linear(64, classes, rng=rng),
    })  # fmt: skip
