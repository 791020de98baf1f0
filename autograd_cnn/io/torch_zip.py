"""PyTorch's files of tensors, as written by ``torch.save`` since version 1.6; their pickle is not run.

The file is a zip archive: ``data.pkl`` is a pickled dict in which each tensor names its storage, offset, shape and
strides, and ``data/0``, ``data/1`` … are the storages.
"""

import math
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any, Final, Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from autograd_cnn.engine.node import Shape
from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.io import pickles
from autograd_cnn.io.archive import opened
from autograd_cnn.unpacking import check_room, read_array

DTYPES: Final = {
    "Bool": "?", "Byte": "u1", "Char": "i1", "Short": "i2", "Int": "i4", "Long": "i8", "Half": "f2", "Float": "f4",
    "Double": "f8",
}  # fmt: skip
"""NumPy's types, by the names of PyTorch's storages."""

LARGEST_PICKLE: Final = 4 << 20
"""Bytes; a tensor needs about 200 of them."""


class _Untyped(NamedTuple):
    """The type of an untyped storage, whose tensors specify their own types."""

    itemsize: int = 1


class _Storage(NamedTuple):
    key: str
    type: np.dtype[Any] | _Untyped
    size: int  # bytes


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: Shape
    strides: Shape
    dtype: np.dtype[Any]

    def check(self, name: str) -> None:
        """Raise `FormatError` if it is not made of numbers, or they are not all in the storage."""
        numbers = [self.offset, *self.shape, *self.strides]
        dimensions = len(self.shape)
        if not (len(self.strides) == dimensions <= 64 and all(type(n) is int and 0 <= n < 2**62 for n in numbers)):
            raise FormatError(sentence(f"no tensor can have the sizes and strides of {name!r}"))
        last = self.offset + sum((n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True))
        if 0 not in self.shape and (last + 1) * self.dtype.itemsize > self.storage.size:
            expected = f"at most {self.storage.size} bytes"
            got = (last + 1) * self.dtype.itemsize
            raise FormatError(f"{name!r} reaches beyond its storage", expected=expected, got=got)


class _Ordered(dict[Any, Any]):
    """An ``OrderedDict``; a module's has an attribute with the versions of its layers."""

    def build(self, state: Any) -> None:
        """Ignore the attributes."""


def unpack(stream: IO[bytes], size: int) -> dict[str, NDArray[Any]]:
    """Return the tensors of a file of ``size`` bytes.

    Raises
    ------
    FormatError
        If it is not such a file, contains anything other than named tensors, or would unpack to more than the limit.
    """
    with opened(stream, size, "a file from torch.save since PyTorch 1.6") as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        pickle = [name for name in entries if name.endswith("/data.pkl")]
        if len(pickle) != 1 or len(entries) < len(archive.infolist()):
            raise FormatError("not a file from torch.save: it has no data.pkl, or two entries of one name")
        if entries[pickle[0]].file_size > LARGEST_PICKLE:
            expected = f"at most {LARGEST_PICKLE} bytes"
            raise FormatError("its pickle is too large", expected=expected, got=entries[pickle[0]].file_size)
        root = pickle[0].removesuffix("data.pkl")
        order = archive.read(f"{root}byteorder") if f"{root}byteorder" in entries else b"little"
        if order not in {b"little", b"big"}:
            raise FormatError("unknown order of bytes", expected="little or big", got=order)
        tensors = _tensors(pickles.read(archive.read(pickle[0]), NAMES, _storage))
        check_room(sum(math.prod(t.shape) * t.dtype.itemsize for t in tensors.values()), size)
        return _arrays(archive, root, tensors, "<" if order == b"little" else ">")


def _tensors(found: Any) -> dict[str, _Tensor]:
    """Return a pickle's contents, if these are named tensors."""
    if not isinstance(found, dict):
        hint = "write torch.save(model.state_dict(), path)"
        raise FormatError("not a state dict", expected="tensors by name", got=_kind(found), hint=hint)
    for name, value in found.items():
        if not isinstance(value, _Tensor) or not isinstance(name, str):
            inner = next((repr(key) for key, each in found.items() if isinstance(each, dict)), "")
            raise FormatError(f"{name!r} is not a tensor with a name", expected="a state dict", got=_kind(value),
                              hint=f"save what is in {inner} alone" if inner else "save the tensors alone")  # fmt: skip
        value.check(name)
    return found


def _kind(value: Any) -> str:
    return type(value).__name__.strip("_").replace("Ordered", "OrderedDict")


def _arrays(
    archive: zipfile.ZipFile, root: str, tensors: Mapping[str, _Tensor], order: Literal["<", ">"]
) -> dict[str, NDArray[Any]]:
    """Read each storage once, and copy the data that several tensors share."""
    users = Counter(tensor.storage.key for tensor in tensors.values())
    contents: dict[str, NDArray[np.uint8]] = {}
    arrays: dict[str, NDArray[Any]] = {}
    for name, (storage, offset, shape, strides, dtype) in tensors.items():
        if storage.key not in contents:
            contents[storage.key] = _content(archive, f"{root}data/{storage.key}")
        if (length := contents[storage.key].size) != storage.size:
            expected = f"{storage.size} bytes"
            raise FormatError(f"the storage of {name!r} has the wrong length", expected=expected, got=length)
        values = contents[storage.key][: storage.size // dtype.itemsize * dtype.itemsize].view(
            dtype.newbyteorder(order)
        )
        byte_strides = tuple(stride * dtype.itemsize for stride in strides)
        part = as_strided(values[offset:], shape, byte_strides) if 0 not in shape else np.empty(shape, dtype)
        alone = users[storage.key] == 1
        arrays[name] = np.array(part, dtype.newbyteorder("="), order="C", copy=None if alone else True)
        if dtype.kind == "b" and arrays[name].view(np.uint8).max(initial=0) > 1:
            raise FormatError("a bool is neither 0 nor 1", expected="0 or 1", got=arrays[name].view("u1").max())
        if alone:
            del contents[storage.key]
    return arrays


def _content(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    """Return the bytes of an entry, whose checksum is verified."""
    if name not in archive.NameToInfo:
        raise FormatError(sentence(f"cut off: it has no {name}"))
    with archive.open(name) as entry:
        content = read_array(entry, (archive.getinfo(name).file_size,), np.dtype(np.uint8))
        entry.read(1)
    return content


# --- what the pickle may name -----------------------------------------------------------------


def _storage(key: Any) -> _Storage:
    """Return the storage of a persistent id: its kind, type, key, device and number of elements."""
    kind, dtype, name, _, count = key
    if (
        kind != "storage"
        or not isinstance(dtype, (np.dtype, _Untyped))
        or type(name) is not str
        or type(count) is not int
    ):
        raise FormatError("the pickle asks for something that is not a storage")
    return _Storage(name, dtype, count * dtype.itemsize)


def _rebuild(
    storage: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    _grad: Any,
    _hooks: Any,
    dtype: Any = None,
    metadata: Any = None,
) -> _Tensor:
    """Stand in for ``torch._utils._rebuild_tensor_v3``."""
    dtype = storage.type if dtype is None else dtype
    if not isinstance(storage, _Storage) or not isinstance(dtype, np.dtype) or metadata:
        raise FormatError("the pickle has a tensor of an unknown kind")
    return _Tensor(storage, offset, tuple(shape), tuple(strides), dtype)


def _rebuild_typed(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, metadata: Any = None
) -> _Tensor:
    """Stand in for ``torch._utils._rebuild_tensor_v2``."""
    return _rebuild(storage, offset, shape, strides, grad, hooks, metadata=metadata)


def _rebuild_parameter(data: Any, _grad: Any, _hooks: Any) -> Any:
    return data


NAMES: Final[dict[str, Any]] = {
    "collections.OrderedDict": _Ordered,
    "torch._utils._rebuild_tensor_v2": _rebuild_typed,
    "torch._utils._rebuild_tensor_v3": _rebuild,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch.storage.UntypedStorage": _Untyped(),
    **{f"torch.{name}Storage": np.dtype(code) for name, code in DTYPES.items()},
    **{f"torch.{name}": np.dtype(name) for name in ("uint16", "uint32", "uint64")},
}
"""The names that a file of tensors needs."""
