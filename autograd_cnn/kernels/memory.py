"""Large buffers: from one training step to the next, and back to the system."""

import ctypes
import os
from functools import cache
from typing import Any, Final

LARGEST: Final = 1 << 28, 1 << 25
"""Bytes of the largest block that is kept: what is wanted, and the most that older glibc accept."""
SHARE: Final = 8
"""An eighth of the machine's memory is kept at most."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # what mallopt(3) calls them
_MOST: Final = (1 << 31) - 1  # that it can be told

_CHOICES: Final = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed_blocks() -> None:
    """Have the C library keep freed blocks of up to 256 MiB for the next step; older glibc, of 32 MiB.

    A training step frees what the next one allocates again. By default glibc gives such blocks back to the system, which
    then has to hand out and clear the same pages again at every step. From now on it keeps them, up to an eighth of the
    machine's memory or 2 GiB, unless the user has set it by its own variables (mallopt(3)). Other C libraries are left as
    they are.
    """
    library = _glibc()
    if library is not None and not any(name in os.environ for name in _CHOICES):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        any(library.mallopt(_MMAP_THRESHOLD, size) for size in LARGEST)  # it returns 0 if it refuses
        library.mallopt(_TRIM_THRESHOLD, min(memory // SHARE, _MOST))


def release_memory() -> None:
    """Give the memory of freed arrays back to the system.

    While a backend is in use, the C library keeps it for the next training step, up to an eighth of the machine's memory
    or 2 GiB. Where something else needs it after a training, this gives it back. The next step then takes a little
    longer. With a C library other than glibc, which is Linux's, nothing is kept and there is nothing to do.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> ag.kernels.release_memory()
    """
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    """Return the C library, if it is GNU's."""
    library = ctypes.CDLL(None) if os.name == "posix" else None
    return library if hasattr(library, "gnu_get_libc_version") else None
