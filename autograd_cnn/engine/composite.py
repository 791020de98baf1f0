"""Functions made of primitives: their parameters are parsed, and their errors named, as those of primitives are."""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from autograd_cnn.engine.node import Traced
from autograd_cnn.engine.signature import ArrayLike, TensorLike, plain
from autograd_cnn.errors import raise_as
from autograd_cnn.parameters import parsers_of, signature_of
from autograd_cnn.spelling import understood, unknown_argument

P = ParamSpec("P")
T = TypeVar("T")


class Operation(Protocol[P]):
    """To a type checker a function of an array and more: it gives a tensor for a tensor, as primitives do."""

    @overload
    def __call__(self, x: TensorLike[T], /, *args: P.args, **params: P.kwargs) -> T: ...
    @overload
    def __call__(self, x: ArrayLike, /, *args: P.args, **params: P.kwargs) -> Any: ...


@overload
def composite(function: Callable[Concatenate[Traced, P], Traced]) -> Operation[P]: ...  # type: ignore[overload-overlap]  # of an array, to one
@overload
def composite(function: Callable[P, T]) -> Callable[P, T]: ...
def composite(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function see its parameters parsed, as their annotations say, and name it where NumPy complains.

    What other libraries call an argument it understands, as primitives do.

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
    """
    name = function.__name__
    parsers = parsers_of(function)
    signature = signature_of(function)
    defaults = {p.name: p.default for p in signature.parameters.values()}
    positions = {i: key for i, key in enumerate(defaults) if key in parsers}

    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        arguments = list(args)
        if not named.keys() <= defaults.keys():
            named = understood(name, named, defaults)
            if foreign := named.keys() - defaults.keys():
                raise unknown_argument(name, min(foreign), ", ".join(defaults))
        for i, key in positions.items():
            if i < len(arguments):
                arguments[i] = parsers[key](name, key, plain(name, key, arguments[i]))
            elif key in named:
                named[key] = parsers[key](name, key, plain(name, key, named[key]))
        try:
            return function(*arguments, **named)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise_as(name, error)
            raise

    call.__signature__ = signature  # type: ignore[attr-defined]  # what inspect looks for
    return call
