"""The user's code: modules in a folder, functions in a file, and the handling of their errors."""

import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from autograd_cnn.errors import ArgumentError
from autograd_cnn.spelling import alike

LIBRARIES: Final = frozenset({"google", "llvmlite", "numba", "onnx"})
"""Optional dependencies: a ``numba.py`` is never mistaken for Numba, even if that is not installed."""


# --- modules in a folder ----------------------------------------------------------------------


@dataclass(frozen=True)
class FolderFinder(MetaPathFinder):
    """Finds modules in a folder, after all other finders.

    Parameters
    ----------
    folder : str
    """

    folder: str

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module's location, if the folder has it; modules in packages are found by the package's path."""
        if path is not None or fullname in LIBRARIES:
            return None
        return PathFinder.find_spec(fullname, [self.folder], target)


def search_folder(folder: Path) -> None:
    """Allow imports of modules in ``folder``, except those with the name of an installed one."""
    finder = FolderFinder(str(folder.resolve()))
    if finder not in sys.meta_path:
        sys.meta_path.append(finder)


@contextmanager
def restore_search() -> Iterator[None]:
    """Stop searching the folders added inside the block when it ends."""
    before = sys.meta_path[:]
    try:
        yield
    finally:
        for finder in sys.meta_path[:]:
            if isinstance(finder, FolderFinder) and finder not in before:
                sys.meta_path.remove(finder)


# --- a function in a file ---------------------------------------------------------------------


def split_name(text: str) -> tuple[Path, str] | None:
    """Return the file and the function that ``FILE.py:function`` names, or None for any other text.

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
    """Run a file as a module, which may import from its folder, and return what one of its functions returns.

    Raises
    ------
    ArgumentError
        If the file or the function does not exist, or fails; with its own error and line.
    """
    module = _run(path)
    function = getattr(module, name, None) if name else None
    if not callable(function):
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        expected = f"one of {', '.join(own)}" if own else "one that the file has"
        hint = alike(name, own) if name else f"name one, as in {path.name}:{own[-1] if own else 'NAME'}"
        raise ArgumentError("--model", f"{path} has no such function", expected=expected, got=repr(name), hint=hint)
    with failures_of(path):
        return function()


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise ArgumentError("--model", f"no such file: {path}")
    # No import statement can spell the name, so the module cannot shadow another one.
    module = ModuleType(f"file {path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    search_folder(path.resolve().parent)
    with failures_of(path):
        SourceFileLoader(module.__name__, str(path)).exec_module(module)
    return module


# --- errors -----------------------------------------------------------------------------------


@contextmanager
def failures_of(path: Path, hint: str = "") -> Iterator[None]:
    """Turn any exception of the user's code into one sentence that names the line in the file."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() included
        bare = type(error)(error.msg) if isinstance(error, SyntaxError) else error  # its text repeats the line
        raise ArgumentError("--model", f"{path}{_line(error, path)}: {one_line(bare)}", hint=hint) from error


def one_line(error: BaseException) -> str:
    r"""Return an error's type and message, in one line.

    Examples
    --------
    >>> one_line(ValueError("first line\nsecond line"))
    'ValueError: first line second line'
    """
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # an error's own text may fail
        text = ""
    return f"{type(error).__name__}: {' '.join(text.split())}".rstrip(": ")


def _line(error: BaseException, path: Path) -> str:
    """Return a colon and the number of the last line of the file in the traceback."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).name == path.name:
        return f":{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    numbers = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    return f":{numbers[-1]}" if numbers else ""
