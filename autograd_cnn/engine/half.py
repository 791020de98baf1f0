"""Half precision, as a storage type: computations are in float32."""

from typing import Any, Final

import numpy as np

HALF: Final = np.dtype(np.float16)
"""A storage type: values and cotangents are computed in float32, and rounded when they are returned."""


def widened(value: Any) -> Any:
    """Return half-precision values in float32, the type for computing; anything else unchanged."""
    if isinstance(value, tuple):
        return tuple(map(widened, value))
    return value.astype(np.float32) if getattr(value, "dtype", None) == HALF else value


def half_widened(operands: list[Any]) -> tuple[list[Any], bool]:
    """Return operands with float16 converted to float32, and whether NumPy's result would be float16."""
    dtypes = [value.dtype for value in operands if isinstance(value, (np.ndarray, np.generic))]
    if HALF not in dtypes:
        return operands, False
    return list(map(widened, operands)), np.result_type(*dtypes) == HALF
