"""NumPy's array methods, for tensors: each calls the operation of its name."""

from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike

from autograd_cnn import ops
from autograd_cnn.engine.node import Traced
from autograd_cnn.parameters import Axis

if TYPE_CHECKING:
    from autograd_cnn.tensor.tensor import Tensor


class NumpyMethods(Traced):
    """NumPy's array methods."""

    __slots__ = ()

    if TYPE_CHECKING:  # these methods are a tensor's

        def detach(self) -> "Tensor": ...  # noqa: D102  # see there
        def rebind(self, result: "Tensor") -> Any: ...  # noqa: D102  # see there

    @property
    def T(self) -> "Tensor":  # noqa: N802  # NumPy's name
        """The transpose, with all axes reversed."""
        return ops.transpose(self)

    def sum(self, axis: Axis = None, keepdims: bool = False, **named: Any) -> "Tensor":
        """See `autograd_cnn.sum`."""
        return ops.sum(self, axis=axis, keepdims=keepdims, **named)

    def mean(self, axis: Axis = None, keepdims: bool = False, **named: Any) -> "Tensor":
        """See `autograd_cnn.mean`."""
        return ops.mean(self, axis=axis, keepdims=keepdims, **named)

    def var(self, axis: Axis = None, ddof: int = 0, keepdims: bool = False, **named: Any) -> "Tensor":
        """See `autograd_cnn.var`."""
        return ops.var(self, axis=axis, ddof=ddof, keepdims=keepdims, **named)

    def std(self, axis: Axis = None, ddof: int = 0, keepdims: bool = False, **named: Any) -> "Tensor":
        """See `autograd_cnn.std`."""
        return ops.std(self, axis=axis, ddof=ddof, keepdims=keepdims, **named)

    def max(self, axis: Axis = None, keepdims: bool = False, **named: Any) -> "Tensor":
        """See `autograd_cnn.max`."""
        return ops.max(self, axis=axis, keepdims=keepdims, **named)

    def min(self, axis: Axis = None, keepdims: bool = False, **named: Any) -> "Tensor":
        """See `autograd_cnn.min`."""
        return ops.min(self, axis=axis, keepdims=keepdims, **named)

    def prod(self, axis: Axis = None, keepdims: bool = False, **named: Any) -> "Tensor":
        """See `autograd_cnn.prod`."""
        return ops.prod(self, axis=axis, keepdims=keepdims, **named)

    def cumsum(self, axis: int | None = None, **named: Any) -> "Tensor":
        """See `autograd_cnn.cumsum`."""
        return ops.cumsum(self, axis=axis, **named)

    def argmax(self, axis: int | None = None, **named: Any) -> "Tensor":
        """See `autograd_cnn.argmax`."""
        return ops.argmax(self, axis=axis, **named)

    def argmin(self, axis: int | None = None, **named: Any) -> "Tensor":
        """See `autograd_cnn.argmin`."""
        return ops.argmin(self, axis=axis, **named)

    def clip(self, min: float | None = None, max: float | None = None) -> "Tensor":
        """See `autograd_cnn.clip`."""
        return ops.clip(self, min=min, max=max)

    def astype(self, dtype: DTypeLike, **named: Any) -> "Tensor":
        """See `autograd_cnn.astype`."""
        return ops.astype(self, dtype=dtype, **named)

    def reshape(self, *shape: Any, **named: Any) -> "Tensor":
        """See `autograd_cnn.reshape`; the lengths may be given one by one."""
        return ops.reshape(self, **named or {"shape": shape[0] if len(shape) == 1 else shape})

    def transpose(self, *axes: Any) -> "Tensor":
        """See `autograd_cnn.transpose`; the axes may be given one by one."""
        return ops.transpose(self, axes=(axes[0] if len(axes) == 1 else axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> "Tensor":
        """See `autograd_cnn.swapaxes`."""
        return ops.swapaxes(self, axis1=axis1, axis2=axis2)

    def squeeze(self, axis: int | tuple[int, ...] | None = None, **named: Any) -> "Tensor":
        """See `autograd_cnn.squeeze`."""
        return ops.squeeze(self, axis=axis, **named)

    def repeat(self, repeats: Any, axis: int | None = None) -> "Tensor":
        """See `autograd_cnn.repeat`."""
        return ops.repeat(self, repeats, axis)

    def compress(self, condition: Any, axis: int | None = None) -> "Tensor":
        """See `autograd_cnn.compress`."""
        return ops.compress(condition, self, axis)

    def sort(self, axis: int = -1) -> None:
        """Sort in place, as NumPy's method does: the tensor is rebound to the result of `autograd_cnn.sort`."""
        self.rebind(ops.sort(self, axis))

    def partition(self, kth: Any, axis: int = -1) -> None:
        """Partition in place, as NumPy's method does; see `autograd_cnn.partition`."""
        self.rebind(ops.partition(self, kth, axis))
