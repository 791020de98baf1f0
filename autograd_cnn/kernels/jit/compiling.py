"""How the kernels are compiled, and what they take.

Compiled code is cached on disk, for each processor and each dtype, when it is first needed.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

from autograd_cnn.kernels.windows import Array

_Function = TypeVar("_Function", bound=Callable[..., Any])


def parallel(function: _Function) -> _Function:
    """Compile a function that spreads its ``prange`` loops over the threads."""
    return numba.njit(cache=True, parallel=True, error_model="numpy")(function)


def inner(function: _Function) -> _Function:
    """Compile a function for other compiled ones to call: Python itself has no way to it."""
    return numba.njit(cache=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


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
