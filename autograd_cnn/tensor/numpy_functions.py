"""NumPy's functions called on tensors: served by ours of the same name, so that they stay on the tape."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np

from autograd_cnn import ops, spelling
from autograd_cnn.engine.node import Traced, values_of
from autograd_cnn.engine.trace import reading
from autograd_cnn.errors import OperandError, sentence
from autograd_cnn.parameters import Index

_LOOKING: Final = frozenset({
    "all", "allclose", "any", "array2string", "array_equal", "array_equiv", "array_repr", "array_str", "bitwise_and",
    "bitwise_or", "bitwise_xor", "count_nonzero", "invert",
    "empty_like", "flatnonzero", "isclose", "iscomplexobj", "isfinite", "isinf", "isnan", "isrealobj", "logical_and",
    "logical_not", "logical_or", "logical_xor", "ndim", "nonzero", "ones_like", "result_type", "shape", "signbit",
    "size", "zeros_like",
})  # fmt: skip
"""NumPy's functions whose results have no gradient, and which work on plain values as they are."""


_SHAPES: Final = frozenset({"empty_like", "ndim", "ones_like", "result_type", "shape", "size", "zeros_like"})
"""Those that see no values."""


class NumpyFunctions(Traced):
    """The protocols by which NumPy hands its functions over."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Serve NumPy's function by the primitive of the same name."""
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        if options.pop("out", None):
            raise OperandError(
                sentence(ufunc.__name__, "a result of tensors is always new, and not written into another array",
                         hint="write a = a + t for a += t, or join parts with ag.stack")
            )  # fmt: skip
        if name in _LOOKING:
            return ufunc(*(_seen(name, value) for value in inputs), **options)
        return _stand_in(name)(*inputs, **options)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Serve NumPy's function by ours of the same name; one that only looks at the values gets these."""
        if function.__name__ in _LOOKING:
            name = function.__name__
            return function(
                *(_seen(name, value) for value in args), **{key: _seen(name, value) for key, value in options.items()}
            )
        args, options = _named(function, args, options)
        return _stand_in(function.__name__, function.__module__)(*args, **options)


def plain_index(index: Index) -> Index:
    """Replace tensors in an index by their values; a single number becomes Python's."""
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if not isinstance(index, Traced):
        return index
    if not index.value.ndim:
        reading("an index", index)
    return index.value


def _seen(name: str, arg: Any) -> Any:
    """Return the values of a tensor that the function of this ``name`` only looks at."""
    if not isinstance(arg, Traced):
        return arg
    if name not in _SHAPES:
        reading(name, arg)
    return values_of(arg)


def _named(
    function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Pass by name what NumPy's function takes from ``dtype`` or ``out`` on, since ours has neither in its place."""
    if len(args) > 2:
        names = _names(function)
        at = min((names.index(name) for name in ("dtype", "out") if name in names), default=len(args))
        args, options = args[:at], options | dict(zip(names[at:], args[at:], strict=False))
    return args, {n: v for n, v in options.items() if not (v is None and n in {"dtype", "out"})}


@cache
def _names(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        given = inspect.signature(function).parameters.values()
    except ValueError:  # written in C without a signature
        return ()
    return () if any(p.kind is p.VAR_POSITIONAL for p in given) else tuple(p.name for p in given)


def _stand_in(name: str, module: str | None = None) -> Callable[..., Any]:
    """Return our function for NumPy's; of a ufunc it is not known which library's it is."""
    found = getattr(ops, name, None)
    if not callable(found):
        place = module or ("numpy" if hasattr(np, name.partition(".")[0]) else None)
        instead = spelling.instead_of(name)
        hint = f"use {instead}, or .numpy() to leave the tape" if instead else spelling.LEAVING
        raise OperandError(sentence(f"{place}.{name}" if place else name, "not defined for tensors", hint=hint))
    return found
