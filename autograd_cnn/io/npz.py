"""NumPy's archive of named arrays: a zip file of ``.npy`` files.

NumPy's own reader allocates whatever a header asks for, and its writer can't store an array
named ``file``; so the zip file is handled here, and NumPy's part is the header of each array.
"""

import errno
import io
import math
import struct
import zipfile
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from autograd_cnn.engine.node import Shape
from autograd_cnn.errors import ArgumentError, FormatError, sentence
from autograd_cnn.unpacking import DENSEST, check_room, read_array

END: Final = struct.Struct("<4s4H2LH")
"""What an archive ends with, before a comment; its fifth value is the number of entries."""

UNKNOWN: Final = 0xFFFF
"""The number where it does not fit there."""

HEADERS: Final = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
LONGEST_HEADER: Final = 1 << 16
LONGEST_NAME: Final = (1 << 16) - 1 - len(".npy")

ENCRYPTED: Final = 1
"""A flag of an entry."""


def pack(arrays: dict[str, NDArray[Any]], stream: IO[bytes]) -> None:
    """Write the archive, the same for the same arrays.

    Raises
    ------
    ArgumentError
        For a name that a zip file would change.
    """
    for name in arrays:
        if "\0" in name or len(name.encode()) > LONGEST_NAME:
            raise ArgumentError(
                sentence("save", "a zip file can't keep the name",
                         expected=f"at most {LONGEST_NAME} bytes, none of them 0", got=repr(name[:40]))
            )  # fmt: skip
    archive = zipfile.ZipFile(stream, "w")
    try:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=array.nbytes > 1 << 30) as entry:
                npy.write_array(entry, array, allow_pickle=False)
        archive.close()
    except BaseException:
        archive.fp = None  # nothing to close: it would complain of an entry that Ctrl-C has left open
        raise


def unpack(stream: IO[bytes], size: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive of ``size`` bytes.

    Raises
    ------
    FormatError
        If it is no such archive, or would unpack to more than there is room for.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            _check(archive.infolist(), _count(archive, stream, size), size)
            return _arrays(archive)
    except FormatError:
        raise
    except OSError as error:
        if error.errno not in {None, errno.EINVAL}:  # for a place that no file has
            raise
        raise FormatError(sentence("damaged, or not an .npz file")) from error
    except Exception as error:  # whatever Python's reader of zip files trips over
        raise FormatError(sentence("damaged, or not an .npz file")) from error


def _arrays(archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for entry in archive.infolist():
        name = entry.filename.removesuffix(".npy")
        if name in arrays:
            raise FormatError(sentence(f"two arrays have the name {name!r}"))
        with archive.open(entry) as content:
            arrays[name] = _array(content, entry.file_size)
    return arrays


def _count(archive: zipfile.ZipFile, stream: IO[bytes], size: int) -> int:
    """Return how many entries there should be: a flipped bit in one can hide those behind it."""
    stream.seek(size - END.size - len(archive.comment))
    return END.unpack(stream.read(END.size))[4]


def _check(entries: list[zipfile.ZipInfo], count: int, size: int) -> None:
    """Raise `FormatError` if the entries can't be what they say, or are more than we read."""
    if count not in {len(entries), UNKNOWN}:
        raise FormatError(sentence("damaged", "entries are missing"))
    for entry in entries:
        if entry.flag_bits & ENCRYPTED:
            raise FormatError(sentence("the archive is encrypted"))
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise FormatError(sentence("the archive is compressed in a way that NumPy does not use"))
        if entry.compress_size > size or entry.file_size > entry.compress_size * DENSEST:
            raise FormatError(sentence("an archive that promises more than it can hold"))
    check_room(sum(entry.file_size for entry in entries), size, "if you trust it, read it by dict(np.load(path))")


def _array(content: IO[bytes], length: int) -> NDArray[Any]:
    """Return the array of an entry, all of whose ``length`` bytes it has to need."""
    shape, in_columns, dtype, begin = _header(content.read(LONGEST_HEADER))
    if dtype.kind not in "biuf":
        raise FormatError(sentence("not an array of numbers", expected="bools, ints or floats", got=dtype))
    size = math.prod(shape) * dtype.itemsize
    if length - begin != size:
        raise FormatError(sentence("cut off", expected=f"{size} bytes for shape {shape}", got=length - begin))
    content.seek(begin)
    array = read_array(content, shape, dtype, in_columns=in_columns)
    content.read(1)  # behind the last byte the checksum is verified
    return array


def _header(start: bytes) -> tuple[Shape, bool, np.dtype[Any], int]:
    """Return shape, whether the numbers stand column by column, dtype, and where they begin."""
    stream = io.BytesIO(start)
    shape, in_columns, dtype = HEADERS[npy.read_magic(stream)](stream)
    return shape, in_columns, dtype, stream.tell()
