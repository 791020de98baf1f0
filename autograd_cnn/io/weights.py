"""Named arrays to and from ``.npz`` and ``.safetensors`` files.

What a file promises is compared with its size before anything is allocated. Arrays are read directly
into their memory. Pickles are never read, because they can run code.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import ArgumentError, FormatError, OperandError, sentence
from autograd_cnn.files import AnyPath, as_path, replacing
from autograd_cnn.io import npz, safetensors


class Stateful(Protocol):
    """An object with named arrays as its state, such as a module."""

    def state_dict(self) -> Mapping[str, ArrayLike]:
        """Return the state."""


class Kind(NamedTuple):
    """How one kind of file is written, and how it is read when its size is known."""

    pack: Callable[[dict[str, NDArray[Any]], IO[bytes]], None]
    unpack: Callable[[IO[bytes], int], dict[str, NDArray[Any]]]


KINDS: Final = {".npz": Kind(npz.pack, npz.unpack), ".safetensors": Kind(safetensors.pack, safetensors.unpack)}


@composite
def save(path: AnyPath, state: Stateful | Mapping[str, ArrayLike]) -> None:
    """Write named arrays to a file, whole or not at all.

    Parameters
    ----------
    path : path
        Ends in ``.npz`` (NumPy's archive) or ``.safetensors`` (which other frameworks can read, too).
    state : module or mapping of str to array_like
        Of a module, its ``state_dict()`` is saved.

    Raises
    ------
    ArgumentError
        For another ending, or a name that this kind of file can't keep.
    OperandError
        If one of the names is not a string, or one of the values is not an array of numbers.
    OSError
        If the file can't be written; an earlier file of that name is still there then.

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
            sentence("save", "path is not understood", expected="a str or a path", got=type(path).__name__, hint=hint)
        )
    path = as_path("save", path)
    kind = _kind("save", path)
    arrays = {_name(name): _plain(name, value) for name, value in _named(state).items()}
    with replacing(path) as file:
        kind.pack(arrays, file)


@composite
def load(path: AnyPath) -> dict[str, NDArray[Any]]:
    """Read the named arrays of a file that `save`, NumPy or another framework wrote.

    Parameters
    ----------
    path : path
        Ends in ``.npz`` or ``.safetensors``.

    Returns
    -------
    dict of str to ndarray
        What ``Module.load_state_dict`` takes.

    Raises
    ------
    ArgumentError
        For another ending.
    FormatError
        If the file is damaged or contains anything other than arrays of numbers, or if it is a
        compressed archive that unpacks to more than 256 MiB and more than 64 times its size.
    OSError
        If there is no such file, or it can't be read.
    """
    if _is_state(path):
        raise OperandError(
            sentence("load", "path is not understood", expected="a str or a path", got=type(path).__name__,
                     hint="load returns the arrays, which module.load_state_dict takes")
        )  # fmt: skip
    path = as_path("load", path)
    kind = _kind("load", path)
    try:
        with path.open("rb") as file:
            return kind.unpack(file, os.fstat(file.fileno()).st_size)
    except FormatError as error:
        raise FormatError(sentence(str(path), str(error))) from error


def _kind(where: str, path: Path) -> Kind:
    if path.suffix.lower() not in KINDS:
        raise ArgumentError(
            sentence(where, "unknown kind of file", expected=f"a name that ends in {' or '.join(KINDS)}",
                     got=repr(path.name))
        )  # fmt: skip
    return KINDS[path.suffix.lower()]


def _is_state(path: Any) -> bool:
    return isinstance(path, Mapping) or hasattr(path, "state_dict")


def _named(state: Any) -> Mapping[str, ArrayLike]:
    if hasattr(state, "state_dict") and not hasattr(state, "forward"):
        state = state.state_dict()  # an optimiser's, say
    if isinstance(state, Mapping):
        if {"state", "param_groups"} <= state.keys():
            raise OperandError(
                sentence("save", "an optimiser's state is not arrays by name", expected="a module or a mapping of names "
                         "to arrays", got="a dict with 'state' and 'param_groups'", hint="keep it by pickle")
            )  # fmt: skip
        return state
    if not hasattr(state, "state_dict"):
        raise OperandError(
            sentence("save", "the state is not understood", expected="a module or a mapping of names to arrays",
                     got=type(state).__name__)
        )  # fmt: skip
    return state.state_dict()


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise OperandError(sentence("save", "a name is not a string", expected="str", got=repr(name)))
    if name.encode(errors="replace").decode() != name:
        raise ArgumentError(sentence("save", f"the name {name!r} is not text, but holds half a character"))
    return name


def _plain(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return ``value`` in C order and in the machine's byte order, which the writers need."""
    try:
        array = np.asarray(values_of(value), order="C")
    except (TypeError, ValueError) as error:  # ragged lists, other libraries' tensors
        raise OperandError(
            sentence("save", f"{name!r} is not an array of numbers", hint=str(error).partition("\n")[0])
        ) from error
    if array.dtype.kind not in "biuf":
        raise OperandError(
            sentence("save", f"{name!r} is not an array of numbers", expected="bools, ints or floats", got=array.dtype)
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)
