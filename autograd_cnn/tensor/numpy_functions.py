"""NumPy's functions called on tensors: dispatched to ours of the same name, so that they stay on the tape.

Four tables say what a NumPy function does with a tensor: most are ours under the same name, some under another
(`SYNONYMS`, `_LINALG`); those that only inspect values get plain arrays (`LOOKING`); the others raise an error that says
what to do instead (`REFUSED`). ``docs/numpy.md`` lists them all.
"""

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final

import numpy as np

from autograd_cnn import ops, spelling
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Traced, shape_of, values_of
from autograd_cnn.engine.trace import reading
from autograd_cnn.errors import OperandError, sentence
from autograd_cnn.parameters import Index
from autograd_cnn.tensor.special import SPECIAL, special

SYNONYMS: Final = {
    "acos": "arccos", "acosh": "arccosh", "amax": "max", "amin": "min", "around": "round", "asin": "arcsin",
    "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2", "atanh": "arctanh", "bitwise_invert": "invert",
    "bitwise_left_shift": "left_shift", "bitwise_not": "invert",
    "bitwise_right_shift": "right_shift", "concat": "concatenate", "conj": "positive", "conjugate": "positive", "copy": "positive",
    "degrees": "rad2deg", "expit": "sigmoid", "fabs": "absolute", "fix": "trunc", "mod": "remainder",
    "permute_dims": "transpose", "pow": "power", "radians": "deg2rad", "real": "positive", "real_if_close": "positive",
    "row_stack": "vstack", "true_divide": "divide",
}  # fmt: skip
"""NumPy functions that have several names, or that also take complex numbers, and our names for them."""

_LINALG: Final[dict[str, Callable[..., Any]]] = {
    "diagonal": lambda x, offset=0: ops.diagonal(x, offset, -2, -1),
    "trace": lambda x, offset=0: ops.trace(x, offset, -2, -1),
    "cross": lambda x1, x2, axis=-1: ops.cross(x1, x2, axis=axis),
}
"""Functions that mean something else in `numpy.linalg` than in `numpy`."""


@composite
def clip(x: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002  # NumPy's names
    """Limit ``x``, also by arrays: these have gradients, and share that of ``x`` where it equals a limit."""
    if not shape_of(min) and not shape_of(max) and not any(isinstance(limit, Traced) for limit in (min, max)):
        return ops.clip(x, min, max)
    x = x if min is None else ops.maximum(x, min)
    return x if max is None else ops.minimum(x, max)


_SHIFTS: Final = {"fftshift": 1, "ifftshift": -1}
"""Functions of `numpy.fft` that only shift numbers, and the direction."""

LOOKING: Final = frozenset({
    "allclose", "angle", "argwhere", "array2string", "array_equal", "array_equiv", "array_repr", "array_str",
    "bitwise_count", "can_cast", "common_type", "diag_indices_from", "digitize",
    "einsum_path", "empty_like", "flatnonzero", "gammasgn", "gcd", "imag", "isclose", "iscomplex", "iscomplexobj", "isin", "isneginf",
    "isposinf", "isreal", "isrealobj", "lcm", "lexsort", "matrix_rank", "may_share_memory",
    "min_scalar_type", "nanargmax", "nanargmin", "ndim", "nonzero", "ones_like", "packbits", "ravel_multi_index",
    "result_type", "shape", "shares_memory", "size", "spacing", "tril_indices_from", "triu_indices_from",
    "unpackbits", "unravel_index", "zeros_like",
})  # fmt: skip
"""NumPy's functions whose results have no gradient; they get plain arrays."""

_SHAPES: Final = frozenset({
    "diag_indices_from", "empty_like", "iscomplexobj", "isrealobj", "ndim", "ones_like", "result_type", "shape", "size",
    "tril_indices_from", "triu_indices_from", "zeros_like",
})  # fmt: skip
"""Those that do not depend on values."""

_COMPLEX: Final = "its results are complex, which have no gradients here; use .numpy() to leave the tape"
_WRITING: Final = "it writes into an array; write t[index] = values, or choose with ag.where"
REFUSED: Final = {
    **dict.fromkeys(["eig", "eigvals", "sort_complex"], _COMPLEX),
    **dict.fromkeys(["copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"], _WRITING),
    **dict.fromkeys(
        ["intersect1d", "setdiff1d", "setxor1d", "union1d"],
        "use ag.unique and ag.extract, or .numpy() to leave the tape",
    ),
    **dict.fromkeys(["save", "savetxt", "savez", "savez_compressed"], "write t.numpy(), or use ag.save"),
    "i0": "its gradient is computed by SciPy, which is not installed",
    "ix_": "indices are arrays; use .numpy() to leave the tape",
}
"""Functions that do not exist here, and what to do instead."""

_REDUCING: Final[dict[str, Callable[..., Any]]] = {
    "add": ops.sum, "multiply": ops.prod, "maximum": ops.max, "minimum": ops.min, "logical_and": ops.all,
    "logical_or": ops.any, "logaddexp": ops.logsumexp,
}  # fmt: skip
_ACCUMULATING: Final[dict[str, Callable[..., Any]]] = {"add": ops.cumsum, "multiply": ops.cumprod}
_IDENTITIES: Final[dict[str, tuple[float | None, Callable[..., Any]]]] = {
    "sum": (0, ops.add), "prod": (1, ops.multiply), "max": (None, ops.maximum), "min": (None, ops.minimum),
    "any": (False, ops.logical_or), "all": (True, ops.logical_and), "logsumexp": (-np.inf, ops.logaddexp),
}  # fmt: skip
"""Reductions: the result for no elements, and the function that combines two results."""

_NUMPYS: Final = frozenset({
    "casting", "copy", "device", "dtype", "hermitian", "initial", "kind", "like", "mean", "mode", "order", "out",
    "overwrite_input", "stable", "subok", "where", "weights",
})  # fmt: skip
"""NumPy parameters that ours may lack; they may be passed with their default values."""

_WITHOUT_EFFECT: Final = frozenset({"casting", "copy", "kind", "overwrite_input", "stable", "subok"})
"""Those that do not affect the result."""


class NumpyFunctions(Traced):
    """NumPy's dispatch protocols, ``__array_ufunc__`` and ``__array_function__``."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Dispatch NumPy's ufunc to the primitive of the same name."""
        name = ufunc.__name__
        if method == "__call__" and not options and name not in LOOKING:
            return stand_in(name)(*inputs)
        if options.pop("out", None) and method != "at":
            problem = "a result of tensors is always new, and not written into another array"
            raise OperandError(name, problem, hint="write a = a + t for a += t, or join parts with ag.stack")
        if name in LOOKING:
            return getattr(ufunc, method)(*(_seen(name, value) for value in inputs), **options)
        if method in _METHODS:
            return _METHODS[method](ufunc, *inputs, **options)
        if method != "__call__":
            raise _not_defined(f"numpy.{name}.{method}", "use ag.scatter_add, or .numpy() to leave the tape")
        return _served(stand_in(name), inputs, {n: v for n, v in options.items() if not (n == "where" and v is True)})

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Dispatch NumPy's function to ours of the same name; one that only inspects values gets plain arrays."""
        name = function.__name__
        if name in LOOKING or (name == "where" and len(args) == 1) or (name == "bincount" and _constant(args, options)):
            return function(
                *(_seen(name, value) for value in args), **{key: _seen(name, value) for key, value in options.items()}
            )
        own = stand_in(name, function.__module__)
        args, options = _named(function, own, args, options)
        if name in _IDENTITIES and not options.keys().isdisjoint({"where", "initial"}):
            return _chosen(name, own, *args, **options)
        return _served(own, args, options)


def plain_index(index: Index) -> Index:
    """Replace tensors in an index by their values; a single number becomes a Python number."""
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if not isinstance(index, Traced):
        return index
    if not index.value.ndim:
        reading("an index", index)
    return index.value


@cache
def stand_in(name: str, module: str | None = None) -> Callable[..., Any]:
    """Return our function for NumPy's; a ufunc does not say which library it is from.

    Raises
    ------
    OperandError
        If there is none; the error says what to do.
    """
    if module == "numpy.linalg" and name in _LINALG:
        return _LINALG[name]
    if module == "numpy.fft" and name in _SHIFTS:
        return lambda x, axes=None: _shifted(x, axes, _SHIFTS[name])
    found = clip if name == "clip" else getattr(ops, SYNONYMS.get(name, name), None)
    if callable(found):
        return found
    if (plain := name.removeprefix("_")) in SPECIAL:
        with suppress(ImportError):
            return special(plain)
    namespace = module or ("numpy" if hasattr(np, name.partition(".")[0]) else None)
    instead = spelling.instead_of(name)
    hint = f"use {instead}, or .numpy() to leave the tape" if instead else spelling.LEAVING
    raise _not_defined(
        f"{namespace}.{name}" if namespace else name, _COMPLEX if module == "numpy.fft" else REFUSED.get(name, hint)
    )


def _not_defined(name: str, hint: str) -> OperandError:
    return OperandError(sentence(name, "not defined for tensors", hint=hint))


def _seen(name: str, arg: Any) -> Any:
    """Return the values of a tensor for the function ``name``, which only inspects them."""
    if isinstance(arg, (list, tuple)):
        return type(arg)(_seen(name, each) for each in arg)
    if not isinstance(arg, Traced):
        return arg
    if name not in _SHAPES:
        reading(name, arg)
    return values_of(arg)


def _constant(args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether only the first argument is a tensor."""
    return not any(isinstance(x, Traced) for x in (*args[1:], *options.values()))


# --- arguments --------------------------------------------------------------------------------


def _named(
    function: Callable[..., Any], own: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Convert NumPy's arguments to ours: arrays by position, without parameters that have no effect."""
    names, at, taken = _split_names(function, own)
    if len(args) <= at and options.keys() <= taken:
        return args, options
    defaults = _parameters(function)
    while len(args) < len(names) and (name := names[len(args)]) in options and name not in taken | _NUMPYS:
        args, options = (*args, options[name]), {n: v for n, v in options.items() if n != name}
    options = dict(zip(names[at:], args[at:], strict=False)) | options
    return args[:at], {n: v for n, v in options.items() if n in taken or not _is_default(n, v, defaults)}


@cache
def _split_names(function: Callable[..., Any], own: Callable[..., Any]) -> tuple[list[str], int, frozenset[str]]:
    """Return NumPy's parameter names, the index of the first that ours lacks, and the names of ours."""
    names, taken = list(_parameters(function)), frozenset(_parameters(own))
    return names, next((i for i, n in enumerate(names) if n in _NUMPYS - taken), len(names) or sys.maxsize), taken


def _is_default(name: str, value: Any, defaults: dict[str, Any]) -> bool:
    """Whether a NumPy parameter, as passed, has no effect."""
    return name in _NUMPYS and (
        name in _WITHOUT_EFFECT
        or value is None
        or (isinstance(value, (bool, str)) and value == defaults.get(name, True))
    )


@cache
def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the names of a function's parameters with their defaults; functions written in C may have none."""
    try:
        given = inspect.signature(function).parameters.values()
    except ValueError:
        return {}
    return {} if any(p.kind is p.VAR_POSITIONAL for p in given) else {p.name: p.default for p in given}


def _served(own: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Call our function; if it lacks NumPy's ``dtype``, convert the arrays first."""
    if "dtype" not in options or "dtype" in _parameters(own):
        return own(*args, **options)
    dtype = np.dtype(options["dtype"])
    if dtype.kind == "b":
        raise OperandError(own.__name__, "dtype can't be bool here", hint="compare the result with 0")
    y = own(*_converted(args, dtype), **{n: v for n, v in options.items() if n != "dtype"})
    return _converted(y, dtype)


def _converted(value: Any, dtype: Any) -> Any:
    """Return a tensor, an array, or a sequence of these in a dtype."""
    if isinstance(value, (list, tuple)):
        return type(value)(_converted(each, dtype) for each in value)
    convert: Callable[..., Any] = ops.astype
    return convert(value, dtype=dtype) if isinstance(value, (Traced, np.ndarray)) else value


# --- reductions, and the methods of NumPy's elementwise functions -----------------------------


def _chosen(
    name: str, own: Callable[..., Any], x: Any, *args: Any, where: Any = True, initial: Any = None, **options: Any
) -> Any:
    """Reduce the elements selected by a mask, together with an initial value."""
    identity, combined = _IDENTITIES[name]
    if where is not True:
        other = identity if identity is not None else initial
        if other is None:
            raise OperandError(name, "what is left out needs an initial value", hint="say initial= beside where=")
        x = ops.where(where, x, other)
    y = _served(own, (x, *args), options)
    return y if initial is None else combined(y, initial)


def _reduced(ufunc: np.ufunc, x: Any, axis: Any = 0, **options: Any) -> Any:
    own = _known_method(_REDUCING, ufunc, "reduce")
    axis = None if shape_of(x) == () else axis
    options = {n: v for n, v in options.items() if v is not None and not (n == "where" and v is True)}
    if options.keys().isdisjoint({"where", "initial"}):
        return _served(own, (x,), {"axis": axis, **options})
    return _chosen(own.__name__, own, x, axis=axis, **options)


def _accumulated(ufunc: np.ufunc, x: Any, axis: int = 0, dtype: Any = None) -> Any:
    own = _known_method(_ACCUMULATING, ufunc, "accumulate")
    return _served(own, (x,), {"axis": axis} if dtype is None else {"axis": axis, "dtype": dtype})


def _outer(ufunc: np.ufunc, x1: Any, x2: Any, **options: Any) -> Any:
    raised = ops.reshape(x1, shape=shape_of(x1) + (1,) * len(shape_of(x2)))
    return _served(stand_in(ufunc.__name__), (raised, x2), options)


def _known_method(table: dict[str, Callable[..., Any]], ufunc: np.ufunc, method: str) -> Callable[..., Any]:
    if ufunc.__name__ not in table:
        raise _not_defined(f"numpy.{ufunc.__name__}.{method}", spelling.LEAVING)
    return table[ufunc.__name__]


_METHODS: Final[dict[str, Callable[..., Any]]] = {"reduce": _reduced, "accumulate": _accumulated, "outer": _outer}


def _shifted(x: Any, axes: Any, direction: int) -> Any:
    """Roll axes by half their length, which moves the zero frequency to the centre, or back."""
    shape = shape_of(x)
    axes = range(len(shape)) if axes is None else axes
    axes = (axes,) if isinstance(axes, int) else tuple(axes)
    return ops.roll(x, tuple(direction * (shape[a] // 2) for a in axes), axes)
