"""Large buffers, from one training step to the next."""

import numpy as np


def keep_freed_blocks() -> None:
    """Make the C library keep freed blocks of up to 32 MiB for the next step.

    A training step frees what the next one allocates again. By default glibc returns such blocks
    to the system, which then has to hand out and clear the same pages again at every step.
    It adapts when the first large block is freed (mallopt(3), "dynamic mmap threshold"), so one
    block is enough; it is never touched, hence never backed by memory. With other C libraries
    this does nothing.
    """
    np.empty((1 << 25) - (1 << 16), np.uint8)
