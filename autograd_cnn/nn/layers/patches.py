"""All windows of an image as columns of a matrix, and back, as layers."""

from autograd_cnn.engine.node import Array
from autograd_cnn.nn.functional.patches import fold, unfold
from autograd_cnn.nn.layers.function import Function, layer
from autograd_cnn.parameters import IntOrPair, pair

__all__ = ["Fold", "Unfold"]


_USUAL = ("kernel_size", ("dilation", (1, 1)), ("padding", (0, 0)), ("stride", (1, 1)))


class _Patches(Function):
    """Windows, and their pixels as columns; the numbers are one for each axis."""

    def __post_init__(self) -> None:
        for name in self._options:
            setattr(self, name, pair(type(self).__name__, name, getattr(self, name), int(name != "padding")))

    def forward(self, x: Array) -> Array:
        """Return (N, C·KH·KW, L) for images ``x`` (N, C, H, W), or the other way round."""
        return self._result(x)


@layer
class Unfold(_Patches):
    """The windows of images as columns: `autograd_cnn.nn.functional.unfold`.

    Parameters
    ----------
    kernel_size, dilation, padding, stride : int or pair
        The geometry of the windows.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Unfold(2)(np.ones((1, 3, 4, 5))).shape
    (1, 12, 12)
    """

    function = staticmethod(unfold)
    _shown = _USUAL
    kernel_size: IntOrPair
    dilation: IntOrPair = 1
    padding: IntOrPair = 0
    stride: IntOrPair = 1


@layer
class Fold(_Patches):
    """The adjoint of `Unfold`: adds each column to its window's pixels in an image.

    Parameters
    ----------
    output_size : int or pair
        H and W.
    kernel_size, dilation, padding, stride : int or pair
        The geometry of the windows in the image.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Fold((4, 5), 2)(np.ones((1, 12, 12))).shape
    (1, 3, 4, 5)
    """

    function = staticmethod(fold)
    _shown = ("output_size", *_USUAL)
    output_size: IntOrPair
    kernel_size: IntOrPair
    dilation: IntOrPair = 1
    padding: IntOrPair = 0
    stride: IntOrPair = 1
