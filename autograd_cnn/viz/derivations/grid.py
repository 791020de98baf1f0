"""Sliding windows on an image, in index notation."""

from typing import Any
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.kernels.windows import Windows
from autograd_cnn.viz.derivations.walk import NamedArray


class Grid:
    """Windows on some maps: the tap (u, v) of the window at (i, j).

    Parameters
    ----------
    windows : Windows
    maps : int

    Attributes
    ----------
    sizes : dict of str to int
        The ranges of the letters.
    border : pair of pairs
        The padding; at the end also what the last windows cover beyond it.
    tap : str
        The last two indices of the pixel that a tap meets, in an image with its border.
    """

    def __init__(self, windows: Windows, maps: int) -> None:
        self.windows, self.maps = windows, maps
        (rows, columns), ((top, bottom), (left, right)) = windows.extent, windows.padding
        self.border = (
            (top, max(bottom, rows - top - windows.image[0])), (left, max(right, columns - left - windows.image[1]))
        )  # fmt: skip
        (oh, ow), (kh, kw) = windows.out, windows.size
        self.sizes = {"i": oh, "j": ow, "u": kh, "v": kw}
        (sh, sw), (dh, dw) = windows.stride, windows.dilation
        self.tap = f"{sh}i+{dh}u,{sw}j+{dw}v"

    def symbol(self, letter: str) -> str:
        """Return the symbol for an image, with a tilde if it has a border."""
        return normalize("NFC", letter + "\u0303" * any(map(any, self.border)))

    def planes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return maps in any shape of their size as (maps, rows, columns)."""
        return values.reshape(-1, *values.shape[-2:])

    def padded(self, values: NDArray[Any], text: str, more: str, number: float = 0.0) -> NamedArray:
        """Return an image with its border; ``more`` describes the border."""
        wide = np.pad(self.planes(values), ((0, 0), *self.border), constant_values=number)
        return NamedArray(wide, f"{text}{more * any(map(any, self.border))}", self.border)
