"""The checks that layers share."""

import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_cnn.errors import ArgumentError, OperandError, sentence


def positive(where: str, **sizes: int) -> None:
    """Raise `ArgumentError` unless every size is an int of at least 1."""
    for name, size in sizes.items():
        if not hasattr(size, "__index__") or isinstance(size, bool) or size < 1:
            raise ArgumentError(
                sentence(where, f"{name} is out of range", expected="an int of at least 1", got=repr(size))
            )


def between(where: str, low: float, high: float, **numbers: Any) -> None:
    """Raise `ArgumentError` unless every number is real and within the bounds; NaN is not."""
    for name, number in numbers.items():
        if not isinstance(number, Real) or not low <= float(number) <= high:
            bounds = f" of at least {low}" if math.isfinite(low) else ""
            bounds = f" from {low} to {high}" if math.isfinite(high) else bounds
            raise ArgumentError(
                sentence(where, f"{name} is out of range", expected=f"a number{bounds}", got=repr(number))
            )


def flags(where: str, **given: Any) -> None:
    """Raise `OperandError` unless every flag is a bool: 0.5 or "no" would count as True."""
    for name, flag in given.items():
        if not isinstance(flag, bool | np.bool_):
            raise OperandError(sentence(where, f"{name} is no bool", expected="True or False", got=repr(flag)))


def floats(where: str, dtype: DTypeLike) -> np.dtype[Any]:
    """Return a dtype of parameters; raise `OperandError` for one that gradients or kernels do not know."""
    wanted = np.dtype(dtype)
    if wanted.kind != "f" or wanted.itemsize > 8:
        raise OperandError(sentence(where, "parameters are floats", expected="float16, float32 or float64", got=wanted))
    return wanted
