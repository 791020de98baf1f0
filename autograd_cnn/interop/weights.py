"""Named arrays to and from ``.npz`` and ``.safetensors`` files.

What a file promises is held against its size before anything is allocated, and pickles are never
read: they can run code.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn.errors import ArgumentError, FormatError, OperandError, sentence
from autograd_cnn.files import replacing
from autograd_cnn.interop import npz, safetensors
from autograd_cnn.tape import values_of


class Stateful(Protocol):
    """What has a state by name: a module."""

    def state_dict(self) -> Mapping[str, ArrayLike]:
        """Return the state."""


class Kind(NamedTuple):
    """How one kind of file is made of arrays, and taken apart again."""

    pack: Callable[[dict[str, NDArray[Any]]], bytes]
    unpack: Callable[[bytes], dict[str, NDArray[Any]]]


KINDS: Final = {".npz": Kind(npz.pack, npz.unpack), ".safetensors": Kind(safetensors.pack, safetensors.unpack)}


def save(path: str | Path, state: Stateful | Mapping[str, ArrayLike]) -> None:
    """Write named arrays to a file, whole or not at all.

    Parameters
    ----------
    path : path
        Ends in ``.npz`` (NumPy's archive) or ``.safetensors`` (which other frameworks read, too;
        extra ``interop``).
    state : module or mapping of str to array_like
        A module stands for its ``state_dict()``.

    Raises
    ------
    ArgumentError
        For another ending.
    OperandError
        If one of the values is not an array of numbers.
    MissingDependencyError
        For ``.safetensors`` without the library.
    OSError
        If the file can't be written; one that was there before is still there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder, "w.npz"), {"weight": np.ones(2), "bias": 0.5})
    ...     load(Path(folder, "w.npz"))
    {'weight': array([1., 1.]), 'bias': array(0.5)}
    """
    path = Path(path)
    kind = _kind("save", path)
    named = state if isinstance(state, Mapping) else state.state_dict()
    content = kind.pack({name: _plain(name, value) for name, value in named.items()})
    with replacing(path) as file:
        file.write(content)


def load(path: str | Path) -> dict[str, NDArray[Any]]:
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
        If the file is damaged, or holds something other than arrays of numbers.
    MissingDependencyError
        For ``.safetensors`` without the library.
    OSError
        If there is no such file, or it can't be read.
    """
    path = Path(path)
    kind = _kind("load", path)
    try:
        return kind.unpack(path.read_bytes())
    except FormatError as error:
        raise FormatError(sentence(str(path), str(error))) from error


def _kind(where: str, path: Path) -> Kind:
    if path.suffix not in KINDS:
        raise ArgumentError(
            sentence(where, "unknown kind of file", expected=f"a name that ends in {' or '.join(KINDS)}",
                     got=repr(path.name))
        )  # fmt: skip
    return KINDS[path.suffix]


def _plain(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return ``value`` in C order and in the machine's byte order, as the writers want it."""
    array = np.asarray(values_of(value), order="C")
    if array.dtype.kind not in "biuf":
        raise OperandError(
            sentence("save", f"{name!r} is not an array of numbers", expected="bools, ints or floats", got=array.dtype)
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)
