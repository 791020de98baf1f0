"""Augmentation: random changes to the images of a batch before a network sees them."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import OperandError, ShapeError, sentence
from autograd_cnn.parameters import Whole

Transform: TypeAlias = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
"""Takes the images of a batch and a generator, and returns the images to learn from."""


@composite
def random_shift(images: NDArray[Any], rng: np.random.Generator, pixels: Whole = 1) -> NDArray[Any]:
    """Shift each image by up to ``pixels`` in both directions; new pixels are 0.

    A digit that moves a little is still the same digit, so a network learns more from shifted images than
    from the images alone.

    Parameters
    ----------
    images : (N, C, H, W)
        They are not modified; the result is a copy.
    rng : numpy.random.Generator
        Draws the shifts.
    pixels : int
        The largest shift.

    Returns
    -------
    (N, C, H, W)

    Raises
    ------
    ShapeError
        If ``images`` does not have four axes.
    OperandError
        If ``rng`` is not a generator.
    ArgumentError
        If ``pixels`` is not an int of at least 0.

    Examples
    --------
    >>> image = np.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    >>> random_shift(image, np.random.default_rng(0))
    array([[[[3., 4.],
             [0., 0.]]]])
    """
    if np.ndim(images) != 4:
        raise ShapeError(
            sentence("random_shift", "images have the wrong shape", expected="(N, C, H, W)", got=np.shape(images))
        )
    if not isinstance(rng, np.random.Generator):
        raise OperandError(
            sentence(
                "random_shift", "rng is not a generator", expected="such as np.random.default_rng(0)", got=repr(rng)
            )
        )
    padded = np.pad(images, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
    windows = sliding_window_view(padded, images.shape[2:], axis=(2, 3))  # (N, C, 2 pixels + 1, 2 pixels + 1, H, W)
    down, right = rng.integers(0, 2 * pixels + 1, (2, len(images)))
    return windows[np.arange(len(images)), :, down, right]  # (N, C, H, W)
