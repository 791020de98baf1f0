"""Augmentation: random changes to the images of a batch before a network sees them."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import OperandError, ShapeError, sentence
from autograd_cnn.parameters import NotNegative, Share, Whole

Transform: TypeAlias = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
"""Takes the images of a batch and a generator, and returns the images to learn from."""


def compose(*transforms: Transform) -> Transform:
    """Return a transform that applies the given ones one after the other.

    Raises
    ------
    OperandError
        If one of them is not a function.

    Examples
    --------
    >>> from functools import partial
    >>> transform = compose(random_flip, partial(random_shift, pixels=2))
    >>> transform(np.ones((1, 1, 4, 4)), np.random.default_rng(0)).shape
    (1, 1, 4, 4)
    """
    for transform in transforms:
        if not callable(transform):
            raise OperandError(
                sentence("compose", "a transform is not a function", expected="one of images and a generator",
                         got=repr(transform))
            )  # fmt: skip

    def apply(images: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        for transform in transforms:
            images = transform(images, rng)
        return images

    return apply


@composite
def random_flip(images: NDArray[Any], rng: np.random.Generator, p: Share = 0.5) -> NDArray[Any]:
    """Mirror each image, left to right, with probability ``p``.

    Not for letters and digits, which are others in a mirror. Parameters, result and errors are those of
    `random_shift`.

    Examples
    --------
    >>> random_flip(np.arange(3.0).reshape(1, 1, 1, 3), np.random.default_rng(0), p=1.0)
    array([[[[2., 1., 0.]]]])
    """
    _check("random_flip", images, rng)
    flipped = rng.random(len(images)) < p
    return np.where(flipped[:, None, None, None], images[..., ::-1], images)


@composite
def random_rotation(images: NDArray[Any], rng: np.random.Generator, degrees: NotNegative = 10.0) -> NDArray[Any]:
    """Turn each image about its middle by up to ``degrees`` either way; new pixels are 0.

    Between pixels it is interpolated linearly in both directions. Parameters, result and errors are those of
    `random_shift`.

    Examples
    --------
    >>> image = np.zeros((1, 1, 3, 3))
    >>> image[0, 0, 1, 1] = 1
    >>> random_rotation(image, np.random.default_rng(0), degrees=90)[0, 0, 1, 1]
    np.float64(1.0)
    """
    _check("random_rotation", images, rng)
    count, _, height, width = images.shape
    angles = np.radians(rng.uniform(-degrees, degrees, (count, 1, 1)))
    down, right = np.indices((height, width)) - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]  # (H, W)
    rows = np.cos(angles) * down + np.sin(angles) * right + (height - 1) / 2  # (N, H, W): where each pixel comes from
    columns = np.cos(angles) * right - np.sin(angles) * down + (width - 1) / 2
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    top = np.clip(np.floor(rows), -1, height - 1).astype(np.intp)
    left = np.clip(np.floor(columns), -1, width - 1).astype(np.intp)
    lower, further = np.clip(rows - top, 0, 1), np.clip(columns - left, 0, 1)
    outside = (rows <= -1) | (rows >= height) | (columns <= -1) | (columns >= width)
    which = np.arange(count)[:, None, None]
    result = np.zeros(images.shape, images.dtype)
    for row, weight_down in ((0, 1 - lower), (1, lower)):
        for column, weight_right in ((0, 1 - further), (1, further)):
            weight = np.where(outside, 0, weight_down * weight_right).astype(images.dtype)  # (N, H, W)
            corner = padded[which, :, top + 1 + row, left + 1 + column]  # (N, H, W, C)
            result += np.moveaxis(corner, 3, 1) * weight[:, None]
    return result


@composite
def random_erasing(images: NDArray[Any], rng: np.random.Generator, share: Share = 0.25) -> NDArray[Any]:
    """Set a rectangle in each image to 0, with sides of at most ``share`` of the image's (DeVries & Taylor 2017).

    Parameters, result and errors are those of `random_shift`.

    Examples
    --------
    >>> images = random_erasing(np.ones((1, 1, 4, 4)), np.random.default_rng(0), share=0.5)
    >>> bool(images.sum() >= 12)
    True
    """
    _check("random_erasing", images, rng)
    count, _, height, width = images.shape
    inside = []
    for length in (height, width):
        sizes = rng.integers(0, round(share * length) + 1, count)
        starts = rng.integers(0, length - sizes + 1)
        pixels = np.arange(length)
        inside.append((pixels >= starts[:, None]) & (pixels < (starts + sizes)[:, None]))  # (N, length)
    erased = inside[0][:, None, :, None] & inside[1][:, None, None, :]  # (N, 1, H, W)
    return np.where(erased, 0, images)


@composite
def random_brightness(images: NDArray[Any], rng: np.random.Generator, amount: Share = 0.2) -> NDArray[Any]:
    """Change brightness and contrast of each image by up to ``amount``; the result is from 0 to 1.

    An image x with mean m becomes ``c·(x - m) + m + b``, with c from 1 - amount to 1 + amount and b from -amount to
    amount. Parameters, result and errors are those of `random_shift`.

    Examples
    --------
    >>> random_brightness(np.full((1, 1, 1, 2), 0.5), np.random.default_rng(0), amount=0.0)
    array([[[[0.5, 0.5]]]])
    """
    _check("random_brightness", images, rng)
    contrast = rng.uniform(1 - amount, 1 + amount, (len(images), 1, 1, 1)).astype(images.dtype)
    brightness = rng.uniform(-amount, amount, (len(images), 1, 1, 1)).astype(images.dtype)
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    return np.clip(contrast * (images - mean) + mean + brightness, 0, 1)


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
    _check("random_shift", images, rng)
    padded = np.pad(images, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
    windows = sliding_window_view(padded, images.shape[2:], axis=(2, 3))  # (N, C, 2 pixels + 1, 2 pixels + 1, H, W)
    down, right = rng.integers(0, 2 * pixels + 1, (2, len(images)))
    return windows[np.arange(len(images)), :, down, right]  # (N, C, H, W)


def _check(where: str, images: NDArray[Any], rng: np.random.Generator) -> None:
    if np.ndim(images) != 4:
        raise ShapeError(sentence(where, "images have the wrong shape", expected="(N, C, H, W)", got=np.shape(images)))
    if not isinstance(rng, np.random.Generator):
        raise OperandError(
            sentence(where, "rng is not a generator", expected="such as np.random.default_rng(0)", got=repr(rng))
        )
