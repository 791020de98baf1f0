"""NumPy's archive of named arrays: a zip file of ``.npy`` files.

NumPy's own reader allocates whatever a header asks for, and its writer can't store an array
named ``file``. So the zip file is handled here, and NumPy handles only the header of each array.
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
"""The end of an archive, before a comment; the fifth value is the number of entries."""

UNKNOWN: Final = 0xFFFF
"""The number of entries in an archive where it does not fit into the field."""

HEADERS: Final = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
LONGEST_HEADER: Final = 1 << 16
LONGEST_NAME: Final = (1 << 16) - 1 - len(".npy")

ENCRYPTED: Final = 1
"""The flag of an encrypted entry."""


def pack(arrays: dict[str, NDArray[Any]], stream: IO[bytes]) -> None:
    """Write the archive; the same arrays give the same bytes.

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
        archive.fp = None  # so that nothing is closed: it would complain about an entry that Ctrl-C left open
        raise


def unpack(stream: IO[bytes], size: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive of ``size`` bytes.

    Raises
    ------
    FormatError
        If it is not such an archive, or would unpack to more than the limit.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            _check(archive.infolist(), _count(archive, stream, size), size)
            return _arrays(archive)
    except FormatError:
        raise
    except OSError as error:
        if error.errno not in {None, errno.EINVAL}:  # EINVAL: a seek to a position that no file has
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
    """Return how many entries there should be: a flipped bit in one can hide those after it."""
    stream.seek(size - END.size - len(archive.comment))
    return END.unpack(stream.read(END.size))[4]


def _check(entries: list[zipfile.ZipInfo], count: int, size: int) -> None:
    """Raise `FormatError` if the entries can't be what they claim, or if an entry is of a kind that we do not read."""
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
    """Return the array of an entry, which must use all of its ``length`` bytes."""
    shape, in_columns, dtype, begin = _header(content.read(LONGEST_HEADER))
    if dtype.kind not in "biuf":
        raise FormatError(sentence("not an array of numbers", expected="bools, ints or floats", got=dtype))
    size = math.prod(shape) * dtype.itemsize
    if length - begin != size:
        raise FormatError(sentence("cut off", expected=f"{size} bytes for shape {shape}", got=length - begin))
    content.seek(begin)
    array = read_array(content, shape, dtype, in_columns=in_columns)
    content.read(1)  # reading past the last byte verifies the checksum
    return array


def _header(start: bytes) -> tuple[Shape, bool, np.dtype[Any], int]:
    """Return the shape, whether the numbers are in Fortran order, the dtype, and where the numbers start."""
    stream = io.BytesIO(start)
    shape, in_columns, dtype = HEADERS[npy.read_magic(stream)](stream)
    return shape, in_columns, dtype, stream.tell()
