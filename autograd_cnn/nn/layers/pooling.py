"""Pooling as layers."""

from typing import Any

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.kernels.windows import four_sided
from autograd_cnn.nn.functional import pooling as functional
from autograd_cnn.nn.module import Module, Parameterless, unusual
from autograd_cnn.ops.adaptive_pooling import adapted
from autograd_cnn.parameters import Bool, IntOrPair, Padding, PerAxis, Size, pair, several

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AdaptiveMeanPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "GlobalMeanPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MeanPool2d",
]


class _Pool(Module):
    """A window of ``kernel_size`` at every ``stride``-th position."""

    axes = 2
    padding: Any
    _shown: tuple[str | tuple[str, object], ...] = (
        ("padding", 0), ("dilation", (1, 1)), ("return_indices", False), ("ceil_mode", False),
    )  # fmt: skip

    @composite
    def __init__(self, kernel_size: PerAxis, stride: PerAxis | None, padding: Any, ceil_mode: Bool) -> None:
        where = type(self).__name__
        self.kernel_size: Any = several(where, "kernel_size", kernel_size, self.axes, 1)
        self.stride: Any = self.kernel_size if stride is None else several(where, "stride", stride, self.axes, 1)
        if self.axes != 2:
            padding = several(where, "padding", padding, self.axes)
        elif not isinstance(padding, str):
            four_sided(where, padding)
        self.padding = padding
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """Return the window's size and options that differ from the default."""
        return ", ".join(unusual(self, ("kernel_size", ("stride", self.kernel_size), *self._shown)))


class MaxPool2d(_Pool):
    """The largest value of every window, as `autograd_cnn.max_pool`.

    Parameters
    ----------
    kernel_size : int or pair
        Height and width of the windows.
    stride : int or pair, optional
        By default the window's size, so that none overlap.
    padding : int, pair, ((top, bottom), (left, right)), "valid", "same" or "full"
        A border that is never chosen.
    dilation : int or pair
        Pixels between neighbouring taps of a window.
    return_indices : bool
        Also return where in its map each value is, for `MaxUnpool2d`.
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
        return_indices: Bool = False,
        ceil_mode: Bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation = pair("MaxPool2d", "dilation", dilation, 1)
        self.return_indices = return_indices

    def geometry(self) -> dict[str, Any]:
        """Return the parameters of `autograd_cnn.max_pool`."""
        return {
            "window": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "ceil_mode": self.ceil_mode,
        }

    def forward(self, x: Array) -> Any:
        """Return (N, C, OH, OW) for ``x`` (N, C, H, W), and the indices if ``return_indices``."""
        y = ops.max_pool(x, **self.geometry())
        return (y, ops.max_pool_indices(x, **self.geometry())) if self.return_indices else y


class MaxPool1d(_Pool):
    """The largest value of every window of a sequence.

    Parameters
    ----------
    kernel_size, stride, padding, dilation : int
    return_indices, ceil_mode : bool
        As for `MaxPool2d`.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.MaxPool1d(2)([[1.0, 3.0, 2.0, 5.0]])
    array([[3., 5.]])
    """

    axes = 1
    _shown = (("padding", (0,)), ("dilation", (1,)), ("return_indices", False), ("ceil_mode", False))

    @composite
    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        dilation: PerAxis = 1,
        return_indices: Bool = False,
        ceil_mode: Bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation = several("MaxPool1d", "dilation", dilation, 1, 1)
        self.return_indices = return_indices

    def forward(self, x: Array) -> Any:
        """Return (N, C, OL) for ``x`` (N, C, L), and the indices if ``return_indices``."""
        return functional.max_pool1d(
            x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxUnpool2d(_Pool):
    """Zeros with each value where a `MaxPool2d` found it, as `autograd_cnn.nn.functional.max_unpool2d`.

    Parameters
    ----------
    kernel_size, stride, padding : int or pair
        Of that pool.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> y, indices = nn.MaxPool2d(2, return_indices=True)([[[1.0, 2.0], [4.0, 3.0]]])
    >>> nn.MaxUnpool2d(2)(y, indices)
    array([[[0., 0.],
            [4., 0.]]])
    """

    @composite
    def __init__(self, kernel_size: IntOrPair, stride: IntOrPair | None = None, padding: IntOrPair = 0) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode=False)

    def forward(self, x: Array, indices: Array, output_size: Any = None) -> Array:
        """Return (N, C, H, W), of the given size, for ``x`` (N, C, OH, OW)."""
        return functional.max_unpool2d(x, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_Pool):
    """Zeros with each value where a `MaxPool1d` found it.

    Parameters
    ----------
    kernel_size, stride, padding : int
        Of that pool.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> y, indices = nn.MaxPool1d(2, return_indices=True)([[1.0, 3.0, 5.0, 2.0]])
    >>> nn.MaxUnpool1d(2)(y, indices)
    array([[0., 3., 5., 0.]])
    """

    axes = 1
    _shown = (("padding", (0,)),)

    @composite
    def __init__(self, kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode=False)

    def forward(self, x: Array, indices: Array, output_size: Any = None) -> Array:
        """Return (N, C, L), of the given length, for ``x`` (N, C, OL)."""
        return functional.max_unpool1d(x, indices, self.kernel_size, self.stride, self.padding, output_size)


class MeanPool2d(_Pool):
    """The mean of every window, as `autograd_cnn.mean_pool`. ``MeanPool2d`` and ``AvgPool2d`` are one class.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode
        As for `MaxPool2d`; the border counts as zeros.
    count_include_pad : bool
        Divide by the number of all pixels in the window, the border's zeros included.
    divisor_override : int, optional
        Divide by this instead.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.MeanPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """

    _shown = (("padding", 0), ("ceil_mode", False), ("count_include_pad", True), ("divisor_override", None))

    @composite
    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: Padding = 0,
        ceil_mode: Bool = False,
        count_include_pad: Bool = True,
        divisor_override: Size | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, x: Array) -> Array:
        """Return (N, C, OH, OW) for ``x`` (N, C, H, W)."""
        return ops.mean_pool(
            x, window=self.kernel_size, stride=self.stride, padding=self.padding, ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad, divisor_override=self.divisor_override,
        )  # fmt: skip


class AvgPool1d(_Pool):
    """The mean of every window of a sequence.

    Parameters
    ----------
    kernel_size, stride, padding : int
    ceil_mode, count_include_pad : bool
        As for `MeanPool2d`.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.AvgPool1d(2)([[1.0, 3.0, 2.0, 5.0]])
    array([[2. , 3.5]])
    """

    axes = 1
    _shown = (("padding", (0,)), ("ceil_mode", False), ("count_include_pad", True))

    @composite
    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        ceil_mode: Bool = False,
        count_include_pad: Bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = count_include_pad

    def forward(self, x: Array) -> Array:
        """Return (N, C, OL) for ``x`` (N, C, L)."""
        return functional.avg_pool1d(
            x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )


class _AdaptivePool(Module):
    """Windows that divide the input into ``output_size`` regions."""

    axes = 2

    _shown = ("output_size",)

    @composite
    def __init__(self, output_size: Any) -> None:
        adapted(type(self).__name__, output_size, (1,) * self.axes)  # raises for an invalid size
        named = isinstance(output_size, (list, tuple))
        self.output_size = tuple(output_size) if named else (output_size,) * self.axes


class AdaptiveMeanPool2d(_AdaptivePool):
    """Means over windows that divide the image into ``output_size`` regions, as `autograd_cnn.adaptive_mean_pool`.

    ``AdaptiveMeanPool2d`` and ``AdaptiveAvgPool2d`` are one class.

    Parameters
    ----------
    output_size : int or pair
        Rows and columns of the result; in a pair, None leaves the length as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.AdaptiveMeanPool2d(1)(np.arange(4.0).reshape(1, 1, 2, 2))
    array([[[[1.5]]]])
    """

    def forward(self, x: Array) -> Array:
        """Return (N, C, *output_size) for ``x`` (N, C, H, W)."""
        return ops.adaptive_mean_pool(x, self.output_size)


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means over windows that divide a sequence into ``output_size`` regions.

    Parameters
    ----------
    output_size : int

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.AdaptiveAvgPool1d(2)([[1.0, 3.0, 2.0, 6.0]])
    array([[2., 4.]])
    """

    axes = 1

    def forward(self, x: Array) -> Array:
        """Return (N, C, *output_size) for ``x`` (N, C, L)."""
        return functional.adaptive_avg_pool1d(x, self.output_size)


class AdaptiveMaxPool2d(_AdaptivePool):
    """The largest values of windows that divide the image into ``output_size`` regions.

    Parameters
    ----------
    output_size : int or pair
        Rows and columns of the result; in a pair, None leaves the length as it is.
    return_indices : bool
        Also return where in its map each value is.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.AdaptiveMaxPool2d((1, None))(np.arange(4.0).reshape(1, 1, 2, 2))
    array([[[[2., 3.]]]])
    """

    @composite
    def __init__(self, output_size: Any, return_indices: Bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, x: Array) -> Any:
        """Return (N, C, *output_size) for ``x`` (N, C, H, W), and the indices if ``return_indices``."""
        return functional.adaptive_max_pool2d(x, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(AdaptiveMaxPool2d):
    """The largest values of windows that divide a sequence into ``output_size`` regions.

    Parameters
    ----------
    output_size : int
    return_indices : bool
        Also return where each value is.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.AdaptiveMaxPool1d(2)([[1.0, 3.0, 2.0, 6.0]])
    array([[3., 6.]])
    """

    axes = 1

    def forward(self, x: Array) -> Any:
        """Return (N, C, *output_size) for ``x`` (N, C, L), and the indices if ``return_indices``."""
        return functional.adaptive_max_pool1d(x, self.output_size, self.return_indices)


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


class MaxPool3d(_Pool):
    """The largest value of every window of a volume.

    Parameters
    ----------
    kernel_size, stride, padding, dilation : int or triple
    ceil_mode : bool
        As for `MaxPool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.MaxPool3d(2)(np.ones((1, 2, 4, 4, 6))).shape
    (1, 2, 2, 2, 3)
    """

    axes = 3
    _shown = (("padding", (0, 0, 0)), ("dilation", (1, 1, 1)), ("ceil_mode", False))

    @composite
    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        dilation: PerAxis = 1,
        *,
        ceil_mode: Bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation = several("MaxPool3d", "dilation", dilation, 3, 1)

    def forward(self, x: Array) -> Array:
        """Return (N, C, OD, OH, OW) for ``x`` (N, C, D, H, W)."""
        return functional.max_pool3d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class AvgPool3d(_Pool):
    """The mean of every window of a volume.

    Parameters
    ----------
    kernel_size, stride, padding : int or triple
    ceil_mode, count_include_pad : bool
    divisor_override : int, optional
        As for `MeanPool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.AvgPool3d(2)(np.ones((1, 2, 4, 4, 6))).shape
    (1, 2, 2, 2, 3)
    """

    axes = 3
    _shown = (
        ("padding", (0, 0, 0)), ("ceil_mode", False), ("count_include_pad", True), ("divisor_override", None),
    )  # fmt: skip

    @composite
    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        ceil_mode: Bool = False,
        count_include_pad: Bool = True,
        divisor_override: Size | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, x: Array) -> Array:
        """Return (N, C, OD, OH, OW) for ``x`` (N, C, D, H, W)."""
        return functional.avg_pool3d(
            x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip


class AdaptiveAvgPool3d(_AdaptivePool):
    """Means over windows that divide a volume into ``output_size`` regions.

    Parameters
    ----------
    output_size : int or triple
        In a triple, None leaves the length as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.AdaptiveAvgPool3d(1)(np.ones((1, 2, 4, 4, 6))).shape
    (1, 2, 1, 1, 1)
    """

    axes = 3

    def forward(self, x: Array) -> Array:
        """Return (N, C, *output_size) for ``x`` (N, C, D, H, W)."""
        return functional.adaptive_avg_pool3d(x, self.output_size)


class AdaptiveMaxPool3d(_AdaptivePool):
    """The largest values of windows that divide a volume into ``output_size`` regions.

    Parameters
    ----------
    output_size : int or triple
        In a triple, None leaves the length as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.AdaptiveMaxPool3d(1)(np.ones((1, 2, 4, 4, 6))).shape
    (1, 2, 1, 1, 1)
    """

    axes = 3

    def forward(self, x: Array) -> Array:
        """Return (N, C, *output_size) for ``x`` (N, C, D, H, W)."""
        return functional.adaptive_max_pool3d(x, self.output_size)


AvgPool2d = MeanPool2d
"""The same class by PyTorch's name."""

AdaptiveAvgPool2d = AdaptiveMeanPool2d
"""The same class by PyTorch's name."""
