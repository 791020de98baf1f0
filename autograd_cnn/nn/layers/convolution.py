"""Convolutions as layers."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ArgumentError
from autograd_cnn.kernels.windows import four_sided, windows
from autograd_cnn.nn import init
from autograd_cnn.nn.functional import convolution as functional
from autograd_cnn.nn.functional.padding import pad
from autograd_cnn.nn.module import Module, in_dtype_of, unusual
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Bool, FloatDType, PerAxis, Size, several
from autograd_cnn.parameters import padding as padding_of

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

PaddingMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]


class _Convolution(Module):
    """The common part of all convolutions: the parameters and their `repr`."""

    convolve: Callable[..., Array]
    weight: Parameter
    bias: Parameter | None
    padding: Any
    padding_mode: PaddingMode = "zeros"
    axes = 2

    @composite
    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
        kernel_size: PerAxis,
        stride: PerAxis,
        dilation: PerAxis,
        groups: Size,
    ) -> None:
        where = type(self).__name__
        if in_channels % groups or out_channels % groups:
            raise ArgumentError(where, "groups does not divide the channels", expected="a divisor of "
                                f"in_channels={in_channels} and of out_channels={out_channels}", got=groups)  # fmt: skip
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size: Any = several(where, "kernel_size", kernel_size, self.axes, 1)
        self.stride: Any = several(where, "stride", stride, self.axes, 1)
        self.dilation: Any = several(where, "dilation", dilation, self.axes, 1)
        self.groups = groups

    def _widths(self, padding: Any) -> Any:
        """Return a padding, unless it is a name, as a number or numbers for each axis."""
        where = type(self).__name__
        if self.axes != 2:
            return several(where, "padding", padding, self.axes)
        found = padding_of(where, "padding", padding)
        four_sided(where, found)
        return found

    def _bordered(self, x: Array, mode: Any) -> Array:
        """Return the input with a border made of its pixels."""
        if self.axes == 2:
            image: Any = shape_of(x)[-2:]
            sides: Any = windows(
                type(self).__name__, image, self.kernel_size, stride=self.stride, padding=self.padding,
                dilation=self.dilation,
            ).padding  # fmt: skip
        elif isinstance(self.padding, str):
            spans = [gap * (taps - 1) for gap, taps in zip(self.dilation, self.kernel_size, strict=True)]
            sides = [(n // 2, n - n // 2) if self.padding == "same" else (0, 0) for n in spans]
        else:
            sides = [(n, n) for n in self.padding]
        return pad(x, tuple(n for pair in reversed(sides) for n in pair), mode)

    def extra_repr(self) -> str:
        """Return the channels, the kernel size, and options that differ from the default."""
        sizes = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        bias = ["bias=False"] if self.bias is None else []
        ones, zeros = (1,) * self.axes, (0,) * self.axes
        none = 0 if self.axes == 2 else zeros
        defaults = (("stride", ones), ("padding", none), ("output_padding", zeros), ("dilation", ones), ("groups", 1))
        return ", ".join([sizes, *unusual(self, defaults), *bias, *unusual(self, (("padding_mode", "zeros"),))])


class _Sliding(_Convolution):
    """A convolution along one, two or three axes."""

    @composite
    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
        kernel_size: PerAxis,
        stride: PerAxis = 1,
        padding: Any = 0,
        dilation: PerAxis = 1,
        groups: Size = 1,
        bias: Bool = True,
        padding_mode: PaddingMode = "zeros",
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, groups)
        if isinstance(padding, str) and self.axes != 2:
            functional.check_name(type(self).__name__, padding, self.stride)
        self.padding = (
            padding_of(type(self).__name__, "padding", padding) if isinstance(padding, str) else self._widths(padding)
        )
        self.padding_mode = padding_mode
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight, self.bias = init.weight_and_bias(shape, out_channels, bias, rng, dtype)

    def forward(self, x: Array) -> Array:
        """Return (N, F, ...) for ``x`` (N, C, ...)."""
        weight, padding = self.weight, self.padding
        x = in_dtype_of(weight, x)
        if self.padding_mode != "zeros":
            x, padding = self._bordered(x, self.padding_mode), 0
        return self.convolve(
            x, weight, self.bias, stride=self.stride, padding=padding, dilation=self.dilation, groups=self.groups
        )


class Conv1d(_Sliding):
    """Slide learned filters along sequences.

    Parameters
    ----------
    in_channels, out_channels : int
        C and F.
    kernel_size, stride, dilation : int or tuple of 1 int
        As for `Conv2d`.
    padding : int, tuple of 1 int, "valid" or "same"
        At either end of each axis.
    groups, bias, padding_mode, rng, dtype
        As for `Conv2d`.

    Attributes
    ----------
    weight : Parameter, (out_channels, in_channels / groups, K)
    bias : Parameter, (out_channels,), or None

    Raises
    ------
    ArgumentError
        For a size below 1, or groups that do not divide the channels.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Conv1d(2, 4, 3, rng=0)(np.ones((5, 2, 10), np.float32)).shape
    (5, 4, 8)
    """

    axes = 1
    convolve = staticmethod(functional.conv1d)


class Conv2d(_Sliding):
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
        The number of independent groups of channels and filters.
    bias : bool
        Whether to add a learned number to each filter's map.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        The contents of the border: zeros, or pixels as for `autograd_cnn.nn.functional.pad`.
    rng : Generator, int or None
        Draws the initial values; see `autograd_cnn.nn.init`.
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

    convolve = staticmethod(ops.correlate2d)


class Conv3d(_Sliding):
    """Slide learned filters through volumes.

    Parameters
    ----------
    in_channels, out_channels : int
        C and F.
    kernel_size, stride, dilation : int or tuple of 3 int
        As for `Conv2d`.
    padding : int, tuple of 3 int, "valid" or "same"
        At either end of each axis.
    groups, bias, padding_mode, rng, dtype
        As for `Conv2d`.

    Attributes
    ----------
    weight : Parameter, (out_channels, in_channels / groups, KD, KH, KW)
    bias : Parameter, (out_channels,), or None

    Raises
    ------
    ArgumentError
        For a size below 1, or groups that do not divide the channels.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Conv3d(1, 4, 3, rng=0)(np.ones((2, 1, 5, 6, 7), np.float32)).shape
    (2, 4, 3, 4, 5)
    """

    axes = 3
    convolve = staticmethod(functional.conv3d)


class TransposedConvolution(_Convolution):
    """The adjoint of a convolution along one, two or three axes."""

    @composite
    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
        kernel_size: PerAxis,
        stride: PerAxis = 1,
        padding: Any = 0,
        output_padding: PerAxis = 0,
        groups: Size = 1,
        bias: Bool = True,
        dilation: PerAxis = 1,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, groups)
        where = type(self).__name__
        self.padding = self._widths(padding)
        self.output_padding = several(where, "output_padding", output_padding, self.axes)
        limits = map(max, self.stride, self.dilation)
        if any(more >= limit for more, limit in zip(self.output_padding, limits, strict=True)):
            expected = f"less than the stride {self.stride} or the dilation {self.dilation}"
            raise ArgumentError(where, "output_padding is out of range", got=repr(output_padding), expected=expected)
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.weight, self.bias = init.weight_and_bias(shape, out_channels, bias, rng, dtype)

    def forward(self, x: Array) -> Array:
        """Return the enlarged ``x`` (N, C, ...)."""
        weight = self.weight
        return self.convolve(
            in_dtype_of(weight, x), weight, self.bias, stride=self.stride, padding=self.padding,
            output_padding=self.output_padding, groups=self.groups, dilation=self.dilation,
        )  # fmt: skip


class ConvTranspose2d(TransposedConvolution):
    """The adjoint of a `Conv2d` as a layer: it enlarges images.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, groups, bias, dilation, rng, dtype
        As for the `Conv2d` of which this is the adjoint, with the channels swapped.
    padding : int, pair or ((top, bottom), (left, right))
        That of the convolution, cut off here.
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

    convolve = staticmethod(ops.correlate2d_transpose)


class ConvTranspose1d(TransposedConvolution):
    """The adjoint of a `Conv1d` as a layer: it lengthens sequences.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, groups, bias, dilation, rng, dtype
        As for the `Conv1d` of which this is the adjoint, with the channels swapped.
    padding : int
        That of the convolution, cut off here at either end.
    output_padding : int
        Elements to add at the end; less than the stride or the dilation.

    Attributes
    ----------
    weight : Parameter, (in_channels, out_channels / groups, K)
    bias : Parameter, (out_channels,), or None

    Raises
    ------
    ArgumentError
        For a size below 1, or groups that do not divide the channels.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.ConvTranspose1d(3, 2, 2, stride=2, rng=0)(np.ones((1, 3, 4), np.float32)).shape
    (1, 2, 8)
    """

    axes = 1
    convolve = staticmethod(functional.conv_transpose1d)


class ConvTranspose3d(TransposedConvolution):
    """The adjoint of a `Conv3d` as a layer: it enlarges volumes.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, groups, bias, dilation, rng, dtype
        As for the `Conv3d` of which this is the adjoint, with the channels swapped.
    padding : int or triple
        That of the convolution, cut off at either end of each axis.
    output_padding : int or triple
        Elements to add at the end of each axis; less than the stride or the dilation.

    Attributes
    ----------
    weight : Parameter, (in_channels, out_channels / groups, KD, KH, KW)
    bias : Parameter, (out_channels,), or None

    Raises
    ------
    ArgumentError
        For a size below 1, or groups that do not divide the channels.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.ConvTranspose3d(3, 2, 2, stride=2, rng=0)(np.ones((1, 3, 4, 4, 4), np.float32)).shape
    (1, 2, 8, 8, 8)
    """

    axes = 3
    convolve = staticmethod(functional.conv_transpose3d)
