"""What may stand for a path, for everything that reads and writes files."""

import os
import sys

import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, FormatError, OperandError

TAKERS = {
    "save": lambda path: ag.save(path, {}),
    "load": ag.load,
    "load_onnx": ag.interop.load_onnx,
    "read_idx": ag.data.read_idx,
    "mnist": ag.data.mnist,
    "fashion_mnist": ag.data.fashion_mnist,
    "cifar10": ag.data.cifar10,
}


@for_each("where", TAKERS)
@for_each(
    "path, kind, problem",
    [
        (3, OperandError, "path is not understood: expected a str or a path, got int"),
        (None, OperandError, "path is not understood: expected a str or a path, got NoneType"),
        ("a\0.npz", ArgumentError, "a path can't have a zero byte in it: expected a path, got 'a\\x00.npz'"),
    ],
)
def test_what_is_no_path(where, path, kind, problem):
    with pytest.raises(kind) as err:
        TAKERS[where](path)
    assert str(err.value) == f"{where}: {problem}"


@pytest.mark.parametrize("where", sorted(TAKERS.keys() - {"save"}))
def test_bytes_are_a_path(where, tmp_path):
    with pytest.raises(FileNotFoundError):
        TAKERS[where](os.fsencode(tmp_path / ("missing.onnx" if where == "load_onnx" else "missing.npz")))


@pytest.mark.parametrize("where", ["load_onnx", "read_idx"])
def test_a_folder_is_no_file(where, tmp_path):
    folder = tmp_path / "a.onnx"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        TAKERS[where](folder)


def test_a_file_that_no_format_allows(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["autograd_cnn.onnx.load"], "LARGEST", 10)
    path = tmp_path / "net.onnx"
    path.write_bytes(bytes(11))
    with pytest.raises(FormatError) as err:
        ag.interop.load_onnx(path)
    assert str(err.value) == f"{path}: the file is too large: expected at most 10 bytes, got 11"
