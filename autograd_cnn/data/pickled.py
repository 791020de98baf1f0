"""The pickles of CIFAR's Python version, read as data: nothing in them is imported or run.

Python 2 wrote them, so their strings are bytes, which are read as Latin-1. They may contain three names, those that
NumPy needs to make an array.
"""

from typing import Any, Final

import numpy as np

from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.io import pickles


class _Array:
    """What NumPy's ``_reconstruct`` would make, before it is filled."""

    values: Any = None

    def build(self, state: Any) -> None:
        """Store the shape, the order and the bytes."""
        _, shape, _, in_columns, values = state
        numbers = np.frombuffer(values.encode("latin-1"), np.uint8)
        self.values = numbers.reshape(shape, order="F" if in_columns else "C")


class _Bytes:
    """NumPy's dtype of bytes, whose state adds nothing."""

    def __init__(self, code: str, *_: Any) -> None:
        if code != "u1":
            raise FormatError(sentence("not an array of bytes", expected="u1", got=code))

    def build(self, state: Any) -> None:
        """Ignore the state."""


NAMES: Final = {"numpy.core.multiarray._reconstruct": lambda *_: _Array(), "numpy.ndarray": None, "numpy.dtype": _Bytes}


def read_pickle(data: bytes) -> dict[str, Any]:
    r"""Return the dict in a pickle of Python 2; its arrays are read-only, of uint8.

    Raises
    ------
    FormatError
        If it is anything else, or would call any function.

    Examples
    --------
    >>> read_pickle(b"\x80\x02}q\x01U\x06labelsq\x02]q\x03(K\x06K\x09es.")
    {'labels': [6, 9]}
    """
    found = pickles.read(data, NAMES)
    if not isinstance(found, dict):
        raise FormatError(sentence("not a pickle as CIFAR's Python version has them", expected="a dict",
                                   got=type(found).__name__))  # fmt: skip
    return {name: value.values if isinstance(value, _Array) else value for name, value in found.items()}
