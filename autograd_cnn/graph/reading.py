"""Plain data rebuilt from JSON; anything that does not fit its fields is refused."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, NoReturn, TypeAlias, Union, get_args, get_origin, get_type_hints

from autograd_cnn.errors import FormatError

_Reader: TypeAlias = Callable[[Any, str], Any]
"""Maps JSON's value and what errors call it to what it stands for."""

LARGEST: Final = 1 << 63
"""Larger than any size."""


def rebuild(kind: Any, value: Any, where: str) -> Any:
    """Return ``value`` as a ``kind``: a data class, a tuple, a union or literal of these, or a plain type.

    Fields of data classes may be missing if they have a default, as in files of earlier versions.

    Parameters
    ----------
    kind : type or annotation
    value : object
        As `json.loads` returns it.
    where : str
        What errors call it.

    Raises
    ------
    FormatError
        Naming the part that does not fit, however deeply nested.

    Examples
    --------
    >>> rebuild(tuple[int, ...] | None, [3, 4], "shape")
    (3, 4)
    >>> rebuild(tuple[int, ...], [3, "4"], "shape")
    Traceback (most recent call last):
    autograd_cnn.errors.FormatError: shape[1]: expected int, got '4'
    """
    return _reader(kind)(value, where)


@cache
def _reader(kind: Any) -> _Reader:
    """Return the function that makes a ``kind`` from JSON's value."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        required = {each.name for each in fields(kind) if each.default is each.default_factory is MISSING}
        return _data(kind, {each.name: _reader(hints[each.name]) for each in fields(kind)}, required)
    if get_origin(kind) is tuple:
        return _tuple(kind)
    if get_origin(kind) is dict:
        return _dict(_reader(get_args(kind)[1]))
    if get_origin(kind) in {UnionType, Union}:
        return _union([_reader(each) for each in get_args(kind) if each is not NoneType])
    if get_origin(kind) is Literal:
        words = get_args(kind)
        return _plain(" or ".join(words), lambda value: isinstance(value, str) and value in words)
    return _PLAIN[kind]


def _data(kind: Any, readers: dict[str, _Reader], required: set[str]) -> _Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict) or not required <= value.keys() <= readers.keys():
            _refuse(where, f"{', '.join(readers)}", ", ".join(map(str, value)) if isinstance(value, dict) else value)
        return kind(**{name: readers[name](each, f"{where}.{name}") for name, each in value.items()})

    return read


def _tuple(kind: Any) -> _Reader:
    first, *others = get_args(kind)
    reader, length = _reader(first), None if others == [...] else 1 + len(others)

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list) or length not in {None, len(value)}:
            _refuse(where, "a list" if length is None else f"a list of {length}", value)
        return tuple(reader(each, f"{where}[{position}]") for position, each in enumerate(value))

    return read


def _dict(reader: _Reader) -> _Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            _refuse(where, "a dict", value)
        return {name: reader(each, f"{where}.{name}") for name, each in value.items()}

    return read


def _union(readers: Sequence[_Reader]) -> _Reader:
    """Return a function for None and the kinds of these readers; the last one's errors are shown."""

    def read(value: Any, where: str) -> Any:
        for reader in readers[:-1]:
            with suppress(FormatError):
                return reader(value, where)
        return None if value is None else readers[-1](value, where)

    return read


def _plain(expected: str, fits: Callable[[Any], bool], kind: Callable[[Any], Any] | None = None) -> _Reader:
    """Return a function that takes a value as it is, or as a ``kind``, if it fits."""

    def read(value: Any, where: str) -> Any:
        if not fits(value):
            _refuse(where, expected, value)
        return value if kind is None else kind(value)

    return read


_PLAIN: Final[dict[Any, _Reader]] = {
    str: _plain("str", lambda value: isinstance(value, str)),
    bool: _plain("bool", lambda value: isinstance(value, bool)),
    int: _plain("int", lambda value: type(value) is int and -LARGEST <= value < LARGEST),
    float: _plain("a finite float", lambda value: type(value) in {int, float} and abs(value) <= 1e308, float),
}


def _refuse(where: str, expected: str, value: Any) -> NoReturn:
    got = repr(value)
    raise FormatError(where, expected=expected, got=got if len(got) <= 60 else f"{got[:60]}…")
