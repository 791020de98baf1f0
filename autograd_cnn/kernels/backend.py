"""The choice between the backends."""

import os
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType, TracebackType
from typing import Any, Final, TypeAlias

from autograd_cnn.errors import ArgumentError, MissingDependencyError, sentence
from autograd_cnn.kernels.memory import keep_freed_blocks

CHOICES: Final = ("auto", "reference", "jit")
VARIABLE: Final = "AUTOGRAD_CNN_BACKEND"
IMPORTED_IN: Final = os.getpid()
"""The process that imported the package. A forked child has none of its threads."""

UNUSABLE: Final = (ImportError, OSError, ValueError)
"""The errors of importing Numba if it is installed but incompatible with this NumPy, Python, system or environment."""

RECORDING: Final[list[Any]] = []
"""The active recorders of loops, in any thread; while there is one, kernels accept even the smallest arrays."""

_REFERENCE: Final = "autograd_cnn.kernels.reference"
_COMPILED: Final = "autograd_cnn.kernels.compiled"

_Backends: TypeAlias = tuple[ModuleType, ...]

_chosen: Final[list[_Backends]] = [()]
"""The backends to try, in order; empty before the first call. Replaced as a whole, because other threads may read it."""


class Kernel:
    """A kernel, by its function's name: the reference backend defines it, and others may."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._found: tuple[_Backends, tuple[Callable[..., Any], ...]] = ((), ())  # the backends, and their functions

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"

    def __call__(self, *args: Any) -> Any:
        """Run in the first backend that has the kernel and does not decline."""
        backends, functions = self._found
        chosen = _chosen[0] or _start()
        if backends is not chosen:
            functions = tuple(getattr(module, self.name) for module in chosen if hasattr(module, self.name))
            self._found = chosen, functions
        for function in functions:
            result = function(*args)
            if result is not NotImplemented:
                return result
        raise AssertionError(self.name)


class set_backend:  # noqa: N801  # a function to its users, which `with` can undo
    """Choose the backend for the whole process; in a ``with`` statement, for its duration.

    Parameters
    ----------
    name : {"auto", "reference", "jit"}
        ``"auto"`` uses ``jit`` if Numba is installed, else ``reference``. The environment variable
        ``AUTOGRAD_CNN_BACKEND`` sets the initial choice; without it, that is ``"auto"``.

    Raises
    ------
    ArgumentError
        For an unknown name.
    MissingDependencyError
        For ``"jit"`` without Numba.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> with ag.set_backend("reference"):
    ...     ag.current_backend()
    'reference'
    """

    def __init__(self, name: str) -> None:
        self._before = _chosen[0]
        _chosen[0] = _load(name)

    def __enter__(self) -> None:
        """Keep the choice; `__exit__` undoes it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Return to the backend that was chosen before."""
        _chosen[0] = self._before


def current_backend() -> str:
    """Return the name of the backend that is tried first.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> ag.current_backend() in ("reference", "jit")
    True
    """
    return "reference" if (_chosen[0] or _start())[0].__name__ == _REFERENCE else "jit"


def num_threads() -> int:
    """Return the number of threads of the jit backend; 1 without it, although BLAS has its own threads.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> ag.num_threads() >= 1
    True
    """
    try:
        return int(import_module(_COMPILED).num_threads()) if find_spec("numba") else 1
    except UNUSABLE:
        return 1


def set_num_threads(count: int) -> None:
    """Set the number of threads of the jit backend; its results do not depend on it, to the last bit.

    By default there is one per core, and on a busy machine, where they would wait for each other, loops run on one
    thread for a while. An explicit choice also applies on a busy machine.

    Parameters
    ----------
    count : int
        At least 1, at most the value of the environment variable ``NUMBA_NUM_THREADS``, by default the number of cores.
        In a process that was forked from one with threads: 1.

    Raises
    ------
    ArgumentError
        For a number outside that range.
    MissingDependencyError
        Without Numba.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> ag.set_num_threads(ag.num_threads())  # doctest: +SKIP
    """
    if find_spec("numba") is None:
        raise MissingDependencyError("set_num_threads", "fast")
    import_module(_COMPILED).set_num_threads(count)


def must_compile() -> bool:
    """Return whether the kernels still have to be compiled on this machine, which takes seconds, once."""
    return current_backend() == "jit" and not import_module(f"{_COMPILED}.parallel").is_cached()


def _start() -> _Backends:
    _chosen[0] = chosen = _load(os.environ.get(VARIABLE, "auto"))
    return chosen


def _load(name: str) -> _Backends:
    if name not in CHOICES:
        raise ArgumentError("set_backend", "unknown backend", expected=f"one of {', '.join(CHOICES)}", got=repr(name))
    keep_freed_blocks()
    reference = import_module(_REFERENCE)
    if name == "reference":
        return (reference,)
    if find_spec("numba") is None:
        if name == "jit":
            raise MissingDependencyError("the jit backend", "fast")
        return (reference,)
    try:
        return import_module(_COMPILED), reference
    except UNUSABLE as error:
        if name == "jit" and isinstance(error, ImportError):
            raise
        problem = f"Numba can't be used ({str(error).rstrip('.')})"
        if name == "jit":
            raise MissingDependencyError(sentence("the jit backend", problem)) from error
        text = sentence("the jit backend", problem, hint="NumPy does the work, slower")
        warnings.warn(text, RuntimeWarning, stacklevel=4)
        return (reference,)
