"""Files that are written whole or not at all."""

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

DRAFTS: Final = ".autograd-cnn-*.draft"
"""What files are called while they are written. Only a process that is killed leaves one behind."""


@contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of ``path`` when the block ends well.

    If the block raises, ``path`` is what it was before, and nothing is left behind. Where several
    write at a time, the last one wins, whole. A file that was there keeps its mode, and a link goes
    on leading to it. Pipes and devices can't be replaced and are written to as they are.

    Raises
    ------
    OSError
        If ``path`` can't be written; it names ``path`` and no draft.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "notes.txt"
    ...     with replacing(path) as file:
    ...         _ = file.write(b"all of it")
    ...     path.read_text()
    'all of it'
    """
    target = Path(os.path.realpath(path))
    # In the same folder, because a file can be renamed in one step only within its file system. The
    # name has a length of its own, since that of the target may be as long as names can be.
    draft = target.with_name(DRAFTS.replace("*", secrets.token_hex(8)))
    with _naming(path, target, draft):
        before = _status(target)
        if before is None or stat.S_ISREG(before.st_mode):
            with _replacement(draft, target, before) as file:
                yield file
            _sync(target.parent)
        else:
            with target.open("wb") as file:
                yield file


@contextmanager
def _naming(path: str | Path, *stand_ins: Path) -> Iterator[None]:
    """Let errors of the file system that name a stand-in or nothing, such as a full disk, name ``path``."""
    try:
        yield
    except OSError as error:
        named = error.filename is not None and Path(error.filename) not in stand_ins
        if named or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _status(target: Path) -> os.stat_result | None:
    """Return what is known of a file that may be written, or None if there is none."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if stat.S_ISREG(status.st_mode):
        with target.open("ab"):  # a folder that can be written lets go even of a file that can't
            pass
    return status


@contextmanager
def _replacement(draft: Path, target: Path, before: os.stat_result | None) -> Iterator[IO[bytes]]:
    """Open a new file, which those may read who may read the old one, and rename it after the block."""
    mode = 0o666 if before is None else stat.S_IMODE(before.st_mode)
    try:
        with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            if before is not None:
                _hand_over(draft, before)
            yield file
            file.flush()
            os.fsync(file.fileno())  # otherwise the name could outlive a power cut, and the content not
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _hand_over(draft: Path, before: os.stat_result) -> None:
    """Give ``draft`` the owner and the mode of the old file, as far as we may."""
    if sys.platform != "win32":
        now = draft.stat()
        if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
            with suppress(PermissionError):
                os.chown(draft, before.st_uid, before.st_gid)
    draft.chmod(stat.S_IMODE(before.st_mode))


def _sync(folder: Path) -> None:
    """Let the new name outlive a power cut, too, where folders can be opened and the file system can do it."""
    if sys.platform != "win32":
        with suppress(OSError):
            opened = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)
