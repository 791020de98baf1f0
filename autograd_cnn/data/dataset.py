"""The interface of all datasets in this package."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import ArgumentError, GradientError, OperandError, ShapeError, counted
from autograd_cnn.parameters import Share, Whole, of_kind


class Images(Protocol):
    """Images that can be indexed like an array, but need not be one: ``images[indices]`` is (n, C, H, W)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the images."""

    def __len__(self) -> int:
        """The number of images."""

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        """Return the images of an index, a slice or an array of indices."""


class Split(NamedTuple):
    """Images with their labels.

    Attributes
    ----------
    images : (N, C, H, W), float32
        From 0 (no ink, no light) to 1: an array in memory, one mapped from a file, or `ImageFiles`.
    labels : (N,), int64
        The class of each image, from 0.
    """

    images: Images
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Training images and test images: ``train, test = dataset``.

    Attributes
    ----------
    train, test : Split
        They are disjoint.
    classes : tuple of str
        The name of each class; by default its number.

    Raises
    ------
    OperandError
        If a part is not a `Split`.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> ag.data.digits()
    Dataset(1,437 images (1, 8, 8) to train on, 360 to test on, 10 classes)
    """

    train: Split
    test: Split
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Give the classes default names."""
        for name in ("train", "test"):
            of_kind("Dataset", name, getattr(self, name), Split, "data.Split(images, labels)")
        if not self.classes:
            labels = [np.asarray(labels) for _, labels in (self.train, self.test)]
            count = max((int(each.max()) + 1 for each in labels if each.size), default=0)
            object.__setattr__(self, "classes", tuple(map(str, range(count))))

    def __repr__(self) -> str:
        (images, _), (tested, _) = self
        trained = f"{counted(len(images), 'image')} {np.shape(images)[1:]}"
        return f"Dataset({trained} to train on, {len(tested):,} to test on, {len(self.classes)} classes)"

    def __iter__(self) -> Iterator[Split]:
        """The two parts."""
        return iter((self.train, self.test))


def rows(where: str, name: str, values: Any, hint: str = "pass its .images and .labels") -> NDArray[Any]:
    """Return ``values`` as an array with an axis of examples; ``hint`` is for a `Split`.

    Raises
    ------
    OperandError
        If they are not one, such as a generator, or arrays of different shapes.

    Examples
    --------
    >>> rows("Loader", "images", [[1, 2], [3, 4]]).shape
    (2, 2)
    """
    hint = hint if hasattr(values, "_fields") else ""
    try:
        array = None if hint else np.asarray(values)
    except GradientError:
        raise
    except ValueError:  # rows of unequal lengths
        array = None
    if array is None or array.ndim == 0:
        expected = "one whose first axis counts the examples"
        raise OperandError(where, f"{name} are not an array", expected=expected, got=type(values).__name__, hint=hint)
    return array


@composite
def split(
    images: Images, labels: NDArray[Any], test: Share = 0.2, seed: Whole = 0, classes: tuple[str, ...] = ()
) -> Dataset:
    """Hold out a share of the images of each class for testing.

    Parameters
    ----------
    images : (N, C, H, W)
        From 0 to 1; divide bytes by 255.
    labels : (N,)
        The class of each image, an int from 0.
    test : float
        The share that is held out, at least one image of each class that has two.
    seed : int
        The same seed gives the same parts.
    classes : tuple of str
        Names of the classes.

    Raises
    ------
    ShapeError
        If the numbers of images and labels differ.
    OperandError
        If a label is not an int from 0, or images are not an array.
    ArgumentError
        If ``test`` is not a share, or the training or test part would be empty.

    Examples
    --------
    >>> dataset = split(np.zeros((10, 1, 8, 8), np.float32), np.arange(10) % 2, test=0.4)
    >>> dataset.train.labels.tolist(), dataset.test.labels.tolist()
    ([0, 1, 0, 1, 0, 1], [1, 0, 0, 1])
    """
    images, labels = images if hasattr(images, "shape") else rows("split", "images", images), np.asarray(labels)
    if labels.ndim != 1 or len(images) != len(labels):
        problem = "the numbers of images and labels differ"
        raise ShapeError("split", problem, expected=f"labels ({len(images)},)", got=labels.shape)
    if labels.dtype.kind not in "iu" or (labels.size and labels.min() < 0):
        got = labels.min() if labels.dtype.kind == "i" else labels.dtype
        raise OperandError("split", "a label is not a class", expected="ints from 0", got=got)
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        least = min(1, len(members) - 1) if test else 0
        held_out[members[: max(round(test * len(members)), least)]] = True
    if held_out.all() or not held_out.any():
        raise ArgumentError("split", "a part is empty", expected="images to learn from and images to test on",
                            got=f"{np.count_nonzero(~held_out)} and {np.count_nonzero(held_out)}")  # fmt: skip
    labels = labels.astype(np.int64, copy=False)
    learn, hold = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    return Dataset(Split(images[learn], labels[learn]), Split(images[hold], labels[hold]), classes)


TEN: Final = tuple(map(str, range(10)))
"""The names of ten classes of digits."""


def as_split(pixels: NDArray[np.uint8], labels: NDArray[np.uint8], brightest: int = 255) -> Split:
    """Scale ``pixels``, (N, C, H, W), from 0 … ``brightest`` to 0 … 1; the result is read-only.

    Examples
    --------
    >>> split = as_split(np.array([[[[0, 51, 255]]]], np.uint8), np.array([7], np.uint8))
    >>> split.images
    array([[[[0. , 0.2, 1. ]]]], dtype=float32)
    """
    images, classes = np.divide(pixels, brightest, dtype=np.float32), labels.astype(np.int64)
    for array in (images, classes):
        array.flags.writeable = False
    return Split(images, classes)
