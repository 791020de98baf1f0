"""The values of ``--data``: data sets known by name, and the user's folders and files."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from autograd_cnn.cli.models import ImageShape
from autograd_cnn.cli.options import UsageError, did_you_mean
from autograd_cnn.data import Dataset, cifar10, digits, fashion_mnist, from_csv, from_npz, image_folder, mnist


class Recipe(NamedTuple):
    """A recipe that works well on a data set."""

    model: str
    epochs: int
    batch_size: int


class Known(NamedTuple):
    """A data set with a name."""

    load: Callable[..., Dataset]
    """A function of the folder with its files and of ``download``."""
    image_shape: ImageShape
    recipe: Recipe


KNOWN: Final = {
    "digits": Known(lambda root, download: digits(), (1, 8, 8), Recipe("digits_net", 30, 32)),  # noqa: ARG005  # in the package
    "mnist": Known(mnist, (1, 28, 28), Recipe("lenet5", 5, 64)),
    "fashion-mnist": Known(fashion_mnist, (1, 28, 28), Recipe("lenet5", 10, 64)),
    "cifar10": Known(cifar10, (3, 32, 32), Recipe("small_vgg", 10, 64)),
}

FILES: Final = {".csv": from_csv, ".npz": from_npz, ".safetensors": from_npz}
"""Kinds of files, by their endings."""

OTHERS: Final = f"a folder of images, or a file that ends in {', '.join(FILES)}"


class Source(NamedTuple):
    """The values of ``--data``, ``--root``, ``--size`` and ``--stream``."""

    data: str
    root: Path | None
    size: int | None
    in_memory: bool


def check_source(source: Source) -> None:
    """Refuse options that contradict each other.

    Raises
    ------
    UsageError
        With a one-sentence message.
    """
    data, root, size, in_memory = source
    path = Path(data)
    if data in KNOWN:
        if data != "digits" and root is None:
            raise UsageError(f"--data {data} needs --root DIR, the folder with its files")
        if data == "digits" and root is not None:
            raise UsageError("--data digits takes no --root: the digits are in the package")
    elif not path.is_dir() and not (path.is_file() and path.suffix.lower() in FILES):
        hint = did_you_mean(data, KNOWN)
        got = f"{data!r}" if path.exists() else f"{data!r}, which is not there"
        raise UsageError(
            f"--data: expected one of {', '.join(KNOWN)}, {OTHERS}, got {got}" + (f"; {hint}" if hint else "")
        )
    elif root is not None:
        raise UsageError("--root goes with a data set that has a name; --data alone says where yours is")
    if size is not None and not path.is_dir():
        raise UsageError("--size goes with a folder of images")
    if not in_memory and not path.is_dir():
        raise UsageError("--stream goes with a folder of images")


def load_source(source: Source, channels: int | None = None, *, download: bool = False) -> Dataset:
    """Return the data set of options that `check_source` has accepted."""
    data, root, size, in_memory = source
    if data in KNOWN:
        return KNOWN[data].load(root or Path(), download=download)
    path = Path(data)
    if path.is_dir():
        return image_folder(path, size=size, channels=channels, in_memory=in_memory)
    return FILES[path.suffix.lower()](path)


def recipe_of(data: str, shape: ImageShape) -> Recipe:
    """Return a recipe for images of this shape; for data without a name a VGG, or a ResNet if a VGG can't take them.

    Examples
    --------
    >>> recipe_of("cats/", (3, 64, 48)).model
    'resnet20'
    """
    if data in KNOWN:
        return KNOWN[data].recipe
    square = shape[1] == shape[2] and shape[1] >= 8
    return Recipe("small_vgg" if square else "resnet20", 20, 32)
