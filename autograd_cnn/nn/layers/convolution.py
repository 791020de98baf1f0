"""Convolutions as layers."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.errors import ArgumentError, sentence
from autograd_cnn.kernels.windows import four_sided
from autograd_cnn.nn import init
from autograd_cnn.nn.module import Module, Parameter, computed_in, unusual
from autograd_cnn.parameters import Bool, FloatDType, IntOrPair, Padding, Size, pair


class _Convolution(Module):
    """What a convolution and its transpose have in common: the parameters and how they show."""

    weight: Parameter
    bias: Parameter | None
    padding: Padding
    _defaults = (("stride", (1, 1)), ("padding", 0), ("output_padding", (0, 0)), ("dilation", (1, 1)), ("groups", 1))

    @composite
    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
        kernel_size: IntOrPair,
        stride: IntOrPair,
        dilation: IntOrPair,
        groups: Size,
    ) -> None:
        where = type(self).__name__
        if in_channels % groups or out_channels % groups:
            raise ArgumentError(
                sentence(where, "groups does not divide the channels", expected="a divisor of "
                         f"in_channels={in_channels} and of out_channels={out_channels}", got=groups)
            )  # fmt: skip
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair(where, "kernel_size", kernel_size, 1)
        self.stride = pair(where, "stride", stride, 1)
        self.dilation = pair(where, "dilation", dilation, 1)
        self.groups = groups

    def extra_repr(self) -> str:
        """Return the channels, the kernel's size and what is not as usual."""
        sizes = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        bias = ["bias=False"] if self.bias is None else []
        return ", ".join([sizes, *unusual(self, self._defaults), *bias])


class Conv2d(_Convolution):
    """Slide learned filters over images: `autograd_cnn.correlate2d` with parameters.

    Parameters
    ----------
    in_channels, out_channels : int
        C and F.
    kernel_size : int or pair
        KH and KW.
    stride, dilation : int or pair
        Pixels between neighbouring windows, and between neighbouring taps in a window.
    padding : int, pair, ((top, bottom), (left, right)), "valid", "same" or "full"
        Zeros around the image.
    groups : int
        Channels and filters fall into so many independent groups.
    bias : bool
        Whether to add one number to each filter's map.
    rng : Generator, int or None
        Where the first values come from; see `autograd_cnn.nn.init`.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter, (out_channels, in_channels / groups, KH, KW)
    bias : Parameter, (out_channels,), or None

    Raises
    ------
    ArgumentError
        For a size below 1, or groups that do not divide the channels.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Conv2d(1, 6, 5, rng=0)(np.ones((2, 1, 28, 28), np.float32)).shape
    (2, 6, 24, 24)
    """

    @composite
    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: Padding = 0,
        dilation: IntOrPair = 1,
        groups: Size = 1,
        bias: Bool = True,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, groups)
        if not isinstance(padding, str):
            four_sided(type(self).__name__, padding)
        self.padding = padding
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight, self.bias = init.weight_and_bias(shape, out_channels, bias, rng, dtype)

    def forward(self, x: Array) -> Array:
        """Return (N, F, OH, OW) for ``x`` (N, C, H, W)."""
        return ops.correlate2d(
            computed_in(x, self.weight.dtype), self.weight, self.bias,
            stride=self.stride, padding=self.padding, dilation=self.dilation, groups=self.groups,
        )  # fmt: skip


class ConvTranspose2d(_Convolution):
    """The adjoint of a `Conv2d` as a layer: it enlarges images.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, groups, bias, dilation, rng, dtype
        As for `Conv2d`, of the convolution that this is the adjoint of, with the channels swapped.
    padding : int, pair or ((top, bottom), (left, right))
        Of that convolution: what is cut off here.
    output_padding : int or pair
        Rows and columns to add at the bottom and right; less than the stride or the dilation.

    Attributes
    ----------
    weight : Parameter, (in_channels, out_channels / groups, KH, KW)
    bias : Parameter, (out_channels,), or None

    Raises
    ------
    ArgumentError
        For a size below 1, or groups that do not divide the channels.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.ConvTranspose2d(3, 2, 2, stride=2, rng=0)(np.ones((1, 3, 4, 4), np.float32)).shape
    (1, 2, 8, 8)
    """

    @composite
    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: Padding = 0,
        output_padding: IntOrPair = 0,
        groups: Size = 1,
        bias: Bool = True,
        dilation: IntOrPair = 1,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, groups)
        where = type(self).__name__
        four_sided(where, padding)  # no name
        self.padding = padding
        self.output_padding = pair(where, "output_padding", output_padding)
        limits = tuple(map(max, self.stride, self.dilation))
        if any(more >= limit for more, limit in zip(self.output_padding, limits, strict=True)):
            raise ArgumentError(
                sentence(where, "output_padding is out of range", got=repr(output_padding),
                         expected=f"less than the stride {self.stride} or the dilation {self.dilation}")
            )  # fmt: skip
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.weight, self.bias = init.weight_and_bias(shape, out_channels, bias, rng, dtype)

    def forward(self, x: Array) -> Array:
        """Return (N, F, OH, OW) for ``x`` (N, C, H, W)."""
        return ops.correlate2d_transpose(
            computed_in(x, self.weight.dtype), self.weight, self.bias, stride=self.stride, padding=self.padding,
            output_padding=self.output_padding, dilation=self.dilation, groups=self.groups,
        )  # fmt: skip
