"""A folder that one process at a time works in."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":

    def _lock(folder: Path) -> int | None:
        """Return the descriptor of a file that goes when it is closed, or None if there is such a file."""
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
        except OSError:  # a file system without locks keeps nobody out
            pass
        return descriptor


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Keep others out of ``folder``, unless one of them is in it already, and tell which it is.

    The system lets go of the lock when the process ends, however it does. So no lock is left over.

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
