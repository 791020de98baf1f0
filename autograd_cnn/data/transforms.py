"""Augmentation: random changes to the images of a batch before a network sees them."""

from collections.abc import Callable
from inspect import signature
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.parameters import NotNegative, Positive, Share, Size, Whole

Mix: TypeAlias = Callable[[NDArray[Any], NDArray[Any], np.random.Generator], tuple[NDArray[Any], NDArray[Any]]]
"""Takes the images and labels of a batch and a generator, and returns the images and labels to train on."""

Transform: TypeAlias = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
"""Takes the images of a batch and a generator, and returns the images to train on."""


def check_function(where: str, name: str, function: Any, takes: tuple[str, ...]) -> None:
    """Raise `OperandError` unless a function takes so many arguments by position."""
    problem = f"{name} is not a function"
    if callable(function):
        problem = f"{name} does not take {len(takes)} arguments"
        try:
            signature(function).bind(*takes)
        except TypeError:
            pass
        except ValueError:  # it is written in C, and tells nothing about its arguments
            return
        else:
            return
    raise OperandError(where, problem, expected=f"one of {', '.join(takes[:-1])} and {takes[-1]}", got=repr(function))


def compose(*transforms: Transform) -> Transform:
    """Return a transform that applies the given ones one after the other.

    Raises
    ------
    OperandError
        If one of them is not a function of two arguments.

    Examples
    --------
    >>> from functools import partial
    >>> transform = compose(random_flip, partial(random_shift, pixels=2))
    >>> transform(np.ones((1, 1, 4, 4)), np.random.default_rng(0)).shape
    (1, 1, 4, 4)
    """
    for transform in transforms:
        check_function("compose", "a transform", transform, ("images", "a generator"))

    def apply(images: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        for transform in transforms:
            images = transform(images, rng)
        return images

    return apply


@composite
def random_flip(images: NDArray[Any], rng: np.random.Generator, p: Share = 0.5) -> NDArray[Any]:
    """Mirror each image, left to right, with probability ``p``.

    Not for letters and digits, whose mirror images are different. Parameters, result and errors are those of
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
    """Rotate each image about its centre by up to ``degrees`` in either direction; new pixels are 0.

    Interpolation is bilinear. Parameters, result and errors are those of `random_shift`.

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
    return _sampled(images, rows, columns)


@composite
def random_crop(images: NDArray[Any], rng: np.random.Generator, share: Share = 0.75) -> NDArray[Any]:
    """Scale a window of each image up to the size of the image; its sides are at least ``share`` of the image's.

    The window has the image's proportions. Interpolation is bilinear. Parameters, result and errors are those of
    `random_shift`.

    Examples
    --------
    >>> images = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> random_crop(images, np.random.default_rng(0), share=1.0)
    array([[[[0., 1.],
             [2., 3.]]]])
    """
    _check("random_crop", images, rng)
    count, _, height, width = images.shape
    scale = rng.uniform(share, 1, (count, 1, 1))
    down, right = rng.random((2, count, 1, 1)) * (1 - scale)
    rows, columns = np.indices((height, width))  # (H, W)
    return _sampled(images, down * (height - 1) + scale * rows, right * (width - 1) + scale * columns)


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
    """Change brightness and contrast of each image by up to ``amount``; the result is clipped to 0 … 1.

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


_LUMA: Final = np.array([0.299, 0.587, 0.114])
_YIQ: Final = np.array([_LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
"""Converts red, green and blue to luma and two chroma components, as in NTSC television."""


@composite
def color_jitter(
    images: NDArray[Any],
    rng: np.random.Generator,
    brightness: Share = 0.2,
    contrast: Share = 0.2,
    saturation: Share = 0.2,
    hue: Share = 0.05,
) -> NDArray[Any]:
    """Change brightness, contrast and colours of each image; the result is clipped to 0 … 1.

    Brightness, contrast and saturation are multiplied by a number from 1 - amount to 1 + amount, and hues are rotated
    by up to ``hue`` of the circle either way. Hue and saturation act on the chroma components of YIQ, so gray stays
    gray. Parameters, result and errors are those of `random_shift`; images must have three channels.

    Examples
    --------
    >>> gray = np.full((1, 3, 1, 1), 0.5)
    >>> color_jitter(gray, np.random.default_rng(0), brightness=0.0, contrast=0.0).round(3).ravel()
    array([0.5, 0.5, 0.5])
    """
    _check("color_jitter", images, rng)
    if images.shape[1] != 3:
        hint = "random_brightness takes any number of channels"
        raise ShapeError("color_jitter", "images have no colours", expected="(N, 3, H, W)", got=images.shape, hint=hint)
    amounts = np.array([brightness, contrast, saturation])[:, None]
    light, spread, colour = 1 + amounts * rng.uniform(-1, 1, (3, len(images)))
    angle = 2 * np.pi * hue * rng.uniform(-1, 1, len(images))
    turn = np.zeros((len(images), 3, 3))
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = colour * np.cos(angle)
    turn[:, 2, 1] = colour * np.sin(angle)
    turn[:, 1, 2] = -turn[:, 2, 1]
    matrix = (light * spread)[:, None, None] * (np.linalg.inv(_YIQ) @ turn @ _YIQ)  # (N, 3, 3)
    mean = light * (images.mean(axis=(2, 3)) @ _LUMA)  # (N,)
    shift = ((1 - spread) * mean)[:, None, None, None]
    changed = np.einsum("nij,njhw->nihw", matrix.astype(images.dtype), images) + shift.astype(images.dtype)
    return np.clip(changed, 0, 1, out=changed)


@composite
def normalize(
    images: NDArray[Any],
    rng: np.random.Generator | None = None,  # noqa: ARG001  # as all transforms
    *,
    mean: ArrayLike = 0.5,
    std: ArrayLike = 0.5,
) -> NDArray[Any]:
    """Subtract ``mean`` and divide by ``std``, one number or one per channel.

    Nothing is random; it takes a generator only because it is a transform. What is done to the training images must
    be done to all others, too: pass both parts through it first, or make it the first layer of the network.

    Parameters
    ----------
    images : (N, C, H, W)
    rng : numpy.random.Generator, optional
        Not used.
    mean, std : float or sequence of float
        Such as ``images.mean(axis=(0, 2, 3))``.

    Returns
    -------
    (N, C, H, W)

    Raises
    ------
    ShapeError
        If ``images`` does not have four axes, or the number of values is not that of the channels.
    ArgumentError
        If a number of ``std`` is not above 0.

    Examples
    --------
    >>> normalize(np.array([[[[0.0, 0.5, 1.0]]]]))
    array([[[[-1.,  0.,  1.]]]])
    """
    _check_images("normalize", images)
    scales = []
    for name, value in (("mean", mean), ("std", std)):
        numbers = np.asarray(value)
        fits = numbers.dtype.kind in "iuf" and bool(np.isfinite(numbers).all())
        if numbers.shape not in {(), (1,), images.shape[1:2]} or not fits:
            problem = f"{name} does not fit the channels"
            raise ShapeError("normalize", problem, expected=f"a number or {images.shape[1]} of them", got=repr(value))
        scales.append(numbers.reshape(-1, 1, 1).astype(images.dtype))
    if not (scales[1] > 0).all():
        raise ArgumentError("normalize", "std is out of range", expected="above 0", got=repr(std))
    return (images - scales[0]) / scales[1]


@composite
def mixup(
    images: NDArray[Any], labels: NDArray[Any], rng: np.random.Generator, *, classes: Size, alpha: Positive = 0.2
) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Blend each image, and its label, with another of the batch (Zhang et al. 2018).

    The share of each image is drawn from Beta(alpha, alpha). The labels become class probabilities, which
    `autograd_cnn.nn.cross_entropy` accepts.

    Parameters
    ----------
    images : (N, C, H, W)
    labels : (N,)
        Ints below ``classes``.
    rng : numpy.random.Generator
        Draws pairs and shares.
    classes : int
        The number of classes.
    alpha : float
        The larger it is, the closer the shares are to one half.

    Returns
    -------
    images : (N, C, H, W)
    shares : (N, K), float32
        The class probabilities; each row sums to 1.

    Raises
    ------
    ShapeError
        If ``images`` does not have four axes.
    OperandError
        If ``rng`` is not a generator.
    ArgumentError
        If a label is not below ``classes``.

    Examples
    --------
    >>> images, shares = mixup(np.zeros((2, 1, 3, 3)), np.array([0, 2]), np.random.default_rng(0), classes=3)
    >>> shares.sum(axis=1)
    array([1., 1.], dtype=float32)
    """
    _check("mixup", images, rng)
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ArgumentError("mixup", "a label is not a class", expected=f"0 to {classes - 1}", got=labels.max())
    others = rng.permutation(len(images))
    share = rng.beta(alpha, alpha, len(images)).astype(np.float32)
    shares = np.zeros((len(images), classes), np.float32)
    np.add.at(shares, (np.arange(len(images)), labels), share)
    np.add.at(shares, (np.arange(len(images)), labels[others]), 1 - share)
    weight = share.astype(images.dtype)[:, None, None, None]
    return weight * images + (1 - weight) * images[others], shares


@composite
def random_shift(images: NDArray[Any], rng: np.random.Generator, pixels: Whole = 1) -> NDArray[Any]:
    """Shift each image by up to ``pixels`` in both directions; new pixels are 0.

    A digit that moves a little is still the same digit, so a network learns more from shifted images than
    from the originals alone.

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


def _sampled(images: NDArray[Any], rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels at ``rows`` and ``columns`` (N, H, W), which may be between pixels, or outside."""
    count, _, height, width = images.shape
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


def _check(where: str, images: NDArray[Any], rng: np.random.Generator) -> None:
    _check_images(where, images)
    if not isinstance(rng, np.random.Generator):
        raise OperandError(where, "rng is not a generator", expected="such as np.random.default_rng(0)", got=repr(rng))


def _check_images(where: str, images: NDArray[Any]) -> None:
    if np.ndim(images) != 4:
        raise ShapeError(where, "images have the wrong shape", expected="(N, C, H, W)", got=np.shape(images))
