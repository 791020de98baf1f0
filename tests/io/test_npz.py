import io
import itertools
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy
from peak import memory
from tables import for_each

from autograd_cnn import unpacking
from autograd_cnn.errors import ArgumentError, FormatError
from autograd_cnn.io import npz


def _archive(content, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("a.npy", content)
    return stream.getvalue()


def _npy(descr, shape, values=b"", version=(1, 0)):
    stream = io.BytesIO()
    write = npy.write_array_header_1_0 if version == (1, 0) else npy.write_array_header_2_0
    write(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue() + values


def _pickled():
    stream = io.BytesIO()
    npy.write_array(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return stream.getvalue()


def _unpack(content):
    return npz.unpack(io.BytesIO(content), len(content))


def _pack(arrays):
    stream = io.BytesIO()
    npz.pack(arrays, stream)
    return stream.getvalue()


def _twice():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("a", "a.npy"):
            archive.writestr(name, _npy("<f4", (1,), bytes(4)))
    return stream.getvalue()


def _encrypted():
    content = bytearray(_archive(_npy("<f4", (1,), bytes(4))))
    content[content.index(b"PK\1\2") + 8] |= 1
    return bytes(content)


def _bomb(mebibytes):
    """Return an archive as honest as it is small."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w", force_zip64=True) as entry,
    ):
        entry.write(_npy("<f4", (mebibytes << 18,)))
        for _ in range(mebibytes):
            entry.write(bytes(1 << 20))
    return stream.getvalue()


NO_NPZ = "damaged, or not an .npz file"


@for_each(
    "content, problem",
    [
        (b"", NO_NPZ),
        (b"PK\3\4 and no more", NO_NPZ),
        (_archive(b"\x80\4K\1."), NO_NPZ),
        (_archive(b"\x93NUMPY\3\0"), NO_NPZ),
        (_archive(_npy("<f4", (2, 2), bytes(15))), "cut off: expected 16 bytes for shape (2, 2), got 15"),
        (_archive(_npy("<f4", (2, 2), bytes(17))), "cut off: expected 16 bytes for shape (2, 2), got 17"),
        (_archive(_npy("<f4", (2**40,))), f"cut off: expected {2**42} bytes for shape ({2**40},), got 0"),
        (_archive(_npy("<f4", (-1, -1), bytes(4))), "no array can have the shape (-1, -1)"),
        (_archive(_npy("<f4", (0, 2**62))), f"no array can have the shape (0, {2**62})"),
        (_archive(_npy("<f4", (0, 2**99))), f"no array can have the shape (0, {2**99})"),
        (_archive(_npy("<f4", (1,) * 99, bytes(4))), f"no array can have the shape {(1,) * 99}"),
        (_archive(_npy("<U4", (1,), bytes(16))), "'a' is not an array of numbers: expected bools, ints or floats, got <U4"),
        (_archive(_npy("<c8", (1,), bytes(8))), "'a' is not an array of numbers: expected bools, ints or floats, got complex64"),
        (_archive(_npy("<M8[s]", (1,), bytes(8))),
         "'a' is not an array of numbers: expected bools, ints or floats, got datetime64[s]"),
        (_archive(_npy("|V3", (1,), bytes(3))), "'a' is not an array of numbers: expected bools, ints or floats, got |V3"),
        (_archive(_npy([("x", "<f4")], (1,), bytes(4))),
         "'a' is not an array of numbers: expected bools, ints or floats, got [('x', '<f4')]"),
        (_archive(_pickled()), "'a' is not an array of numbers: expected bools, ints or floats, got object"),
        (_archive(_npy((), (1,), bytes(4))), NO_NPZ),
        (_archive(_npy([], (1,))), "'a' is not an array of numbers: expected bools, ints or floats, got []"),
        (_archive(_npy("|b1", (2,), b"\1\2")), "a bool is neither 0 nor 1: expected 0 or 1, got 2"),
        (_archive(b"\x93NUMPY\1\0\x10\0" + b"(" * 16), NO_NPZ),
        (_archive(b"\x93NUMPY\2\0" + b"\xff" * 4), NO_NPZ),
        (_archive(_npy("<f8", (2,), bytes(16)), zipfile.ZIP_LZMA),
         "the archive is compressed in a way that is not read: expected stored or deflated, got method 14"),
        (_encrypted(), "the archive is encrypted"),
        (_twice(), "two arrays have the name 'a'"),
    ],
    ids=["empty", "stub", "pickle", "version", "short", "long", "enormous", "negative", "zero and enormous",
         "more digits", "axes", "text", "complex", "time", "void", "structured", "object", "descr ()", "descr []",
         "bool", "nested", "header", "lzma", "encrypted", "twice"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_files(content, problem):
    with pytest.raises(FormatError) as err:
        _unpack(content)
    assert str(err.value) == problem


def test_second_version_of_the_header():
    assert _unpack(_archive(_npy("<f4", (2,), bytes(8), (2, 0))))["a"].tolist() == [0, 0]


def test_columns_and_another_byte_order_come_as_ours():
    stream = io.BytesIO()
    np.savez_compressed(stream, a=np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)))
    found = _unpack(stream.getvalue())["a"]
    assert found.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found.dtype == np.dtype("i2")
    assert found.flags.c_contiguous


class _Pipe(io.RawIOBase):
    """A stream without places, as a network's."""

    def __init__(self):
        self.content = b""

    def writable(self):
        return True

    def write(self, content):
        self.content += bytes(content)
        return len(content)


def test_archives_of_every_make():
    """Streamed, with a comment, behind something else, with a number of entries that is kept elsewhere, and empty."""
    array = np.arange(3)
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        archive.writestr("a.npy", _npy("<i8", (3,), array.tobytes()))
        archive.comment = b"of a stream"
    assert _unpack(pipe.content)["a"].tolist() == [0, 1, 2]
    assert _unpack(b"#!/bin/sh\n" + _pack({"a": array}))["a"].tolist() == [0, 1, 2]
    assert _unpack(_pack({})) == {}
    content = _pack({"a": array})
    assert content[-12:-10] == b"\1\0"
    assert _unpack(content[:-12] + b"\xff\xff" + content[-10:])["a"].tolist() == [0, 1, 2]


def test_names_that_lead_out_of_a_folder_are_names():
    assert list(_unpack(_pack({"../a": np.ones(1), "/b": np.ones(1)}))) == ["../a", "/b"]


@pytest.mark.parametrize("name", ["a\0b", "a" * 2**16])
def test_names_that_a_zip_file_would_change(name):
    with pytest.raises(ArgumentError) as err:
        _pack({name: np.ones(1)})
    assert str(err.value) == (
        f"save: a zip file can't keep the name: expected at most 65531 bytes, none of them 0, got {name[:40]!r}"
    )


def test_a_false_size_allocates_nothing():
    zeros = _npy("<f8", (10**7,))
    content = bytearray(_archive(zeros))
    # The same size, as the two headers of the entry state it, made 2 GB.
    claimed, actual = (2**31 - 1).to_bytes(4, "little"), len(zeros).to_bytes(4, "little")
    content = bytes(content).replace(actual, claimed)
    with pytest.raises(FormatError) as err, memory(10**6):
        _unpack(content)
    assert str(err.value) == "an archive that claims more than it can hold"


@pytest.mark.slow
def test_zeros_unpack_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(unpacking, "ROOM", 64 << 20)
    content = _bomb(60)
    with memory(70 << 20):  # nothing is held twice
        assert not _unpack(content)["a"].any()
    content = _bomb(64)
    with pytest.raises(FormatError) as err, memory(10**6):
        _unpack(content)
    assert str(err.value) == (
        f"unpacks to suspiciously many bytes: expected at most {64 << 20} bytes from a file of {len(content)}, "
        f"got {(64 << 20) + 128}; if you trust it, read it by dict(np.load(path))"
    )


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
@settings(max_examples=300)
def test_any_damage_gives_a_format_error_or_an_array(place, garbage):
    good = bytearray(_pack({"a": np.arange(6.0).reshape(2, 3)}))
    place %= len(good)
    good[place : place + len(garbage)] = garbage
    try:
        found = _unpack(bytes(good))
    except FormatError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())


@pytest.mark.slow
@pytest.mark.parametrize("write", [npz.pack, lambda arrays, stream: np.savez_compressed(stream, **arrays)])
def test_every_byte_of_another_value_is_noticed_or_harmless(write):
    arrays, stream = {"a": np.arange(3.0), "b": np.array([[True]]), "ö": np.array(7)}, io.BytesIO()
    write(arrays, stream)
    good = stream.getvalue()
    noticed = 0
    for place, flips in itertools.product(range(len(good)), [*(1 << bit for bit in range(8)), 0xFF]):
        damaged = bytearray(good)
        damaged[place] ^= flips
        try:
            found = _unpack(bytes(damaged))
        except FormatError:
            noticed += 1
            continue
        assert list(found) == list(arrays), place
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype, place
            assert np.array_equal(found[name], array), place
    assert noticed > 5 * len(good)


@given(st.binary(max_size=60))
def test_any_header_gives_a_format_error_or_an_array(header):
    content = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(8)
    with pytest.raises(FormatError):
        _unpack(_archive(content))


def test_a_checksum_is_verified():
    content = _pack({"a": np.arange(4.0)})
    with pytest.raises(FormatError) as err:
        _unpack(content.replace(np.float64(3).tobytes(), np.float64(4).tobytes()))
    assert str(err.value) == NO_NPZ


def test_an_interrupt_stays_one(monkeypatch):
    def interrupted(archive, *args, **options):
        real(archive, *args, **options)
        raise KeyboardInterrupt

    real = zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        npz.pack({"a": np.ones(2)}, io.BytesIO())
