"""Functions composed of primitives: as with primitives, arguments are parsed, and errors name the function."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar, dataclass_transform, overload

import numpy as np

from autograd_cnn.engine.node import Traced
from autograd_cnn.engine.signature import ArrayLike, TensorLike, plain
from autograd_cnn.errors import FUNCTIONS, ArgumentError, OperandError, raise_as
from autograd_cnn.parameters import parsers_of, signature_of
from autograd_cnn.spelling import understood, unknown_argument

P = ParamSpec("P")
T = TypeVar("T")


class Operation(Protocol[P]):
    """For type checkers: a function that, like a primitive, returns a tensor if its first operand is one."""

    @overload
    def __call__(self, x: TensorLike[T], /, *args: P.args, **params: P.kwargs) -> T: ...
    @overload
    def __call__(self, x: ArrayLike, /, *args: P.args, **params: P.kwargs) -> Any: ...


_PLAIN: Final = frozenset({np.ndarray, int, float, bool, str, dict, type(None)})


class Arguments:
    """The arguments of a function or a constructor, from its signature."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.signature = signature_of(function)
        given = self.signature.parameters.values()
        self._positional = [p.name for p in given if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
        self._variadic = any(p.kind is p.VAR_POSITIONAL for p in given)
        self._open = any(p.kind is p.VAR_KEYWORD for p in given)
        self._defaults = {p.name: p.default for p in given if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}}
        self._required = [name for name, default in self._defaults.items() if default is self.signature.empty]
        self._parsers = parsers_of(function)
        self._positions = {name: i for i, name in enumerate(self._positional) if name in self._parsers}

    def bound(self, where: str, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments, parsed according to the annotations; an error names the function ``where``."""
        if not self._open and not named.keys() <= self._defaults.keys():
            named = understood(where, named, self._defaults)
            if foreign := named.keys() - self._defaults.keys():
                raise unknown_argument(where, min(foreign), self._listed())
        passed = self._positional[: len(args)]
        if (len(args) > len(passed) and not self._variadic) or not named.keys().isdisjoint(passed):
            raise OperandError(where, "too many arguments", hint=f"it takes {self._listed()}")
        for name in self._required:
            if name not in named and name not in passed:
                raise OperandError(where, f"argument {name!r} is missing", hint=f"it takes {self._listed()}")
        bound = list(map(self._taken, args))
        for name, parse in self._parsers.items():
            if name in named:
                named[name] = parse(where, name, plain(where, name, named[name]))
            elif (i := self._positions.get(name, len(bound))) < len(bound):
                bound[i] = parse(where, name, plain(where, name, bound[i]))
        return bound, {name: self._taken(value) for name, value in named.items()}

    def _taken(self, value: Any) -> Any:
        """Return a value with another library's arrays converted to NumPy's, also in lists."""
        if type(value) in _PLAIN or isinstance(value, (Traced, np.ndarray, np.generic)):
            return value
        if type(value) in {list, tuple}:
            return value if not value or type(value[0]) in _PLAIN else type(value)(map(self._taken, value))
        return np.asarray(value) if hasattr(type(value), "__array__") else value

    def _listed(self) -> str:
        shown = [str(p.replace(annotation=p.empty, default=p.empty)) for p in self.signature.parameters.values()]
        return ", ".join(name for name in shown if name != "self") or "none"


class ConstructorArguments(Arguments):
    """The arguments of a constructor, ``self`` included."""

    def _taken(self, value: Any) -> Any:
        """Return the value unchanged: a loader reads arrays of other libraries batch by batch."""
        return value

    def bound(self, where: str, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the parsed arguments; if a layer gets arrays instead of parameters, the error says how to call it."""
        try:
            return super().bound(where, args, named)
        except (ArgumentError, OperandError) as error:
            arrays = any(isinstance(x, (np.ndarray, Traced)) for x in (*args[1:], *named.values()))
            if arrays and callable(args[0]):
                error.args = (f"{error}; a layer is made first and then called: {where}(...)(x)",)
            raise


@overload
def composite(function: Callable[Concatenate[Traced, P], Traced]) -> Operation[P]: ...  # type: ignore[overload-overlap]  # of an array, to one
@overload
def composite(function: Callable[P, T]) -> Callable[P, T]: ...
def composite(function: Callable[..., Any]) -> Callable[..., Any]:
    """Parse a function's parameters according to their annotations, and name the function in errors from inside.

    As with primitives, other libraries' argument names are understood. A constructor's errors name the class.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn.parameters import Axis
    >>> @composite
    ... def total(x, axis: Axis = None):
    ...     return ag.sum(x, axis=axis)
    >>> total([[1.0, 2.0]], axis=1.0)
    Traceback (most recent call last):
    autograd_cnn.errors.ArgumentError: total: axis is not understood: expected an int or a tuple of ints, got 1.0
    >>> total([[1.0, 2.0]], axis=2)
    Traceback (most recent call last):
    numpy.exceptions.AxisError: total: axis 2 is out of bounds for array of dimension 2; shapes x=(1, 2)
    """
    arguments = _arguments(function)
    FUNCTIONS.add(function.__name__)

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        where = _name(function, args)
        bound, named = arguments.bound(where, args, options)
        try:
            return function(*bound, **named)
        except (ValueError, TypeError, IndexError, OverflowError, MemoryError) as error:
            raise_as(where, error)
            raise

    call.__signature__ = arguments.signature  # type: ignore[attr-defined]  # what inspect looks for
    return call


@dataclass_transform(eq_default=False)
def declared(cls: type[T]) -> type[T]:
    """Make the annotated attributes of a class the arguments of its constructor, as `dataclasses.dataclass` does.

    The constructor parses them as `composite` says.

    Examples
    --------
    >>> from autograd_cnn.parameters import Size
    >>> @declared
    ... class Window:
    ...     size: Size
    ...     stride: Size = 1
    >>> Window(3).stride
    1
    >>> Window(0)
    Traceback (most recent call last):
    autograd_cnn.errors.ArgumentError: Window: size is out of range: expected an int of at least 1, got 0
    """
    made: Any = dataclass(eq=False, repr=False)(cls)
    made.__init__ = composite(made.__init__)
    for each in fields(made):
        if each.name in vars(made):
            delattr(made, each.name)  # a default is the constructor's; the class itself has no such attribute
    return cls


def parsed(function: Callable[P, T]) -> Callable[P, T]:
    """Parse a function's parameters as `composite` does; errors from inside may name the function that it calls."""
    arguments = _arguments(function)

    @functools.wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> T:
        bound, named = arguments.bound(_name(function, args), args, options)
        return function(*bound, **named)

    call.__signature__ = arguments.signature  # type: ignore[attr-defined]  # what inspect looks for
    return call


def _arguments(function: Callable[..., Any]) -> Arguments:
    return ConstructorArguments(function) if function.__name__ == "__init__" else Arguments(function)


def _name(function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    return type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
