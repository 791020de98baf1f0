"""Pooling as layers."""

from dataclasses import KW_ONLY, fields
from typing import Any, ClassVar

from autograd_cnn import ops
from autograd_cnn.engine.node import Array
from autograd_cnn.kernels.windows import four_sided
from autograd_cnn.nn.functional import pooling as functional
from autograd_cnn.nn.layers.function import Function, layer
from autograd_cnn.nn.module import Parameterless, unusual
from autograd_cnn.ops.adaptive_pooling import adapted
from autograd_cnn.parameters import Bool, IntOrPair, Padding, PerAxis, Size, several

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


@layer
class _Windows(Function):
    """A window of ``kernel_size`` at every ``stride``-th position; its numbers are one for each axis."""

    axes: ClassVar[int] = 2
    kernel_size: PerAxis
    stride: PerAxis | None = None
    padding: Any = 0

    def __post_init__(self) -> None:
        where = type(self).__name__
        self.kernel_size = several(where, "kernel_size", self.kernel_size, self.axes, 1)
        self.stride = self.kernel_size if self.stride is None else several(where, "stride", self.stride, self.axes, 1)
        if self.axes != 2:
            self.padding = several(where, "padding", self.padding, self.axes)
        elif not isinstance(self.padding, str):
            four_sided(where, self.padding)
        if "dilation" in vars(self):
            self.dilation: Any = several(where, "dilation", self.dilation, self.axes, 1)

    def geometry(self) -> dict[str, Any]:
        """Return the parameters of the primitive that slides the window over images."""
        names = (name for name in self._options if name not in {"kernel_size", "return_indices"})
        return {"window": self.kernel_size, **{name: getattr(self, name) for name in names}}

    def extra_repr(self) -> str:
        """Return the window's size and options that differ from the default."""
        none = 0 if self.axes == 2 else (0,) * self.axes
        usual = {"stride": self.kernel_size, "padding": none, "dilation": (1,) * self.axes}
        options = fields(self)
        return ", ".join(unusual(self, ((each.name, usual.get(each.name, each.default)) for each in options)))


class _Pool(_Windows):
    """One number for each window."""

    def forward(self, x: Array) -> Any:
        """Return (N, C, ...) for ``x`` (N, C, L), (N, C, H, W) or (N, C, D, H, W), and the indices if asked for."""
        return self._result(x)


class _Unpool(_Windows):
    """Values at given places, among zeros."""

    def forward(self, x: Array, indices: Array, output_size: Any = None) -> Array:
        """Return (N, C, ...), of the given size, for ``x`` of the shape of the indices."""
        return self._result(x, indices, output_size=output_size)


@layer
class MaxPool2d(_Pool):
    """The largest value of each window: `autograd_cnn.max_pool` as a layer.

    Parameters
    ----------
    kernel_size : int or pair
        Height and width of the windows.
    stride : int or pair, optional
        By default the window's size, so that windows do not overlap.
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

    padding: Padding = 0
    dilation: PerAxis = 1
    return_indices: Bool = False
    ceil_mode: Bool = False

    def forward(self, x: Array) -> Any:
        """Return (N, C, OH, OW) for ``x`` (N, C, H, W), and the indices if ``return_indices``."""
        y = ops.max_pool(x, **self.geometry())
        return (y, ops.max_pool_indices(x, **self.geometry())) if self.return_indices else y


@layer
class MaxPool1d(_Pool):
    """The largest value of each window of a sequence.

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

    function = staticmethod(functional.max_pool1d)
    axes = 1
    dilation: PerAxis = 1
    return_indices: Bool = False
    ceil_mode: Bool = False


@layer
class MaxUnpool2d(_Unpool):
    """Put each value where a `MaxPool2d` found it, among zeros: `autograd_cnn.nn.functional.max_unpool2d` as a layer.

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

    function = staticmethod(functional.max_unpool2d)
    padding: IntOrPair = 0


@layer
class MaxUnpool1d(_Unpool):
    """Put each value where a `MaxPool1d` found it, among zeros.

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

    function = staticmethod(functional.max_unpool1d)
    axes = 1


@layer
class MeanPool2d(_Pool):
    """The mean of each window: `autograd_cnn.mean_pool` as a layer. ``MeanPool2d`` and ``AvgPool2d`` are the same class.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode
        As for `MaxPool2d`; the border counts as zeros.
    count_include_pad : bool
        Divide by the number of all pixels in the window, including the border's zeros.
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

    padding: Padding = 0
    ceil_mode: Bool = False
    count_include_pad: Bool = True
    divisor_override: Size | None = None

    def forward(self, x: Array) -> Array:
        """Return (N, C, OH, OW) for ``x`` (N, C, H, W)."""
        return ops.mean_pool(x, **self.geometry())


@layer
class AvgPool1d(_Pool):
    """The mean of each window of a sequence.

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

    function = staticmethod(functional.avg_pool1d)
    axes = 1
    ceil_mode: Bool = False
    count_include_pad: Bool = True


@layer
class _AdaptivePool(Function):
    """Windows that divide the input into ``output_size`` regions."""

    axes: ClassVar[int] = 2
    output_size: Any

    def __post_init__(self) -> None:
        adapted(type(self).__name__, self.output_size, (1,) * self.axes)  # raises for an invalid size
        named = isinstance(self.output_size, (list, tuple))
        self.output_size = tuple(self.output_size) if named else (self.output_size,) * self.axes

    def forward(self, x: Array) -> Any:
        """Return (N, C, *output_size) for ``x`` (N, C, L), (N, C, H, W) or (N, C, D, H, W), and the indices if asked for."""
        return self._result(x)


class AdaptiveMeanPool2d(_AdaptivePool):
    """Means over windows that divide the image into ``output_size`` regions: `autograd_cnn.adaptive_mean_pool` as a layer.

    ``AdaptiveMeanPool2d`` and ``AdaptiveAvgPool2d`` are the same class.

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

    function = staticmethod(functional.adaptive_avg_pool2d)


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

    function = staticmethod(functional.adaptive_avg_pool1d)
    axes = 1


@layer
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

    function = staticmethod(functional.adaptive_max_pool2d)
    return_indices: Bool = False


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

    function = staticmethod(functional.adaptive_max_pool1d)
    axes = 1


class GlobalMeanPool2d(Parameterless):
    """The mean of each map, (N, C, 1, 1) (Lin et al. 2014).

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


@layer
class MaxPool3d(_Pool):
    """The largest value of each window of a volume.

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

    function = staticmethod(functional.max_pool3d)
    axes = 3
    dilation: PerAxis = 1
    _: KW_ONLY
    ceil_mode: Bool = False


@layer
class AvgPool3d(_Pool):
    """The mean of each window of a volume.

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

    function = staticmethod(functional.avg_pool3d)
    axes = 3
    ceil_mode: Bool = False
    count_include_pad: Bool = True
    divisor_override: Size | None = None


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

    function = staticmethod(functional.adaptive_avg_pool3d)
    axes = 3


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

    function = staticmethod(functional.adaptive_max_pool3d)
    axes = 3


AvgPool2d = MeanPool2d
"""The same class by PyTorch's name."""

AdaptiveAvgPool2d = AdaptiveMeanPool2d
"""The same class by PyTorch's name."""
