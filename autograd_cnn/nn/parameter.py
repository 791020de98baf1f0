"""Trainable parameters."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import OperandError, ShapeError
from autograd_cnn.tensor import Tensor


class Parameter(Tensor):
    """A tensor that its module treats as a trainable parameter.

    Results computed from it are ordinary tensors. A copy or a pickle has the values and the name, but neither the
    gradient nor hooks. Shape and dtype are fixed: values assigned to ``data`` are cast to the dtype.

    Parameters
    ----------
    data : array_like
        The initial values; they are copied.
    requires_grad : bool
        False for a frozen parameter.
    dtype : dtype, optional
        By default that of ``data``.
    name : str, optional
        What to call it in a graph; by default the attribute that it is first assigned to.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> w = nn.Parameter([1.0, 2.0])
    >>> w.requires_grad, type(w * 2).__name__
    (True, 'Tensor')
    """

    __slots__ = ()

    @parsed
    def __init__(
        self, data: ArrayLike, requires_grad: bool = True, dtype: DTypeLike | None = None, name: str | None = None
    ) -> None:
        super().__init__(data, requires_grad, dtype, name)

    @property
    def data(self) -> NDArray[Any]:
        """The values, as a read-only array."""
        return super().data

    @data.setter
    def data(self, values: ArrayLike) -> None:
        new = values if isinstance(values, Tensor | np.ndarray) else Tensor(values)
        if new.shape != self.shape:
            hint = "assign a new nn.Parameter to the module"
            raise ShapeError("data", "a parameter keeps its shape", expected=self.shape, got=new.shape, hint=hint)
        if new.dtype != self.dtype:
            if not np.can_cast(new.dtype, self.dtype, "same_kind"):
                raise OperandError("data", "a parameter keeps its dtype", expected=self.dtype, got=new.dtype)
            if not (isinstance(new, Tensor) and new.followed()):  # tracked values are refused below
                new = Tensor(values_of(new), dtype=self.dtype)
        self.replace_data(new)

    def replace_data(self, values: Tensor | NDArray[Any]) -> None:
        """Take over ``values`` of any shape and dtype; a tensor's without a copy."""
        vars(Tensor)["data"].__set__(self, values)
