"""Windows that walk over an image, in index notation."""

from typing import Any
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.kernels.windows import Windows
from autograd_cnn.viz.derivations.walk import NamedArray


class Grid:
    """Windows over some maps: at position (i, j) the tap (u, v).

    Parameters
    ----------
    windows : Windows
    maps : int

    Attributes
    ----------
    sizes : dict of str to int
        How far the letters run.
    border : pair of pairs
        The padding, and as much more at the end as the last windows reach beyond it.
    tap : str
        The last two indices of what a tap meets, in an image with its border.
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
        """Return an image with its border, of which ``more`` tells."""
        wide = np.pad(self.planes(values), ((0, 0), *self.border), constant_values=number)
        return NamedArray(wide, f"{text}{more * any(map(any, self.border))}", self.border)
