"""How much memory something may take."""

import tracemalloc
from contextlib import contextmanager


@contextmanager
def memory(most):
    """Let the block allocate no more than ``most`` bytes at a time, even if it raises."""
    tracemalloc.start()
    try:
        yield
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= most
