"""Residual networks (He et al. 2016): 20 layers for CIFAR, 18 layers for ImageNet."""

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
from autograd_cnn.nn.layers.pooling import GlobalMeanPool2d, MaxPool2d
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Bool, Size
from autograd_cnn.seeding import default_rng


def _convolution(in_channels: int, out_channels: int, stride: int, rng: np.random.Generator, size: int = 3) -> Conv2d:
    """Return a convolution with an odd kernel size, initialised as in He et al. 2015."""
    made = Conv2d(in_channels, out_channels, size, stride, padding=size // 2, bias=False, rng=rng)
    made.weight.data = init.kaiming_normal(made.weight.shape, rng, mode="fan_out")
    return made


class PadShortcut(Module):
    """The shortcut without parameters: every other pixel, and zeros for the new channels.

    Parameters
    ----------
    channels : int
        The number of new channels.

    Examples
    --------
    >>> PadShortcut(2)(np.ones((1, 2, 4, 4))).shape
    (1, 4, 2, 2)
    """

    _shown = ("channels",)

    def __init__(self, channels: int) -> None:
        self.channels = channels

    def forward(self, x: Array) -> Array:
        """Return (N, C + channels, H / 2, W / 2) for ``x`` (N, C, H, W)."""
        halved = ops.getitem(x, index=(..., slice(None, None, 2), slice(None, None, 2)))
        return ops.pad(halved, ((0, 0), (0, self.channels), (0, 0), (0, 0)))


class BasicBlock(Module):
    """``relu(shortcut(x) + F(x))``, where F is two convolutions with batch normalisation (He et al. 2016).

    Parameters
    ----------
    in_channels, out_channels : int
        C before and after.
    stride : int
        2 where the block halves the image.
    projection : bool
        Whether the shortcut of a block that changes the shape is a 1×1 convolution with batch normalisation (option B
        in the paper) instead of `PadShortcut` (option A).
    rng : Generator, int or None

    Examples
    --------
    >>> BasicBlock(2, 4, 2, rng=0)(np.ones((1, 2, 4, 4), np.float32)).shape
    (1, 4, 2, 2)
    """

    @composite
    def __init__(
        self, in_channels: Size, out_channels: Size, stride: Size = 1, *, projection: Bool = False, rng: init.Rng = None
    ) -> None:
        rng = default_rng(rng)
        self.conv1 = _convolution(in_channels, out_channels, stride, rng)
        self.bn1 = BatchNorm2d(out_channels)
        self.relu1 = ReLU()
        self.conv2 = _convolution(out_channels, out_channels, 1, rng)
        self.bn2 = BatchNorm2d(out_channels)
        if stride == 1 and in_channels == out_channels:
            self.downsample: Module = Identity()
        elif projection:
            reduce = _convolution(in_channels, out_channels, stride, rng, size=1)
            self.downsample = Sequential(reduce, BatchNorm2d(out_channels))
        else:
            self.downsample = PadShortcut(out_channels - in_channels)
        self.relu2 = ReLU()

    def forward(self, x: Array) -> Array:
        """Return (N, out_channels, H / stride, W / stride) for ``x`` (N, in_channels, H, W)."""
        y = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(y)) + self.downsample(x))


@composite
def resnet20(*, rng: init.Rng = None, in_channels: Size = 3, classes: Size = 10) -> Sequential:
    """The residual network of 20 layers for CIFAR (He et al. 2016, section 4.2), with parameter-free shortcuts.

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
    rng = default_rng(rng)
    modules: dict[str, Module] = {
        "conv1": _convolution(in_channels, 16, 1, rng),
        "bn1": BatchNorm2d(16),
        "relu": ReLU(),
    }
    return Sequential({
        **modules,
        **_stages((16, 32, 64), 3, projection=False, rng=rng),
        "pool": GlobalMeanPool2d(),
        "flatten": Flatten(),
        "fc": Linear(64, classes, rng=rng),
    })  # fmt: skip


@composite
def resnet18(*, rng: init.Rng = None, in_channels: Size = 3, classes: Size = 1000) -> Sequential:
    """The residual network of 18 layers for ImageNet (He et al. 2016, table 1), with projection shortcuts.

    The names of its parameters and buffers are torchvision's, so that its published weights load by name.

    Parameters
    ----------
    rng : Generator, int or None
        Seeds all layers; see `autograd_cnn.nn.init`.
    in_channels : int
        C of the images (N, C, H, W), which may have any size.
    classes : int

    Examples
    --------
    >>> net = resnet18(rng=0).eval()
    >>> net(np.zeros((1, 3, 32, 32), np.float32)).shape
    (1, 1000)
    >>> sum(p.size for p in net.parameters())
    11689512
    >>> net.layer2[0].downsample
    Sequential(): 8,448 parameters
      0: Conv2d(64, 128, kernel_size=(1, 1), stride=(2, 2), bias=False): 8,192 parameters
      1: BatchNorm2d(128, eps=1e-05, momentum=0.1): 256 parameters
    """
    rng = default_rng(rng)
    return Sequential({
        "conv1": _convolution(in_channels, 64, 2, rng, size=7),
        "bn1": BatchNorm2d(64),
        "relu": ReLU(),
        "maxpool": MaxPool2d(3, 2, padding=1),
        **_stages((64, 128, 256, 512), 2, projection=True, rng=rng),
        "avgpool": GlobalMeanPool2d(),
        "flatten": Flatten(),
        "fc": Linear(512, classes, rng=rng),
    })  # fmt: skip


def _stages(widths: tuple[int, ...], blocks: int, *, projection: bool, rng: np.random.Generator) -> dict[str, Module]:
    """Return stages with these numbers of blocks; the first keeps the size, the others start by halving it."""
    stages: dict[str, Module] = {}
    before = widths[0]
    for number, width in enumerate(widths, 1):
        first = BasicBlock(before, width, 1 if width == before else 2, projection=projection, rng=rng)
        rest = [BasicBlock(width, width, rng=rng) for _ in range(blocks - 1)]
        stages[f"layer{number}"] = Sequential(first, *rest)
        before = width
    return stages
