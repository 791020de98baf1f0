"""The handwritten digits that come with the package; ``DIGITS.md`` says where they come from."""

from functools import cache
from importlib.resources import as_file, files
from typing import Final

import numpy as np

from autograd_cnn.data.dataset import TEN, Dataset, as_split

HELD_OUT: Final = 360
BLACK: Final = 16


@cache
def digits() -> Dataset:
    """The 1,797 handwritten digits of 8×8 pixels by Alpaydin and Kaynak (1998).

    The split is always the same: the last 360 images of a stratified shuffle are for testing, so
    each digit has about the same share in both parts.

    Returns
    -------
    Dataset
        ``train`` with 1,437 and ``test`` with 360 images: images (N, 1, 8, 8) in float32 from 0 to
        1, labels (N,) in int64. All arrays are read-only.

    Notes
    -----
    Part of *Optical Recognition of Handwritten Digits*, UCI Machine Learning Repository,
    https://doi.org/10.24432/C50P49, licence CC BY 4.0.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> train, test = ag.data.digits()
    >>> train.images.shape, test.images.shape
    ((1437, 1, 8, 8), (360, 1, 8, 8))
    >>> train.labels[:10]
    array([3, 1, 5, 4, 6, 9, 7, 0, 2, 8])
    """
    with as_file(files("autograd_cnn.data") / "digits.npz") as path, np.load(path, allow_pickle=False) as archive:
        images, labels, order = archive["images"], archive["labels"], archive["order"]
    train, test = order[:-HELD_OUT], order[-HELD_OUT:]
    return Dataset(
        as_split(images[train, None], labels[train], BLACK), as_split(images[test, None], labels[test], BLACK), TEN
    )
