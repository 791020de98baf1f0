"""All windows of an image as columns of a matrix, and back, as layers."""

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.functional.patches import fold, unfold
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import IntOrPair, pair

__all__ = ["Fold", "Unfold"]


class Unfold(Module):
    """The windows of images, each a column: `autograd_cnn.nn.functional.unfold`.

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

    _shown: tuple[str | tuple[str, object], ...] = (
        "kernel_size",
        ("dilation", (1, 1)),
        ("padding", (0, 0)),
        ("stride", (1, 1)),
    )

    @composite
    def __init__(
        self, kernel_size: IntOrPair, dilation: IntOrPair = 1, padding: IntOrPair = 0, stride: IntOrPair = 1
    ) -> None:
        where = type(self).__name__
        self.kernel_size = pair(where, "kernel_size", kernel_size, 1)
        self.dilation = pair(where, "dilation", dilation, 1)
        self.padding = pair(where, "padding", padding)
        self.stride = pair(where, "stride", stride, 1)

    def forward(self, x: Array) -> Array:
        """Return (N, C·KH·KW, L) for ``x`` (N, C, H, W)."""
        return unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Unfold):
    """The adjoint of `Unfold`: columns added up at their windows' pixels in an image.

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

    _shown = ("output_size", *Unfold._shown)  # noqa: SLF001  # its own class

    @composite
    def __init__(
        self,
        output_size: IntOrPair,
        kernel_size: IntOrPair,
        dilation: IntOrPair = 1,
        padding: IntOrPair = 0,
        stride: IntOrPair = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = pair("Fold", "output_size", output_size, 1)

    def forward(self, x: Array) -> Array:
        """Return (N, C, H, W) for ``x`` (N, C·KH·KW, L)."""
        return fold(x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
