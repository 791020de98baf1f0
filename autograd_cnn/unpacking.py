"""Arrays filled from files without a second copy in memory; and limits on how much a small file may unpack to."""

from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.errors import FormatError, sentence

ROOM: Final = 256 << 20
"""The number of bytes to which any file may unpack: zeros, for example, compress to almost nothing."""

RATIO: Final = 64
"""The maximum ratio beyond that. Weights hardly compress to a half."""

DENSEST: Final = 1032
"""The maximum compression ratio of a deflate stream."""

PIECE: Final = 1 << 20
"""The number of bytes read at a time: a decompressor holds as many again."""


def check_room(unpacked: int, size: int, hint: str = "") -> None:
    """Raise `FormatError` if a file of ``size`` bytes unpacks to more than `ROOM` and more than `RATIO` times its size.

    Examples
    --------
    >>> check_room(10**9, 10**6)
    Traceback (most recent call last):
    autograd_cnn.errors.FormatError: unpacks to suspiciously many bytes: expected at most 268435456 bytes from a file of 1000000, got 1000000000
    """
    most = max(ROOM, RATIO * size)
    if unpacked > most:
        expected = f"at most {most} bytes from a file of {size}"
        raise FormatError("unpacks to suspiciously many bytes", expected=expected, got=unpacked, hint=hint)


def read_array(
    stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any], *, in_columns: bool = False
) -> NDArray[Any]:
    """Return the next array of the stream, in C order and native byte order.

    Raises
    ------
    FormatError
        If no array can have the shape, the stream ends too early, or a bool is neither 0 nor 1.

    Examples
    --------
    >>> import io
    >>> read_array(io.BytesIO(bytes([0, 1, 0, 2])), (2,), np.dtype(">i2"))
    array([1, 2], dtype=int16)
    """
    try:
        array = np.empty(shape, dtype, order="F" if in_columns else "C")
    except (ValueError, OverflowError, MemoryError) as error:
        raise FormatError(sentence(f"no array can have the shape {shape}")) from error
    values = array.reshape(-1, order="A").view(np.uint8)
    offset = 0
    while offset < len(values):
        count = stream.readinto(values[offset : offset + PIECE].data)  # type: ignore[attr-defined]  # every binary stream has it
        if not count:
            raise FormatError("cut off", expected=f"{len(values)} bytes for shape {shape}", got=offset)
        offset += count
    if dtype.kind == "b" and values.max(initial=0) > 1:
        raise FormatError("a bool is neither 0 nor 1", expected="0 or 1", got=values.max())
    return array.astype(dtype.newbyteorder("="), order="C", copy=False)
