"""NumPy's archive of named arrays: a zip file of ``.npy`` files.

NumPy's own reader allocates whatever a header asks for, and its writer can't store an array
named ``file``; so the zip file is handled here, and NumPy's part is the header of each array.
"""

import io
import math
import struct
import tokenize
import zipfile
import zlib
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from autograd_cnn.errors import FormatError, sentence

DENSEST: Final = 1032
"""No byte of a deflate stream stands for more bytes than this."""

HEADERS: Final = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}

DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, EOFError, KeyError, MemoryError, OSError,
    NotImplementedError, OverflowError, RecursionError, RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip
"""What Python's readers of zip files and of headers raise on bytes that are none."""


def pack(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return the archive as bytes, the same for the same arrays."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as entry:
                npy.write_array(entry, array, allow_pickle=False)
    return stream.getvalue()


def unpack(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive.

    Raises
    ------
    FormatError
        If the content is no such archive, or could unpack to more than it has room for.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = _modest(archive.infolist(), len(content) * DENSEST)
            return {entry.filename.removesuffix(".npy"): _array(archive.read(entry)) for entry in entries}
    except FormatError:
        raise
    except DAMAGE as error:
        raise FormatError(sentence("damaged, or no .npz file")) from error


def _modest(entries: list[zipfile.ZipInfo], most: int) -> list[zipfile.ZipInfo]:
    """Return ``entries`` if they can't unpack to more than ``most`` bytes."""
    plain = all(entry.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for entry in entries)
    if not plain or sum(entry.file_size for entry in entries) > most:
        raise FormatError(sentence("an archive that promises more than it can hold"))
    return entries


def _array(content: bytes) -> NDArray[Any]:
    stream = io.BytesIO(content)
    shape, in_columns, dtype = HEADERS[npy.read_magic(stream)](stream)
    if dtype.kind not in "biuf":
        raise FormatError(sentence("not an array of numbers", expected="bools, ints or floats", got=dtype))
    values = content[stream.tell() :]
    size = math.prod(shape) * dtype.itemsize
    if len(values) != size:
        raise FormatError(sentence("cut off", expected=f"{size} bytes for shape {shape}", got=len(values)))
    array = np.frombuffer(values, dtype).reshape(shape, order="F" if in_columns else "C")
    return array.astype(dtype.newbyteorder("="), order="C")
