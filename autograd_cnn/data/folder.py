"""Your own images: a folder with a subfolder for each class, read by Pillow."""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.data.dataset import Dataset, Split, split
from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import ArgumentError, FormatError, MissingDependencyError, sentence
from autograd_cnn.files import AnyPath, as_path
from autograd_cnn.parameters import Bool, Share, Whole, integer, pair

Size: TypeAlias = int | tuple[int, int] | None

ENDINGS: Final = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
TRAIN: Final = ("train", "training")
TEST: Final = ("test", "val", "valid", "validation")
GRAY: Final = ("1", "L", "LA", "I", "I;16", "F")
"""Pillow's modes of images without colours."""


@composite
def image_folder(
    root: AnyPath,
    *,
    size: Size = None,
    channels: int | None = None,
    test: Share = 0.2,
    seed: Whole = 0,
    in_memory: Bool = True,
) -> Dataset:
    """Read the images of a folder: ``root/cat/1.png``, ``root/dog/2.jpg``; each subfolder is a class.

    If there are ``root/train`` and ``root/test`` (or ``val``), these are the two parts, with the classes as subfolders.
    Otherwise a share of each class is held out; see `split`. Folders within a class are included; hidden files, and
    files without an image's extension, are not.

    Parameters
    ----------
    root : path
        The folder.
    size : int or pair, optional
        (H, W) to which every image is scaled and centre-cropped, keeping its proportions; an int means both. By default
        images are unchanged, and must have the same size.
    channels : int, optional
        1 for gray, 3 for red, green and blue; by default 1 if no image has colours.
    test : float
        The share that is held out.
    seed : int
        The same seed gives the same parts.
    in_memory : bool
        Whether to read all images now (N·C·H·W·4 bytes), or each when it is needed. In the second case the images
        are `ImageFiles`, which need not fit into memory; a `Loader` with ``workers`` reads ahead.

    Returns
    -------
    Dataset
        Images (N, C, H, W) in float32 from 0 to 1, labels (N,) in int64, and the names of the classes in
        alphabetical order.

    Raises
    ------
    MissingDependencyError
        If Pillow (extra ``images``) is not installed.
    FileNotFoundError
        If the folder does not exist.
    FormatError
        If a file is not an image, is damaged or has pixels other than integers of 8 or 16 bits, a class has no image,
        or sizes differ and ``size`` is not given. The message names the file.
    """
    root = as_path("image_folder", root)
    size = None if size is None else pair("image_folder", "size", size, 1)
    if channels is not None:
        _channels("image_folder", channels, [])
    if not root.is_dir():
        expected = "a folder with a subfolder for each class"
        raise FileNotFoundError(sentence("image_folder", "no such folder", expected=expected, got=str(root)))
    parts = [next((root / name for name in names if (root / name).is_dir()), None) for names in (TRAIN, TEST)]
    folders = [part for part in parts if part is not None] if all(parts) else [root]
    classes = _classes(folders[0])
    found = [_files(folder, classes) for folder in folders]
    paths = [path for part in found for path, _ in part]
    channels = _channels("image_folder", channels, paths)
    labels = [np.array([label for _, label in part]) for part in found]
    if len(found) == 1:
        drawn = split(np.arange(len(paths)), labels[0], test=test, seed=seed)
        found = [[found[0][i] for i in part.images[:]] for part in drawn]
        labels = [part.labels for part in drawn]
    files = [ImageFiles([path for path, _ in part], size=size, channels=channels) for part in found]
    if files[0].shape[1:] != files[1].shape[1:]:
        raise _unequal(files[0].paths[0], files[0].shape, files[1].paths[0], files[1].shape)
    train, held_out = (Split(part[:] if in_memory else part, each) for part, each in zip(files, labels, strict=True))
    return Dataset(train, held_out, classes)


class ImageFiles:
    """Images that are read on access: ``files[indices]`` is an array (n, C, H, W).

    Parameters
    ----------
    paths : sequence of paths
        The files, one or more.
    size, channels
        As for `image_folder`; without them the first image decides.

    Attributes
    ----------
    shape : tuple of int
        (N, C, H, W)
    dtype : dtype
        float32

    Raises
    ------
    FormatError
        If a file is not an image or is damaged, or sizes differ and ``size`` is not given; also on access.
    """

    dtype = np.dtype(np.float32)
    ndim = 4

    @composite
    def __init__(self, paths: Sequence[AnyPath], *, size: Size = None, channels: int | None = None) -> None:
        self.paths = [as_path("ImageFiles", path) for path in paths]
        if not self.paths:
            raise ArgumentError("ImageFiles", "paths are missing", expected="one or more", got=0)
        self.size = None if size is None else pair("ImageFiles", "size", size, 1)
        self.channels = _channels("ImageFiles", channels, self.paths[:1])
        self.shape = (len(self.paths), *_pixels(self.paths[0], self.size, self.channels).shape)

    def __len__(self) -> int:
        """The number of images."""
        return len(self.paths)

    def __getitem__(self, index: Any) -> NDArray[np.float32]:
        """Read the images of an index, a slice or an array of indices."""
        chosen = np.arange(len(self.paths))[index]
        images = np.empty((chosen.size, *self.shape[1:]), np.float32)
        for image, position in zip(images, chosen.flat, strict=True):
            pixels = _pixels(self.paths[position], self.size, self.channels)
            if pixels.shape != image.shape:
                raise _unequal(self.paths[0], self.shape, self.paths[position], (1, *pixels.shape))
            np.divide(pixels, 255, out=image)
        return images.reshape(chosen.shape + self.shape[1:])


@composite
def read_image(path: AnyPath, *, size: Size = None, channels: int | None = None) -> NDArray[np.float32]:
    """Read one image as (C, H, W), in float32 from 0 to 1; for ``size`` and ``channels`` see `image_folder`.

    A photograph is rotated according to its EXIF orientation. Transparency is ignored.

    Raises
    ------
    MissingDependencyError
        If Pillow (extra ``images``) is not installed.
    FormatError
        If the file is not an image, is damaged, has more pixels than Pillow considers safe, or pixels other than
        integers of 8 or 16 bits.
    OSError
        If the file does not exist or can't be read.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (6, 4), color=51).save(Path(folder, "gray.png"))
    ...     image = read_image(Path(folder, "gray.png"), size=2)
    >>> image
    array([[[0.2, 0.2],
            [0.2, 0.2]]], dtype=float32)
    """
    path = as_path("read_image", path)
    size = None if size is None else pair("read_image", "size", size, 1)
    pixels = _pixels(path, size, _channels("read_image", channels, [path]))
    return np.divide(pixels, 255, dtype=np.float32)


def _channels(where: str, channels: int | None, paths: Sequence[Path]) -> int:
    """Return the number of channels asked for, or else 3 if one of the images has colours."""
    if channels is None:
        return 3 if any(_has_colours(path) for path in paths) else 1
    if integer(where, "channels", channels) not in {1, 3}:
        raise ArgumentError(where, "channels is out of range", expected="1 or 3", got=channels)
    return channels


def _classes(folder: Path) -> tuple[str, ...]:
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(classes) < 2:
        expected = "two or more subfolders, one for each class"
        raise FormatError(str(folder), "not a folder of classes", expected=expected, got=len(classes))
    return tuple(classes)


def _files(folder: Path, classes: Sequence[str]) -> list[tuple[Path, int]]:
    """Return the images of a folder in the order of their names, each with its label."""
    if unknown := set(_classes(folder)) - set(classes):
        problem = "not a class to learn"
        raise FormatError(str(folder / min(unknown)), problem, expected=", ".join(classes), got=min(unknown))
    found = []
    for label, name in enumerate(classes):
        paths = sorted((folder / name).rglob("*")) if (folder / name).is_dir() else []
        images = [p for p in paths if p.suffix.lower() in ENDINGS and not p.name.startswith(".") and p.is_file()]
        if not images:
            expected = f"files that end in {', '.join(ENDINGS)}"
            raise FormatError(str(folder / name), "a class without images", expected=expected, got="none")
        found += [(path, label) for path in images]
    return found


def _unequal(first: Path, shape: Sequence[int], second: Path, other: Sequence[int]) -> FormatError:
    return FormatError(
        sentence(str(second), "not of the same size as the other images",
                 expected=f"{shape[2]}×{shape[3]} as {first}", got=f"{other[2]}×{other[3]}",
                 hint=f"scale all to one size, such as size={min(*shape[2:], *other[2:])} or --size {min(*shape[2:], *other[2:])}")
    )  # fmt: skip


def _has_colours(path: Path) -> bool:
    with _opened(path) as image:
        return image.mode not in GRAY


def _pixels(path: Path, size: tuple[int, int] | None, channels: int) -> NDArray[np.uint8]:
    """Return (C, H, W)."""
    with _opened(path) as image:
        from PIL import Image, ImageOps  # noqa: PLC0415  # an extra, loaded when first used

        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith(("I", "F")):  # Pillow would make everything above 255 white
            upright = Image.fromarray(_bytes_of(path, np.asarray(upright)))
        upright = upright.convert("L" if channels == 1 else "RGB")
        if size is not None and upright.size != size[::-1]:
            upright = ImageOps.fit(upright, size[::-1], Image.Resampling.BILINEAR)
        pixels = np.asarray(upright)  # (H, W) or (H, W, C)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _bytes_of(path: Path, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the upper bytes of 16-bit pixels."""
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" or low < 0 or high > 65535:
        problem = "its pixels have no known range"
        hint = "scale them to values from 0 to 1 yourself, and pass the arrays to data.split"
        got = f"{values.dtype} from {low:g} to {high:g}"
        raise FormatError(str(path), problem, expected="integers of 8 or 16 bits", got=got, hint=hint)
    return (values >> 8).astype(np.uint8)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open an image; errors and warnings of Pillow in the block name the file."""
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  # an extra, loaded when first used
    except ImportError as error:
        raise MissingDependencyError("reading images", "images") from error
    try:
        content = io.BytesIO(path.read_bytes())  # from a file, Pillow would allocate whatever size the file claims
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(content) as image:
                yield image
    except FormatError:
        raise
    except UnidentifiedImageError as error:
        raise FormatError(str(path), "not an image that Pillow can read") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        expected = f"at most {Image.MAX_IMAGE_PIXELS:,}"
        raise FormatError(str(path), "too many pixels", expected=expected, got="more") from error
    except OSError as error:
        if error.filename is not None or error.errno is not None:
            raise
        raise FormatError(str(path), "a damaged image", hint=str(error)) from error
    except (SyntaxError, ValueError, EOFError) as error:  # what Pillow's readers of different formats raise
        raise FormatError(str(path), "a damaged image", hint=str(error)) from error
