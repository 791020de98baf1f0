"""How the kernels are compiled and spread over the threads, and what they take.

Code is compiled for the processor and the dtypes at hand when it is first needed, and cached on disk.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from autograd_cnn.kernels.windows import Array

PIECES: Final = 32  # runs of jobs that work is split into, for however many threads

_FLOATS: Final = frozenset({np.dtype(np.float32), np.dtype(np.float64)})

_Function = TypeVar("_Function", bound=Callable[..., Any])


def inner(function: _Function) -> _Function:
    """Compile a function for other compiled ones to call: Python itself has no way to it."""
    compiled: Any = numba.njit(error_model="numpy", inline="always")(function)
    return compiled


def instruction(function: Callable[..., Any]) -> Any:
    """Make a function that returns a signature, and what writes LLVM's code for it, one for compiled code to call."""
    return intrinsic(function)


def _on_this_thread(function: Callable[..., Any]) -> Any:
    return numba.njit(cache=True)(function)


def _on_all_threads(function: Callable[..., Any]) -> Any:
    return numba.njit(cache=True, parallel=True)(function)


class in_pieces:  # noqa: N801  # a decorator
    """Make a function that does some jobs do all of them, on all threads.

    The function takes the first job's number, the one after the last, a named tuple of integers
    and arrays. It is given the same runs of jobs however many threads there are. What it writes
    for one job must not depend on the others.

    Numba compiles a parallel loop three times over, with everything that it calls. So there is
    only one such loop, `_run`, which knows the function by its address alone.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        self._function = function
        self._compiled: dict[tuple[int, ...], Any] = {}
        self.__doc__ = function.__doc__

    def __call__(self, jobs: int, sizes: tuple[int, ...], *arrays: Array, alone: bool = False) -> None:
        """Do jobs 0 to ``jobs - 1``; ``alone`` on this thread, since they are done before another is awake."""
        dtypes = tuple([each.dtype.num for each in arrays])  # a list is faster than a generator
        code = self._compiled.get(dtypes)
        if code is None:
            code = self._compiled[dtypes] = self._compile(sizes, arrays)
        if alone or jobs == 1:
            _run_alone(code.address, jobs, sizes, arrays)
        else:
            _run(code.address, jobs, min(jobs, PIECES), sizes, arrays)

    def _compile(self, sizes: tuple[int, ...], arrays: tuple[Array, ...]) -> Any:
        count = types.int64
        signature = types.void(count, count, *map(numba.typeof, (sizes, *arrays)))
        return numba.cfunc(signature, cache=True, error_model="numpy")(self._function)


@_on_all_threads
def _run(address: int, jobs: int, pieces: int, sizes: tuple[int, ...], arrays: tuple[Array, ...]) -> None:
    for piece in numba.prange(pieces):
        number = np.int64(piece)
        _call(address, number * jobs // pieces, (number + 1) * jobs // pieces, sizes, arrays)


@_on_this_thread
def _run_alone(address: int, jobs: int, sizes: tuple[int, ...], arrays: tuple[Array, ...]) -> None:
    _call(address, np.int64(0), np.int64(jobs), sizes, arrays)


@instruction
def _call(typing: Any, address: Any, first: Any, last: Any, sizes: Any, arrays: Any) -> Any:
    """Call the function at an address."""

    def write(context: Any, build: Any, signature: Any, values: Any) -> Any:
        address, first, last, sizes, arrays = values
        unpacked = [build.extract_value(arrays, i) for i in range(len(signature.args[4]))]
        kinds = [context.get_value_type(kind) for kind in (*signature.args[1:4], *signature.args[4])]
        function = ir.FunctionType(ir.VoidType(), kinds)
        build.call(build.inttoptr(address, function.as_pointer()), [first, last, sizes, *unpacked])
        return context.get_dummy_value()

    count = types.int64
    return types.void(count, count, count, sizes, arrays), write


def is_cached() -> bool:
    """Return whether compiled code of an earlier run is on disk."""
    return any(Path(_run.stats.cache_path).glob("*.nbi"))


def takes(*arrays: Any) -> bool:
    """Return whether the kernels can work on the arrays: one dtype, float32 or float64, and none of them empty.

    Examples
    --------
    >>> import numpy as np
    >>> takes(np.ones(2)), takes(np.ones(2, int)), takes(np.ones(2), np.ones(2, np.float32))
    (True, False, False)
    """
    dtype = arrays[0].dtype
    return dtype in _FLOATS and all(each.dtype == dtype and each.size > 0 for each in arrays)


def flat(x: Array) -> Array:
    """Return the elements as one read-only row, so that Numba sees a single type of input and compiles once.

    Examples
    --------
    >>> import numpy as np
    >>> flat(np.eye(2)).shape
    (4,)
    """
    row = np.ascontiguousarray(x).reshape(-1)  # (size,)
    row.flags.writeable = False
    return row
