"""The namespace of the Python array API standard: what ``t.__array_namespace__()`` returns.

NumPy's functions have the standard's names and arguments, and calls on tensors are dispatched to ours. So each function
here is NumPy's, with arrays in its result turned into tensors. Code written with these functions works on NumPy's arrays,
on other libraries' and on tensors, and is recorded. ``docs/array_api.md`` says how much of the standard is implemented;
complex numbers and ``fft`` are not.

Examples
--------
>>> import autograd_cnn as ag
>>> def softplus(x):
...     xp = x.__array_namespace__()
...     return xp.log1p(xp.exp(x))
>>> ag.grad(lambda x: softplus(x))(0.0)
np.float64(0.5)
"""

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.errors import OperandError
from autograd_cnn.tensor import Tensor

__array_api_version__: Final = getattr(np, "__array_api_version__", "2022.12")

_AS_NUMPY: Final = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "e", "inf",
    "nan", "newaxis", "pi", "finfo", "iinfo", "isdtype", "can_cast", "result_type",
)  # fmt: skip
"""Names that do not depend on the type of array."""

_CREATING: Final = (
    "arange", "empty", "eye", "full", "linspace", "ones", "zeros", "empty_like", "full_like", "ones_like", "zeros_like",
    "meshgrid", "tril", "triu", "from_dlpack",
)  # fmt: skip
_COMPUTING: Final = (
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_invert",
    "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil", "conj", "copysign", "cos",
    "cosh", "divide", "equal", "exp", "expm1", "floor", "floor_divide", "greater", "greater_equal", "hypot", "imag",
    "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp", "logical_and",
    "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative", "nextafter", "not_equal",
    "positive", "pow", "real", "reciprocal", "remainder", "round", "sign", "signbit", "sin", "sinh", "sqrt", "square",
    "subtract", "tan", "tanh", "trunc", "matmul", "matrix_transpose", "tensordot", "vecdot", "broadcast_arrays",
    "broadcast_to", "concat", "expand_dims", "flip", "moveaxis", "permute_dims", "repeat", "reshape", "roll", "squeeze",
    "stack", "tile", "unstack", "take", "take_along_axis", "argmax", "argmin", "count_nonzero", "nonzero",
    "searchsorted", "where", "unique_all", "unique_counts", "unique_inverse", "unique_values", "cumulative_prod",
    "cumulative_sum", "max", "mean", "min", "prod", "std", "sum", "var", "all", "any", "diff",
)  # fmt: skip
_LINALG: Final = (
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power",
    "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace",
    "vecdot", "vector_norm",
)  # fmt: skip


_DTYPES: Final = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float32", "float64"),
    "complex floating": (),
}
"""Dtypes by kind; "integral" and "numeric" combine several kinds."""
_KINDS: Final = {
    None: tuple(_DTYPES),
    "integral": ("signed integer", "unsigned integer"),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
}


def _tensors(result: Any) -> Any:
    """Return a result with tensors instead of arrays."""
    if isinstance(result, (tuple, list)):
        parts = map(_tensors, result)
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    if not isinstance(result, (np.ndarray, np.generic)):
        return result
    if result.dtype.kind == "c":
        raise OperandError("a tensor", "not an array of numbers", expected="ints, floats or bools", got=result.dtype)
    value: Any = np.asarray(result).view()
    value.flags.writeable = False
    return Tensor.wrap(value[()])


def _of_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a NumPy function whose results are tensors instead of arrays."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        return _tensors(function(*args, **options))

    return call


def asarray(obj: Any, /, *, dtype: Any = None, device: str | None = None, copy: bool | None = None) -> Tensor:
    """Return an array, a number or a nested list as a tensor; a tensor keeps its history.

    An array is copied unless ``copy`` is False; then changes to it show in the tensor.
    """
    _check_device("asarray", device)
    if isinstance(obj, Tensor):
        return astype(obj, obj.dtype if dtype is None else dtype, copy=bool(copy))
    return _tensors(np.array(obj, dtype, copy=copy is not False))


def astype(x: Tensor, dtype: Any, /, *, copy: bool = True, device: str | None = None) -> Tensor:
    """Return ``x`` in a dtype; ``x`` itself if it already has it and ``copy`` is False."""
    _check_device("astype", device)
    return x.astype(dtype) if x.dtype != dtype else +x if copy else x


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:  # noqa: A002  # the standard's names
    """Limit ``x``; see `numpy.clip`."""
    return _tensors(np.clip(x, min, max))


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:  # noqa: ARG001
    """Sort along an axis; see `autograd_cnn.sort`."""
    y = ops.sort(x, axis=axis)
    return ops.flip(y, axis=axis) if descending else y


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:  # noqa: ARG001
    """Return the positions that sort along an axis, stably; see `autograd_cnn.argsort`."""
    if not descending:
        return ops.argsort(x, axis=axis)
    order = ops.argsort(ops.flip(x, axis=axis), axis=axis)
    return x.shape[axis] - 1 - ops.flip(order, axis=axis)


def _check_device(where: str, device: str | None) -> None:
    if device not in (None, "cpu"):
        raise OperandError(where, f"device {device!r} is not supported", hint="everything is computed on the CPU")


class __array_namespace_info__:  # noqa: N801  # the standard's name
    """The namespace's capabilities, as the standard defines them."""

    def capabilities(self) -> dict[str, Any]:
        """Return which optional parts of the standard are supported."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """Return ``"cpu"``."""
        return "cpu"

    def devices(self) -> list[str]:
        """Return ``["cpu"]``."""
        return ["cpu"]

    def default_dtypes(self, *, device: str | None = None) -> dict[str, Any]:
        """Return the default dtypes."""
        _check_device("default_dtypes", device)
        return {"real floating": np.float64, "integral": np.int64, "indexing": np.intp}

    def dtypes(self, *, device: str | None = None, kind: str | tuple[str, ...] | None = None) -> dict[str, Any]:
        """Return the dtypes of a kind, or of several, by name."""
        _check_device("dtypes", device)
        kinds = [part for each in (kind if isinstance(kind, tuple) else (kind,)) for part in _KINDS.get(each, (each,))]
        return {name: getattr(np, name) for each in kinds for name in _DTYPES[str(each)]}


globals().update({name: getattr(np, name) for name in _AS_NUMPY if hasattr(np, name)})
globals().update({name: _of_tensors(getattr(np, name)) for name in (*_CREATING, *_COMPUTING) if hasattr(np, name)})
linalg = SimpleNamespace(**{name: _of_tensors(getattr(np.linalg, name)) for name in _LINALG})

_OWN = frozenset({"argsort", "asarray", "astype", "clip", "linalg", "sort"})

__all__ = sorted(name for name in globals() if name in _OWN.union(_AS_NUMPY, _CREATING, _COMPUTING))

if TYPE_CHECKING:  # the names depend on the installed NumPy

    def __getattr__(name: str) -> Any: ...
