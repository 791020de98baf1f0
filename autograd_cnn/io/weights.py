"""Named arrays to and from ``.npz`` and ``.safetensors`` files, and from PyTorch's.

The sizes that a file declares are compared with its own size before anything is allocated. Arrays are
read directly into their memory. No pickle is run, because it can run code.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn import errors
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import ArgumentError, FormatError, OperandError, require
from autograd_cnn.files import AnyPath, as_path, replacing
from autograd_cnn.io import checkpoint, npz, safetensors, torch_zip

T = TypeVar("T")


class Stateful(Protocol):
    """An object with named arrays as its state, such as a module."""

    def state_dict(self) -> Mapping[str, ArrayLike]:
        """Return the state."""


WRITERS: Final[dict[str, Callable[[dict[str, NDArray[Any]], IO[bytes]], None]]] = {
    ".npz": npz.pack,
    ".safetensors": safetensors.pack,
}
READERS: Final[dict[str, Callable[[IO[bytes], int], dict[str, NDArray[Any]]]]] = {
    ".npz": npz.unpack,
    ".safetensors": safetensors.unpack,
    **dict.fromkeys([".pt", ".pth", ".bin"], torch_zip.unpack),
}
"""Reads a kind of file of known size."""


@composite
def save(path: AnyPath, state: Stateful | Mapping[str, ArrayLike] | None = None, **objects: Any) -> None:
    """Write named arrays, or the states of several objects, to one file, completely or not at all.

    ``save(path, model)`` saves weights, for use here and elsewhere. ``save(path, model=model, optimizer=optimizer)``
    saves everything needed to resume, which `restore` reads: for a module also the generators that its layers draw
    from, and for an optimiser, a schedule, a loader or a trainer its ``state_dict``.

    Parameters
    ----------
    path : path
        Ends in ``.npz`` (NumPy's archive) or ``.safetensors`` (which other frameworks can read, too).
    state : module or mapping of str to array_like
        For a module, its ``state_dict()`` is saved.
    **objects
        Instead: modules, NumPy generators, and anything with ``state_dict`` and ``load_state_dict``.

    Raises
    ------
    ArgumentError
        If the extension is another, or this kind of file can't store a name.
    OperandError
        If a name is not a string, or a value is not an array of numbers; for objects, if a state contains anything other
        than arrays, numbers, strings, lists and dicts.
    OSError
        If the file can't be written; an earlier file of that name then remains.

    Notes
    -----
    Both kinds contain checksums, which `load` verifies.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder, "w.npz"), {"weight": np.ones(2), "bias": 0.5})
    ...     load(Path(folder, "w.npz"))
    {'weight': array([1., 1.]), 'bias': array(0.5)}
    """
    if _is_state(path):
        hint = "the path comes first: save(path, state)" if isinstance(state, (str, bytes, os.PathLike)) else ""
        raise OperandError(
            "save", "path is not understood", expected="a str or a path", got=type(path).__name__, hint=hint
        )
    if (state is None) == (not objects):
        problem = "nothing to save" if state is None else "a state and objects"
        raise OperandError("save", problem, hint="write save(path, model), or save(path, model=model, …)")
    path = as_path("save", path)
    write = _of_kind("save", path, WRITERS)
    if state is None:
        arrays = checkpoint.taken_apart(objects, _plain)
    else:
        arrays = {_name(name): _plain(name, value) for name, value in _named(state).items()}
    with replacing(path) as file:
        write(arrays, file)


@composite
def restore(path: AnyPath, **objects: Any) -> None:
    """Restore the states that ``save(path, …)`` saved under the same names, all or nothing.

    From then on the objects behave as the saved ones would have, to the last bit.

    Parameters
    ----------
    path : path
        As for `save`.
    **objects
        Some or all of what was saved, built in the same way.

    Raises
    ------
    ArgumentError, OperandError, ShapeError
        If nothing was saved under a name, or it is not the state of such an object.
    FormatError
        If the file is damaged or not a checkpoint.
    OSError
        If the file does not exist or can't be read.

    Examples
    --------
    >>> import tempfile
    >>> from autograd_cnn import nn, optim
    >>> def start():
    ...     model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Dropout(rng=0))
    ...     return model, optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> model, optimizer = start()
    >>> _ = model(np.ones((1, 2))).sum().backward()
    >>> optimizer.step()
    >>> again, its_optimizer = start()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/run.npz", model=model, optimizer=optimizer)
    ...     restore(f"{folder}/run.npz", model=again, optimizer=its_optimizer)
    >>> np.array_equal(model(np.ones((1, 2))).numpy(), again(np.ones((1, 2))).numpy())
    True
    """
    path = as_path("restore", path)
    try:
        states = checkpoint.put_together(load(path))
    except FormatError as error:
        text = str(error).removeprefix(f"{path}: ")
        raise FormatError(str(path), text) from error
    if missing := objects.keys() - states.keys():
        expected = f"some of {', '.join(states)}"
        raise ArgumentError(str(path), f"it has no {min(missing)}", expected=expected, got=min(missing))
    before = {name: checkpoint.state_of(name, thing) for name, thing in objects.items()}
    changed: list[str] = []
    try:
        for name, thing in objects.items():
            changed.append(name)
            checkpoint.restore_state(name, thing, states[name])
    except BaseException as error:
        for name in changed:
            checkpoint.restore_state(name, objects[name], before[name])
        ours = type(error).__module__ == errors.__name__
        if ours or not isinstance(error, (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)):
            raise
        raise FormatError(str(path), f"what it holds for {changed[-1]} is not a state of it") from error


@composite
def load(path: AnyPath) -> dict[str, NDArray[Any]]:
    """Read the named arrays of a file that `save`, NumPy or another framework wrote.

    Parameters
    ----------
    path : path
        Ends in ``.npz``, ``.safetensors``, or, for PyTorch's files, in ``.pt``, ``.pth`` or ``.bin``. The latter must
        contain a state dict, as ``torch.save(model.state_dict(), path)`` writes it; no code from the file runs.

    Returns
    -------
    dict of str to ndarray
        As ``Module.load_state_dict`` takes it.

    Raises
    ------
    ArgumentError
        If the extension is another.
    FormatError
        If the file is damaged or contains anything other than arrays of numbers, or if it
        unpacks to more than 256 MiB and more than 64 times its size.
    OSError
        If the file does not exist or can't be read.
    """
    if _is_state(path):
        problem = "path is not understood"
        hint = "load returns the arrays, which module.load_state_dict takes"
        raise OperandError("load", problem, expected="a str or a path", got=type(path).__name__, hint=hint)
    path = as_path("load", path)
    read = _of_kind("load", path, READERS)
    try:
        with path.open("rb") as file:
            return read(file, os.fstat(file.fileno()).st_size)
    except FormatError as error:
        raise FormatError(str(path), str(error)) from error


def _of_kind(where: str, path: Path, table: Mapping[str, T]) -> T:
    torchs = path.suffix.lower() in READERS
    hint = "PyTorch reads .safetensors by safetensors.torch.load_file(path)" if torchs else ""
    return table[as_path(where, path, table, hint).suffix.lower()]


def _is_state(path: Any) -> bool:
    return isinstance(path, Mapping) or hasattr(path, "state_dict")


def _named(state: Any) -> Mapping[str, ArrayLike]:
    if hasattr(state, "state_dict") and not hasattr(state, "forward"):
        state = state.state_dict()  # an optimiser's, say
    if isinstance(state, Mapping):
        if {"state", "param_groups"} <= state.keys():
            raise OperandError(
                "save", "an optimiser's state is not arrays by name", expected="a module or a mapping of names "
                "to arrays", got="a dict with 'state' and 'param_groups'", hint="save(path, optimizer=optimizer) keeps it"
            )  # fmt: skip
        return state
    expected = "a module or a mapping of names to arrays"
    require(hasattr(state, "state_dict"), "save", "the state is not understood", expected, state)
    return state.state_dict()


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise OperandError("save", "a name is not a string", expected="str", got=repr(name))
    if name.encode(errors="replace").decode() != name:
        raise ArgumentError("save", f"the name {name!r} is not text, but holds half a character")
    return name


def _plain(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return ``value`` in C order and native byte order, which the writers need."""
    try:
        array = np.asarray(values_of(value), order="C")
    except (TypeError, ValueError) as error:  # ragged lists, other libraries' tensors
        problem = f"{name!r} is not an array of numbers"
        raise OperandError("save", problem, hint=str(error).partition("\n")[0]) from error
    if array.dtype.kind not in "biuf":
        problem = f"{name!r} is not an array of numbers"
        nested = "objects with a state go by name: save(path, model=model, optimizer=optimizer)"
        hint = nested if isinstance(value, Mapping) else ""
        raise OperandError("save", problem, expected="bools, ints or floats", got=array.dtype, hint=hint)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
