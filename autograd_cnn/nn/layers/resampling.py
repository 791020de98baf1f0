"""Resizing images, as layers."""

from typing import Any

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.functional import resampling as functional
from autograd_cnn.nn.layers.function import Function, layer
from autograd_cnn.parameters import Bool, Size

__all__ = [
    "ChannelShuffle",
    "PixelShuffle",
    "PixelUnshuffle",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
]


@layer
class Upsample(Function):
    """`autograd_cnn.nn.functional.interpolate` as a layer.

    Parameters
    ----------
    size : int or sequence of int, optional
        The size of the result, along L, or H and W.
    scale_factor : float or sequence of float, optional
        Instead of ``size``: how many times larger.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "bicubic", "area"}
    align_corners, recompute_scale_factor : bool, optional

    Raises
    ------
    ArgumentError
        If not exactly one of ``size`` and ``scale_factor`` is given.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Upsample(scale_factor=2)([[[1.0, 2.0]]])
    array([[[1., 1., 2., 2.]]])
    """

    function = staticmethod(functional.interpolate)
    _shown = (("size", None), ("scale_factor", None), ("mode", "nearest"), ("align_corners", None))
    size: Any = None
    scale_factor: Any = None
    mode: functional.Mode = "nearest"
    align_corners: Bool | None = None
    recompute_scale_factor: Bool | None = None

    def __post_init__(self) -> None:
        functional.check_how_large(type(self).__name__, self.size, self.scale_factor)

    def forward(self, x: Array) -> Array:
        """Return ``x`` (N, C, L) or (N, C, H, W) in the other size."""
        return self._result(x)


@layer
class PixelShuffle(Function):
    """Rearrange groups of ``upscale_factor²`` channels into squares of pixels (Shi et al. 2016).

    Parameters
    ----------
    upscale_factor : int

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.PixelShuffle(2)(np.ones((1, 8, 3, 3))).shape
    (1, 2, 6, 6)
    """

    function = staticmethod(functional.pixel_shuffle)
    upscale_factor: Size

    def forward(self, x: Array) -> Array:
        """Return (..., C, H·r, W·r) for ``x`` (..., C·r², H, W)."""
        return self._result(x)


@layer
class PixelUnshuffle(Function):
    """The inverse of `PixelShuffle`.

    Parameters
    ----------
    downscale_factor : int

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.PixelUnshuffle(2)(np.ones((1, 2, 6, 6))).shape
    (1, 8, 3, 3)
    """

    function = staticmethod(functional.pixel_unshuffle)
    downscale_factor: Size

    def forward(self, x: Array) -> Array:
        """Return (..., C·r², H, W) for ``x`` (..., C, H·r, W·r)."""
        return self._result(x)


@layer
class ChannelShuffle(Function):
    """Interleave the channels of ``groups`` (Zhang et al. 2018).

    Parameters
    ----------
    groups : int

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ChannelShuffle(2)([[0.0, 1.0, 2.0, 3.0]])
    array([[0., 2., 1., 3.]])
    """

    function = staticmethod(functional.channel_shuffle)
    groups: Size

    def forward(self, x: Array) -> Array:
        """Return ``x`` (N, C, ...) with its channels in another order."""
        return self._result(x)


class UpsamplingNearest2d(Upsample):
    """An `Upsample` of images that takes the nearest pixel.

    Parameters
    ----------
    size, scale_factor
        As for `Upsample`.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.UpsamplingNearest2d(scale_factor=2)([[[[1.0, 2.0]]]]).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """

    @composite
    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """A bilinear `Upsample` of images that keeps the outermost pixels in place.

    Parameters
    ----------
    size, scale_factor
        As for `Upsample`.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.UpsamplingBilinear2d((1, 3))([[[[1.0, 2.0]]]])
    array([[[[1. , 1.5, 2. ]]]])
    """

    @composite
    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", align_corners=True)
