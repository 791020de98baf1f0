"""MNIST and Fashion-MNIST, from the IDX files in a local folder.

An IDX file starts with two zero bytes, one byte for the type and one for the number of axes. Then
come the length of each axis in four bytes, and the values, all big-endian (LeCun et al. 1998).
"""

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.data.dataset import TEN, Dataset, Split, as_split
from autograd_cnn.data.fetch import fetch
from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.files import AnyPath, as_path
from autograd_cnn.parameters import Bool
from autograd_cnn.unpacking import DENSEST, check_room, read_array

TYPES: Final = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES: Final = 8
STEMS: Final = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip
SOURCES: Final = {
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist", (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    )),
    "fashion_mnist": ("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion", (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    )),
}  # fmt: skip
"""The URLs of the files of ``STEMS``, with ``.gz``, and their SHA-256."""
CLOTHES: Final = (
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


@composite
def mnist(root: AnyPath, *, download: Bool = False) -> Dataset:
    """The 70,000 handwritten digits of 28×28 pixels by LeCun, Cortes and Burges (1998).

    Parameters
    ----------
    root : path
        The folder with ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, uncompressed or compressed with ``.gz``.
    download : bool
        Download missing files, 12 MB; see `fetch`.

    Returns
    -------
    Dataset
        Images (N, 1, 28, 28) in float32 from 0 to 1, labels (N,) in int64, all read-only.

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message says which one, and where to get it.
    FormatError
        If a file is damaged, or is not one of these files.
    ConnectionError
        If a file can't be fetched.
    """
    return _dataset("mnist", as_path("mnist", root), TEN, download)


@composite
def fashion_mnist(root: AnyPath, *, download: Bool = False) -> Dataset:
    """The 70,000 pictures of clothes of 28×28 pixels by Xiao, Rasul and Vollgraf (2017).

    Its files, 31 MB, have the same names as MNIST's, so they need their own folder. Parameters, result and errors are
    those of `mnist`.
    """
    return _dataset("fashion_mnist", as_path("fashion_mnist", root), CLOTHES, download)


@composite
def read_idx(path: AnyPath) -> NDArray[Any]:
    """Read the array in an IDX file, compressed if its name ends in ``.gz``.

    The header is checked against the size of the file before anything is read.

    Raises
    ------
    FormatError
        If the file does not match its header, or if it is compressed and unpacks to
        more than 256 MiB and more than 64 times its size.
    """
    path = as_path("read_idx", path)
    try:
        with _open(path) as (stream, size):
            return _array(stream, size, path.suffix.lower() == ".gz")
    except FormatError as error:
        raise FormatError(str(path), str(error)) from error


@contextmanager
def _open(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """Yield a stream of the file's bytes, unpacked, and the file's size."""
    size = path.stat().st_size
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            yield cast("IO[bytes]", stream), size
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FormatError("damaged gzip file", hint="fetch it again") from error


def _array(stream: IO[bytes], size: int, packed: bool) -> NDArray[Any]:
    shape, dtype = _header(stream)
    length, most = math.prod(shape) * dtype.itemsize, size * DENSEST if packed else size
    if length > most:
        raise FormatError("cut off", expected=f"{length} bytes for shape {shape}", got=f"at most {most}")
    if packed:
        check_room(length, size, "unpack it yourself if you trust it")
    array = read_array(stream, shape, dtype)
    if stream.read(1):
        raise FormatError("wrong length", expected=f"{length} bytes for shape {shape}", got="more")
    return array


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not 1 <= magic[3] <= MOST_AXES:
        raise FormatError("not an IDX file", expected="two zeros, a type and 1 to 8 axes", got=magic)
    lengths = stream.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise FormatError("cut off", expected=f"the lengths of {magic[3]} axes", got=f"{len(lengths)} bytes")
    shape = tuple(np.frombuffer(lengths, ">u4").tolist())
    if 0 in shape:
        raise FormatError("holds nothing", expected="lengths of at least 1", got=shape)
    return shape, np.dtype(TYPES[magic[2]])


def _dataset(name: str, root: Path, classes: tuple[str, ...], download: bool) -> Dataset:
    source, checksums = SOURCES[name]
    paths = {}
    for stem, sha256 in zip(STEMS, checksums, strict=True):
        found = next((path for path in (root / stem, root / f"{stem}.gz") if path.is_file()), None)
        if found is None and download:
            found = fetch(f"{source}/{stem}.gz", root / f"{stem}.gz", sha256=sha256)
        if found is None:
            expected = f"{stem} or {stem}.gz in {root}"
            hint = f"download=True or --download fetches it; or put the four files of {source} there"
            raise FileNotFoundError(sentence(name, "file not found", expected=expected, got="neither", hint=hint))
        paths[stem] = found
    images, labels, test_images, test_labels = paths.values()
    return Dataset(_split(images, labels), _split(test_images, test_labels), classes)


def _split(images_path: Path, labels_path: Path) -> Split:
    images, labels = read_idx(images_path), read_idx(labels_path)
    for path, array, kind, fits in (
        (images_path, images, "images (N, 28, 28) of uint8", images.shape[1:] == (28, 28)),
        (labels_path, labels, "labels (N,) of uint8", labels.ndim == 1),
    ):
        if not fits or array.dtype != np.uint8:
            raise FormatError(str(path), "not of this data set", expected=kind, got=f"{array.shape} of {array.dtype}")
    if len(images) != len(labels):
        raise FormatError(str(labels_path), "labels do not fit the images", expected=len(images), got=len(labels))
    if labels.max() > 9:
        raise FormatError(str(labels_path), "label out of range", expected="0 to 9", got=labels.max())
    return as_split(images[:, None], labels)
