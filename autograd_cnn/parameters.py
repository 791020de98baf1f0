"""Parsing of parameters, once per call, so that forward, rules, both backends and the tape see the same values.

The annotation of a primitive's parameter says how: ``axis: Axis`` is None, an int or a tuple of ints by the time the
forward function runs and the tape keeps it, whether the caller wrote ``1``, ``np.int64(1)`` or ``[0, 1]``. Values that
would have to be rounded are errors. Functions composed of primitives call the parsers themselves.
"""

import inspect
import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import isfinite, isnan, prod
from types import EllipsisType, NoneType, SimpleNamespace
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import DTypeLike

from autograd_cnn.errors import ArgumentError, OperandError, sentence

Parse: TypeAlias = Callable[[str, str, Any], Any]
"""A parser: maps the function's name, the parameter's name and the value passed to the parsed value."""


_MOST_ELEMENTS: Final = 2**60 - 1
"""In an array: NumPy counts bytes in a signed 64-bit integer."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Declares in an annotation how a parameter is parsed.

    Attributes
    ----------
    parse : callable
        The parser.
    types : frozenset of type
        The types of values that need no parsing, so that the usual call costs nothing.
    rows : bool
        Whether a tuple of ints needs no parsing, either; the forward function checks its length.
    """

    parse: Parse
    types: frozenset[type] = frozenset({int})
    rows: bool = False

    def __call__(self, where: str, name: str, value: Any) -> Any:
        """Parse the value passed for the parameter ``name`` of the function ``where``."""
        kind = type(value)
        if kind in self.types or (self.rows and kind is tuple and INT.issuperset(map(type, value))):
            return value
        return self.parse(where, name, value)


INT: Final = frozenset({int})
_INT_OR_NONE: Final = frozenset({int, NoneType})


def parser_of(annotation: Any) -> Parsed | None:
    """Return how an annotation is parsed; ``Axis | None`` is parsed like ``Axis``, and allows None.

    A literal is one of its words, unless there is something else that it may be.

    Examples
    --------
    >>> parser_of(Axis)("sum", "axis", [0, np.int64(1)])
    (0, 1)
    >>> parser_of(Literal["none", "tanh"])("gelu", "approximate", "tanh")
    'tanh'
    >>> parser_of(float) is None
    True
    """
    if get_origin(annotation) is Annotated:
        return next((each for each in annotation.__metadata__ if isinstance(each, Parsed)), None)
    options = get_args(annotation)
    if get_origin(annotation) is Literal:
        return _one_of(options)
    if words := [each for each in options if get_origin(each) is Literal]:
        return _one_of((*get_args(words[0]), None)) if {words[0], NoneType} == set(options) else None
    found = next(filter(None, map(parser_of, options)), None)
    return replace(found, types=found.types | {NoneType}) if found and NoneType in options else found


def parsers_of(function: Callable[..., Any]) -> dict[str, Parsed]:
    """Return the parsers that the annotations of a function's arguments name."""
    found = {name: parser_of(annotation) for name, annotation in hints_of(function).items()}
    return {name: parser for name, parser in found.items() if parser is not None}


def hints_of(function: Callable[..., Any], *, parsers: bool = True) -> dict[str, Any]:
    """Return the annotations of a function, with their parsers, except those that can't be resolved here."""
    written: dict[str, Any] = getattr(function, "__annotations__", {})
    try:
        if str not in map(type, written.values()):  # no quoted annotations, so nothing to resolve
            return written if parsers else {name: _shown(hint) for name, hint in written.items()}
        return get_type_hints(function, include_extras=parsers)
    except (NameError, TypeError):  # a quoted name that only type checkers know, or a user's
        found: dict[str, Any] = {}
        for name, hint in written.items():
            with suppress(NameError, TypeError):
                alone = SimpleNamespace(__annotations__={name: hint}, __globals__=getattr(function, "__globals__", {}))
                found |= get_type_hints(alone, include_extras=parsers)
        return found


@lru_cache(maxsize=256)
def _shown(hint: Any) -> Any:
    """Return an annotation without its parser."""
    return get_type_hints(SimpleNamespace(__annotations__={"hint": hint}, __globals__={}))["hint"]


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function for readers: types only, without parsers.

    Examples
    --------
    >>> def total(x, *, axis: Axis = None): ...
    >>> signature_of(total)
    <Signature (x, *, axis: int | tuple[int, ...] | None = None)>
    """
    signature, hints = inspect.signature(function), hints_of(function, parsers=False)
    shown = [p.replace(annotation=hints.get(p.name, p.annotation)) for p in signature.parameters.values()]
    return signature.replace(parameters=shown)


# --- numbers ----------------------------------------------------------------------------------


def integer(where: str, name: str, value: Any, least: int | None = None) -> int:
    """Return ``value`` as an int.

    Raises
    ------
    ArgumentError
        If it is a bool, not an integer, or below ``least``.

    Examples
    --------
    >>> integer("split", "axis", np.int64(1))
    1
    """
    if type(value) is int and least is None:
        return value
    expected = "an int" if least is None else f"an int of at least {least}"
    if not _is_integer(value):
        raise ArgumentError(_not_understood(where, name, expected, value))
    if least is not None and value < least:
        raise ArgumentError(where, f"{name} is out of range", expected=expected, got=repr(value))
    return operator.index(value)


def integers(where: str, name: str, value: Any, least: int | None = None) -> tuple[int, ...]:
    """Return a sequence of integers as a tuple of ints; a single int counts as a sequence of one.

    Examples
    --------
    >>> integers("tile", "reps", np.array([2, 3]))
    (2, 3)
    """
    if _is_integer(value):
        return (integer(where, name, value, least),)
    if not _is_sequence(value) or not all(map(_is_integer, value)):
        raise ArgumentError(_not_understood(where, name, "an int or a tuple of ints", value))
    return tuple([_at_least(where, name, operator.index(each), least, value) for each in value])


def pair(where: str, name: str, value: Any, least: int = 0) -> tuple[int, int]:
    """Return an int or two as (along height, along width), each at least ``least``.

    Examples
    --------
    >>> pair("max_pool", "window", 2, least=1)
    (2, 2)
    """
    both = _int_or_pair(where, name, value)
    first, second = (both, both) if isinstance(both, int) else both
    _at_least(where, name, min(first, second), least, value)
    return first, second


def several(where: str, name: str, value: Any, count: int, least: int | None = 0) -> tuple[int, ...]:
    """Return an int, or one for each of ``count`` axes, as a tuple; each at least ``least``, if that is a number.

    Examples
    --------
    >>> several("conv3d", "stride", 2, 3)
    (2, 2, 2)
    """
    if _is_integer(value):
        numbers = (operator.index(value),) * count
    elif _is_sequence(value) and len(value) == count and all(map(_is_integer, value)):
        numbers = tuple(map(operator.index, value))
    else:
        expected = {1: "an int", 2: "an int or a pair of ints"}.get(count, f"an int or {count} ints")
        raise ArgumentError(_not_understood(where, name, expected, value))
    _at_least(where, name, min(numbers), least, value)
    return numbers


def _is_integer(value: Any) -> bool:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.ndim == 0 and value.dtype.kind in "iu"
    return hasattr(type(value), "__index__") and not isinstance(value, bool)  # the class int itself has one, too


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple, range)) or (isinstance(value, np.ndarray) and value.ndim == 1)


def _at_least(where: str, name: str, number: int, least: int | None, value: Any) -> int:
    if least is not None and number < least:
        raise ArgumentError(where, f"{name} is out of range", expected=f"at least {least}", got=repr(value))
    return number


def _not_understood(where: str, name: str, expected: str, value: Any) -> str:
    return sentence(where, f"{name} is not understood", expected=expected, got=repr(value))


def number(
    where: str,
    name: str,
    value: Any,
    expected: str = "a number",
    fits: Callable[[float], bool] | None = None,
    finite: bool = False,
) -> float:
    """Return ``value`` as a Python number, if it ``fits``; ``expected`` describes the condition.

    Examples
    --------
    >>> number("elu", "alpha", np.float32(0.5))
    0.5
    """
    found: float
    if type(value) is float or type(value) is int:  # as nearly always
        found = value
    elif _is_integer(value):
        found = operator.index(value)
    elif isinstance(value, (float, np.floating)) or (
        isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "bf"
    ):
        found = float(value)
    else:
        raise ArgumentError(_not_understood(where, name, expected, value))
    if fits is not None and not fits(found):
        raise ArgumentError(where, f"{name} is out of range", expected=expected, got=repr(value))
    if finite and not isfinite(found):
        raise ArgumentError(where, f"{name} is not finite", expected=expected, got=repr(value))
    return found


def _one_or_several(
    where: str, name: str, value: Any, one: int | None = None, each: int | None = None
) -> int | tuple[int, ...]:
    """Return an int of at least ``one``, or a tuple of ints of at least ``each``."""
    return integer(where, name, value, one) if _is_integer(value) else integers(where, name, value, each)


def _int_or_pair(where: str, name: str, value: Any) -> int | tuple[int, int]:
    if type(value) is int or (type(value) is tuple and len(value) == 2 and type(value[0]) is type(value[1]) is int):
        return value  # as passed on by rules
    if _is_integer(value):
        return operator.index(value)
    if not _is_sequence(value) or len(value) != 2 or not all(map(_is_integer, value)):
        raise ArgumentError(_not_understood(where, name, "an int or a pair of ints", value))
    return operator.index(value[0]), operator.index(value[1])


def padding(where: str, name: str, value: Any) -> Any:
    """Return a padding as an int, a pair, a pair of pairs or a name.

    Examples
    --------
    >>> padding("correlate2d", "padding", [[0, 1], [2, 3]])
    ((0, 1), (2, 3))
    """
    if type(value) is int:
        return value
    if isinstance(value, str):
        if value not in ("valid", "same", "full"):
            expected = "'valid', 'same', 'full' or numbers"
            raise ArgumentError(where, f"{name} is unknown", expected=expected, got=repr(value))
        return value
    sides = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(sides, (list, tuple)) and len(sides) == 2 and all(map(_is_sequence, sides)):
        return tuple(_int_or_pair(where, name, side) for side in sides)
    return _int_or_pair(where, name, value)


def _pad_width(where: str, name: str, value: Any) -> Any:
    widths = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(widths, (list, tuple)):
        widths = [_pad_width(where, name, each) for each in widths]
    return tuple(widths) if isinstance(widths, list) else integer(where, name, widths, 0)


def _contraction(where: str, name: str, value: Any) -> int | tuple[tuple[int, ...], tuple[int, ...]]:
    if _is_integer(value):
        return operator.index(value)
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != 2:
        raise ArgumentError(_not_understood(where, name, "an int, or the axes of either operand", value))
    return integers(where, name, value[0]), integers(where, name, value[1])


# --- indices ----------------------------------------------------------------------------------

_KEPT: Final = (bool, np.bool_, EllipsisType, NoneType)


def _index(where: str, name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple([_index(where, name, part) for part in value])
    if isinstance(value, _KEPT):
        return value
    if isinstance(value, slice):
        bounds = [
            None if part is None else integer(where, name, part) for part in (value.start, value.stop, value.step)
        ]
        return slice(*bounds)
    if not isinstance(value, (np.ndarray, np.generic)) and hasattr(type(value), "__array__"):
        value = np.asarray(value)  # from another library
    if _is_integer(value):
        return operator.index(value)
    array = np.asarray(value)
    if array.dtype.kind == "b" and isinstance(value, (list, np.ndarray)):
        return array
    if not isinstance(value, str) and (array.dtype.kind in "iu" or not array.size):
        return integer_array(where, name, value)
    raise OperandError(_not_understood(where, name, "ints, slices, None, ... or arrays of ints or bools", value))


def known_shape(where: str, name: str, value: Any) -> tuple[int, ...]:
    """Return a shape that an array can have as a tuple of ints.

    Examples
    --------
    >>> known_shape("scatter_add", "shape", [2, np.int64(3)])
    (2, 3)
    """
    if type(value) is not tuple or not INT.issuperset(map(type, value)):
        value = integers(where, name, value)
    return _of_memory(where, name, value)


@lru_cache(maxsize=1024)
def _of_memory(where: str, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape if no length is negative and NumPy can count its elements."""
    integers(where, name, shape, 0)
    if prod(shape) > _MOST_ELEMENTS:
        raise ArgumentError(where, f"{name} is out of range", expected=f"at most {_MOST_ELEMENTS} elements", got=shape)
    return shape


# --- flags and numbers ------------------------------------------------------------------------


def _flag(where: str, name: str, value: Any) -> bool:
    if value is True or value is False:
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, (bool, np.bool_)) and not (_is_integer(value) and operator.index(value) in (0, 1)):
        raise ArgumentError(_not_understood(where, name, "True or False", value))
    return bool(value)


def choice(where: str, name: str, value: Any, options: Sequence[str | None]) -> None:
    """Raise `ArgumentError` unless ``value`` is one of the ``options``.

    Examples
    --------
    >>> choice("gelu", "approximate", "erf", ("none", "tanh"))
    Traceback (most recent call last):
    autograd_cnn.errors.ArgumentError: gelu: approximate is unknown: expected 'none' or 'tanh', got 'erf'
    """
    if not isinstance(value, (str, NoneType)) or value not in options:
        *others, last = map(repr, options)
        expected = f"{', '.join(others)} or {last}" if others else last
        raise ArgumentError(where, f"{name} is unknown", expected=expected, got=repr(value))


def _one_of(options: Sequence[str | None]) -> Parsed:
    def parse(where: str, name: str, value: Any) -> Any:
        choice(where, name, value, options)
        return value

    return Parsed(parse, frozenset())


def flag(where: str, name: str, value: Any) -> bool:
    """Return ``value`` if it is a bool; 0.5 or "no" would count as True.

    Raises
    ------
    OperandError
        For anything else.

    Examples
    --------
    >>> flag("Linear", "bias", np.False_)
    False
    """
    if not isinstance(value, (bool, np.bool_)):
        raise OperandError(where, f"{name} is not a bool", expected="True or False", got=repr(value))
    return bool(value)


def of_kind(where: str, name: str, value: object, kind: type, made: str) -> None:
    """Raise `OperandError` if ``value`` is not a ``kind``; ``made`` says how to make one.

    Examples
    --------
    >>> of_kind("fit", "model", len, dict, "one such as {}")
    Traceback (most recent call last):
    autograd_cnn.errors.OperandError: fit: model is not a dict: expected one such as {}, got the function len
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        sort = "class" if isinstance(value, type) else "function" if inspect.isroutine(value) else ""
        got = f"the {sort} {getattr(value, '__name__', value)}" if sort else type(value).__name__
        raise OperandError(where, f"{name} is not {article} {kind.__name__}", expected=made, got=got)


# --- arrays and dtypes ------------------------------------------------------------------------


def _dtype(where: str, name: str, value: Any) -> np.dtype[Any]:
    try:
        dtype = np.dtype(value)
    except TypeError:
        dtype = np.dtype(object)
    if value is None or dtype.kind not in "biuf":
        raise OperandError(_not_understood(where, name, "a dtype of floats, ints or bools", value))
    return dtype.newbyteorder("=")


def float_dtype(where: str, name: str, value: Any) -> np.dtype[Any]:
    """Return a dtype that parameters can have: a float type that gradients and kernels support.

    Raises
    ------
    OperandError
        If it is any other.

    Examples
    --------
    >>> float_dtype("Linear", "dtype", "float32")
    dtype('float32')
    """
    try:
        dtype = np.dtype(object if value is None else value)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind != "f" or dtype.itemsize > 8:
        got = dtype if dtype.kind in "biufc" else repr(value)
        raise OperandError(where, f"{name} is not one of floats", expected="float16, float32 or float64", got=got)
    return dtype.newbyteorder("=")


def _mask(where: str, name: str, value: Any) -> np.ndarray[Any, Any]:
    mask = np.asarray(value)
    if mask.dtype.kind != "b":
        raise OperandError(where, f"{name} is not an array of bools", expected="bool", got=mask.dtype)
    return mask


def integer_array(where: str, name: str, value: Any) -> np.ndarray[Any, Any]:
    """Return ``value`` as an array of integers in native byte order.

    Raises
    ------
    OperandError
        If it contains floats, bools or anything else; an empty list counts as integers.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise OperandError(where, f"{name} are not integers", expected="an array of ints", got=array.dtype)
    return array.astype(array.dtype.newbyteorder("=") if array.dtype.kind in "iu" else int, copy=False)


def _sizes(where: str, name: str, value: Any) -> tuple[int, ...]:
    sizes = integers(where, name, value, least=1)
    if not sizes:
        raise ArgumentError(_not_understood(where, name, "an int, or a tuple of at least one", value))
    return sizes


# --- what annotations say ---------------------------------------------------------------------

IntOrPair: TypeAlias = Annotated[int | tuple[int, int], Parsed(_int_or_pair, rows=True)]
"""One value for height and width, or one for each."""

PerAxis: TypeAlias = Annotated[int | tuple[int, ...], Parsed(_one_or_several, rows=True)]
"""One value for all axes of a window, or one for each; `several` checks their number."""

Padding: TypeAlias = Annotated[
    int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | Literal["valid", "same", "full"],
    Parsed(padding, rows=True),
]
"""Padding around an image: an int, a pair, ((top, bottom), (left, right)), or a name."""

Number: TypeAlias = Annotated[float, Parsed(number, frozenset({int, float}))]
"""A Python number, which does not change the dtype of arrays that it is combined with."""


def _numbers(expected: str, fits: Callable[[float], bool] | None = None, *, finite: bool = True) -> Parsed:
    return Parsed(partial(number, expected=expected, fits=fits, finite=finite), frozenset())


Finite: TypeAlias = Annotated[float, _numbers("a number")]
Share: TypeAlias = Annotated[float, _numbers("a number from 0 to 1", lambda x: 0 <= x <= 1)]
BelowOne: TypeAlias = Annotated[float, _numbers("a number from 0 to below 1", lambda x: 0 <= x < 1)]
Positive: TypeAlias = Annotated[float, _numbers("a number above 0", lambda x: x > 0)]
not_negative: Final = _numbers("a number of at least 0", lambda x: x >= 0)
NotNegative: TypeAlias = Annotated[float, not_negative]
Power: TypeAlias = Annotated[float, _numbers("a number above 0", lambda x: x > 0, finite=False)]
"""The p of a norm, which may be infinite."""

Limit: TypeAlias = Annotated[float, _numbers("a number of at least 0", lambda x: x >= 0, finite=False)]
"""A bound, which may be infinite."""

NotNaN: TypeAlias = Annotated[float, _numbers("a number", lambda x: not isnan(x), finite=False)]

Count: TypeAlias = Annotated[int, Parsed(integer)]
Size: TypeAlias = Annotated[int, Parsed(partial(integer, least=1), frozenset())]
"""An int of at least 1."""

whole: Final = Parsed(partial(integer, least=0), frozenset())
Whole: TypeAlias = Annotated[int, whole]
"""An int of at least 0."""

Sizes: TypeAlias = Annotated[Any, Parsed(_sizes, frozenset())]
"""An int of at least 1, or several; parsed to a tuple of ints."""

OneAxis: TypeAlias = Annotated[int | None, Parsed(integer, _INT_OR_NONE)]
Axis: TypeAlias = Annotated[int | tuple[int, ...] | None, Parsed(_one_or_several, _INT_OR_NONE, rows=True)]
Axes: TypeAlias = Annotated[int | Sequence[int], Parsed(integers, frozenset(), rows=True)]
"""An int or several; parsed to a tuple of ints."""

Shift: TypeAlias = Annotated[int | tuple[int, ...], Parsed(_one_or_several, rows=True)]
Lengths: TypeAlias = Annotated[int | tuple[int, ...], Parsed(_one_or_several, rows=True)]
"""A shape, in which -1 stands for a length to be inferred."""

Counts: TypeAlias = Annotated[Any, Parsed(partial(_one_or_several, one=0, each=0), frozenset())]
"""Repetition counts: an int or several, at least 0."""

Sections: TypeAlias = Annotated[Any, Parsed(partial(_one_or_several, one=1), frozenset())]
"""The number of equal sections, or the indices at which to split."""

Contraction: TypeAlias = Annotated[int | tuple[tuple[int, ...], tuple[int, ...]], Parsed(_contraction)]
"""The axes that a product contracts: a number of last and first axes, or the axes of each operand."""

PadWidth: TypeAlias = Annotated[Any, Parsed(_pad_width, frozenset())]
"""An int, a pair or a sequence of pairs, at least 0."""
Widths: TypeAlias = Annotated[tuple[tuple[int, int], ...], Parsed(_pad_width, frozenset({tuple}))]
"""A pair for each axis, parsed already."""

Indices: TypeAlias = Annotated[Any, Parsed(integer_array, frozenset())]
Index: TypeAlias = Annotated[Any, Parsed(_index, _INT_OR_NONE | {EllipsisType, bool}, rows=True)]
"""A NumPy index: ints, slices, None, Ellipsis, arrays of ints or bools, or a tuple of these."""

DType: TypeAlias = Annotated[Any, Parsed(_dtype, frozenset())]
Mask: TypeAlias = Annotated[Any, Parsed(_mask, frozenset())]

KnownShape: TypeAlias = Annotated[tuple[int, ...], Parsed(known_shape, frozenset())]
"""A shape with every length given."""

Flag: TypeAlias = Annotated[bool, Parsed(_flag, frozenset({bool}))]
"""A bool, or 0 or 1, as ONNX has it."""

Bool: TypeAlias = Annotated[bool, Parsed(flag, frozenset({bool}))]
FloatDType: TypeAlias = Annotated[DTypeLike, Parsed(float_dtype, frozenset())]
