"""Large buffers: kept from one training step to the next, and returned to the system."""

import ctypes
import os
from functools import cache
from typing import Any, Final

LARGEST: Final = 1 << 28, 1 << 25
"""The size of the largest block that is kept, in bytes: the wanted one, and the most that older versions of glibc accept."""
SHARE: Final = 8
"""At most an eighth of the machine's memory is kept."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # what mallopt(3) calls them
_MOST: Final = (1 << 31) - 1  # that it can be told

_CHOICES: Final = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed_blocks() -> None:
    """Have the C library keep freed blocks of up to 256 MiB for the next step; 32 MiB with older versions of glibc.

    A training step frees what the next one allocates again. By default glibc returns such blocks to the system, which
    then has to hand out and clear the same pages at every step. From now on it keeps them, up to an eighth of the
    machine's memory or 2 GiB, unless the user has set glibc's own variables (mallopt(3)). Other C libraries are left
    unchanged.
    """
    library = _glibc()
    if library is not None and not any(name in os.environ for name in _CHOICES):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        any(library.mallopt(_MMAP_THRESHOLD, size) for size in LARGEST)  # it returns 0 if it refuses
        library.mallopt(_TRIM_THRESHOLD, min(memory // SHARE, _MOST))


def release_memory() -> None:
    """Return the memory of freed arrays to the system.

    While a backend is in use, the C library keeps this memory for the next training step, up to an eighth of the
    machine's memory or 2 GiB. If something else needs it after training, this function returns it. The next step then
    takes a little longer. With a C library other than Linux's glibc, nothing is kept and this does nothing.

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
