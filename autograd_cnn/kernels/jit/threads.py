"""How many threads the kernels run on. Results do not depend on it, to the last bit."""

import os

import numba

from autograd_cnn.errors import ArgumentError, sentence

# GNU's OpenMP, on which Numba's threads run, lets a thread without work spin for long. On a busy
# machine it so keeps the others from working. This many turns are some 20 µs, about the pause
# between two kernels. The library reads it when it is loaded, which is at the first parallel loop.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")


def num_threads() -> int:
    """Return how many threads the kernels run on.

    Examples
    --------
    >>> num_threads() >= 1
    True
    """
    return int(numba.get_num_threads())


def set_num_threads(count: int) -> None:
    """Choose how many threads the kernels run on when called from this thread.

    Parameters
    ----------
    count : int
        At least 1, at most what the variable ``NUMBA_NUM_THREADS`` says or, without it, the number of cores.

    Raises
    ------
    ArgumentError
        For a number out of that range.

    Examples
    --------
    >>> set_num_threads(num_threads())
    """
    most = numba.config.NUMBA_NUM_THREADS
    if not 1 <= count <= most:
        raise ArgumentError(
            sentence("set_num_threads", "count is out of range", expected=f"1 to {most}", got=count,
                     hint="NUMBA_NUM_THREADS, set before the start, allows for more")
        )  # fmt: skip
    numba.set_num_threads(count)
