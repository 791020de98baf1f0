import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, FormatError, MissingDependencyError, OperandError
from autograd_cnn.interop import load, save, weights

SUFFIXES = [".npz", ".safetensors"]


def _state():
    rng = np.random.default_rng(0)
    return {
        "0.weight": rng.random((3, 2, 5, 5), np.float32),
        "file": rng.random((2, 3)).T,  # not in C order
        "allow_pickle": rng.random(8)[::-2],
        "big endian": np.arange(3, dtype=">f8"),
        "number": np.float64(0.1),
        "none": np.zeros((0, 4), np.float32),
        "flags": np.array([True, False]),
        "counts": np.array([-1, 2**40]),
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_comes_back_to_the_bit(tmp_path, suffix):
    state = _state()
    save(tmp_path / f"w{suffix}", state)
    found = load(str(tmp_path / f"w{suffix}"))
    assert sorted(found) == sorted(state)
    for name, value in state.items():
        assert found[name].dtype == np.asarray(value).dtype.newbyteorder("=")
        assert found[name].shape == np.shape(value)
        assert np.array_equal(found[name], value)
        assert found[name].flags.writeable


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_same_arrays_same_bytes(tmp_path, suffix):
    for name in "ab":
        save(tmp_path / f"{name}{suffix}", _state())
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


class _Stateful:
    def state_dict(self):
        return {"weight": np.ones(2), "bias": ag.tensor([0.5], requires_grad=True)}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_takes_what_has_a_state_dict(tmp_path, suffix):
    save(tmp_path / f"w{suffix}", _Stateful())
    assert {name: value.tolist() for name, value in load(tmp_path / f"w{suffix}").items()} == {
        "weight": [1.0, 1.0],
        "bias": [0.5],
    }


def test_numpy_reads_what_we_write_and_we_what_it_writes(tmp_path):
    state = _state()
    save(tmp_path / "w.npz", state)
    with np.load(tmp_path / "w.npz", allow_pickle=False) as found:
        assert all(np.array_equal(found[name], value) for name, value in state.items())
    np.savez_compressed(tmp_path / "theirs.npz", a=state["file"], b=np.zeros((100, 100)))
    found = load(tmp_path / "theirs.npz")
    assert np.array_equal(found["a"], state["file"])
    assert np.array_equal(found["b"], np.zeros((100, 100)))


@pytest.mark.parametrize("name", ["w.pt", "w", "w.npz.bak"])
def test_another_kind_of_file(tmp_path, name):
    for where, do in (("save", lambda: save(tmp_path / name, {})), ("load", lambda: load(tmp_path / name))):
        with pytest.raises(ArgumentError) as err:
            do()
        assert str(err.value) == (
            f"{where}: unknown kind of file: expected a name that ends in .npz or .safetensors, got '{name}'"
        )


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("value", "dtype"), [("text", "<U4"), (np.array([None]), "object"), (1j, "complex128")])
def test_what_is_no_number_is_refused_and_the_file_stays(tmp_path, suffix, value, dtype):
    path = tmp_path / f"w{suffix}"
    path.write_text("before")
    with pytest.raises(OperandError) as err:
        save(path, {"good": np.ones(2), "bad": value})
    assert str(err.value) == f"save: 'bad' is not an array of numbers: expected bools, ints or floats, got {dtype}"
    assert [found.read_text() for found in tmp_path.iterdir()] == ["before"]


def test_an_error_while_writing_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "w.npz"
    save(path, {"a": np.ones(3)})

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        save(path, {"a": np.zeros(3)})
    assert load(path)["a"].tolist() == [1, 1, 1]
    assert list(tmp_path.iterdir()) == [path]


def test_the_path_is_in_the_message(tmp_path):
    path = tmp_path / "w.npz"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(FormatError) as err:
        load(path)
    assert str(err.value) == f"{path}: damaged, or no .npz file"


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "w.npz")


def test_safetensors_is_optional(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    (tmp_path / "w.safetensors").write_bytes(b"")
    for do in (lambda: save(tmp_path / "new.safetensors", {}), lambda: load(tmp_path / "w.safetensors")):
        with pytest.raises(MissingDependencyError) as err:
            do()
        assert str(err.value) == (
            "a .safetensors file needs an extra; try: python -m pip install 'autograd-cnn[interop]'"
        )
    assert not (tmp_path / "new.safetensors").exists()


def test_every_kind_is_known():
    assert list(weights.KINDS) == SUFFIXES
