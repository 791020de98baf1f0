"""The arguments of a primitive: arrays first, then parameters."""

import inspect
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import spelling
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Floats, Traced
from autograd_cnn.engine.trace import reading
from autograd_cnn.errors import OperandError, RegistrationError, raise_as, sentence
from autograd_cnn.parameters import INT, hints_of, parsers_of, signature_of

_NEVER_PARSED: Final = frozenset({int, float, bool, str, tuple, type(None), np.ndarray})

T_co = TypeVar("T_co", covariant=True)


class TensorLike(Protocol[T_co]):
    """For type checkers: a tensor, or a parameter, operations on which also return tensors."""

    def detach(self) -> T_co:
        """Return its values without a history."""
        ...


class HasArray(Protocol):
    """For type checkers: an array, or a NumPy scalar."""

    def __array__(self) -> NDArray[Any]: ...


ArrayLike: TypeAlias = float | HasArray | list[Any] | tuple[Any, ...]
"""What is accepted as an array in addition to tensors; see `Signature.coerced`."""


class Signature:
    """The arguments of a primitive, from the signature of its forward.

    Attributes
    ----------
    operands : tuple of str
        The names of the arrays, in order. If the last has a star, it takes any number.
    parameters : dict
        The other names with their defaults: those after the star, and those before it whose annotation says how they
        are parsed. The latter may also be positional, after the arrays, as in ``log_softmax(x, 1)``.
    arity : int
        The number of arrays; -1 for any number.
    optional : frozenset of str
        The arguments that may be None.
    inexact : frozenset of str
        The arrays annotated as `Floats`.
    variadic : bool
        Whether the last array has a star.
    shown : inspect.Signature
        The signature as users see it.

    Raises
    ------
    RegistrationError
        If an argument is of neither kind, or is called ``y``.
    """

    def __init__(self, forward: Callable[..., Any]) -> None:
        self.name = forward.__name__.lstrip("_")
        self.shown = signature_of(forward)
        self._parsers = parsers_of(forward)
        given = self.shown.parameters.values()
        arrays = [p for p in given if p.kind is not p.KEYWORD_ONLY and p.name not in self._parsers]
        self.operands = tuple(p.name for p in arrays)
        self.parameters = {p.name: p.default for p in given if p.name not in self.operands}
        self._following = [p.name for p in given if p.kind is p.POSITIONAL_OR_KEYWORD and p.name in self.parameters]
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in arrays)
        self.optional = frozenset(p.name for p in given if p.default is None)
        self._names = frozenset((*self.operands, *self.parameters))
        # The types of values that need no parsing, by the parameter's name.
        self._settled = {
            name: self._parsers[name].types if name in self._parsers else _NEVER_PARSED for name in self.parameters
        }
        self._known: dict[str, Any] = dict.fromkeys(self.parameters)  # the last valid tuple for each
        self._rows = frozenset(name for name, parser in self._parsers.items() if parser.rows)
        self.inexact = frozenset(name for name, hint in hints_of(forward).items() if hint is Floats)
        self.arity = -1 if self.variadic else len(self.operands)
        if "y" in self._names:
            raise RegistrationError(self.name, "an argument is called 'y'", hint="y is the output")
        odd = [p for p in arrays if p.kind is p.VAR_KEYWORD or not (p.default is p.empty or p.default is None)]
        mixed = [*self.operands, *self.parameters] != list(self.shown.parameters)
        if odd or mixed or (self.variadic and len(arrays) > 1):
            expected = "arrays without defaults but None, or one *arrays; then parameters after a star"
            raise RegistrationError(self.name, "its arguments are not understood", got=self.shown, expected=expected)

    def bind(self, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Split the arguments into arrays by position and parameters by name, and parse the parameters."""
        if len(args) != self.arity or not params.keys() <= self.parameters.keys():
            args, params = self._sorted(args, params)
        return args, self.parsed(self.name, params)

    def parsed(self, where: str, params: dict[str, Any]) -> dict[str, Any]:
        """Parse the parameters, in place; an error names the function ``where``."""
        settled, known = self._settled, self._known
        for name, value in params.items():
            if type(value) in settled[name] or value is known[name]:
                continue
            if type(value) is tuple and name in self._rows and INT.issuperset(map(type, value)):
                known[name] = value
                continue
            parse = self._parsers.get(name)
            value = plain(where, name, value)  # noqa: PLW2901  # parsed step by step
            params[name] = value if parse is None else parse(where, name, value)
        return params

    def _sorted(self, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Bind arrays that were passed by name, and parameters that were passed by position."""
        if not params.keys() <= self._names:
            params = spelling.understood(self.name, params, dict.fromkeys(self.operands) | self.parameters)
        if unknown := params.keys() - self._names:
            raise spelling.unknown_argument(self.name, min(unknown), self._listed())
        if not self.variadic:
            count = len(self.operands)
            following = dict(zip(self._following, args[count:], strict=False))
            if len(args) > count + len(following) or params.keys() & {*self.operands[: len(args)], *following}:
                raise OperandError(self.name, "too many arguments", hint=f"it takes {self._listed()}")
            params = following | params
            arrays = list(args[:count])
            for name in self.operands[len(arrays) :]:
                if name not in params and name not in self.optional:
                    raise self._missing(name)
                arrays.append(params.pop(name, None))
            args = tuple(arrays)
        return args, params

    def check_complete(self, params: dict[str, Any]) -> None:
        """Raise `OperandError` if a parameter without a default was not passed."""
        for name, default in self.parameters.items():
            if default is inspect.Parameter.empty and name not in params:
                raise self._missing(name)

    def _missing(self, name: str) -> OperandError:
        return OperandError(sentence(self.name, f"argument {name!r} is missing", hint=f"it takes {self._listed()}"))

    def _listed(self) -> str:
        bare = [p.replace(annotation=p.empty, default=p.empty) for p in self.shown.parameters.values()]
        return str(inspect.Signature(bare))[1:-1]

    def operand(self, position: int) -> str:
        """Return the name of the array at a position."""
        return self.operands[0 if self.variadic else position]

    def coerced(self, arg: Any, position: int) -> Any:
        """Convert an operand to an array, or raise an error."""
        name = self.operand(position)
        if arg is None and name in self.optional:
            return None
        if isinstance(arg, int):
            return arg
        if _holds_tensor(arg):
            problem = f"{name} is {'an array' if isinstance(arg, np.ndarray) else f'a {type(arg).__name__}'} of tensors"
            raise OperandError(self.name, problem, hint="join them with ag.stack first")
        check_unmasked(self.name, name, arg)
        if isinstance(arg, (list, tuple, np.generic, np.ndarray)) or hasattr(arg, "__array__"):
            array = np.asarray(arg)
            if array.dtype.kind in "biuf":
                return arg if isinstance(arg, np.generic) else array
            if isinstance(arg, np.ndarray) or array.dtype.kind == "c":
                raise self._no_numbers(name, array.dtype)
        if isinstance(arg, complex):
            raise self._no_numbers(name, "complex")
        expected = "a tensor, an array or a number"
        raise OperandError(self.name, f"{name} is not an array", expected=expected, got=type(arg).__name__)

    def read(self, arg: Any, position: int) -> Any:
        """Return an operand as numbers that NumPy can compute with, in native byte order."""
        if isinstance(arg, AbstractArray):
            return arg
        value = self.coerced(arg, position)
        if isinstance(value, np.ndarray):
            value = value.astype(value.dtype.type, copy=False)
        if self.operand(position) not in self.inexact:
            return value
        if isinstance(value, int):
            return self._float(value)
        return np.asarray(value, np.float64)[()] if np.result_type(value).kind in "biu" else value

    def _float(self, value: int) -> float:
        try:
            return float(value)
        except OverflowError as error:
            raise_as(self.name, error)
            raise

    def abstract(self, x: AbstractArray, position: int) -> AbstractArray:
        """Return an operand with the dtype that `read` gives it."""
        exact = x.dtype.kind == "f" or self.operand(position) not in self.inexact
        return x if exact else AbstractArray(x.shape)

    def _no_numbers(self, name: str, got: object) -> OperandError:
        return OperandError(
            sentence(self.name, f"{name} is not an array of numbers", expected="ints, floats or bools", got=got)
        )


def check_unmasked(where: str, name: str, value: Any) -> None:
    """Raise `OperandError` for a masked array, which would lose its mask."""
    if isinstance(value, np.ndarray) and hasattr(value, "mask"):  # without importing np.ma
        hint = "fill it with .filled(value), and choose with ag.where"
        raise OperandError(where, f"{name} is a masked array, which would lose its mask", hint=hint)


def copied(where: str, data: Any, dtype: Any = None) -> NDArray[Any]:
    """Return ``data`` as a new array of numbers, in native byte order.

    Raises
    ------
    ShapeError, OperandError
        If it is not an array of numbers.
    """
    check_unmasked(where, "data", data)
    try:
        value = np.array(data, None if dtype is not None and np.iscomplexobj(data) else dtype)
    except (TypeError, ValueError) as error:
        raise_as(where, error)
        raise
    if value.dtype.kind not in "biuf":
        raise OperandError(where, "data is not an array of numbers", expected="ints, floats or bools", got=value.dtype)
    return value.astype(value.dtype.type, copy=False)


def check_flag(wanted: Any) -> None:
    """Raise `OperandError` for a value that is only truthy, such as a dtype passed as ``requires_grad``."""
    if not isinstance(wanted, (bool, np.bool_)):
        hint = "name the dtype, as in dtype=np.float32" if isinstance(wanted, (type, np.dtype, str)) else ""
        problem = "requires_grad is not a bool"
        raise OperandError("tensor", problem, expected="True or False", got=repr(wanted), hint=hint)


def plain(where: str, name: str, value: Any) -> Any:
    """Return a parameter's value without the tensor around it; a tensor that requires a gradient is refused.

    Raises
    ------
    OperandError
        If it requires a gradient: parameters have none.
    """
    if not isinstance(value, Traced):
        return value
    if value.node is not None:
        problem = f"parameter {name!r} has no gradient"
        raise OperandError(where, problem, expected="a plain value", got="a Tensor", hint="pass it detached")
    if not value.value.ndim and value.value.dtype.kind != "b":  # becomes a Python number; a mask stays one
        reading(f"parameter {name!r} of {where}", value)
    return value.value


def _holds_tensor(arg: Any) -> bool:
    """Whether ``arg`` is a tensor or contains one, in a list or in an array of objects."""
    if isinstance(arg, np.ndarray):
        return arg.dtype.kind == "O" and any(map(_holds_tensor, arg.flat))
    return isinstance(arg, Traced) or (isinstance(arg, (list, tuple)) and any(map(_holds_tensor, arg)))
