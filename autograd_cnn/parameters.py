"""The parameters of a call, parsed once, so that forward, rules, both backends and the tape see the same values.

The annotation of a primitive's parameter says how: ``axis: Axis`` is None, an int or a tuple of ints by the time the
forward runs and the tape keeps it, whether the caller wrote ``1``, ``np.int64(1)`` or ``[0, 1]``. What would have to
be rounded is refused. Functions made of primitives call the parsers themselves.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args, get_origin

import numpy as np

from autograd_cnn.errors import ArgumentError, OperandError, sentence

Parse: TypeAlias = Callable[[str, str, Any], Any]
"""From the function's name, the parameter's name and what was passed, to what the function sees."""


_INTS: Final = frozenset({int})
_MOST_ELEMENTS: Final = 2**60 - 1
"""In an array: NumPy counts their bytes in 64 bits, with a sign."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Says in an annotation how a parameter is parsed, and whether it may be None besides."""

    parse: Parse
    optional: bool = False

    def __call__(self, where: str, name: str, value: Any) -> Any:
        """Parse what was passed for the parameter ``name`` of the function ``where``."""
        return None if value is None and self.optional else self.parse(where, name, value)


def parser_of(annotation: Any) -> Parsed | None:
    """Return what an annotation says of parsing; ``Axis | None`` says what ``Axis`` does, and allows None.

    Examples
    --------
    >>> parser_of(Axis)("sum", "axis", [0, np.int64(1)])
    (0, 1)
    >>> parser_of(float) is None
    True
    """
    if get_origin(annotation) is Annotated:
        return next((each for each in annotation.__metadata__ if isinstance(each, Parsed)), None)
    options = get_args(annotation)
    found = next(filter(None, map(parser_of, options)), None)
    return Parsed(found.parse, optional=True) if found and type(None) in options else found


# --- integers ---------------------------------------------------------------------------------


def integer(where: str, name: str, value: Any, least: int | None = None) -> int:
    """Return ``value`` as an int.

    Raises
    ------
    ArgumentError
        For a bool, for what is not an integer, and for one below ``least``.

    Examples
    --------
    >>> integer("split", "axis", np.int64(1))
    1
    """
    if type(value) is int and least is None:
        return value
    if not _is_integer(value):
        raise ArgumentError(_not_understood(where, name, "an int", value))
    return _at_least(where, name, operator.index(value), least, value)


def integers(where: str, name: str, value: Any, least: int | None = None) -> tuple[int, ...]:
    """Return a sequence of integers as a tuple of ints; an int alone counts as a sequence of one.

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


def _is_integer(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "iu"
    return hasattr(value, "__index__") and not isinstance(value, (bool, np.bool_))


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple, range)) or (isinstance(value, np.ndarray) and value.ndim == 1)


def _at_least(where: str, name: str, number: int, least: int | None, value: Any) -> int:
    if least is not None and number < least:
        raise ArgumentError(sentence(where, f"{name} is out of range", expected=f"at least {least}", got=repr(value)))
    return number


def _not_understood(where: str, name: str, expected: str, value: Any) -> str:
    return sentence(where, f"{name} is not understood", expected=expected, got=repr(value))


def _axis(where: str, name: str, value: Any) -> int | None:
    return None if value is None else integer(where, name, value)


def _axes(where: str, name: str, value: Any) -> int | tuple[int, ...] | None:
    if value is None or _is_integer(value):
        return _axis(where, name, value)
    return integers(where, name, value)


def _lengths(where: str, name: str, value: Any) -> int | tuple[int, ...]:
    return integer(where, name, value, -1) if _is_integer(value) else integers(where, name, value, -1)


def _int_or_pair(where: str, name: str, value: Any) -> int | tuple[int, int]:
    if type(value) is int or (type(value) is tuple and len(value) == 2 and type(value[0]) is type(value[1]) is int):
        return value  # as a rule passes it on
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
            raise ArgumentError(
                sentence(where, f"{name} is unknown", expected="'valid', 'same', 'full' or numbers", got=repr(value))
            )
        return value
    sides = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(sides, (list, tuple)) and len(sides) == 2 and all(map(_is_sequence, sides)):
        return tuple(_int_or_pair(where, name, side) for side in sides)
    return _int_or_pair(where, name, value)


def _known_shape(where: str, name: str, value: Any) -> tuple[int, ...]:
    if type(value) is not tuple or not _INTS.issuperset(map(type, value)) or min(value, default=0) < 0:
        value = integers(where, name, value, 0)
    if prod(value) > _MOST_ELEMENTS:
        raise ArgumentError(
            sentence(where, f"{name} is out of range", expected=f"at most {_MOST_ELEMENTS} elements", got=value)
        )
    return value


# --- flags and numbers ------------------------------------------------------------------------


def _flag(where: str, name: str, value: Any) -> bool:
    if value is True or value is False:
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, (bool, np.bool_)) and not (_is_integer(value) and operator.index(value) in (0, 1)):
        raise ArgumentError(_not_understood(where, name, "True or False", value))
    return bool(value)


def _not_negative(where: str, name: str, value: Any) -> float:
    number = np.asarray(value)
    if number.ndim or number.dtype.kind not in "iuf":
        raise ArgumentError(_not_understood(where, name, "a number", value))
    if not number >= 0:
        raise ArgumentError(sentence(where, f"{name} is out of range", expected="at least 0", got=repr(value)))
    return float(number)


# --- arrays and dtypes ------------------------------------------------------------------------


def _dtype(where: str, name: str, value: Any) -> np.dtype[Any]:
    try:
        dtype = np.dtype(value)
    except TypeError:
        dtype = np.dtype(object)
    if value is None or dtype.kind not in "biuf":
        raise OperandError(_not_understood(where, name, "a dtype of floats, ints or bools", value))
    return dtype.newbyteorder("=")


def _mask(where: str, name: str, value: Any) -> np.ndarray[Any, Any]:
    mask = np.asarray(value)
    if mask.dtype.kind != "b":
        raise OperandError(sentence(where, f"{name} is not an array of bools", expected="bool", got=mask.dtype))
    return mask


def integer_array(where: str, name: str, value: Any) -> np.ndarray[Any, Any]:
    """Return ``value`` as an array of integers in the machine's byte order.

    Raises
    ------
    OperandError
        For floats, bools and whatever else is not a number; an empty list counts as integers.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise OperandError(sentence(where, f"{name} are not integers", expected="an array of ints", got=array.dtype))
    return array.astype(array.dtype.newbyteorder("=") if array.dtype.kind in "iu" else int, copy=False)


# --- what annotations say ---------------------------------------------------------------------

IntOrPair: TypeAlias = Annotated[int | tuple[int, int], Parsed(_int_or_pair)]
"""For height and width alike, or for each."""

Padding: TypeAlias = Annotated[
    int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] | Literal["valid", "same", "full"],
    Parsed(padding),
]
"""Pixels around an image: an int, a pair, ((top, bottom), (left, right)), or a name."""

Count: TypeAlias = Annotated[int, Parsed(integer)]
Axis: TypeAlias = Annotated[int | tuple[int, ...] | None, Parsed(_axes)]
OneAxis: TypeAlias = Annotated[int | None, Parsed(_axis)]
Lengths: TypeAlias = Annotated[int | tuple[int, ...], Parsed(_lengths)]
"""A shape, in which a -1 may stand for the length that follows from the others."""

KnownShape: TypeAlias = Annotated[tuple[int, ...], Parsed(_known_shape)]
"""A shape of which every length is told."""

Flag: TypeAlias = Annotated[bool, Parsed(_flag)]
NotNegative: TypeAlias = Annotated[float, Parsed(_not_negative)]
DType: TypeAlias = Annotated[Any, Parsed(_dtype)]
Mask: TypeAlias = Annotated[Any, Parsed(_mask)]
Indices: TypeAlias = Annotated[Any, Parsed(integer_array)]
