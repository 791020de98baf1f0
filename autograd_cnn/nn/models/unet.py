"""The U-Net (Ronneberger, Fischer & Brox 2015), which classifies every pixel."""

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ShapeError
from autograd_cnn.nn import init
from autograd_cnn.nn.containers import Sequential
from autograd_cnn.nn.layers.activation import ReLU
from autograd_cnn.nn.layers.convolution import Conv2d, ConvTranspose2d
from autograd_cnn.nn.layers.normalization import BatchNorm2d
from autograd_cnn.nn.layers.pooling import MaxPool2d
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Size
from autograd_cnn.seeding import default_rng

HALVINGS = 4


class DoubleConv(Module):
    """Two 3×3 convolutions that keep the size, each with batch normalisation and a ReLU.

    Parameters
    ----------
    in_channels, out_channels : int
        C before and after.
    rng : Generator, int or None

    Examples
    --------
    >>> import numpy as np
    >>> DoubleConv(2, 4, rng=0)(np.ones((1, 2, 4, 4), np.float32)).shape
    (1, 4, 4, 4)
    """

    @composite
    def __init__(self, in_channels: Size, out_channels: Size, *, rng: init.Rng = None) -> None:
        rng = default_rng(rng)
        layers: list[Module] = []
        for channels in (in_channels, out_channels):
            convolution = Conv2d(channels, out_channels, 3, padding=1, bias=False, rng=rng)
            layers += [convolution, BatchNorm2d(out_channels), ReLU()]
        self.double_conv = Sequential(*layers)

    def forward(self, x: Array) -> Array:
        """Return (N, out_channels, H, W) for ``x`` (N, in_channels, H, W)."""
        return self.double_conv(x)


class Down(Module):
    """Halve the image, and convolve twice.

    Parameters
    ----------
    in_channels, out_channels : int
        C before and after.
    rng : Generator, int or None

    Examples
    --------
    >>> import numpy as np
    >>> Down(2, 4, rng=0)(np.ones((1, 2, 4, 4), np.float32)).shape
    (1, 4, 2, 2)
    """

    @composite
    def __init__(self, in_channels: Size, out_channels: Size, *, rng: init.Rng = None) -> None:
        self.maxpool_conv = Sequential(MaxPool2d(2), DoubleConv(in_channels, out_channels, rng=rng))

    def forward(self, x: Array) -> Array:
        """Return (N, out_channels, H / 2, W / 2) for ``x`` (N, in_channels, H, W)."""
        return self.maxpool_conv(x)


class Up(Module):
    """Double the image, concatenate the maps from before its halving, and convolve twice.

    Parameters
    ----------
    in_channels, out_channels : int
        C before and after.
    rng : Generator, int or None

    Examples
    --------
    >>> import numpy as np
    >>> Up(4, 2, rng=0)(np.ones((1, 4, 2, 2), np.float32), np.ones((1, 2, 4, 4), np.float32)).shape
    (1, 2, 4, 4)
    """

    @composite
    def __init__(self, in_channels: Size, out_channels: Size, *, rng: init.Rng = None) -> None:
        rng = default_rng(rng)
        self.up = ConvTranspose2d(in_channels, in_channels // 2, 2, 2, rng=rng)
        self.conv = DoubleConv(in_channels, out_channels, rng=rng)

    def forward(self, x: Array, skipped: Array) -> Array:
        """Return (N, out_channels, 2H, 2W) for ``x`` (N, in_channels, H, W) and ``skipped`` (N, in_channels / 2, 2H, 2W)."""
        return self.conv(ops.concatenate([skipped, self.up(x)], axis=1))


class UNet(Module):
    """The network that `unet` makes: four halvings down, four doublings up, and a skip connection at each size.

    Parameters
    ----------
    in_channels, classes : int
        C of the images and of the scores.
    width : int
        Channels at the full size; they double with each halving.
    rng : Generator, int or None

    Examples
    --------
    >>> import numpy as np
    >>> UNet(1, 2, 4, rng=0)(np.zeros((1, 1, 32, 16), np.float32)).shape
    (1, 2, 32, 16)
    """

    @composite
    def __init__(self, in_channels: Size, classes: Size, width: Size, *, rng: init.Rng = None) -> None:
        rng = default_rng(rng)
        self.inc = DoubleConv(in_channels, width, rng=rng)
        self.down1 = Down(width, 2 * width, rng=rng)
        self.down2 = Down(2 * width, 4 * width, rng=rng)
        self.down3 = Down(4 * width, 8 * width, rng=rng)
        self.down4 = Down(8 * width, 16 * width, rng=rng)
        self.up1 = Up(16 * width, 8 * width, rng=rng)
        self.up2 = Up(8 * width, 4 * width, rng=rng)
        self.up3 = Up(4 * width, 2 * width, rng=rng)
        self.up4 = Up(2 * width, width, rng=rng)
        self.outc = Sequential({"conv": Conv2d(width, classes, 1, rng=rng)})

    def forward(self, x: Array) -> Array:
        """Return scores (N, classes, H, W) for ``x`` (N, C, H, W)."""
        size = shape_of(x)[2:]
        if len(size) != 2 or any(length % 2**HALVINGS for length in size):
            expected = "(N, C, H, W), H and W multiples of 16"
            raise ShapeError("unet", "x can't be halved four times", expected=expected, got=shape_of(x))
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        y = self.up1(self.down4(x4), x4)
        y = self.up2(y, x3)
        y = self.up3(y, x2)
        return self.outc(self.up4(y, x1))


@composite
def unet(*, rng: init.Rng = None, in_channels: Size = 3, classes: Size = 2, width: Size = 64) -> UNet:
    """The U-Net (Ronneberger et al. 2015) with padded convolutions and batch normalisation.

    Scores have the size of the image, (N, classes, H, W), and `cross_entropy` takes them with labels (N, H, W). The
    names of parameters and buffers are those of the most used PyTorch implementation, milesial's Pytorch-UNet with
    transposed convolutions, so its published weights load by name.

    Parameters
    ----------
    rng : Generator, int or None
        Seeds all layers; see `autograd_cnn.nn.init`.
    in_channels : int
        C of the images (N, C, H, W), with H and W multiples of 16.
    classes : int
    width : int
        Channels at the full size; they double with each halving.

    Raises
    ------
    ShapeError
        When it is called on images that can't be halved four times.

    Examples
    --------
    >>> import numpy as np
    >>> net = unet(rng=0, width=8)
    >>> net(np.zeros((1, 3, 16, 32), np.float32)).shape
    (1, 2, 16, 32)
    >>> net.up4.up
    ConvTranspose2d(16, 8, kernel_size=(2, 2), stride=(2, 2)): 520 parameters
    """
    return UNet(in_channels, classes, width, rng=rng)
