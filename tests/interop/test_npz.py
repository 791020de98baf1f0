import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy

from autograd_cnn.errors import FormatError
from autograd_cnn.interop import npz


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


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "damaged, or no .npz file"),
        (b"PK\3\4 and no more", "damaged, or no .npz file"),
        (_archive(b"\x80\4K\1."), "damaged, or no .npz file"),
        (_archive(b"\x93NUMPY\3\0"), "damaged, or no .npz file"),
        (_archive(_npy("<f4", (2, 2), bytes(15))), "cut off: expected 16 bytes for shape (2, 2), got 15"),
        (_archive(_npy("<f4", (2**40,))), f"cut off: expected {2**42} bytes for shape ({2**40},), got 0"),
        (_archive(_npy("<f4", (-1, -1), bytes(4))), "damaged, or no .npz file"),
        (_archive(_npy("<f4", (1,) * 99, bytes(4))), "damaged, or no .npz file"),
        (_archive(_npy("<U4", (1,), bytes(16))), "not an array of numbers: expected bools, ints or floats, got <U4"),
        (_archive(_pickled()), "not an array of numbers: expected bools, ints or floats, got object"),
        (_archive(b"\x93NUMPY\1\0\x10\0" + b"(" * 16), "damaged, or no .npz file"),
        (_archive(_npy("<f8", (2,), bytes(16)), zipfile.ZIP_LZMA), "an archive that promises more than it can hold"),
    ],
    ids=["empty", "stub", "pickle", "version", "short", "enormous", "negative", "axes", "text", "object", "nested", "lzma"],
)  # fmt: skip
def test_hostile_files(content, problem):
    with pytest.raises(FormatError) as err:
        npz.unpack(content)
    assert str(err.value) == problem


def test_second_version_of_the_header():
    assert npz.unpack(_archive(_npy("<f4", (2,), bytes(8), (2, 0))))["a"].tolist() == [0, 0]


def test_a_false_size_allocates_nothing():
    zeros = _npy("<f8", (10**7,))
    content = bytearray(_archive(zeros))
    # The same size, as the two headers of the entry state it, made 2 GB.
    claimed, actual = (2**31 - 1).to_bytes(4, "little"), len(zeros).to_bytes(4, "little")
    content = bytes(content).replace(actual, claimed)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as err:
            npz.unpack(content)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()
    assert str(err.value) == "an archive that promises more than it can hold"


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
@settings(max_examples=300)
def test_any_damage_gives_a_format_error_or_an_array(place, garbage):
    good = bytearray(npz.pack({"a": np.arange(6.0).reshape(2, 3)}))
    place %= len(good)
    good[place : place + len(garbage)] = garbage
    try:
        found = npz.unpack(bytes(good))
    except FormatError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())


@given(st.binary(max_size=60))
def test_any_header_gives_a_format_error_or_an_array(header):
    content = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(8)
    with pytest.raises(FormatError):
        npz.unpack(_archive(content))


def test_a_checksum_is_verified():
    content = npz.pack({"a": np.arange(4.0)})
    with pytest.raises(FormatError) as err:
        npz.unpack(content.replace(np.float64(3).tobytes(), np.float64(4).tobytes()))
    assert str(err.value) == "damaged, or no .npz file"
