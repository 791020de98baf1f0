import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from autograd_cnn.errors import FormatError
from autograd_cnn.interop import safetensors


def _file(header, values=b""):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def test_the_library_reads_what_we_write_and_we_what_it_writes():
    arrays = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(2)}
    for found in (load(safetensors.pack(arrays)), safetensors.unpack(save(arrays))):
        assert sorted(found) == ["bias", "weight"]
        assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "damaged, or no .safetensors file"),
        ((2**60).to_bytes(8, "little") + b"{}", "damaged, or no .safetensors file"),
        (
            _file({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}),
            "damaged, or no .safetensors file",
        ),
        (
            _file({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, bytes(2)),
            "numbers of the type BF16, which NumPy lacks",
        ),
    ],
    ids=["empty", "long-header", "enormous", "bfloat16"],
)
def test_hostile_files(content, problem):
    with pytest.raises(FormatError) as err:
        safetensors.unpack(content)
    assert str(err.value) == problem


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_any_damage_gives_a_format_error_or_an_array(place, garbage):
    good = bytearray(safetensors.pack({"a": np.arange(6.0).reshape(2, 3)}))
    place %= len(good)
    good[place : place + len(garbage)] = garbage
    try:
        found = safetensors.unpack(bytes(good))
    except FormatError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())
