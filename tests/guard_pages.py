"""Compiled loops in memory without neighbours: what lies before and after each array may not be touched.

``python -m pytest -p guard_pages …``, with this folder on the path, runs every loop twice more. Once each of its arrays
ends where a page begins that nobody may read or write, once each begins where such a page ends; and what a loop only
reads can't be written. A touch outside is a segmentation fault: the process ends, and pytest says in which test and
which kernel. What the loop has written must be the same bits in both places. `nox -s guards` does it with the tests of
the kernels and all laws.
"""

import ctypes
import mmap
from collections import Counter
from types import FunctionType

import numpy as np
import pytest

from autograd_cnn.kernels.compiled import descent, parallel

PAGE = mmap.PAGESIZE
MOST = 1 << 26
"""Bytes of what is kept to be used again; a page for guards costs more than a copy."""

tried: Counter[str] = Counter()
"""How many arrays of each kernel were placed, by its name."""

_free: dict[int, list["Guarded"]] = {}


class Guarded:
    """Some pages between two that nobody may touch."""

    def __init__(self, pages):
        self.size = pages * PAGE
        self.memory = mmap.mmap(-1, self.size + 2 * PAGE)
        self.whole = np.frombuffer(self.memory, np.uint8)
        for page in (0, self.size + PAGE):
            self.protect(page, PAGE, 0)

    def protect(self, start, size, allowed):
        """Say what is allowed in some pages."""
        mprotect = ctypes.CDLL(None, use_errno=True).mprotect
        if mprotect(ctypes.c_void_p(self.whole.ctypes.data + start), ctypes.c_size_t(size), allowed):
            raise OSError(ctypes.get_errno(), "mprotect")

    def hold(self, array, *, at_end):
        """Return a copy of an array, at either end of the pages."""
        self.protect(PAGE, self.size, mmap.PROT_READ | mmap.PROT_WRITE)
        first = PAGE + (self.size - array.nbytes if at_end else 0)
        held = self.whole[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
        held[...] = array
        held.flags.writeable = array.flags.writeable
        if not array.flags.writeable:
            self.protect(PAGE, self.size, mmap.PROT_READ)
        return held


def placed(arrays, *, at_end):
    """Return arrays, each in pages of its own, and these pages."""
    pages = [max(1, -(-array.nbytes // PAGE)) for array in arrays]
    own = [_free[count].pop() if _free.get(count) else Guarded(count) for count in pages]
    return [place.hold(array, at_end=at_end) for place, array in zip(own, arrays, strict=True)], own


def _release(places):
    for place in places:
        if place.size <= MOST >> 4 and len(_free.setdefault(place.size // PAGE, [])) < 16:
            _free[place.size // PAGE].append(place)


def _named(ids):
    """Return the arrays that a loop over the parameters of an optimiser knows by their identities."""
    return [ctypes.cast(each, ctypes.py_object).value for each in ids.ravel().tolist()]


def guarded(run):
    """Return ``parallel_for.__call__`` that runs a loop in guarded memory, too."""

    def everywhere(self, jobs, sizes, *arrays, serial=False):
        _, address, call = self._compiled.get(tuple(a.dtype for a in arrays)) or self._compile(
            tuple(a.dtype for a in arrays), sizes, arrays
        )
        by_id = _named(arrays[-1]) if self in OF_OPTIMISERS else []
        before = [a.copy() if a.flags.writeable else a for a in (*arrays, *by_id)]
        for copy, array in zip(before, (*arrays, *by_id), strict=True):
            copy.flags.writeable = array.flags.writeable
        results = []
        for at_end in (True, False):
            held, places = placed(before, at_end=at_end)
            passed = held[: len(arrays)]
            if by_id:
                passed[-1] = np.array([id(each) for each in held[len(arrays) :]]).reshape(arrays[-1].shape)
            call(address, jobs, 1, sizes, tuple(passed))
            results.append([each.tobytes() for each in held])
            tried[self._function.__qualname__] += len(held)
            del held, passed
            _release(places)
        assert results[0] == results[1], self.name
        run(self, jobs, sizes, *arrays, serial=serial)
        assert [a.tobytes() for a in (*arrays, *by_id)] == results[0], self.name

    return everywhere


OF_OPTIMISERS = (descent._sgd, descent._sgd_with_momentum, descent._adam)


def _read_only(x):
    """Return what `flat` does, marked as it is while loops are recorded; this code takes its place."""
    row = unmarked(x)  # noqa: F821  # a name of `parallel`'s
    row.setflags(write=False)
    return row


def pytest_configure():
    """Guard every loop from now on."""
    parallel.parallel_for.__call__ = guarded(parallel.parallel_for.__call__)
    parallel.unmarked = FunctionType(parallel.flat.__code__, vars(parallel))
    parallel.flat.__code__ = _read_only.__code__


def pytest_sessionfinish(session):
    """Tell the process that hands out the tests, if another does."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tried"] = dict(tried)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Add up what the processes have tried."""
    tried.update(getattr(node, "workeroutput", {}).get("tried", {}))


def pytest_terminal_summary(terminalreporter):
    """Say how many arrays there were."""
    terminalreporter.write_line(f"{tried.total():,} arrays of {len(tried)} kernels beside guard pages")
