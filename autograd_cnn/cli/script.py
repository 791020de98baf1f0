"""A function in a Python file of the user's, and what becomes of its errors."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from autograd_cnn.cli.beside import reach
from autograd_cnn.errors import ArgumentError, sentence


def split_name(text: str) -> tuple[Path, str] | None:
    """Return the file and the function that ``FILE.py:function`` names, or None for another text.

    Examples
    --------
    >>> file, function = split_name("models/net.py:build")
    >>> file.name, function
    ('net.py', 'build')
    >>> split_name("lenet5")
    """
    file, _, name = (text, "", "") if text.endswith(".py") else text.rpartition(":")
    return (Path(file), name) if file.endswith(".py") else None


def call(path: Path, name: str) -> Any:
    """Run a file as a module, what lies beside it in reach, and return what one of its functions returns.

    Raises
    ------
    ArgumentError
        If there is no such file or function, or if one of them fails; with its own error and line.
    """
    module = _run(path)
    function = getattr(module, name, None) if name else None
    if not callable(function):
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        expected = f"one of {', '.join(own)}" if own else "one that the file has"
        raise ArgumentError(sentence("--model", f"{path} has no such function", expected=expected, got=repr(name)))
    with failures_of(path):
        return function()


@contextmanager
def failures_of(path: Path, hint: str = "") -> Iterator[None]:
    """Turn whatever the user's code raises into one sentence that names the line in the file."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() included
        bare = type(error)(error.msg) if isinstance(error, SyntaxError) else error  # its text repeats the line
        raise ArgumentError(sentence("--model", f"{path}{_line(error, path)}: {told(bare)}", hint=hint)) from error


def told(error: BaseException) -> str:
    r"""Return an error's kind and what it says, in one line.

    Examples
    --------
    >>> told(ValueError("first line\nsecond line"))
    'ValueError: first line second line'
    """
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # an error's own text may fail
        text = ""
    return f"{type(error).__name__}: {' '.join(text.split())}".rstrip(": ")


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise ArgumentError(sentence("--model", f"no such file: {path}"))
    # No import statement can spell the name, so the module stands in the way of no other.
    module = ModuleType(f"file {path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    reach(path.resolve().parent)
    with failures_of(path):
        SourceFileLoader(module.__name__, str(path)).exec_module(module)
    return module


def _line(error: BaseException, path: Path) -> str:
    """Return the number of the last line of the file on the way to the error."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).name == path.name:
        return f":{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    numbers = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    return f":{numbers[-1]}" if numbers else ""
