"""A lock on a folder, so that one process at a time works in it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":

    def _lock(folder: Path) -> int | None:
        """Return the descriptor of a file that is deleted when it is closed, or None if it exists already."""
        try:
            return os.open(folder / ".autograd-cnn.lock", os.O_CREAT | os.O_EXCL | os.O_TEMPORARY)
        except (FileExistsError, PermissionError):
            return None

else:
    import fcntl

    def _lock(folder: Path) -> int | None:
        """Return the descriptor of the folder, locked, or None if another has locked it."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:  # without locks in the file system, everybody may enter
            pass
        return descriptor


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Try to lock ``folder``, and yield whether that succeeded.

    The system releases the lock when the process ends, however it ends. So no stale lock is left.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name, locked(Path(name)) as mine:
    ...     with locked(Path(name)) as also_mine:
    ...         print(mine, also_mine)
    True False
    """
    descriptor = _lock(folder)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)
