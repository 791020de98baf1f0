"""Zip files whose declared sizes are checked before anything is unpacked."""

import errno
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.unpacking import DENSEST, check_room

END: Final = struct.Struct("<4s4H2LH")
"""The end of an archive, before a comment; the fifth value is the number of entries."""

UNKNOWN: Final = 0xFFFF
"""The field's value if the number of entries does not fit into it."""

ENCRYPTED: Final = 1
"""The flag of an encrypted entry."""


@contextmanager
def opened(stream: IO[bytes], size: int, kind: str, hint: str = "") -> Iterator[zipfile.ZipFile]:
    """Open an archive of ``size`` bytes; ``kind`` is what it should be, ``hint`` what to do if it unpacks to too much.

    Raises
    ------
    FormatError
        If it is not an archive, would unpack to more than the limit, or turns out to be damaged in the block.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            _check(archive.infolist(), _count(archive, stream, size), size, hint)
            yield archive
    except FormatError:
        raise
    except OSError as error:
        if error.errno not in {None, errno.EINVAL}:  # EINVAL: a seek to an impossible position
            raise
        raise FormatError(sentence(f"damaged, or not {kind}")) from error
    except Exception as error:  # whatever zipfile trips over
        raise FormatError(sentence(f"damaged, or not {kind}")) from error


def _count(archive: zipfile.ZipFile, stream: IO[bytes], size: int) -> int:
    """Return the expected number of entries: a flipped bit in one can hide those after it."""
    stream.seek(size - END.size - len(archive.comment))
    return int(END.unpack(stream.read(END.size))[4])


def _check(entries: list[zipfile.ZipInfo], count: int, size: int, hint: str) -> None:
    """Raise `FormatError` if entries are inconsistent, or of a kind that we do not read."""
    if count not in {len(entries), UNKNOWN}:
        raise FormatError("damaged", "entries are missing")
    for entry in entries:
        if entry.flag_bits & ENCRYPTED:
            raise FormatError("the archive is encrypted")
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise FormatError("the archive is compressed in a way that is not read", expected="stored or deflated",
                              got=f"method {entry.compress_type}")  # fmt: skip
        if entry.compress_size > size or entry.file_size > entry.compress_size * DENSEST:
            raise FormatError("an archive that claims more than it can hold")
    check_room(sum(entry.file_size for entry in entries), size, hint)
