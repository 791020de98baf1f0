"""Kinds of values on the command line, and errors that name the option."""

import argparse
import difflib
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from autograd_cnn.errors import ArgumentError, FormatError, GradientError, ShapeError, sentence

DIGITS: Final = 38
"""The most digits of a whole number, as of a seed of 128 bits."""
LONGEST: Final = 60
"""The most characters of a refused value that are shown."""
ALIKE: Final = 0.65
"""The least similarity of a suggested name, from 0 to 1 as in `difflib`."""


class UsageError(Exception):
    """A command line that can't be carried out as it is; the program ends with exit code 2."""


class CommandError(Exception):
    """A command that failed, for the reason given in the text; the program ends with exit code 1."""


class Options:
    """Adds options to the parser of a command.

    Parameters
    ----------
    parser : ArgumentParser
    """

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._add = parser.add_argument

    def flag(self, *names: str, says: str) -> None:
        """Add an option without a value; it is True or None."""
        self._add(*names, action="store_true", default=None, help=says)

    def value(
        self, name: str, kind: Callable[[str], Any], metavar: str | tuple[str, ...], says: str, **more: Any
    ) -> None:
        """Add an option, or an argument, whose value ``kind`` parses."""
        self._add(*name.split(), type=kind, metavar=metavar, help=says, **more)

    def run(self) -> None:
        """Add the folder of a run."""
        self.value("folder", directory, "RUN", "the folder that autograd-cnn train has written")


def whole_number(least: int, most: int = 10**DIGITS) -> Callable[[str], int]:
    """Return a function that reads an int of at least ``least``.

    Examples
    --------
    >>> whole_number(1)("30")
    30
    """

    def read(text: str) -> int:
        number = int(text) if text.isdecimal() and len(text) <= DIGITS else -1
        if not least <= number <= most:
            refuse(f"a whole number of at least {least}" if number < least else f"at most {most}", text)
        return number

    return read


def number(expected: str, fits: Callable[[float], bool]) -> Callable[[str], float]:
    """Return a function that reads a float which ``fits``.

    Examples
    --------
    >>> positive_number("1e-3"), share("0.999")
    (0.001, 0.999)
    """

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not fits(value):
            refuse(expected, text)
        return value

    return read


positive_number: Final = number("a number above 0", lambda value: 0 < value < math.inf)
share: Final = number("a number from 0 to below 1", lambda value: 0 <= value < 1)


def one_of(*names: str) -> Callable[[str], str]:
    """Return a function that accepts one of ``names``.

    Examples
    --------
    >>> one_of("jit", "reference")("jit")
    'jit'
    """

    def read(text: str) -> str:
        if text not in names:
            refuse(f"one of {', '.join(names)}", text, did_you_mean(text, names))
        return text

    return read


def one_of_each(*names: str) -> Callable[[str], tuple[str, ...]]:
    """Return a function that accepts some of ``names``, separated by commas; ``none`` stands for none.

    Examples
    --------
    >>> one_of_each("shift", "flip", "none")("flip,shift")
    ('flip', 'shift')
    >>> one_of_each("shift", "flip", "none")("none")
    ()
    """

    def read(text: str) -> tuple[str, ...]:
        if text == "none" and "none" in names:
            return ()
        return tuple(map(one_of(*(name for name in names if name != "none")), text.split(",")))

    return read


def class_weights(text: str) -> str | tuple[float, ...]:
    """Read ``balanced``, or numbers of at least 0, separated by commas.

    Examples
    --------
    >>> class_weights("balanced"), class_weights("1,2.5")
    ('balanced', (1.0, 2.5))
    """
    if text == "balanced":
        return text
    try:
        weights = tuple(map(float, text.split(",")))
    except ValueError:
        weights = (math.nan,)
    if not all(0 <= weight < math.inf for weight in weights) or not any(weights):
        refuse("balanced, or numbers of at least 0 with commas in between, not all 0", text)
    return weights


def named(what: str) -> Callable[[str], str]:
    """Return a function that reads any text but an empty one, or one with a zero byte, which no path has."""

    def read(text: str) -> str:
        if not text or "\0" in text:
            refuse(what, text)
        return text

    return read


def file(text: str) -> Path:
    """Read the path of a file."""
    return Path(named("the name of a file")(text))


def directory(text: str) -> Path:
    """Read the path of a folder that exists or can be created.

    Examples
    --------
    >>> directory("runs/first").name
    'first'
    """
    path = Path(named("the name of a folder")(text))
    if path.exists() and not path.is_dir():
        refuse("a folder", text, "that is a file")
    if path.is_symlink() and not path.exists():
        refuse("a folder", text, "that is a link that leads nowhere")
    return path


def existing_directory(text: str) -> Path:
    """Read the path of a folder that exists."""
    path = directory(text)
    if not path.exists():
        refuse("a folder", text, "it does not exist")
    return path


def did_you_mean(text: str, names: Iterable[str]) -> str:
    """Return a suggestion of the name that starts with ``text`` or is most similar to it, or nothing.

    Examples
    --------
    >>> did_you_mean("--epoch", ["--epochs", "--seed"])
    'did you mean --epochs?'
    >>> did_you_mean("--fast", ["--epochs", "--seed"])
    ''
    """
    bare = {name.lstrip("-").lower(): name for name in names}
    start = text.lstrip("-").lower()
    longer = [name for name in bare if start and name.startswith(start)]
    candidates = longer or difflib.get_close_matches(start, bare, 1, cutoff=ALIKE)
    return f"did you mean {bare[candidates[0]]}?" if candidates else ""


@contextmanager
def as_usage_errors() -> Iterator[None]:
    """Report errors of the library in the block as those of a command line that can't be carried out."""
    try:
        yield
    except (ArgumentError, FormatError, GradientError, ShapeError) as error:
        raise UsageError(str(error)) from error


@contextmanager
def writing_to(option: str, path: Path) -> Iterator[None]:
    """Name the option and the path in errors about files in the block; standard output is not a file."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise
        raise OSError(sentence(option, f"can't write to {path}: {error.strerror}")) from error


def refuse(expected: str, got: str, hint: str = "") -> NoReturn:
    """Raise argparse's error for a value.

    Raises
    ------
    argparse.ArgumentTypeError
        Always.
    """
    value = got if len(got) <= LONGEST else f"{got[:LONGEST]}…"
    raise argparse.ArgumentTypeError(f"expected {expected}, got {value!r}" + (f"; {hint}" if hint else ""))
