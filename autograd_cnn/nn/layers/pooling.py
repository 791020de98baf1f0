"""Pooling as layers."""

from typing import Any

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.kernels.windows import four_sided
from autograd_cnn.nn.module import Module, Parameterless, unusual
from autograd_cnn.parameters import Bool, IntOrPair, Padding, pair


class _Pool(Module):
    """A window of ``kernel_size`` at every ``stride``-th place."""

    _defaults: tuple[tuple[str, object], ...] = (("padding", 0), ("dilation", (1, 1)), ("ceil_mode", False))

    @composite
    def __init__(self, kernel_size: IntOrPair, stride: IntOrPair | None, padding: Padding, ceil_mode: Bool) -> None:
        where = type(self).__name__
        self.kernel_size = pair(where, "kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else pair(where, "stride", stride, 1)
        if not isinstance(padding, str):
            four_sided(where, padding)
        self.padding = padding
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """Return the window's size and what is not as usual."""
        defaults = (("stride", self.kernel_size), *self._defaults)
        return ", ".join([f"kernel_size={self.kernel_size}", *unusual(self, defaults)])


class MaxPool2d(_Pool):
    """The largest value of every window, as `autograd_cnn.max_pool`.

    Parameters
    ----------
    kernel_size : int or pair
        Height and width of the windows.
    stride : int or pair, optional
        By default the window's size, so that none overlap.
    padding : int, pair, ((top, bottom), (left, right)), "valid", "same" or "full"
        A border that never wins.
    dilation : int or pair
        Pixels between neighbouring taps of a window.
    ceil_mode : bool
        Round the number of windows up instead of down.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """

    @composite
    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: Padding = 0,
        dilation: IntOrPair = 1,
        ceil_mode: Bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation = pair("MaxPool2d", "dilation", dilation, 1)

    def geometry(self) -> dict[str, Any]:
        """Return the parameters of `autograd_cnn.max_pool`."""
        return {
            "window": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "ceil_mode": self.ceil_mode,
        }

    def forward(self, x: Array) -> Array:
        """Return (N, C, OH, OW) for ``x`` (N, C, H, W)."""
        return ops.max_pool(x, **self.geometry())


class MeanPool2d(_Pool):
    """The mean of every window, as `autograd_cnn.mean_pool`. ``MeanPool2d`` and ``AvgPool2d`` are one class.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode
        As for `MaxPool2d`; the border counts as zeros.
    count_include_pad : bool
        Divide by the number of all pixels in the window, the border's zeros included.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.MeanPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """

    _defaults = (("padding", 0), ("ceil_mode", False), ("count_include_pad", True))

    @composite
    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: Padding = 0,
        ceil_mode: Bool = False,
        count_include_pad: Bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = count_include_pad

    def forward(self, x: Array) -> Array:
        """Return (N, C, OH, OW) for ``x`` (N, C, H, W)."""
        return ops.mean_pool(
            x, window=self.kernel_size, stride=self.stride, padding=self.padding, ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
        )  # fmt: skip


class AdaptiveMeanPool2d(Module):
    """Means over windows that divide the image into ``output_size`` places, as `autograd_cnn.adaptive_mean_pool`.

    ``AdaptiveMeanPool2d`` and ``AdaptiveAvgPool2d`` are one class.

    Parameters
    ----------
    output_size : int or pair
        Rows and columns of the result.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.AdaptiveMeanPool2d(1)(np.arange(4.0).reshape(1, 1, 2, 2))
    array([[[[1.5]]]])
    """

    @composite
    def __init__(self, output_size: IntOrPair) -> None:
        self.output_size = pair("AdaptiveMeanPool2d", "output_size", output_size, 1)

    def forward(self, x: Array) -> Array:
        """Return (N, C, *output_size) for ``x`` (N, C, H, W)."""
        return ops.adaptive_mean_pool(x, self.output_size)

    def extra_repr(self) -> str:
        """Return the result's size."""
        return f"output_size={self.output_size}"


class GlobalMeanPool2d(Parameterless):
    """The mean of every map, (N, C, 1, 1) (Lin et al. 2014).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.GlobalMeanPool2d()(np.ones((2, 3, 4, 4))).shape
    (2, 3, 1, 1)
    """

    def forward(self, x: Array) -> Array:
        """Return (N, C, 1, 1) for ``x`` (N, C, H, W)."""
        return ops.global_mean_pool(x)


AvgPool2d = MeanPool2d
"""The same class by PyTorch's name."""

AdaptiveAvgPool2d = AdaptiveMeanPool2d
"""The same class by PyTorch's name."""
