"""How the kernels are compiled and spread over the threads, and what they take.

Code is compiled for the processor and the dtypes at hand when it is first needed, and cached on disk.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from autograd_cnn.kernels.windows import Array

_Function = TypeVar("_Function", bound=Callable[..., Any])


def inner(function: _Function) -> _Function:
    """Compile a function for other compiled ones to call: Python itself has no way to it."""
    return numba.njit(cache=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


class in_pieces:  # noqa: N801  # a decorator
    """Make of a function that does one piece of some work one that does all pieces, on all threads.

    Parameters
    ----------
    function : callable
        Takes the number of a piece, how many there are, a named tuple of integers, and arrays.

    Notes
    -----
    Numba compiles a parallel loop three times over with everything that it calls. So the only
    such loop is `_run`, which knows a piece's code by its address.

    Examples
    --------
    >>> from collections import namedtuple
    >>> import numpy as np
    >>> Sizes = namedtuple("Sizes", ["each"])
    >>> def count(piece, pieces, s, y):
    ...     y[piece * s.each : (piece + 1) * s.each] = piece
    ...     return 0
    >>> count.__doc__ = "Number the pieces."
    """

    def __init__(self, function: Callable[..., int]) -> None:
        self._function = function
        self._compiled: dict[tuple[Any, ...], Any] = {}
        self.__doc__ = function.__doc__

    def __call__(self, pieces: int, sizes: tuple[int, ...], *arrays: Array) -> None:
        """Do all pieces; what the function writes into ``arrays`` must not depend on their order."""
        key = tuple(each.dtype.num for each in arrays)
        code = self._compiled.get(key)
        if code is None:
            code = self._compiled[key] = self._compile(sizes, arrays)
        _run(code.address, pieces, sizes, arrays)

    def _compile(self, sizes: tuple[int, ...], arrays: tuple[Array, ...]) -> Any:
        count = numba.types.int64
        signature = count(count, count, *map(numba.typeof, (sizes, *arrays)))
        return numba.cfunc(signature, cache=True, error_model="numpy")(self._function)


@numba.njit(cache=True, parallel=True, error_model="numpy")  # type: ignore[untyped-decorator]  # Numba has no types
def _run(address: int, pieces: int, sizes: tuple[int, ...], arrays: tuple[Array, ...]) -> None:
    for piece in numba.prange(pieces):
        _call(address, np.int64(piece), pieces, sizes, *arrays)


@intrinsic  # type: ignore[untyped-decorator]  # Numba has no types
def _call(typing: Any, address: Any, *arguments: Any) -> Any:
    """Call the function at an address."""
    signature = numba.types.int64(address, numba.types.StarArgTuple.from_types(arguments))

    def write(context: Any, build: Any, signature: Any, values: Any) -> Any:
        raise NotImplementedError(ir)

    return signature, write


def takes(*arrays: Any) -> bool:
    """Return whether the kernels can work on the arrays: one dtype, float32 or float64, and none of them empty.

    Examples
    --------
    >>> import numpy as np
    >>> takes(np.ones(2)), takes(np.ones(2, int)), takes(np.ones(2), np.ones(2, np.float32))
    (True, False, False)
    """
    dtype = arrays[0].dtype
    return dtype in (np.float32, np.float64) and all(each.dtype == dtype and each.size > 0 for each in arrays)


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
