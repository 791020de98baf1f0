"""The dtype that several arrays are computed in together: what a kernel sees is of one dtype, in the machine's order.

Floats are joined as NumPy joins them. Integers and bools take the type in which NumPy would sum them, or average
them: nothing wraps, and nothing is cut off.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.abstract import AbstractArray, joint_dtype
from autograd_cnn.engine.node import Array
from autograd_cnn.errors import OperandError, sentence

_FLOATS: Final = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


def joined(where: str, **arrays: Array | None) -> list[Any]:
    """Return the arrays in one dtype, the one that NumPy would join them in; None stays.

    Raises
    ------
    OperandError
        For what is not an array of numbers.

    Examples
    --------
    >>> [each.dtype.name for each in joined("f", x=np.ones(2, np.float32), w=np.ones(2, ">f8"))]
    ['float64', 'float64']
    """
    return _alike(where, arrays, lambda dtype: dtype)


def for_sums(where: str, **arrays: Array | None) -> list[Any]:
    """Return the arrays in one dtype that sums of their products fit into.

    Examples
    --------
    >>> [each.dtype.name for each in for_sums("f", x=np.ones(2, np.uint8), w=np.ones(2, bool))]
    ['uint64', 'uint64']
    """
    return _alike(where, arrays, _of_sums)


def for_means(where: str, **arrays: Array | None) -> list[Any]:
    """Return the arrays in one dtype of floats.

    Examples
    --------
    >>> for_means("f", x=np.ones(2, bool))
    [array([1., 1.])]
    """
    return _alike(where, arrays, _of_means)


def sum_dtype(*operands: AbstractArray | None) -> np.dtype[Any]:
    """Return the dtype that `for_sums` gives; that of sums and products along axes, too.

    Examples
    --------
    >>> sum_dtype(AbstractArray((2,), np.uint8), AbstractArray((2,), bool))
    dtype('uint64')
    """
    return _of_sums(joint_dtype(*operands))


def mean_dtype(*operands: AbstractArray | None) -> np.dtype[Any]:
    """Return the dtype that `for_means` gives.

    Examples
    --------
    >>> mean_dtype(AbstractArray((2,), bool))
    dtype('float64')
    """
    return _of_means(joint_dtype(*operands))


def _of_sums(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.sum(np.empty(0, dtype)).dtype


def _of_means(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype.kind == "f" else np.dtype(float)


def _alike(where: str, arrays: dict[str, Array | None], computed_in: Callable[[Any], Any]) -> list[Any]:
    first: Any = None
    for each in arrays.values():  # in training all of them are of one dtype, and each step asks
        if each is not None:
            first = each.dtype if first is None else first
            if each.dtype is not first:
                break
    else:
        if first in _FLOATS:
            return list(arrays.values())
    for name, each in arrays.items():
        if each is not None and each.dtype.kind not in "biuf":
            raise OperandError(
                sentence(where, f"{name} is not an array of numbers", expected="floats, ints or bools", got=each.dtype)
            )
    given = [each.dtype for each in arrays.values() if each is not None]
    dtype = computed_in(np.result_type(*given).newbyteorder("="))
    return [each if each is None else each.astype(dtype, copy=False) for each in arrays.values()]
