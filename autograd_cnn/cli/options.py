"""Kinds of values on the command line, each with an error that says what it expects."""

import argparse
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from autograd_cnn.errors import sentence


def whole_number(least: int) -> Callable[[str], int]:
    """Return what reads an int of at least ``least``.

    Examples
    --------
    >>> whole_number(1)("30")
    30
    """

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            _refuse(f"a whole number of at least {least}", text)
        return int(text)

    return read


def positive_number(text: str) -> float:
    """Read a finite float above 0.

    Examples
    --------
    >>> positive_number("1e-3")
    0.001
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        _refuse("a number above 0", text)
    return number


def one_of(*names: str) -> Callable[[str], str]:
    """Return what accepts one of ``names``.

    Examples
    --------
    >>> one_of("jit", "reference")("jit")
    'jit'
    """

    def read(text: str) -> str:
        if text not in names:
            _refuse(f"one of {', '.join(names)}", text)
        return text

    return read


@contextmanager
def writing_to(option: str, path: Path) -> Iterator[None]:
    """Name the option and the path in whatever goes wrong with the file system inside."""
    try:
        yield
    except OSError as error:
        raise OSError(sentence(option, f"can't write to {path}: {error.strerror}")) from error


def _refuse(expected: str, got: str) -> NoReturn:
    raise argparse.ArgumentTypeError(f"expected {expected}, got {got!r}")
