"""The number of threads that the kernels use, and when. Results do not depend on it, to the last bit.

A loop runs on all threads if they are available, else on the calling thread:

- *in a forked child*, which has no threads. GNU's OpenMP would end the process;
- *while another Python thread's loop runs*. Numba's ``workqueue`` would end the process, and OpenMP
  would start as many threads again for the same cores;
- *on a busy machine*. A thread whose core is taken by another process makes the others wait for milliseconds at
  each loop. So every loop reports what one thread would have needed, and when the threads have lost more time than
  they gained, loops run on one thread for a while before they try again.
"""

import os
import threading
from multiprocessing import get_start_method, set_start_method
from operator import index
from time import perf_counter
from typing import Final

import numba
from numba.core.compiler_lock import global_compiler_lock

from autograd_cnn.errors import ArgumentError, MissingDependencyError, OperandError, sentence
from autograd_cnn.kernels.backend import IMPORTED_IN

LOSS: Final = 2e-3  # seconds lost to waiting before loops fall back to one thread
CREDIT: Final = 20e-3  # the most seconds gained that make up for losses: the distant past says nothing
PAUSES: Final = (0.05, 1.0)  # seconds until loops try all threads again: the first pause, and the longest

# GNU's OpenMP, which runs Numba's threads, lets a thread without work spin for long. On a busy machine
# this keeps the others from working. This many spins last longer than the pause between two kernels: on an
# Intel Xeon threads were still awake after 200 µs, and asleep after a millisecond. The library reads the variable
# when it is loaded, which is when the threads are started.
_SPIN: Final = {"GOMP_SPINCOUNT": "20000"}
_USERS: Final = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


class Team:
    """The threads, which one caller at a time can acquire."""

    def __init__(self, *, single: bool = False) -> None:
        self.threadless = False  # whether there are no other threads, in a forked child
        self.fixed = False  # whether the number was chosen, so that it also holds on a busy machine
        self.single = single  # whether there is only the calling thread
        self._free = threading.RLock()  # reentrant, as a thread that was interrupted may still hold it
        self._lost = 0.0
        self._pause, self._began, self._resumes = PAUSES[0], 0.0, 0.0

    def acquire(self) -> bool:
        """Acquire the threads until `release` is called; return whether that succeeded."""
        now = perf_counter()
        if self.threadless or self.single or now < self._resumes or not self._free.acquire(blocking=False):
            return False
        self._began = now
        return True

    def release(self, share: float) -> None:
        """Release the threads after a loop that would have taken ``share`` times as long on one thread."""
        if share < 1 or self._lost > -CREDIT:
            now = perf_counter()
            self._lost = max(-CREDIT, self._lost + (now - self._began) * (1 - share))
            if self._lost > LOSS and not self.fixed:
                self._lost = 0.0
                too_short = now < self._resumes + self._pause  # the last pause
                self._pause = min(2 * self._pause, PAUSES[1]) if too_short else PAUSES[0]
                self._resumes = now + self._pause
        self._free.release()

    def fix(self, count: int) -> None:
        """Always use the chosen number of threads."""
        self.fixed, self.single, self._resumes = True, count == 1, 0.0

    def after_fork(self) -> None:
        """Adapt to a forked child, which has neither the threads nor the thread that had acquired them."""
        self._free = threading.RLock()
        self.threadless = self.threadless or _are_started()


team: Final = Team(single=numba.config.NUMBA_NUM_THREADS == 1)


def start() -> None:
    """Start the threads, because cached compiled code does not."""
    if _are_started():
        return
    with global_compiler_lock:
        ours = {} if any(name in os.environ for name in _USERS) else _SPIN
        os.environ.update(ours)
        # Numba asks for multiprocessing's start method, which would fix it for the user, too; and for fork it takes
        # a semaphore from the system, which may have none left.
        method = get_start_method(allow_none=True)
        set_start_method("spawn", force=True)
        try:
            numba.get_num_threads()
        except ValueError as error:  # an invalid environment variable, or a threading layer that can't be loaded
            raise MissingDependencyError(
                sentence("the jit backend", f"Numba can't start its threads ({str(error).rstrip('.')})",
                         hint="unset NUMBA_THREADING_LAYER and NUMBA_NUM_THREADS, or set "
                         "AUTOGRAD_CNN_BACKEND=reference")
            ) from error  # fmt: skip
        finally:
            set_start_method(method, force=True)
            for name in ours:
                del os.environ[name]


def num_threads() -> int:
    """Return the number of threads that the kernels use.

    Examples
    --------
    >>> num_threads() >= 1
    True
    """
    start()
    return 1 if team.threadless else int(numba.get_num_threads())


def set_num_threads(count: int) -> None:
    """Set the number of threads that the kernels use when called from this thread, also on a busy machine.

    Parameters
    ----------
    count : int
        At least 1, at most the value of the environment variable ``NUMBA_NUM_THREADS`` or, without it, the number of
        cores; 1 in a forked child.

    Raises
    ------
    ArgumentError
        For a number outside that range.
    OperandError
        For anything but an integer.

    Examples
    --------
    >>> set_num_threads(num_threads())  # doctest: +SKIP
    """
    try:
        count = index(count)
    except TypeError as error:
        problem = "count is not a whole number"
        raise OperandError("set_num_threads", problem, expected="int", got=type(count).__name__) from error
    if team.threadless and count != 1:
        hint = "threads don't come along with fork; start the process by spawn or forkserver"
        raise ArgumentError("set_num_threads", "count is out of range", expected=1, got=count, hint=hint)
    most = numba.config.NUMBA_NUM_THREADS
    if not 1 <= count <= most:
        hint = "NUMBA_NUM_THREADS, set before the start, allows for more"
        raise ArgumentError("set_num_threads", "count is out of range", expected=f"1 to {most}", got=count, hint=hint)
    start()
    team.fix(count)
    numba.set_num_threads(count)


def _are_started() -> bool:
    try:
        numba.threading_layer()
    except ValueError:
        return False
    return True


if hasattr(os, "register_at_fork"):
    # A child that is forked while another thread holds the lock could never compile.
    os.register_at_fork(before=global_compiler_lock.acquire, after_in_parent=global_compiler_lock.release)
    os.register_at_fork(after_in_child=team.after_fork)
    os.register_at_fork(after_in_child=global_compiler_lock.release)
    if os.getpid() != IMPORTED_IN:
        team.after_fork()
