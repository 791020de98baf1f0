"""Kinds of values on the command line, and errors that name the option."""

import argparse
import difflib
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from autograd_cnn.errors import sentence

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


def whole_number(least: int) -> Callable[[str], int]:
    """Return a function that reads an int of at least ``least``.

    Examples
    --------
    >>> whole_number(1)("30")
    30
    """

    def read(text: str) -> int:
        try:
            number = int(text) if text.isdecimal() else -1
        except ValueError:  # thousands of digits
            number = -1
        if number < least:
            refuse(f"a whole number of at least {least}", text)
        return number

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
        refuse("a number above 0", text)
    return number


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


def share(text: str) -> float:
    """Read a float from 0 to below 1.

    Examples
    --------
    >>> share("0.999")
    0.999
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < 1:
        refuse("a number from 0 to below 1", text)
    return number


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
    if not all(0 <= weight < math.inf for weight in weights):
        refuse("balanced, or numbers of at least 0 with commas in between", text)
    return weights


def directory(text: str) -> Path:
    """Read the path of a folder that exists or can be created.

    Examples
    --------
    >>> directory("runs/first").name
    'first'
    """
    path = Path(text)
    if not text:
        refuse("the name of a folder", text)
    if path.exists() and not path.is_dir():
        refuse("a folder", text, "that is a file")
    if path.is_symlink() and not path.exists():
        refuse("a folder", text, "that is a link that leads nowhere")
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
