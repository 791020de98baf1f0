"""Where the cells of a convolution's arrays are.

Each method says for one kind of step, by each output, by each pixel or by each weight, which cells of an array it meets.
The steps run over groups, filters, channels, rows and columns.
"""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.node import Shape
from autograd_cnn.ops.correlation import conv_shapes
from autograd_cnn.viz.play.walk import Cells, Span, check_size


class Form:
    """The trilinear form of one image, as `autograd_cnn.ops.correlation` describes it.

    Parameters
    ----------
    x, w : tuple of int
        The shapes of the image, and of the filters.
    geometry : dict
        Stride, padding, dilation and groups.

    Attributes
    ----------
    x, w, y : tuple of int
        The shapes with all axes, but for the batch's: (C, H, W), (F, C/G, KH, KW) and (F, OH, OW).
    border : pair of pairs
        The padding.
    """

    def __init__(self, x: Shape, w: Shape, geometry: dict[str, Any]) -> None:
        sizes = conv_shapes("viz.play", x, w, **geometry)
        self.x, self.w, self.y = sizes.x[1:], sizes.w, sizes.y[1:]
        check_size("this convolution", max(map(prod, (self.x, self.w, self.y))), prod(self.y) * prod(self.w[1:]))
        grid = sizes.windows
        self.groups: int = geometry["groups"]
        self.filters, self.channels = self.w[0] // self.groups, self.w[1]
        self.image, self.size, self.out = grid.image, grid.size, grid.out
        (self.top, bottom), (self.left, right) = self.border = grid.padding
        self.height, self.width = grid.image[0] + self.top + bottom, grid.image[1] + self.left + right
        (self.sh, self.sw), (self.dh, self.dw) = grid.stride, grid.dilation
        self.taps, self.positions = prod(self.size), prod(self.out)
        self.filter_length = self.channels * self.taps

    @property
    def is_padded(self) -> bool:
        """Whether there is a border around the image."""
        return any(map(any, self.border))

    def pad(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return an image, in any shape of its size, with zeros around it: (C, HP, WP)."""
        return np.pad(image.reshape(self.x), ((0, 0), *self.border))

    def spread(self, maps: NDArray[Any]) -> NDArray[Any]:
        """Put zeros between the numbers of maps, as many as the stride skips, and around them: (F, HS, WS)."""
        top, left = (self.size[0] - 1) * self.dh, (self.size[1] - 1) * self.dw
        wide = np.zeros((self.y[0], self.height + top, self.width + left), maps.dtype)
        rows = slice(top, top + (self.out[0] - 1) * self.sh + 1, self.sh)
        wide[:, rows, left : left + (self.out[1] - 1) * self.sw + 1 : self.sw] = maps.reshape(self.y)
        return wide

    # --- by each output -------------------------------------------------------------------------

    def output(self, name: str) -> Cells:
        """Return the output itself, of an array (F, OH, OW)."""
        return Cells(name, Span((prod(self.y), 1)))

    def window(self, name: str) -> Cells:
        """Return the pixels that the output is computed from, of a padded image."""
        plane = self.height * self.width
        starts = Span(
            (self.groups, self.channels * plane), (self.filters, 0), (self.out[0], self.sh * self.width),
            (self.out[1], self.sw),
        )  # fmt: skip
        taps = Span((self.channels, plane), (self.size[0], self.dh * self.width), (self.size[1], self.dw))
        return Cells(name, starts, taps)

    def filter(self, name: str) -> Cells:
        """Return all of the filter that the output is of."""
        starts = Span((self.w[0], self.filter_length), (self.positions, 0))
        return Cells(name, starts, Span((self.filter_length, 1)))

    def bias(self, name: str) -> Cells:
        """Return the filter's bias."""
        return Cells(name, Span((self.w[0], 1), (self.positions, 0)))

    # --- by each pixel --------------------------------------------------------------------------

    def pixel(self, name: str) -> Cells:
        """Return the pixel itself, of an image (C, H, W)."""
        return Cells(name, Span((prod(self.x), 1)))

    def neighbours(self, name: str) -> Cells:
        """Return the numbers of all maps that the pixel has to do with, of an array that was `spread`."""
        height, width = self.height + (self.size[0] - 1) * self.dh, self.width + (self.size[1] - 1) * self.dw
        starts = Span(
            (self.groups, self.filters * height * width), (self.channels, 0), (self.image[0], width),
            (self.image[1], 1), base=self.top * width + self.left,
        )  # fmt: skip
        taps = Span((self.filters, height * width), (self.size[0], self.dh * width), (self.size[1], self.dw))
        return Cells(name, starts, taps)

    def rotated(self, name: str) -> Cells:
        """Return the planes for the pixel's channel in all filters of its group, of filters that were rotated."""
        starts = Span(
            (self.groups, self.filters * self.filter_length), (self.channels, self.taps), (prod(self.image), 0)
        )
        return Cells(name, starts, Span((self.filters, self.filter_length), (self.taps, 1)))

    # --- by each weight -------------------------------------------------------------------------

    def weight(self, name: str) -> Cells:
        """Return the weight itself, of an array (F, C/G, KH, KW)."""
        return Cells(name, Span((prod(self.w), 1)))

    def map(self, name: str) -> Cells:
        """Return all outputs of the weight's filter."""
        return Cells(name, Span((self.w[0], self.positions), (self.filter_length, 0)), Span((self.positions, 1)))

    def met(self, name: str) -> Cells:
        """Return the pixels that the weight was multiplied with for these, of a padded image."""
        plane = self.height * self.width
        starts = Span(
            (self.groups, self.channels * plane), (self.filters, 0), (self.channels, plane),
            (self.size[0], self.dh * self.width), (self.size[1], self.dw),
        )  # fmt: skip
        return Cells(name, starts, Span((self.out[0], self.sh * self.width), (self.out[1], self.sw)))
