"""Arrays as pictures embedded in a page."""

import struct
import zlib
from base64 import b64encode
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
COLD, WARM = np.array([0, 114, 178]), np.array([213, 94, 0])
"""For negative and positive numbers: two hues of Okabe and Ito (2008) that everyone can distinguish."""


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return an image (H, W) of greys or (H, W, 3) of colours as a PNG file (ISO/IEC 15948).

    Examples
    --------
    >>> png(np.zeros((2, 3), np.uint8))[:8] == SIGNATURE
    True
    """
    height, width = pixels.shape[:2]
    colour = 0 if pixels.ndim == 2 else 2
    rows = np.zeros((height, 1 + pixels[0].size), np.uint8)  # before each row the filter that it went through: none
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def as_url(pixels: NDArray[np.uint8]) -> str:
    """Return an image as a data URL, for ``<img src>``."""
    return f"data:image/png;base64,{b64encode(png(pixels)).decode()}"


def photo(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an image (C, H, W) from 0 to 1 as colours, if it has three channels, or as the grey of their mean."""
    shown = np.moveaxis(image, 0, 2) if len(image) == 3 else image.mean(axis=0)
    return np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)


def heat(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return (H, W) numbers from 0 to their maximum as black to yellow.

    Examples
    --------
    >>> heat(np.array([[0.0, 1.0]])).tolist()
    [[[0, 0, 0], [255, 224, 128]]]
    """
    share = values / (values.max() or 1.0)
    channels = [np.clip(share * 2, 0, 1), share**1.5 * 0.88, share**4 * 0.5]
    return np.rint(np.stack(channels, axis=2) * 255).astype(np.uint8)


def signed(values: NDArray[Any], scale: float | None = None) -> NDArray[np.uint8]:
    """Return (H, W) numbers as blue, white at 0, to orange; the magnitude ``scale`` has the full colour.

    Examples
    --------
    >>> signed(np.array([[-1.0, 0.0, 1.0]])).tolist()
    [[[0, 114, 178], [255, 255, 255], [213, 94, 0]]]
    """
    share = (values / (scale or np.abs(values).max() or 1.0))[..., None]
    return np.rint(255 + np.abs(share) * (np.where(share < 0, COLD, WARM) - 255)).astype(np.uint8)


def kernels(weight: NDArray[Any]) -> list[NDArray[np.uint8]]:
    """Return the filters of a weight (O, C, H, W) as pictures: in colour where C is 3, otherwise their sum over C.

    All share one scale, so that a filter that has learned little looks pale.
    """
    if weight.shape[1] == 3:
        greatest = float(np.abs(weight).max()) or 1.0
        return [photo(each / (2 * greatest) + 0.5) for each in weight]
    sums = weight.sum(axis=1)
    return [signed(each, float(np.abs(sums).max())) for each in sums]
