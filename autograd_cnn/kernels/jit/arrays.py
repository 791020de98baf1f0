"""Which arrays the compiled kernels take, and in what form."""

from typing import Any

import numpy as np

from autograd_cnn.kernels.windows import Array


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
