"""What may stand for a path where files are read and written."""

import os
from pathlib import Path
from typing import TypeAlias

from autograd_cnn.errors import ArgumentError, OperandError, sentence

AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def as_path(where: str, path: AnyPath) -> Path:
    """Return ``path`` as a `Path`.

    Raises
    ------
    OperandError
        If it is no path.
    ArgumentError
        If no file can have the name.

    Examples
    --------
    >>> as_path("load", b"weights.npz").name
    'weights.npz'
    """
    try:
        name = os.fsdecode(path)
    except TypeError:
        raise OperandError(
            sentence(where, "path is not understood", expected="a str or a path", got=type(path).__name__)
        ) from None
    if "\0" in name:
        raise ArgumentError(sentence(where, "a path can't have a zero byte in it", expected="a path", got=repr(name)))
    return Path(name)
