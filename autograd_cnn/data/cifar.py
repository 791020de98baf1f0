"""CIFAR-10, from the files of its binary or its Python version in a local folder, unpacked or as archives.

A file of the binary version is a sequence of records: one byte for the label, then 1,024 bytes each for red, green and
blue (Krizhevsky 2009). A file of the Python version is a pickled dict; `pickled` reads it without running it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.data.dataset import Dataset, Split, as_split
from autograd_cnn.data.fetch import fetch
from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.files import AnyPath, as_path
from autograd_cnn.io import pickles
from autograd_cnn.parameters import Bool

PIXELS: Final = 3 * 32 * 32
FILES: Final = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
"""The last one is the test set."""
LARGEST: Final = 64 << 20
"""The maximum size in bytes of a file in an archive; each has 31 MB."""
SOURCE: Final = "https://www.cs.toronto.edu/~kriz"
SHA256: Final = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
"""Of the binary version."""
CLASSES: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@composite
def cifar10(root: AnyPath, *, download: Bool = False) -> Dataset:
    """The 60,000 colour photographs of 32×32 pixels by Krizhevsky (2009), in ten classes.

    Parameters
    ----------
    root : path
        The folder with ``cifar-10-binary.tar.gz`` or ``cifar-10-python.tar.gz``, or with the contents of one of them.
    download : bool
        Download the first of them, 170 MB, if neither is there; see `fetch`.

    Returns
    -------
    Dataset
        Images (N, 3, 32, 32) in float32 from 0 to 1, labels (N,) in int64, all read-only.

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message says which one, and where to get it.
    FormatError
        If a file is damaged, or is not one of these files.
    ConnectionError
        If it can't be fetched.
    """
    root = as_path("cifar10", root)
    if download and _found(root) is None:
        fetch(f"{SOURCE}/{VERSIONS[0].archive}", root / VERSIONS[0].archive, sha256=SHA256)
    version, source = _found(root) or (VERSIONS[0], root)
    contents = _unpacked(source, version) if source.is_file() else _in_folder(source, version)
    batches = []
    for name, content in contents.items():
        try:
            batches.append(version.read(content))
        except FormatError as error:
            raise FormatError(str(source / name), str(error)) from error
    return Dataset(_split(batches[:-1]), _split(batches[-1:]), CLASSES)


class _Version(NamedTuple):
    """A published version of the files."""

    archive: str
    folder: str
    ending: str
    read: Callable[[bytes], NDArray[np.uint8]]
    """Converts the bytes of a file to records (N, 1 + 3072), label first."""

    @property
    def names(self) -> list[str]:
        return [name + self.ending for name in FILES]


def _found(root: Path) -> tuple[_Version, Path] | None:
    """Return the version found, and its folder or archive."""
    for version in VERSIONS:
        for folder in (root / version.folder, root):
            if any((folder / name).is_file() for name in version.names):
                return version, folder
        if (root / version.archive).is_file():
            return version, root / version.archive
    return None


def _in_folder(folder: Path, version: _Version) -> dict[str, bytes]:
    for name in version.names:
        if not (folder / name).is_file():
            raise FileNotFoundError(
                sentence("cifar10", "file not found", expected=f"{name} in {folder}", got="none",
                         hint=f"download=True or --download fetches it; or put {' or '.join(v.archive for v in VERSIONS)} of "
                         f"{SOURCE}/cifar.html there")
            )  # fmt: skip
    return {name: (folder / name).read_bytes() for name in version.names}


def _unpacked(path: Path, version: _Version) -> dict[str, bytes]:
    """Read the files in an archive; nothing is written, so malicious names do no harm."""
    import tarfile  # noqa: PLC0415  # takes long to load
    import zlib  # noqa: PLC0415

    found = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if name in version.names and member.isfile() and member.size <= LARGEST:
                    found[name] = archive.extractfile(member).read()  # type: ignore[union-attr]  # never None for a file
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise FormatError(str(path), "a damaged archive", hint="fetch it again") from error
    if missing := [name for name in version.names if name not in found]:
        raise FormatError(str(path), "not this archive", expected=", ".join(version.names), got=f"no file {missing[0]}")
    return {name: found[name] for name in version.names}


def _split(batches: list[NDArray[np.uint8]]) -> Split:
    records = np.concatenate(batches)
    return as_split(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0])


class _Array:
    """What NumPy's ``_reconstruct`` would make, before it is filled."""

    values: Any = None

    def build(self, state: Any) -> None:
        """Store the shape, the order and the bytes."""
        _, shape, _, in_columns, values = state
        numbers = np.frombuffer(values.encode("latin-1"), np.uint8)
        self.values = numbers.reshape(shape, order="F" if in_columns else "C")


class _Bytes:
    """NumPy's dtype of bytes, whose state adds nothing."""

    def __init__(self, code: str, *_: Any) -> None:
        if code != "u1":
            raise FormatError("not an array of bytes", expected="u1", got=code)

    def build(self, state: Any) -> None:
        """Ignore the state."""


PICKLED: Final = {
    "numpy.core.multiarray._reconstruct": lambda *_: _Array(),
    "numpy.ndarray": None,
    "numpy.dtype": _Bytes,
}


def read_pickle(data: bytes) -> dict[str, Any]:
    r"""Return the dict in a pickle of Python 2; its arrays are read-only, of uint8.

    Raises
    ------
    FormatError
        If it is anything else, or would call any function.

    Examples
    --------
    >>> read_pickle(b"\x80\x02}q\x01U\x06labelsq\x02]q\x03(K\x06K\x09es.")
    {'labels': [6, 9]}
    """
    found = pickles.read(data, PICKLED)
    if not isinstance(found, dict):
        raise FormatError("not a pickle as CIFAR's Python version has them", expected="a dict",
                          got=type(found).__name__)  # fmt: skip
    return {name: value.values if isinstance(value, _Array) else value for name, value in found.items()}


def _binary(content: bytes) -> NDArray[np.uint8]:
    size = 1 + PIXELS
    if not content or len(content) % size:
        raise FormatError("wrong length", expected=f"whole records of {size} bytes", got=f"{len(content)} bytes")
    return _in_range(np.frombuffer(content, np.uint8).reshape(-1, size))


def _python(content: bytes) -> NDArray[np.uint8]:
    batch = read_pickle(content)
    labels, pixels = batch.get("labels"), batch.get("data")
    if (
        not isinstance(labels, list)
        or not all(type(label) is int and 0 <= label < 256 for label in labels)
        or not isinstance(pixels, np.ndarray)
        or pixels.shape != (len(labels), PIXELS)
        or not labels
    ):
        raise FormatError("not a batch of images", expected=f"labels (N,) and data (N, {PIXELS})",
                          got=_kind(labels) + " and " + _kind(pixels))  # fmt: skip
    return _in_range(np.column_stack([np.array(labels, np.uint8), pixels]))


def _kind(value: Any) -> str:
    return str(value.shape) if isinstance(value, np.ndarray) else type(value).__name__


def _in_range(records: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if records[:, 0].max() > 9:
        raise FormatError("label out of range", expected="0 to 9", got=records[:, 0].max())
    return records


VERSIONS: Final = (
    _Version("cifar-10-binary.tar.gz", "cifar-10-batches-bin", ".bin", _binary),
    _Version("cifar-10-python.tar.gz", "cifar-10-batches-py", "", _python),
)
