"""Files that are written completely or not at all, and checks of paths."""

import errno
import os
import secrets
import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, TypeAlias

from autograd_cnn.errors import ArgumentError, OperandError

if sys.platform != "win32":
    import fcntl

AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]

DRAFTS: Final = ".autograd-cnn-*.draft"
"""The names of files while they are written. Only a killed process leaves one behind."""


def as_path(where: str, path: AnyPath, endings: Collection[str] = (), hint: str = "") -> Path:
    """Return ``path`` as a `Path`.

    Raises
    ------
    OperandError
        If it is not a path.
    ArgumentError
        If no file can have this name, or the name has none of the ``endings``, in either case; ``hint`` says what to do.

    Examples
    --------
    >>> as_path("load", b"weights.NPZ", [".npz", ".safetensors"]).name
    'weights.NPZ'
    """
    try:
        name = os.fsdecode(path)
    except TypeError:
        problem = "path is not understood"
        raise OperandError(where, problem, expected="a str or a path", got=type(path).__name__) from None
    if "\0" in name:
        raise ArgumentError(where, "a path can't have a zero byte in it", expected="a path", got=repr(name))
    found = Path(name)
    if endings and found.suffix.lower() not in endings:
        *first, last = endings
        expected = f"a name that ends in {', '.join(first)} or {last}" if first else f"a name that ends in {last}"
        raise ArgumentError(where, "unknown kind of file", expected=expected, got=repr(found.name), hint=hint)
    return found


@contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file that replaces ``path`` when the block ends without an error.

    If the block raises, ``path`` is unchanged, and nothing is left behind. If several processes write
    at once, the last one wins, with its complete file. An existing file keeps its mode, and a link
    keeps pointing to it. Pipes and devices can't be replaced, and are written to directly.

    Raises
    ------
    OSError
        If ``path`` can't be written; the error names ``path``, not a draft.

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
    with _naming(path, target):
        before = _status(target)
        if before is None or stat.S_ISREG(before.st_mode):
            _remove_orphans(target.parent)
            with _replacement(target, before) as file:
                yield file
        else:
            with target.open("wb") as file:
                yield file


def write(where: str, path: AnyPath, ending: str, text: str) -> Path:
    """Write a file whose name has to have this ending, and return its path."""
    target = as_path(where, path, [ending])
    with replacing(target) as file:
        file.write(text.encode())
    return target


@contextmanager
def _naming(path: str | Path, target: Path) -> Iterator[None]:
    """Make file system errors name ``path`` instead of its target, a draft, or nothing, as for a full disk."""
    try:
        yield
    except OSError as error:
        named = error.filename is not None and Path(error.filename)
        if error.errno is None or (named and named != target and not named.match(DRAFTS)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _status(target: Path) -> os.stat_result | None:
    """Return the status of a file if it may be written, or None if there is no such file."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if stat.S_ISREG(status.st_mode):
        with target.open("ab"):  # in a writable folder even a read-only file can be replaced
            pass
    return status


@contextmanager
def _replacement(target: Path, before: os.stat_result | None) -> Iterator[IO[bytes]]:
    """Open a new file with the permissions of the old one, and rename it after the block."""
    drafts: list[Path] = []  # the names are known before the files exist, so that an interrupt leaves none
    try:
        file = _new_draft(target.parent, 0o666 if before is None else stat.S_IMODE(before.st_mode), drafts)
        draft = drafts[-1]
        with file:
            if before is not None:
                _hand_over(draft, before)
            yield file
            file.flush()
            os.fsync(file.fileno())  # otherwise a power cut could leave the new name and no content
            if sys.platform != "win32":  # while it is locked
                draft.replace(target)
                _sync(target.parent)
        if sys.platform == "win32":  # which can't rename open files
            draft.replace(target)
    except BaseException:
        for each in drafts:
            with suppress(OSError):
                each.unlink()
        raise


def _new_draft(folder: Path, mode: int, drafts: list[Path]) -> IO[bytes]:
    """Make the last of ``drafts``, in the same folder: a file can be renamed in one step only within its file system.

    Its name does not contain the target's, which may already have the maximum length.
    """
    while True:
        draft = folder / DRAFTS.replace("*", secrets.token_hex(8))
        drafts.append(draft)
        file = open(draft, "xb", opener=lambda name, flags: os.open(name, flags, mode))  # noqa: SIM115  # the caller closes it
        try:
            ours = lock(file) and draft.exists()
        except BaseException:
            file.close()
            raise
        if ours:
            return file
        file.close()  # just taken for an orphan


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut, on file systems that support that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lock(file: IO[bytes] | int) -> bool:
    """Lock a file until it is closed or its process ends; return whether the lock was free."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            pass
    return True


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Try to lock ``folder``, so that one process at a time works in it, and yield whether that succeeded.

    The system releases the lock when the process ends, however it ends. So no stale lock is left.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name, locked(Path(name)) as mine:
    ...     with locked(Path(name)) as also_mine:
    ...         print(mine, also_mine)
    True False
    """
    if sys.platform == "win32":  # which opens no folder: a file in it, deleted when it is closed
        try:
            descriptor = os.open(folder / ".autograd-cnn.lock", os.O_CREAT | os.O_EXCL | os.O_TEMPORARY)
        except (FileExistsError, PermissionError):
            yield False
            return
    else:
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield lock(descriptor)
    finally:
        os.close(descriptor)


def _remove_orphans(folder: Path) -> None:
    """Remove drafts whose writers were killed; on Windows, where there are no locks, they stay."""
    if sys.platform != "win32":
        for draft in folder.glob(DRAFTS):
            with suppress(OSError), draft.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                draft.unlink()


def _hand_over(draft: Path, before: os.stat_result) -> None:
    """Give ``draft`` the owner and the mode of the old file, as far as permitted."""
    if sys.platform != "win32":
        now = draft.stat()
        if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
            with suppress(PermissionError):
                os.chown(draft, before.st_uid, before.st_gid)
    draft.chmod(stat.S_IMODE(before.st_mode))
