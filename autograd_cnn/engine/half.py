"""Half precision, in which numbers are stored and not computed with."""

from typing import Any, Final

import numpy as np

HALF: Final = np.dtype(np.float16)
"""A storage type. Its numbers and their cotangents are computed in float32, and rounded when they are returned."""


def widened(value: Any) -> Any:
    """Return half-precise numbers in float32, in which they are computed with; all else as it is."""
    if isinstance(value, tuple):
        return tuple(map(widened, value))
    return value.astype(np.float32) if getattr(value, "dtype", None) == HALF else value


def half_widened(operands: list[Any]) -> tuple[list[Any], bool]:
    """Return half-precise operands in float32, and whether NumPy's result would be half-precise."""
    dtypes = [value.dtype for value in operands if isinstance(value, (np.ndarray, np.generic))]
    if HALF not in dtypes:
        return operands, False
    return list(map(widened, operands)), np.result_type(*dtypes) == HALF
