"""LeNet: the modern version, and the published one with its special layers.

After Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to document recognition*, 1998,
section II.B and table I: trained subsampling, a scaled tanh, and maps that see only some of the previous maps.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn import init
from autograd_cnn.nn.containers import Sequential
from autograd_cnn.nn.layers.activation import ReLU
from autograd_cnn.nn.layers.convolution import Conv2d
from autograd_cnn.nn.layers.linear import Flatten, Linear
from autograd_cnn.nn.layers.pooling import MaxPool2d
from autograd_cnn.nn.module import Module, Parameterless, in_dtype_of
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import FloatDType, IntOrPair, Size, integer, pair
from autograd_cnn.seeding import default_rng


@composite
def digits_net(*, rng: init.Rng = None, classes: Size = 10) -> Sequential:
    """A small LeNet for digits of 8×8 pixels, (N, 1, 8, 8).

    Examples
    --------
    >>> digits_net(rng=0)(np.zeros((2, 1, 8, 8), np.float32)).shape
    (2, 10)
    """
    rng = default_rng(rng)
    return Sequential({
        "conv1": Conv2d(1, 16, 3, padding=1, rng=rng),
        "relu1": ReLU(),
        "conv2": Conv2d(16, 32, 3, padding=1, rng=rng),
        "relu2": ReLU(),
        "pool": MaxPool2d(2),
        "flatten": Flatten(),
        "fc1": Linear(32 * 4 * 4, 64, rng=rng),
        "relu3": ReLU(),
        "fc2": Linear(64, classes, rng=rng),
    })  # fmt: skip


@composite
def lenet5(*, rng: init.Rng = None, in_channels: Size = 1, image_size: Size = 28, classes: Size = 10) -> Sequential:
    """LeNet-5 (LeCun et al. 1998) as it is built today: ReLUs, max-pooling, and all maps connected.

    Parameters
    ----------
    rng : Generator, int or None
        Seeds all layers; see `autograd_cnn.nn.init`.
    in_channels : int
        C of the images (N, C, H, W).
    image_size : int
        H and W, at least 16.
    classes : int

    Raises
    ------
    ArgumentError
        If the images are too small.

    Examples
    --------
    >>> lenet5(rng=0)(np.zeros((2, 1, 28, 28), np.float32)).shape
    (2, 10)
    """
    left = ((image_size - 4) // 2 - 4) // 2
    if left < 1:
        raise ArgumentError("lenet5", "image_size is out of range", expected="at least 16", got=image_size)
    rng = default_rng(rng)
    return Sequential({
        "conv1": Conv2d(in_channels, 6, 5, rng=rng),
        "relu1": ReLU(),
        "pool1": MaxPool2d(2),
        "conv2": Conv2d(6, 16, 5, rng=rng),
        "relu2": ReLU(),
        "pool2": MaxPool2d(2),
        "flatten": Flatten(),
        "fc1": Linear(16 * left * left, 120, rng=rng),
        "relu3": ReLU(),
        "fc2": Linear(120, 84, rng=rng),
        "relu4": ReLU(),
        "fc3": Linear(84, classes, rng=rng),
    })  # fmt: skip


# --- as it was published ----------------------------------------------------------------------


C3_SEES: Final = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip
"""The maps of S2 that each map of C3 sees: three in a row, four in a row, four that are not, all (table I)."""


class ScaledTanh(Parameterless):
    """``1.7159·tanh(2x/3)``, which maps 1 to 1 and -1 to -1 and bends most there (LeCun et al. 1998, appendix A).

    Examples
    --------
    >>> ScaledTanh()([-1.0, 0.0, 1.0]).round(4)
    array([-1.,  0.,  1.])
    """

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.tanh(ops.multiply(x, 2 / 3)) * 1.7159


class Subsample2d(Module):
    """``weight · (sum of every window) + bias``, with a gain and a bias for each map (LeCun et al. 1998, section II).

    Layers S2 and S4 of LeNet-5 are this and a squashing function. It starts as the plain mean: all
    gains are 1 over the window's number of pixels, and all biases are 0.

    Parameters
    ----------
    num_features : int
        C.
    kernel_size : int or pair
        Height and width of the windows.
    stride : int or pair, optional
        By default the window's size, so that none overlap.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight, bias : Parameter, (C,)
        The gains β and the biases b.

    Raises
    ------
    ArgumentError
        For a size below 1.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Subsample2d(1, 2)
    >>> layer(np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]
    >>> sum(p.size for p in Subsample2d(6, 2).parameters())
    12
    """

    @composite
    def __init__(
        self,
        num_features: Size,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        *,
        dtype: FloatDType = np.float32,
    ) -> None:
        self.num_features = num_features
        self.kernel_size = pair("Subsample2d", "kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else pair("Subsample2d", "stride", stride, 1)
        self.weight = Parameter(np.full(num_features, 1 / math.prod(self.kernel_size), dtype))
        self.bias = Parameter(np.zeros(num_features, dtype))

    def forward(self, x: Array) -> Array:
        """Return (N, C, OH, OW) for ``x`` (N, C, H, W), or the same without N."""
        shape = shape_of(x)
        if len(shape) not in (3, 4) or shape[-3] != self.num_features:
            channels = self.num_features
            expected = f"(N, {channels}, H, W) or ({channels}, H, W)"
            raise ShapeError("Subsample2d", "x has the wrong shape", expected=expected, got=shape)
        x = in_dtype_of(self.weight, x)
        sums = ops.mean_pool(x, window=self.kernel_size, stride=self.stride) * math.prod(self.kernel_size)
        return sums * _maps(self.weight) + _maps(self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        stride = "" if self.stride == self.kernel_size else f", stride={self.stride}"
        return f"{self.num_features}, kernel_size={self.kernel_size}{stride}"


def _maps(values: Array) -> Array:
    """Reshape one value per channel to broadcast with (N, C, H, W)."""
    return ops.reshape(values, shape=(-1, 1, 1))


class PartialConv2d(Module):
    """A convolution in which each filter sees only some of the channels.

    ``weight`` holds a kernel for each existing connection only; for the forward pass these are laid out among zeros, as
    filters over all channels.

    Parameters
    ----------
    in_channels : int
        C.
    sees : sequence of sequences of int
        For each filter, the channels that it sees.
    kernel_size : int or pair
        KH and KW.
    rng : Generator, int or None
        Where the first values come from; see `autograd_cnn.nn.init`.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter, (connections, KH, KW)
        The kernels, filter by filter, in the order of ``sees``.
    bias : Parameter, (F,)

    Raises
    ------
    ArgumentError
        For a size below 1, a filter that sees nothing or a channel twice, or a channel that does not exist.

    Examples
    --------
    >>> layer = PartialConv2d(3, [(0, 1), (2,)], 5, rng=0)
    >>> layer.weight.shape, layer.bias.shape
    ((3, 5, 5), (2,))
    >>> layer(np.zeros((1, 3, 14, 14), np.float32)).shape
    (1, 2, 10, 10)
    """

    @composite
    def __init__(
        self,
        in_channels: Size,
        sees: Sequence[Sequence[int]],
        kernel_size: IntOrPair,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        if not isinstance(sees, Sequence) or isinstance(sees, str) or not all(isinstance(c, Sequence) for c in sees):
            expected = "channels for each filter, as in [(0, 1), (2,)]"
            raise ArgumentError("PartialConv2d", "sees is not understood", expected=expected, got=repr(sees))
        integer("PartialConv2d", "filters", len(sees), 1)
        for position, channels in enumerate(sees):
            if not channels or len(set(channels)) < len(channels) or not set(channels) <= set(range(in_channels)):
                problem = f"filter {position} can't see these channels"
                expected = f"one or more of 0 to {in_channels - 1}, each once"
                raise ArgumentError("PartialConv2d", problem, expected=expected, got=tuple(channels))
        self.in_channels = in_channels
        self.sees = tuple(map(tuple, sees))
        self.kernel_size = pair("PartialConv2d", "kernel_size", kernel_size, 1)
        self._places = tuple(np.array([(f, c) for f, channels in enumerate(self.sees) for c in channels]).T)
        generator, kernels, biases = default_rng(rng), [], []
        for channels in self.sees:  # each filter by its own fan-in, as in fully connected layers
            shape = (1, len(channels), *self.kernel_size)
            bound = 1 / math.sqrt(math.prod(shape))
            kernels.append(init.uniform(shape, generator, low=-bound, high=bound, dtype=dtype)[0])
            biases.append(init.uniform((1,), generator, low=-bound, high=bound, dtype=dtype))
        self.weight = Parameter(np.concatenate(kernels))
        self.bias = Parameter(np.concatenate(biases))

    def forward(self, x: Array) -> Array:
        """Return (N, F, OH, OW) for ``x`` (N, C, H, W)."""
        shape = shape_of(x)
        if len(shape) not in (3, 4) or shape[-3] != self.in_channels:
            channels = self.in_channels
            expected = f"(N, {channels}, H, W) or ({channels}, H, W)"
            raise ShapeError("PartialConv2d", "x has the wrong shape", expected=expected, got=shape)
        w = ops.scatter_add(
            self.weight, index=self._places, shape=(len(self.sees), self.in_channels, *self.kernel_size)
        )
        return ops.correlate2d(in_dtype_of(self.weight, x), w, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes and the number of connections."""
        pairs = f"{sum(map(len, self.sees))} of {self.in_channels * len(self.sees)} pairs"
        return f"{self.in_channels}, {len(self.sees)}, kernel_size={self.kernel_size}, {pairs}"


@composite
def lenet1998(*, rng: init.Rng = None, classes: Size = 10) -> Sequential:
    """LeNet-5 as published, for images (N, 1, 32, 32); layer by layer it has the paper's 60,000 parameters.

    Only the output layer differs. The paper's measures how far F6 is from a bitmap of 7×12 pixels for each class; the
    bitmaps were drawn by hand, and are printed only as pictures. A `Linear` takes its place, so the outputs are scores,
    and `cross_entropy` is the loss.

    Parameters
    ----------
    rng : Generator, int or None
        Seeds all layers; see `autograd_cnn.nn.init`.
    classes : int

    Examples
    --------
    >>> net = lenet1998(rng=0)
    >>> net(np.zeros((2, 1, 32, 32), np.float32)).shape
    (2, 10)
    >>> {name: sum(p.size for p in layer.parameters()) for name, layer in net.named_children() if name[1:].isdigit()}
    {'c1': 156, 's2': 12, 'c3': 1516, 's4': 32, 'c5': 48120, 'f6': 10164}
    """
    rng = default_rng(rng)
    return Sequential({
        "c1": Conv2d(1, 6, 5, rng=rng),
        "tanh1": ScaledTanh(),
        "s2": Subsample2d(6, 2),
        "tanh2": ScaledTanh(),
        "c3": PartialConv2d(6, C3_SEES, 5, rng=rng),
        "tanh3": ScaledTanh(),
        "s4": Subsample2d(16, 2),
        "tanh4": ScaledTanh(),
        "c5": Conv2d(16, 120, 5, rng=rng),
        "tanh5": ScaledTanh(),
        "flatten": Flatten(),
        "f6": Linear(120, 84, rng=rng),
        "tanh6": ScaledTanh(),
        "output": Linear(84, classes, rng=rng),
    })  # fmt: skip
