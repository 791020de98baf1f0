"""A cache on disk for compiled code.

The cache saves seconds but is never required: if anything goes wrong with it, kernels are compiled, and a single
warning says why.

Numba's own cache raises if no folder is writable, a file is damaged or the disk is full; two processes that fill it
at once can mistake each other's code for their own; and it does not notice a change in the functions that a function
calls. Here every function and signature has its own file, which is written atomically, begins with a digest of all
sources, and contains a checksum.
"""

import hashlib
import os
import pickle
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numba
from numba.core import sigutils
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

from autograd_cnn.errors import CacheWarning, sentence
from autograd_cnn.files import replacing

_DIGEST: Final = hashlib.sha256().digest_size

_warned: Final[list[str]] = []
"""The warning that was given. One is enough: a problem with one file affects the others, too."""

_pending: Final[list[list[Callable[[], None]]]] = []
"""The writes that each active `written_together` has postponed."""


@contextmanager
def written_together() -> Iterator[None]:
    """Store the code compiled in the block only if the block succeeds, so that the cache has all kernels or none."""
    writes: list[Callable[[], None]] = []
    _pending.append(writes)
    try:
        yield
    finally:
        _pending.remove(writes)
    for write in writes:
        write()


class Cache:
    """The place where Numba looks for a function's code before compiling it, and stores it afterwards.

    It replaces ``numba.core.caching.FunctionCache`` and has the methods that Numba calls.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        source = Path(function.__code__.co_filename)
        own = source.read_bytes() if source.is_file() else function.__code__.co_code
        self._stamp = hashlib.sha256(_sources() + own).digest()
        self._name = f"{function.__module__}.{function.__qualname__}".replace("<", "").replace(">", "")

    @property
    def cache_path(self) -> Path | None:
        """The folder, if there is a usable one."""
        return _folder()

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the code for a signature, or None if it has to be compiled."""
        path = self._path(signature)
        if path is None:
            return None
        rtsys.initialize(target)  # a refresh() loads what only compiling needs: 26 MB, in a quarter of a second
        try:
            stored = path.read_bytes()
            if not stored.startswith(self._stamp):
                return None  # compiled from other sources
            check, code = stored[_DIGEST : 2 * _DIGEST], stored[2 * _DIGEST :]
            if hashlib.sha256(code).digest() == check:
                return CompileResult._rebuild(target, *pickle.loads(code))  # noqa: S301, SLF001  # as Numba does, from a folder of ours
            _warn(f"{path} was damaged", "its kernel is compiled again")
        except FileNotFoundError:
            pass
        except Exception as error:  # noqa: BLE001  # nothing that a cache does may stop the work
            _warn(f"{path} can't be read ({error})", "its kernel is compiled again")
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Store the code for a signature."""
        if _pending:
            _pending[-1].append(partial(self.save_overload, signature, result))
            return
        path = self._path(signature)
        if path is None or result.library.has_dynamic_globals:
            return
        try:
            code = dumps(result._reduce())  # noqa: SLF001  # as Numba does
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(path) as file:
                file.write(self._stamp + hashlib.sha256(code).digest() + code)
        except Exception as error:  # noqa: BLE001  # nothing that a cache does may stop the work
            _warn(f"{path} can't be written ({error})", "the next process compiles its kernel again")

    def is_filled(self) -> bool:
        """Return whether there is code that this processor can run, for any signature."""
        folder = _folder()
        return folder is not None and any(map(self._is_fresh, folder.glob(f"{self._name}.{_machine()}.*.code")))

    def _is_fresh(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                return file.read(_DIGEST) == self._stamp
        except OSError:
            return False

    def _path(self, signature: Any) -> Path | None:
        folder = _folder()
        if folder is None:
            return None
        arguments, _ = sigutils.normalize_signature(signature)
        # Numba's name of a named tuple does not have its module.
        kinds = [f"{each!r} {getattr(each, 'instance_class', '')!r}" for each in arguments]
        return folder / f"{self._name}.{_machine()}.{_short('; '.join(kinds))}.code"


@cache
def _sources() -> bytes:
    """Return a digest of all sources of compiled code."""
    digest = hashlib.sha256(numba.__version__.encode())
    folder = files(__package__)
    for source in sorted((*folder.iterdir(), *folder.joinpath("conv").iterdir()), key=str):
        if source.is_file():
            digest.update(source.read_bytes())
    return digest.digest()


@cache
def _machine() -> str:
    """Return a short identifier of the processor and the Python that code is compiled for."""
    return _short(repr((cpu_target.target_context.codegen().magic_tuple(), sys.implementation.cache_tag)))


@cache
def _folder() -> Path | None:
    """Return the first folder in which only this user can write; None if there is none."""
    refused: list[str] = []
    for requested, folder in _candidate_folders():
        if _is_private(folder):
            if refused and not requested:
                _warn(f"neither {' nor '.join(refused)} can be used", f"kernels are kept in {folder}")
            return folder
        refused.append(str(folder))
    _warn(f"neither {' nor '.join(refused)} can be used", "each process compiles its kernels itself")
    return None


def _candidate_folders() -> Iterator[tuple[bool, Path]]:
    """Yield folders in which code can be cached, the best first, each with whether it is permanent."""
    here = Path(__file__).parent
    name = f"autograd_cnn-{_short(str(here))}"
    chosen = numba.config.CACHE_DIR
    if chosen:
        yield True, Path(chosen).absolute() / name
    yield not chosen, here / "__pycache__" / "kernels"
    of_user = Path(AppDirs("autograd_cnn", appauthor=False).user_cache_dir) / name
    if of_user.is_absolute():  # it is relative if the user has no home
        yield not chosen, of_user
    with suppress(FileNotFoundError):
        temporary = Path(tempfile.gettempdir())
        if temporary != Path.cwd():  # Python's last resort, where files could be anybody's
            yield False, temporary / (f"{name}-{os.geteuid()}" if os.name == "posix" else name)


def _is_private(folder: Path) -> bool:
    """Return whether only this user can write in a folder: code that is read from it is run."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        status = folder.lstat()
    except OSError:
        return False
    if os.name != "posix":
        return True
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _warn(problem: str, hint: str) -> None:
    if not _warned:
        _warned.append(sentence("compiled kernels", problem, hint=hint))
        warnings.warn(_warned[0], CacheWarning, stacklevel=2)
