"""NumPy's archive of named arrays: a zip file of ``.npy`` files.

NumPy's own reader allocates whatever a header asks for, and its writer can't store an array
named ``file``. So the zip file is handled here, and NumPy handles only the header of each array.
"""

import io
import math
import zipfile
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from autograd_cnn.engine.node import Shape
from autograd_cnn.errors import ArgumentError, FormatError, sentence
from autograd_cnn.io.archive import opened
from autograd_cnn.unpacking import read_array

HEADERS: Final = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
LONGEST_HEADER: Final = 1 << 16
LONGEST_NAME: Final = (1 << 16) - 1 - len(".npy")


def pack(arrays: dict[str, NDArray[Any]], stream: IO[bytes]) -> None:
    """Write the archive; the same arrays give the same bytes.

    Raises
    ------
    ArgumentError
        If a zip file would change a name.
    """
    for name in arrays:
        if "\0" in name or len(name.encode()) > LONGEST_NAME:
            expected = f"at most {LONGEST_NAME} bytes, none of them 0"
            raise ArgumentError("save", "a zip file can't keep the name", expected=expected, got=repr(name[:40]))
    archive = zipfile.ZipFile(stream, "w")
    try:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=array.nbytes > 1 << 30) as entry:
                npy.write_array(entry, array, allow_pickle=False)
        archive.close()
    except BaseException:
        archive.fp = None  # prevents closing, which would complain about an entry left open by Ctrl-C
        raise


def unpack(stream: IO[bytes], size: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive of ``size`` bytes.

    Raises
    ------
    FormatError
        If it is not such an archive, or would unpack to more than the limit.
    """
    with opened(stream, size, "an .npz file", "if you trust it, read it by dict(np.load(path))") as archive:
        return _arrays(archive)


def _arrays(archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for entry in archive.infolist():
        name = entry.filename.removesuffix(".npy")
        if name in arrays:
            raise FormatError(sentence(f"two arrays have the name {name!r}"))
        with archive.open(entry) as content:
            arrays[name] = _array(content, name, entry.file_size)
    return arrays


def _array(content: IO[bytes], name: str, length: int) -> NDArray[Any]:
    """Return the array of an entry, which must use all of its ``length`` bytes."""
    shape, in_columns, dtype, begin = _header(content.read(LONGEST_HEADER))
    if dtype.kind not in "biuf":
        raise FormatError(f"{name!r} is not an array of numbers", expected="bools, ints or floats", got=dtype)
    size = math.prod(shape) * dtype.itemsize
    if length - begin != size:
        raise FormatError("cut off", expected=f"{size} bytes for shape {shape}", got=length - begin)
    content.seek(begin)
    array = read_array(content, shape, dtype, in_columns=in_columns)
    content.read(1)  # reading past the last byte verifies the checksum
    return array


def _header(start: bytes) -> tuple[Shape, bool, np.dtype[Any], int]:
    """Return the shape, whether the data is in Fortran order, the dtype, and the offset of the data."""
    stream = io.BytesIO(start)
    shape, in_columns, dtype = HEADERS[npy.read_magic(stream)](stream)
    return shape, in_columns, dtype, stream.tell()
