"""Datasets in one file: arrays in ``.npz``, or a table of pixels in ``.csv``."""

import math
import re
import warnings
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.data.dataset import Dataset, Split, split
from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import FormatError
from autograd_cnn.files import AnyPath, as_path
from autograd_cnn.io import load
from autograd_cnn.parameters import Share, Whole

NAMES: Final = (("images", "labels", "test_images", "test_labels"), ("x_train", "y_train", "x_test", "y_test"))
"""The names of the arrays in a file: ours, and Keras's. The last two may be missing."""

_WORD: Final = re.compile(r"could not convert string (?P<text>.*) to \w+ at row \d+, column (?P<column>\d+)", re.DOTALL)
"""NumPy's error for text among numbers."""

LAST: Final = (1 << 16) - 1
"""The largest label: each class up to the largest label gets a name."""


@composite
def from_npz(path: AnyPath, *, test: Share = 0.2, seed: Whole = 0) -> Dataset:
    """Read a dataset from an ``.npz`` or ``.safetensors`` file.

    Parameters
    ----------
    path : path
        With the arrays ``images`` and ``labels`` (or ``x_train`` and ``y_train``), and ``test_images`` and
        ``test_labels`` (or ``x_test`` and ``y_test``) if it is already split. Images are (N, H, W), (N, C, H, W), or
        (N, H, W, C) with 1 or 3 channels last; bytes are divided by 255, floats are unchanged.
    test, seed
        The share that is held out if the file has no test part, and the seed that draws it; see `split`.

    Raises
    ------
    FormatError
        If the file is damaged, an array is missing, or shapes or types are wrong.
    OSError
        If the file does not exist or can't be read.

    Examples
    --------
    >>> import tempfile
    >>> import autograd_cnn as ag
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/set.npz", images=np.zeros((10, 8, 8), np.uint8), labels=np.arange(10) % 2)
    ...     dataset = ag.data.from_npz(f"{folder}/set.npz")
    >>> dataset.train.images.shape, dataset.test.images.shape
    ((8, 1, 8, 8), (2, 1, 8, 8))
    """
    path = as_path("from_npz", path)
    arrays = load(path)
    names = next((each for each in NAMES if set(each[:2]) <= arrays.keys()), None)
    if names is None:
        expected = " or ".join(f"{images} and {labels}" for images, labels, *_ in NAMES)
        raise FormatError(str(path), "not a dataset", expected=expected, got=", ".join(arrays) or "nothing")
    train = _as_split(str(path), arrays, *names[:2])
    if not set(names[2:]) <= arrays.keys():
        return split(*train, test=test, seed=seed)
    held_out = _as_split(str(path), arrays, *names[2:])
    if train.images.shape[1:] != held_out.images.shape[1:]:
        problem = f"{names[2]} are of another shape"
        raise FormatError(str(path), problem, expected=f"(N, *{train.images.shape[1:]})", got=held_out.images.shape)
    return Dataset(train, held_out)


@composite
def from_csv(path: AnyPath, *, test: Share = 0.2, seed: Whole = 0) -> Dataset:
    r"""Read a dataset from a table of numbers, one square gray image per line: its label, then its pixels, row by row.

    A header line is skipped. A label is a class number, from 0. Pixels go from 0 to 255, as in the usual MNIST tables.

    Raises
    ------
    FormatError
        If a line does not have such numbers, or the number of pixels is not a square.
    OSError
        If the file does not exist or can't be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "set.csv")
    ...     _ = path.write_text("label,p0,p1,p2,p3\n" + "0,0,0,255,255\n1,255,255,0,0\n" * 2)
    ...     train, test = from_csv(path, test=0.5)
    >>> train.images.shape, train.labels
    ((2, 1, 2, 2), array([0, 1]))
    """
    path = as_path("from_csv", path)
    with path.open("rb") as file:
        first = file.readline().decode(errors="replace").strip()
    has_names = any(character.isalpha() for character in first)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # of an empty file
            table = np.loadtxt(path, np.float32, delimiter=",", skiprows=int(has_names), ndmin=2)
    except (ValueError, UserWarning) as error:
        if word := _WORD.match(str(error)):
            column = int(word["column"])
            name = "".join(f" ({name})" for name in first.split(",")[column - 1 : column] if has_names)
            what, last = ("the label", LAST) if column == 1 else ("a pixel", 255)
            problem = f"{what} in column {column}{name} is not a number"
            raise FormatError(str(path), problem, expected=f"0 to {last}", got=word["text"]) from error
        raise FormatError(str(path), "not a table of numbers", hint=str(error).partition(";")[0]) from error
    side = math.isqrt(table.shape[1] - 1)
    if side < 1 or side * side != table.shape[1] - 1:
        expected = "a label and H·H pixels in each line"
        raise FormatError(str(path), "not a table of square images", expected=expected, got=f"{table.shape[1]} numbers")
    labels, pixels = table[:, 0], table[:, 1:]
    whole = (labels >= 0) & (labels <= LAST) & (labels == np.trunc(labels))
    if not whole.all():
        expected = f"a whole number from 0 to {LAST}"
        raise FormatError(str(path), "a label is not a class", expected=expected, got=f"{labels[~whole][0]:g}")
    fits = (pixels >= 0) & (pixels <= 255)
    if not fits.all():
        raise FormatError(str(path), "a pixel is out of range", expected="0 to 255", got=pixels[~fits][0])
    images = (pixels / np.float32(255)).reshape(-1, 1, side, side)
    return split(images, labels.astype(np.int64), test=test, seed=seed)


def _as_split(path: str, arrays: Mapping[str, NDArray[Any]], name: str, name_of_labels: str) -> Split:
    """Return two of the arrays: images as (N, C, H, W) in float32, and labels as int64."""
    images, labels = arrays[name], arrays[name_of_labels]
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[3] in {1, 3} and images.shape[1] not in {1, 3}:
        images = np.moveaxis(images, 3, 1)
    if images.ndim != 4 or labels.shape != images.shape[:1]:
        problem = "not images with their labels"
        expected = "images (N, C, H, W) and labels (N,)"
        raise FormatError(path, problem, expected=expected, got=f"{images.shape} and {labels.shape}")
    if labels.dtype.kind not in "iu":
        problem = f"{name_of_labels} are not class numbers"
        raise FormatError(path, problem, expected=f"ints from 0 to {LAST}", got=labels.dtype)
    wrong = (labels < 0) | (labels > LAST)
    if wrong.any():
        raise FormatError(path, f"{name_of_labels} are not class numbers", expected=f"ints from 0 to {LAST}",
                          got=labels[wrong][0])  # fmt: skip
    if images.dtype == np.uint8:
        images = np.divide(images, 255, dtype=np.float32)
    elif images.dtype.kind != "f" or not np.isfinite(images).all():
        raise FormatError(path, f"{name} are not understood", expected="uint8 or finite floats", got=images.dtype)
    return Split(np.ascontiguousarray(images, np.float32), labels.astype(np.int64))
