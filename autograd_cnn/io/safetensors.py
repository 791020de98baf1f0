"""The safetensors format: the length of a header, the header in JSON, and plain numbers that can't run code.

For each array, the header contains the type, the shape, and the range of its bytes after the header. Under a
reserved name it may contain strings of any kind. There we record that we wrote the file, and store a checksum of
the whole content: without a checksum, a flipped bit would just be another number.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import IO, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.node import Shape
from autograd_cnn.errors import ArgumentError, FormatError, OperandError, sentence
from autograd_cnn.unpacking import read_array

RESERVED: Final = "__metadata__"
WRITER: Final = {"writer": "autograd_cnn"}
CHECKSUM: Final = "autograd_cnn.sha256"

DTYPES: Final = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "F16": "<f2", "U32": "<u4", "I32": "<i4",
    "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}  # fmt: skip
NAMES: Final = {np.dtype(dtype).newbyteorder("="): name for name, dtype in DTYPES.items()}

LONGEST_HEADER: Final = 16 << 20
"""Bytes, enough for 100,000 arrays. A parsed header takes many times its length in memory."""

MOST_AXES: Final = 64
"""NumPy's limit."""

Entry: TypeAlias = tuple[str, Shape, str]
"""The name of the type, the shape, and the SHA-256 of the data."""


def pack(arrays: dict[str, NDArray[Any]], stream: IO[bytes]) -> None:
    """Write the file; the same arrays give the same bytes.

    Raises
    ------
    ArgumentError
        If a name is reserved by the format.
    OperandError
        If the format lacks a dtype.
    """
    if RESERVED in arrays:
        raise ArgumentError("save", f"the format keeps the name {RESERVED!r} for itself", hint="rename it")
    if lacking := [name for name, array in arrays.items() if array.dtype not in NAMES]:
        name = lacking[0]
        problem = f"{name!r} has a dtype that .safetensors lacks"
        raise OperandError("save", problem, expected=", ".join(map(str, NAMES)), got=arrays[name].dtype)
    ordered = dict(sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0])))  # so that all are aligned
    data = {name: array.astype(array.dtype.newbyteorder("<"), copy=False).data for name, array in ordered.items()}
    entries = {
        name: (NAMES[array.dtype], array.shape, hashlib.sha256(data[name]).hexdigest())
        for name, array in ordered.items()
    }
    header: dict[str, Any] = {RESERVED: {**WRITER, CHECKSUM: _checksum(entries, WRITER)}}
    end = 0
    for name, (dtype, shape, _) in entries.items():
        begin, end = end, end + data[name].nbytes
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": (begin, end)}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > LONGEST_HEADER:
        expected = f"at most {LONGEST_HEADER} bytes with all shapes"
        raise ArgumentError("save", "the names are too long", expected=expected, got=len(text))
    text += b" " * (-len(text) % 8)
    stream.write(len(text).to_bytes(8, "little") + text)
    for content in data.values():
        stream.write(content)


def unpack(stream: IO[bytes], size: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file of ``size`` bytes.

    Raises
    ------
    FormatError
        If it is not such a file, if its checksum is wrong, or if it contains numbers of a type that NumPy lacks.
    """
    length = int.from_bytes(stream.read(8), "little")
    if not 2 <= length <= min(size - 8, LONGEST_HEADER):
        raise FormatError("damaged, or not a .safetensors file")
    header = _header(stream.read(length))
    metadata = header.pop(RESERVED, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise FormatError("damaged", f"{RESERVED} is not made of texts")
    layout = {name: _layout(name, fields) for name, fields in header.items()}
    arrays: dict[str, NDArray[Any]] = {}
    entries: dict[str, Entry] = {}
    reached = 0
    for name, (dtype, shape, begin, end) in sorted(layout.items(), key=lambda item: item[1][2:]):
        if begin != reached:
            raise FormatError("damaged", f"{name!r} does not begin where the array before it ends")
        if end > size - 8 - length:
            raise FormatError("cut off", expected=f"{end} bytes of numbers", got=size - 8 - length)
        array = read_array(stream, shape, np.dtype(DTYPES[dtype]))
        if CHECKSUM in metadata:
            stored = array.astype(array.dtype.newbyteorder("<"), copy=False)
            entries[name] = (dtype, shape, hashlib.sha256(stored.data).hexdigest())
        arrays[name], reached = array, end
    if reached != size - 8 - length:
        raise FormatError("damaged", "bytes are left over after the arrays")
    _verify(entries, metadata)
    return arrays


def _header(text: bytes) -> dict[str, Any]:
    """Return the fields; only spaces may follow them."""
    try:
        fields = json.loads(text.decode(), object_pairs_hook=_distinct)
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormatError("damaged, or not a .safetensors file") from error
    if not isinstance(fields, dict) or not text.startswith(b"{") or not text.rstrip(b" ").endswith(b"}"):
        raise FormatError("damaged, or not a .safetensors file")
    return fields


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise FormatError("damaged", "a name occurs twice")
    return fields


def _layout(name: str, fields: Any) -> tuple[str, Shape, int, int]:
    """Return the type, the shape, and the range of the bytes."""
    where = f"array {name!r}"
    if name.encode(errors="replace").decode() != name:
        raise FormatError("damaged", f"the name {name!r} is not text")
    if not isinstance(fields, dict) or fields.keys() != {"dtype", "shape", "data_offsets"}:
        raise FormatError("damaged", where, expected="dtype, shape and data_offsets", got=_short(fields))
    dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(dtype, str):
        raise FormatError("damaged", where, expected="a dtype's name", got=_short(dtype))
    if dtype not in DTYPES:
        raise FormatError(sentence(f"numbers of the type {_short(dtype)}, which NumPy lacks"))
    for numbers in (shape, offsets):
        if not isinstance(numbers, list) or not all(type(n) is int and 0 <= n < 1 << 63 for n in numbers):
            raise FormatError("damaged", where, expected="a list of ints of at least 0", got=_short(numbers))
    if len(shape) > MOST_AXES:
        raise FormatError("damaged", where, expected=f"at most {MOST_AXES} axes", got=len(shape))
    wanted = math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
    if len(offsets) != 2 or offsets[1] - offsets[0] != wanted:
        problem = f"{where} does not fit its place"
        raise FormatError("damaged", problem, expected=f"{_short(wanted)} bytes", got=_short(offsets))
    return dtype, tuple(shape), offsets[0], offsets[1]


def _verify(entries: Mapping[str, Entry], metadata: Mapping[str, str]) -> None:
    others = {name: text for name, text in metadata.items() if name != CHECKSUM}
    if CHECKSUM in metadata:
        if metadata[CHECKSUM] != _checksum(entries, others):
            raise FormatError("damaged", "its checksum does not match")
    elif WRITER.items() <= others.items():
        raise FormatError("damaged", "its checksum is missing")


def _checksum(entries: Mapping[str, Entry], metadata: Mapping[str, str]) -> str:
    """Return a checksum of everything except the order of the arrays."""
    return hashlib.sha256(json.dumps([metadata, entries], sort_keys=True).encode()).hexdigest()


def _short(value: object) -> str:
    """Return a value from a file, shortened so that it fits into a sentence."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # thousands of digits
        return "…"
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:60]}…"
