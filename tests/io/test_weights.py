import os
from pathlib import Path

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, FormatError, OperandError
from autograd_cnn.io import load, save, weights

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


@pytest.mark.parametrize("name", ["w", "w.npz.bak"])
def test_another_kind_of_file(tmp_path, name):
    for where, suffixes in (("save", ".npz or .safetensors"), ("load", ".npz, .safetensors, .pt, .pth or .bin")):
        with pytest.raises(ArgumentError) as err:
            {"save": lambda path: save(path, {}), "load": load}[where](tmp_path / name)
        assert str(err.value) == f"{where}: unknown kind of file: expected a name that ends in {suffixes}, got '{name}'"


def test_pytorchs_files_are_read_only(tmp_path):
    with pytest.raises(ArgumentError) as err:
        save(tmp_path / "w.pt", {})
    assert str(err.value) == (
        "save: unknown kind of file: expected a name that ends in .npz or .safetensors, got 'w.pt'; "
        "PyTorch reads .safetensors by safetensors.torch.load_file(path)"
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
    assert str(err.value) == f"{path}: damaged, or not an .npz file"


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "w.npz")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("form", [str, os.fsencode, Path, str.swapcase])
def test_any_kind_of_path(tmp_path, suffix, form, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(form(f"w{suffix}"), {"a": np.ones(1)})
    assert load(form(f"w{suffix}")) == {"a": [1]}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_and_a_folder_that_is_missing(tmp_path, suffix):
    path = tmp_path / f"w{suffix}"
    for do in (lambda: save(path / path.name, {}), lambda: load(path / path.name)):
        with pytest.raises(FileNotFoundError) as err:
            do()
        assert err.value.filename == str(path / path.name)
    path.mkdir()
    for do in (lambda: save(path, {}), lambda: load(path)):
        with pytest.raises(IsADirectoryError) as err:
            do()
        assert err.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]


@for_each("suffix", SUFFIXES)
@for_each(
    "state, kind, problem",
    [
        (5, OperandError, "the state is not understood: expected a module or a mapping of names to arrays, got int"),
        ({1: np.ones(1)}, OperandError, "a name is not a string: expected str, got 1"),
        ({"\ud800": np.ones(1)}, ArgumentError, "the name '\\ud800' is not text, but holds half a character"),
        ({"a": 1j}, OperandError, "'a' is not an array of numbers: expected bools, ints or floats, got complex128"),
        (
            {"a": {"b": 1}},
            OperandError,
            (
                "'a' is not an array of numbers: expected bools, ints or floats, got object; "
                "objects with a state go by name: save(path, model=model, optimizer=optimizer)"
            ),
        ),
        ({"a": np.zeros(1, "M8[s]")}, OperandError,
         "'a' is not an array of numbers: expected bools, ints or floats, got datetime64[s]"),
        ({"a": [[1], [1, 2]]}, OperandError, None),
    ],
)  # fmt: skip
def test_states_that_are_none(tmp_path, suffix, state, kind, problem):
    with pytest.raises(kind) as err:
        save(tmp_path / f"w{suffix}", state)
    assert str(err.value) == f"save: {problem}" or (
        problem is None and str(err.value).startswith("save: 'a' is not an array of numbers; ")
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_recorded_tensor_stands_for_its_value(tmp_path, suffix):
    save(tmp_path / f"w{suffix}", {"a": ag.tensor([2.0], requires_grad=True) * 3})
    assert load(tmp_path / f"w{suffix}") == {"a": [6]}


def test_a_reserved_name_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "w.safetensors"
    save(path, {"a": np.ones(1)})
    with pytest.raises(ArgumentError, match="__metadata__"):
        save(path, {"__metadata__": np.ones(1)})
    assert load(path) == {"a": [1]}
    assert list(tmp_path.iterdir()) == [path]


def test_every_kind_is_known():
    assert list(weights.WRITERS) == SUFFIXES


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda path: save(path, optim.SGD([ag.tensor([1.0], requires_grad=True)], 0.1)),
            (
                "save: an optimiser's state is not arrays by name: expected a module or a mapping of names to arrays, "
                "got a dict with 'state' and 'param_groups'; save(path, optimizer=optimizer) keeps it"
            ),
        ),
        (
            lambda path: save({"a": [1.0]}, path),
            "save: path is not understood: expected a str or a path, got dict; the path comes first: save(path, state)",
        ),
        (
            lambda path: save(nn.Linear(2, 1), str(path)),
            "save: path is not understood: expected a str or a path, got Linear; the path comes first: save(path, state)",
        ),
        (
            lambda path: load(nn.Linear(2, 1)),
            (
                "load: path is not understood: expected a str or a path, got Linear; "
                "load returns the arrays, which module.load_state_dict takes"
            ),
        ),
        (save, "save: nothing to save; write save(path, model), or save(path, model=model, …)"),
    ],
)
def test_what_is_not_a_path_or_a_state(tmp_path, call, text):
    with pytest.raises(OperandError) as error:
        call(tmp_path / "w.npz")
    assert str(error.value) == text
    assert not list(tmp_path.iterdir())
