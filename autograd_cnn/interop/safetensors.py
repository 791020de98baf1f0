"""The safetensors format, through the library of that name: plain numbers that run no code."""

from importlib import import_module
from typing import Any

from numpy.typing import NDArray

from autograd_cnn.errors import FormatError, MissingDependencyError, sentence


def pack(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return the content of a file, the same for the same arrays."""
    content: bytes = _library().numpy.save(arrays)
    return content


def unpack(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file.

    Raises
    ------
    FormatError
        If the content is no such file, or holds numbers of a type that NumPy lacks.
    """
    library = _library()
    try:
        return {name: array.copy() for name, array in library.numpy.load(content).items()}
    except library.SafetensorError as error:
        raise FormatError(sentence("damaged, or no .safetensors file")) from error
    except KeyError as error:
        raise FormatError(sentence(f"numbers of the type {error.args[0]}, which NumPy lacks")) from error


def _library() -> Any:
    try:
        import_module("safetensors.numpy")
    except ImportError as error:
        raise MissingDependencyError("a .safetensors file", "interop") from error
    return import_module("safetensors")
