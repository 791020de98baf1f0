"""MobileNetV2 (Sandler et al. 2018): depthwise convolutions between wide and narrow maps."""

import numpy as np

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn import init
from autograd_cnn.nn.containers import Sequential
from autograd_cnn.nn.layers.activation import ReLU6
from autograd_cnn.nn.layers.convolution import Conv2d
from autograd_cnn.nn.layers.dropout import Dropout
from autograd_cnn.nn.layers.linear import Flatten, Linear
from autograd_cnn.nn.layers.normalization import BatchNorm2d
from autograd_cnn.nn.layers.pooling import GlobalMeanPool2d
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Positive, Size
from autograd_cnn.seeding import default_rng

BLOCKS = (
    # expansion factor, channels, blocks, stride of the first: the paper's table 2
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _activated(
    in_channels: int, out_channels: int, size: int, rng: np.random.Generator, *, stride: int = 1, groups: int = 1
) -> Sequential:
    """Return a convolution with batch normalisation and ReLU6."""
    convolution = Conv2d(in_channels, out_channels, size, stride, size // 2, groups=groups, bias=False, rng=rng)
    return Sequential(convolution, BatchNorm2d(out_channels), ReLU6())


class InvertedResidual(Module):
    """Widen with a 1×1 convolution, filter each channel separately, and narrow with another 1×1 convolution.

    The narrow maps are not rectified, which would lose information. If the shape stays the same, they are added to the
    input.

    Parameters
    ----------
    in_channels, out_channels : int
        C before and after.
    stride : int
        2 where the block halves the image.
    widening : int
        The factor by which the channels are expanded inside.
    rng : Generator, int or None

    Examples
    --------
    >>> InvertedResidual(2, 4, 2, 6, rng=0)(np.ones((1, 2, 4, 4), np.float32)).shape
    (1, 4, 2, 2)
    """

    @composite
    def __init__(
        self, in_channels: Size, out_channels: Size, stride: Size, widening: Size, *, rng: init.Rng = None
    ) -> None:
        rng = default_rng(rng)
        inside = in_channels * widening
        self.adds = stride == 1 and in_channels == out_channels
        self.conv = Sequential(
            *([_activated(in_channels, inside, 1, rng)] if widening > 1 else []),
            _activated(inside, inside, 3, rng, stride=stride, groups=inside),
            Conv2d(inside, out_channels, 1, bias=False, rng=rng),
            BatchNorm2d(out_channels),
        )

    def forward(self, x: Array) -> Array:
        """Return (N, out_channels, H / stride, W / stride) for ``x`` (N, in_channels, H, W)."""
        return x + self.conv(x) if self.adds else self.conv(x)


def _in_eights(channels: float) -> int:
    """Return the nearest multiple of 8, as the authors' code does: at least 8, and at least 90 % of the given number."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


@composite
def mobilenet_v2(
    *, rng: init.Rng = None, in_channels: Size = 3, classes: Size = 1000, width: Positive = 1.0
) -> Sequential:
    """MobileNetV2 (Sandler et al. 2018): little arithmetic for its accuracy.

    The names of its parameters and buffers are torchvision's, so that its published weights load by name.

    Parameters
    ----------
    rng : Generator, int or None
        Seeds all layers; see `autograd_cnn.nn.init`.
    in_channels : int
        C of the images (N, C, H, W), which may have any size.
    classes : int
    width : float
        Multiplies all numbers of channels, which are rounded to multiples of 8; the last is at least 1,280.

    Examples
    --------
    >>> net = mobilenet_v2(rng=0).eval()
    >>> net(np.zeros((1, 3, 32, 32), np.float32)).shape
    (1, 1000)
    >>> sum(p.size for p in net.parameters())
    3504872
    """
    rng = default_rng(rng)
    channels = _in_eights(32 * width)
    features: list[Module] = [_activated(in_channels, channels, 3, rng, stride=2)]
    for widening, filters, blocks, first_stride in BLOCKS:
        after = _in_eights(filters * width)
        for block in range(blocks):
            features.append(InvertedResidual(channels, after, 1 if block else first_stride, widening, rng=rng))
            channels = after
    last = _in_eights(1280 * max(1.0, width))
    features.append(_activated(channels, last, 1, rng))
    return Sequential({
        "features": Sequential(*features),
        "pool": GlobalMeanPool2d(),
        "flatten": Flatten(),
        "classifier": Sequential(Dropout(0.2, rng=rng), Linear(last, classes, rng=rng)),
    })  # fmt: skip
