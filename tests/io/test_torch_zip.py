"""Files as ``torch.save`` writes them, made by hand: good ones in every variant, and hostile ones."""

import io
import pickle
import zipfile
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peak import memory
from tables import for_each

from autograd_cnn.errors import FormatError
from autograd_cnn.io import torch_zip

SIX = np.arange(6, dtype="<f4").tobytes()


def _plain(value):
    return pickle.dumps(value, 2)[2:-1]


def _tensor(kind="Float", key="0", count=6, offset=0, shape=(2, 3), strides=(3, 1)):
    storage = b"(" + _plain("storage") + b"ctorch\n%bStorage\n" % kind.encode() + _plain(key) + _plain("cpu")
    storage += _plain(count) + b"tQ"
    numbers = _plain(offset) + _plain(shape) + _plain(strides)
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + numbers + b"\x89}tR"


def _state(**tensors):
    return b"}(" + b"".join(_plain(name) + tensor for name, tensor in tensors.items()) + b"u"


def _file(pickled, storages=(SIX,), order=b"little", compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("w/data.pkl", b"\x80\2" + pickled + b".")
        archive.writestr("w/byteorder", order)
        for key, content in enumerate(storages):
            archive.writestr(f"w/data/{key}", content)
    return stream.getvalue()


def _unpack(content):
    return torch_zip.unpack(io.BytesIO(content), len(content))


@for_each(
    "tensor, storage, order, expected",
    [
        (_tensor(), SIX, b"little", np.arange(6, dtype="f4").reshape(2, 3)),
        (_tensor(), np.arange(6, dtype=">f4").tobytes(), b"big", np.arange(6, dtype="f4").reshape(2, 3)),
        (_tensor(shape=(3, 2), strides=(1, 3)), SIX, b"little", np.arange(6, dtype="f4").reshape(2, 3).T),
        (_tensor(offset=1, shape=(2,), strides=(4,)), SIX, b"little", np.array([1, 5], "f4")),
        (_tensor(shape=(), strides=(), offset=5), SIX, b"little", np.array(5, "f4")),
        (_tensor(shape=(0, 2**40), strides=(2, 1)), SIX, b"little", np.zeros((0, 2**40), "f4")),
        (_tensor(shape=(4, 2), strides=(0, 3)), SIX, b"little", np.array([[0, 3]] * 4, "f4")),
        (_tensor("Bool", count=2, shape=(2,), strides=(1,)), b"\1\0", b"little", np.array([True, False])),
        (_tensor("Long", count=1, shape=(), strides=()), b"\3" + bytes(7), b"little", np.array(3)),
    ],
    ids=["plain", "big endian", "transposed", "sliced", "one number", "none", "expanded", "bool", "long"],
)
def test_tensors_of_every_make(tensor, storage, order, expected):
    found = _unpack(_file(_state(w=tensor), [storage], order))["w"]
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype
    assert found.flags.c_contiguous
    assert found.flags.writeable


def test_tensors_with_one_storage_are_two_arrays():
    found = _unpack(_file(_state(a=_tensor(), b=_tensor(offset=3, shape=(3,), strides=(1,)))))
    found["a"][:] = 9
    assert found["b"].tolist() == [3, 4, 5]


NOT_READ = "which is not read; nothing of it was run"


@for_each(
    "content, problem",
    [
        (b"", "damaged, or not a file from torch.save since PyTorch 1.6"),
        (pickle.dumps({"w": 1}), "damaged, or not a file from torch.save since PyTorch 1.6"),
        (_file(b"cos\nsystem\n" + _plain(("ls",)) + b"R"), f"the pickle asks for os.system, {NOT_READ}"),
        (_file(_plain("os") + _plain("system") + b"\x93"), f"the pickle asks for os.system, {NOT_READ}"),
        (_file(b"(" + _plain("ls") + b"ios\nsystem\n"), "the pickle has the instruction INST, which is not read"),
        (_file(_plain(3) + _plain(()) + b"R"), "a damaged pickle"),
        (_file(_plain([]) + _plain({"x": 1}) + b"b"), "the pickle sets attributes of a list, which is not read"),
        (_file(_plain(1) + b"Q"), "a damaged pickle"),
        (_file(b"u"), "a damaged pickle"),
        (_file(b"(" * 10**5), "a damaged pickle"),
        (_file(_plain(()) + b"\x85" * 10**5),
         "not a state dict: expected tensors by name, got tuple; write torch.save(model.state_dict(), path)"),
        (_file(b"}" + _plain(()) + b"\x85" * 10**5 + b"Ns"),
         "a key in the pickle is of another type: expected str, int or bytes, got tuple"),
        (_file(_plain({"epoch": 3, "model": {}})),
         "'epoch' is not a tensor with a name: expected a state dict, got int; save what is in 'model' alone"),
        (_file(_state(w=_tensor("ComplexFloat"))), f"the pickle asks for torch.ComplexFloatStorage, {NOT_READ}"),
        (_file(_state(w=_tensor(shape=(2, 4), strides=(4, 1)))), "'w' reaches beyond its storage: expected at most 24 bytes, got 32"),
        (_file(_state(w=_tensor(offset=1))), "'w' reaches beyond its storage: expected at most 24 bytes, got 28"),
        (_file(_state(w=_tensor(offset=-1))), "no tensor can have the sizes and strides of 'w'"),
        (_file(_state(w=_tensor(strides=(-3, 1)))), "no tensor can have the sizes and strides of 'w'"),
        (_file(_state(w=_tensor(strides=(3,)))), "no tensor can have the sizes and strides of 'w'"),
        (_file(_state(w=_tensor(shape=(1,) * 65, strides=(1,) * 65))), "no tensor can have the sizes and strides of 'w'"),
        (_file(_state(w=_tensor(shape=(True,), strides=(1,)))), "no tensor can have the sizes and strides of 'w'"),
        (_file(_state(w=_tensor(count=10**9))),
         "the storage of 'w' has the wrong length: expected 4000000000 bytes, got 24"),
        (_file(_state(w=_tensor(), v=_tensor(count=5, shape=(5,), strides=(1,)))),
         "the storage of 'v' has the wrong length: expected 20 bytes, got 24"),
        (_file(_state(w=_tensor(key="7"))), "cut off: it has no w/data/7"),
        (_file(_state(w=_tensor(key="../data.pkl"))), "cut off: it has no w/data/../data.pkl"),
        (_file(_state(w=_tensor("Bool", count=2, shape=(2,), strides=(1,))), [b"\1\2"]),
         "a bool is neither 0 nor 1: expected 0 or 1, got 2"),
        (_file(_state(w=_tensor()), order=b"middle"), "unknown order of bytes: expected little or big, got b'middle'"),
    ],
    ids=count(),
)  # fmt: skip
def test_hostile_files(content, problem):
    with pytest.raises(FormatError) as err:
        _unpack(content)
    assert str(err.value) == problem


def test_a_small_file_does_not_become_a_large_array():
    """One number for all elements of a tensor, one storage for many tensors, zeros that were compressed."""
    expanded = _file(_state(w=_tensor(shape=(10**9,), strides=(0,))))
    zeros = bytes(1 << 20)
    tensor = _tensor(count=1 << 18, shape=(1 << 18,), strides=(1,))
    shared = _file(_state(**{f"w{i}": tensor for i in range(300)}), [zeros], compression=zipfile.ZIP_DEFLATED)
    bomb = _file(_state(w=_tensor()), [zeros] * 300, compression=zipfile.ZIP_DEFLATED)
    for content in (expanded, shared, bomb):
        with pytest.raises(FormatError, match="unpacks to suspiciously many bytes"), memory(4 << 20):
            _unpack(content)


def test_a_checksum_is_verified():
    content = _file(_state(w=_tensor()))
    with pytest.raises(FormatError, match="damaged"):
        _unpack(content.replace(np.float32(5).tobytes(), np.float32(6).tobytes()))


@given(st.integers(0, 700), st.binary(min_size=1, max_size=4))
@settings(max_examples=300)
def test_any_damage_gives_a_format_error_or_arrays(place, garbage):
    good = bytearray(_file(_state(w=_tensor(), b=_tensor(shape=(3,), strides=(2,)))))
    place %= len(good)
    good[place : place + len(garbage)] = garbage
    try:
        found = _unpack(bytes(good))
    except FormatError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())


@given(st.binary(max_size=80))
@settings(max_examples=300)
def test_any_pickle_gives_a_format_error(pickled):
    with pytest.raises(FormatError):
        _unpack(_file(pickled + b"N"))
