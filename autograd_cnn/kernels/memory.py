"""Large buffers, from one training step to the next."""

import numpy as np


def keep_freed_blocks() -> None:
    """Teach the C library to keep freed blocks of up to 32 MiB for the next step.

    A training step frees what the next one allocates again. By default glibc gives such blocks
    back to the system, which then has to hand out and clear the same pages again at every step.
    It learns from the first large block that is freed (mallopt(3), "dynamic mmap threshold"), so
    one block, never touched and hence never backed by memory, settles it. Elsewhere this does
    nothing.
    """
    np.empty((1 << 25) - (1 << 16), np.uint8)
