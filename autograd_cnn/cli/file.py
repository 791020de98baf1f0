"""Options from a TOML file."""

import argparse
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from autograd_cnn.cli.options import UsageError, did_you_mean, refuse

LARGEST: Final = 1 << 20
"""The maximum size in bytes; a larger file is not a configuration."""


def add_options_of_file(arguments: argparse.Namespace, option: str, path: Path, without: Collection[str]) -> None:
    """Fill in options that are None with the values from a file.

    A key is an option's name without leading dashes, with ``_`` or ``-`` inside; lists stand for commas.

    Parameters
    ----------
    arguments : Namespace
        With ``parser``, the parser of the command.
    option, path
        The option that names the file, and the file.
    without : collection of str
        Options that can't be in it.

    Raises
    ------
    UsageError
        If the file is not TOML, a key is unknown, or a value is invalid for its option.
    OSError
        If the file does not exist or can't be read.
    """
    with path.open("rb") as file:
        text = file.read(LARGEST)
    try:
        values = tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{option} {path}: not TOML: {error}") from error
    options = {dest: action for dest, action in arguments.parser.options().items() if dest not in without}
    for key, value in values.items():
        action = options.get(key.replace("-", "_"))
        if action is None:
            hint = did_you_mean(key, options)
            raise UsageError(f"{option} {path}: unknown key {key!r}" + (f"; {hint}" if hint else ""))
        try:
            parsed = _parsed(action, value)
        except argparse.ArgumentTypeError as error:
            raise UsageError(f"{option} {path}: {key}: {error}") from error
        if getattr(arguments, action.dest) is None:
            setattr(arguments, action.dest, parsed)


def _parsed(action: argparse.Action, value: Any) -> Any:
    """Return a value of the file as the option reads it."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            refuse("true or false", str(value))
        return value or None
    listed = value if isinstance(value, list) else [value]
    if not all(type(each) in {str, int, float} for each in listed):
        refuse("a text or a number, or a list of these", str(value))
    text = ",".join(map(str, listed))
    parsed = action.type(text) if callable(action.type) else text
    if isinstance(parsed, (int, float)) and type(value) not in {int, float}:
        refuse("a number without quotes or brackets", text)
    return parsed
