"""Python's operators on tensors: each names the primitive that does the work."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Traced
from autograd_cnn.errors import OperandError

if TYPE_CHECKING:
    from autograd_cnn.tensor.tensor import Tensor

_Operator: TypeAlias = Callable[["Tensor", Any], "Tensor"]


def _prefix(function: Callable[..., Any]) -> Callable[["Tensor"], "Tensor"]:
    """Return the operator of a function of one array."""

    def operator(self: "Tensor") -> "Tensor":
        return function(self)

    return operator


def _infix(function: Callable[..., Any]) -> tuple[_Operator, _Operator]:
    """Return the operator of a function, and its reflected version."""
    call: Callable[..., Any] = function.__call__  # type: ignore[operator]  # Python calls it faster than the primitive

    def operator(self: "Tensor", other: Any) -> Any:
        try:
            return call(self, other)
        except OperandError:
            if _declines(other):
                return NotImplemented
            raise

    def reflected(self: "Tensor", other: Any) -> Any:
        return call(other, self)

    return operator, reflected


def _compares(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Return ``==`` or ``!=``, which accept any two objects: what cannot be an array is not equal to a tensor."""

    def operator(self: "Tensor", other: Any) -> Any:
        try:
            return function(self, other)
        except OperandError:
            if _declines(other) or not (isinstance(other, _ARRAYS) or hasattr(other, "__array__")):
                return NotImplemented
            raise

    return operator


_ARRAYS = (Traced, np.ndarray, np.generic, list, tuple, int, float, complex)


def _declines(other: Any) -> bool:
    """Whether an operand's class wants to handle the operator itself (NEP 13)."""
    return getattr(type(other), "__array_ufunc__", ...) is None


class Operators:
    """Python's operators on tensors."""

    __slots__ = ()

    __add__, __radd__ = _infix(ops.add)
    __sub__, __rsub__ = _infix(ops.subtract)
    __mul__, __rmul__ = _infix(ops.multiply)
    __truediv__, __rtruediv__ = _infix(ops.divide)
    __floordiv__, __rfloordiv__ = _infix(ops.floor_divide)
    __mod__, __rmod__ = _infix(ops.remainder)
    __divmod__, __rdivmod__ = _infix(ops.divmod)
    __pow__, __rpow__ = _infix(ops.power)
    __matmul__, __rmatmul__ = _infix(ops.matmul)

    __and__, __rand__ = _infix(ops.bitwise_and)
    __or__, __ror__ = _infix(ops.bitwise_or)
    __xor__, __rxor__ = _infix(ops.bitwise_xor)
    __lshift__, __rlshift__ = _infix(ops.left_shift)
    __rshift__, __rrshift__ = _infix(ops.right_shift)

    __eq__ = _compares(ops.equal)
    __ne__ = _compares(ops.not_equal)
    __lt__, __gt__ = _infix(ops.less)[0], _infix(ops.greater)[0]
    __le__, __ge__ = _infix(ops.less_equal)[0], _infix(ops.greater_equal)[0]
    __hash__ = object.__hash__

    __neg__ = _prefix(ops.negative)
    __pos__ = _prefix(ops.positive)
    __abs__ = _prefix(ops.absolute)
    __invert__ = _prefix(ops.invert)
