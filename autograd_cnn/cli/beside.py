"""Modules in a folder of the user's, which take the place of no library."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Final

LIBRARIES: Final = frozenset({"google", "llvmlite", "numba", "onnx"})
"""What the package looks for and can do without: a ``numba.py`` is never taken for Numba, even where there is none."""


@dataclass(frozen=True)
class Beside(MetaPathFinder):
    """Finds modules in a folder, when it is asked after all others.

    Parameters
    ----------
    folder : str
    """

    folder: str

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the module is, if the folder has it; what is in a package is found by its own path."""
        if path is not None or fullname in LIBRARIES:
            return None
        return PathFinder.find_spec(fullname, [self.folder], target)


def reach(folder: Path) -> None:
    """Let modules in ``folder`` be imported, but for those that have the name of an installed one."""
    finder = Beside(str(folder.resolve()))
    if finder not in sys.meta_path:
        sys.meta_path.append(finder)


@contextmanager
def reach_ends() -> Iterator[None]:
    """Let what has come in reach be so until the end of the block."""
    before = sys.meta_path[:]
    try:
        yield
    finally:
        for finder in sys.meta_path[:]:
            if isinstance(finder, Beside) and finder not in before:
                sys.meta_path.remove(finder)
