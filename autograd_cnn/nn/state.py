"""Values that enter and leave a module's state: checks, and the errors if they do not match."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import OperandError
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.tensor import Tensor


class Unmatched(NamedTuple):
    """The names that `Module.load_state_dict` found on one side only."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def plain(value: Any) -> NDArray[Any]:
    """Return values to load; a tensor that a transform tracks is refused, because its gradient would be lost."""
    followed = isinstance(value, Tensor) and value.followed()
    return np.asarray(value) if followed else values_of(value)


def read_only(value: Any, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return a copy that can't be written to.

    Raises
    ------
    OperandError
        If it does not hold numbers.
    """
    array = np.array(plain(value), dtype)
    if array.dtype.kind not in "biuf":
        raise OperandError("buffer", "is not an array of numbers", expected="ints, floats or bools", got=array.dtype)
    return fixed(array)


def fixed(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array itself, made read-only."""
    array.flags.writeable = False
    return array


def fits(value: NDArray[Any], held: Parameter | NDArray[Any]) -> bool:
    """Whether ``value`` can replace ``held``."""
    return value.shape == held.shape and np.can_cast(value.dtype, held.dtype, "same_kind")


def same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two arrays are equal, with NaN equal to NaN."""
    return one is other or np.array_equal(one, other, equal_nan="f" == one.dtype.kind == other.dtype.kind)


def cast(held: Parameter | NDArray[Any], value: NDArray[Any], dtype: DTypeLike) -> Tensor | NDArray[Any]:
    """Return the replacement of ``held``."""
    return Tensor(value, dtype=dtype) if isinstance(held, Parameter) else read_only(value, dtype)


def complaints(unmatched: Unmatched, misfits: list[str]) -> Iterator[str]:
    """Describe each mismatch."""
    if unmatched.missing_keys:
        yield f"missing: {', '.join(unmatched.missing_keys)}"
    if unmatched.unexpected_keys:
        yield f"unexpected: {', '.join(unmatched.unexpected_keys)}"
    yield from misfits
    yield "to load the others alone, leave these out of the state and pass strict=False"
