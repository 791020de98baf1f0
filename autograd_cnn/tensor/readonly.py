"""The array of ``Tensor.data``: read-only, but its in-place operators give the tensor new values."""

import operator
import weakref
from collections.abc import Callable
from typing import Any, NoReturn, Self

import numpy as np

from autograd_cnn.engine.node import Traced
from autograd_cnn.errors import GradientError, raise_as
from autograd_cnn.spelling import ATTRIBUTES, IN_PLACE, Elsewhere


def _in_place(op: Callable[[Any, Any], Any]) -> Callable[["ReadOnly", Any], Any]:
    def move_on(self: "ReadOnly", other: Any) -> Any:
        tensor = None if self.lender is None else self.lender()
        if tensor is None:
            return op(self.view(np.ndarray), other)
        try:
            values = op(np.array(self), np.asarray(other) if isinstance(other, Traced) else other)
        except (ValueError, TypeError) as error:
            raise_as("data", error, f"data is {self.dtype} of shape {self.shape}")
            raise
        values.flags.writeable = False
        tensor.data = tensor.wrap(values[()])  # not copied
        return tensor.data

    return move_on


class ReadOnly(np.ndarray[Any, Any]):
    """The values of a tensor, read-only.

    ``p.data -= step`` gives the tensor new values and leaves the recorded ones unchanged. So does
    ``d = p.data; d -= step``, after which ``d`` shows the new values. Results, views and copies
    of it are ordinary arrays.

    Attributes
    ----------
    lender : weak reference or None
        The tensor whose values these are.
    shown : array or None
        The tensor's value, which never changes.
    """

    lender: "weakref.ref[Any] | None" = None
    shown: Any = None

    @classmethod
    def of(cls, tensor: Any) -> Self:
        """Show the values of a tensor."""
        self = np.asarray(tensor.value).view(cls)
        self.flags.writeable = False
        self.lender = weakref.ref(tensor)
        self.shown = tensor.value
        return self

    __iadd__ = _in_place(operator.iadd)
    __isub__ = _in_place(operator.isub)
    __imul__ = _in_place(operator.imul)
    __itruediv__ = _in_place(operator.itruediv)
    __ifloordiv__ = _in_place(operator.ifloordiv)
    __imod__ = _in_place(operator.imod)
    __ipow__ = _in_place(operator.ipow)
    __imatmul__ = _in_place(operator.imatmul)
    __iand__ = _in_place(operator.iand)
    __ior__ = _in_place(operator.ior)
    __ixor__ = _in_place(operator.ixor)
    __ilshift__ = _in_place(operator.ilshift)
    __irshift__ = _in_place(operator.irshift)

    def __setitem__(self, index: Any, values: Any) -> None:
        if self.lender is not None:
            self._refuse()
        super().__setitem__(index, values)

    def fill(self, value: Any) -> None:
        """Raise an error: a tensor's values are read-only."""
        if self.lender is not None:
            self._refuse()
        super().fill(value)

    def _refuse(self) -> NoReturn:
        hint = "write t[index] = values, for a leaf under no_grad(), or t.data = values"
        raise GradientError("data", "the array is read-only", hint=hint)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain

    def __getitem__(self, index: Any) -> Any:
        return self.view(np.ndarray)[index]

    def __reduce__(self) -> Any:
        return self.view(np.ndarray).__reduce__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.view(np.ndarray).__reduce_ex__(protocol)

    def __copy__(self) -> Any:
        return self.view(np.ndarray).copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.view(np.ndarray).copy()

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


for _name in ("add_", "clamp_", "copy_", "div_", "fill_", "mul_", "normal_", "sub_", "uniform_", "zero_"):
    setattr(ReadOnly, _name, Elsewhere(_name, ATTRIBUTES.get(_name, IN_PLACE)))  # PyTorch's in-place methods
