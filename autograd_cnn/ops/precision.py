"""The common dtype of several operands: a kernel sees arrays of one dtype, in the machine's byte order.

Floats are promoted as in NumPy. Integers and bools get the dtype in which NumPy would sum or average them, so nothing
overflows or is truncated.
"""

from typing import Any, Final

import numpy as np

from autograd_cnn.engine.abstract import AbstractArray, DTypeRule, joint_dtype
from autograd_cnn.engine.node import Array
from autograd_cnn.errors import OperandError

_FLOATS: Final = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


def joined(where: str, rule: DTypeRule = joint_dtype, **arrays: Array | None) -> list[Any]:
    """Return the arrays in the common dtype that a rule gives; None stays None.

    Parameters
    ----------
    where : str
        The name that errors use.
    rule : callable
        `joint_dtype`, to which NumPy would promote them, or `sum_dtype` or `mean_dtype`, as in the primitive's shape
        rule. If all of them have the same float dtype, the rule must return it.
    **arrays : array or None

    Raises
    ------
    OperandError
        If something is not an array of numbers.

    Examples
    --------
    >>> [each.dtype.name for each in joined("f", x=np.ones(2, np.float32), w=np.ones(2, ">f8"))]
    ['float64', 'float64']
    >>> [each.dtype.name for each in joined("f", sum_dtype, x=np.ones(2, np.uint8), w=np.ones(2, bool))]
    ['uint64', 'uint64']
    >>> joined("f", mean_dtype, x=np.ones(2, bool))
    [array([1., 1.])]
    """
    first: Any = None
    for each in arrays.values():  # fast path: in training they all have one dtype
        if each is not None:
            first = each.dtype if first is None else first
            if each.dtype is not first:
                break
    else:
        if first in _FLOATS:
            return list(arrays.values())
    for name, each in arrays.items():
        if each is not None and each.dtype.kind not in "biuf":
            problem = f"{name} is not an array of numbers"
            raise OperandError(where, problem, expected="floats, ints or bools", got=each.dtype)
    dtype = rule(*arrays.values()).newbyteorder("=")
    return [each if each is None else each.astype(dtype, copy=False) for each in arrays.values()]


def sum_dtype(*operands: AbstractArray | Array | None) -> np.dtype[Any]:
    """Return a dtype that is large enough for sums of products, as for sums and products along axes.

    Examples
    --------
    >>> sum_dtype(AbstractArray((2,), np.uint8), AbstractArray((2,), bool))
    dtype('uint64')
    """
    return np.sum(np.empty(0, joint_dtype(*operands))).dtype


def index_dtype(*operands: AbstractArray | Array | None) -> np.dtype[Any]:  # whatever they hold
    """Return the dtype of indices and counts."""
    return np.dtype(np.intp)


def mean_dtype(*operands: AbstractArray | Array | None) -> np.dtype[Any]:
    """Return a floating-point dtype for means.

    Examples
    --------
    >>> mean_dtype(AbstractArray((2,), bool))
    dtype('float64')
    """
    dtype = joint_dtype(*operands)
    return dtype if dtype.kind == "f" else np.dtype(float)
