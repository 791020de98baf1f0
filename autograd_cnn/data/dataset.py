"""The form of all datasets in this package."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Split(NamedTuple):
    """Images with their labels.

    Attributes
    ----------
    images : (N, C, H, W), float32
        From 0 (no ink, no light) to 1.
    labels : (N,), int64
        The class of each image, from 0.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


class Dataset(NamedTuple):
    """Images to learn from, and images to test on.

    Attributes
    ----------
    train, test : Split
        They have no image in common.
    """

    train: Split
    test: Split


def as_split(pixels: NDArray[np.uint8], labels: NDArray[np.uint8], brightest: int = 255) -> Split:
    """Scale ``pixels``, (N, C, H, W), from 0 … ``brightest`` to 0 … 1; the result is read-only.

    Examples
    --------
    >>> split = as_split(np.array([[[[0, 51, 255]]]], np.uint8), np.array([7], np.uint8))
    >>> split.images
    array([[[[0. , 0.2, 1. ]]]], dtype=float32)
    """
    split = Split(np.divide(pixels, brightest, dtype=np.float32), labels.astype(np.int64))
    for array in split:
        array.flags.writeable = False
    return split
