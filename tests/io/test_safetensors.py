import hashlib
import io
import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peak import memory
from safetensors.numpy import load, save
from tables import for_each

from autograd_cnn.errors import ArgumentError, FormatError, OperandError
from autograd_cnn.io import safetensors


def _file(header, values=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def _array(dtype="F32", shape=(1,), data_offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": shape, "data_offsets": data_offsets, **more}


def _pack(arrays):
    stream = io.BytesIO()
    safetensors.pack(arrays, stream)
    return stream.getvalue()


def _unpack(content):
    return safetensors.unpack(io.BytesIO(content), len(content))


def test_the_library_reads_what_we_write_and_we_what_it_writes():
    arrays = {
        "weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(2), "none": np.zeros((0, 3)),
        "number": np.array(7), "half": np.ones(3, np.float16), "flags": np.array([True, False]), "ü": np.ones(1, "u2"),
    }  # fmt: skip
    for found in (load(_pack(arrays)), _unpack(save(arrays)), _unpack(_pack(arrays))):
        assert sorted(found) == sorted(arrays)
        assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
        assert all(found[name].dtype == arrays[name].dtype for name in arrays)


def test_pytorch_reads_what_we_write_and_we_what_it_writes(tmp_path):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("safetensors.torch")
    assert theirs.load(_pack({"a": np.float32([1, 2])}))["a"].tolist() == [1, 2]
    assert _unpack(theirs.save({"a": torch.tensor([1.0, 2.0])}, {"format": "pt"}))["a"].tolist() == [1, 2]


NONE = "damaged, or not a .safetensors file"
HUGE = b'{"a":{"dtype":"F32","shape":[%s],"data_offsets":[0,4]}}'


@for_each(
    "content, problem",
    [
        (b"", NONE),
        ((2**60).to_bytes(8, "little") + b"{}", NONE),
        (_file(b"[]"), NONE),
        (_file(b" {}"), NONE),
        (_file(b"{}\n"), NONE),
        (_file("{}".encode("utf-16")), NONE),
        (_file(b"[" * 100_000), NONE),
        (_file(b'{"a":' * 100_000), NONE),
        (_file(HUGE % (b"9" * 5000)), NONE),
        (_file({}, b"more"), "damaged: bytes are left over after the arrays"),
        (_file(b'{"a":1,"a":2}'), "damaged: a name occurs twice"),
        (_file({"a": 1}), "damaged: array 'a': expected dtype, shape and data_offsets, got 1"),
        (_file({"a": _array(more=1)}), None),
        (_file({"a": _array(dtype=3)}), "damaged: array 'a': expected a dtype's name, got 3"),
        (_file({"a": _array(shape=3)}), "damaged: array 'a': expected a list of ints of at least 0, got 3"),
        (_file({"a": _array(shape=[-1])}), "damaged: array 'a': expected a list of ints of at least 0, got [-1]"),
        (_file({"a": _array(shape=[1.0])}), "damaged: array 'a': expected a list of ints of at least 0, got [1.0]"),
        (_file({"a": _array(shape=[True])}), "damaged: array 'a': expected a list of ints of at least 0, got [True]"),
        (_file({"a": _array(shape=[1] * 65)}), "damaged: array 'a': expected at most 64 axes, got 65"),
        (_file({"a": _array(data_offsets=[0, 4, 4])}),
         "damaged: array 'a' does not fit its place: expected 4 bytes, got [0, 4, 4]"),
        (_file({"a": _array(data_offsets=[0, 5])}, bytes(5)),
         "damaged: array 'a' does not fit its place: expected 4 bytes, got [0, 5]"),
        (_file({"a": _array(shape=[0, 2**62], data_offsets=[0, 0])}), f"no array can have the shape (0, {2**62})"),
        (_file({"a": _array(shape=[2**40], data_offsets=[0, 2**42])}),
         f"cut off: expected {2**42} bytes of numbers, got 0"),
        (_file({"a": _array(data_offsets=[4, 8])}, bytes(8)),
         "damaged: 'a' does not begin where the array before it ends"),
        (_file({"a": _array(), "b": _array(data_offsets=[2, 6])}, bytes(6)),
         "damaged: 'b' does not begin where the array before it ends"),
        (_file({"a": _array("BF16", data_offsets=[0, 2])}, bytes(2)), "numbers of the type BF16, which NumPy lacks"),
        (_file({"a": _array("F8_E4M3", data_offsets=[0, 1])}, bytes(1)),
         "numbers of the type F8_E4M3, which NumPy lacks"),
        (_file({"a": _array("C64", data_offsets=[0, 8])}, bytes(8)), "numbers of the type C64, which NumPy lacks"),
        (_file({"\ud800": _array()}, bytes(4)), "damaged: the name '\\ud800' is not text"),
        (_file({"a": _array("BOOL", data_offsets=[0, 1])}, b"\7"), "a bool is neither 0 nor 1: expected 0 or 1, got 7"),
        (_file({"__metadata__": 1}), "damaged: __metadata__ is not made of texts"),
        (_file({"__metadata__": {"a": 1}}), "damaged: __metadata__ is not made of texts"),
    ],
)  # fmt: skip
def test_hostile_files(content, problem):
    with pytest.raises(FormatError) as err:
        _unpack(content)
    assert str(err.value) == problem or (problem is None and str(err.value).startswith("damaged: array 'a'"))


@pytest.mark.slow
def test_every_other_byte_is_noticed():
    """What we write carries a checksum, and a word that it does."""
    good = _pack({"a": np.arange(3.0), "b.weight": np.array([[True]]), "ü": np.array(7, np.float16), "z": np.zeros(0)})
    _unpack(good)
    for place, flips in itertools.product(range(len(good)), range(1, 256)):
        damaged = bytearray(good)
        damaged[place] ^= flips
        with pytest.raises(FormatError):
            _unpack(bytes(damaged))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"sha256", b"sha257", "its checksum is missing"),
        (np.float32(2).tobytes(), np.float32(3).tobytes(), "its checksum does not match"),
        (b'"a"', b'"b"', "its checksum does not match"),
    ],
)
def test_the_checksum_is_verified(old, new, problem):
    with pytest.raises(FormatError) as err:
        _unpack(_pack({"a": np.float32([1, 2])}).replace(old, new))
    assert str(err.value) == f"damaged: {problem}"


def test_the_order_of_the_arrays_is_not_part_of_the_checksum():
    arrays = {"a": np.ones(1), "b": np.zeros(1)}
    ours = _pack(arrays)
    metadata = json.loads(ours[8 : 8 + int.from_bytes(ours[:8], "little")])["__metadata__"]
    entries = {"b": _array("F64", data_offsets=(0, 8)), "a": _array("F64", data_offsets=(8, 16))}
    content = _file({"__metadata__": metadata, **entries}, arrays["b"].tobytes() + arrays["a"].tobytes())
    assert _unpack(content) == {"a": [1], "b": [0]}


def test_another_writers_checksum_is_none_of_ours():
    arrays = {"a": np.ones(1)}
    assert _unpack(save(arrays, {"sha256": hashlib.sha256(b"").hexdigest()})) == arrays


def test_names_and_dtypes_that_the_format_lacks():
    with pytest.raises(ArgumentError) as err:
        _pack({"__metadata__": np.ones(1)})
    assert str(err.value) == "save: the format keeps the name '__metadata__' for itself; rename it"
    with pytest.raises(OperandError) as err:
        _pack({"a": np.ones(1, np.longdouble)})
    assert str(err.value) == (
        "save: 'a' has a dtype that .safetensors lacks: expected bool, uint8, int8, uint16, int16, float16, uint32, "
        f"int32, float32, uint64, int64, float64, got {np.dtype(np.longdouble)}"
    )


def test_nothing_is_held_twice():
    arrays = {name: np.ones(1 << 20, np.float32) for name in "abcdefgh"}
    content = _pack(arrays)
    with memory((32 << 20) + 10**6):
        _unpack(content)
    stream = io.BytesIO(bytes(len(content)))
    with memory(10**6):
        safetensors.pack(arrays, stream)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_any_damage_gives_a_format_error_or_an_array(place, garbage):
    good = bytearray(save({"a": np.arange(6.0).reshape(2, 3)}))
    place %= len(good)
    good[place : place + len(garbage)] = garbage
    try:
        found = _unpack(bytes(good))
    except FormatError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())
