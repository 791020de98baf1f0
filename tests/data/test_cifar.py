import io
import pickle
import struct
import tarfile
from typing import ClassVar

import numpy as np
import pytest
from tables import for_each

from autograd_cnn.data import cifar10
from autograd_cnn.data.cifar import read_pickle
from autograd_cnn.errors import FormatError

NAMES = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]


def _write_set(folder):
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    records = rng.integers(0, 256, (6, 2, 3073), dtype=np.uint8)
    records[:, :, 0] %= 10
    for name, rows in zip(NAMES, records, strict=True):
        (folder / name).write_bytes(rows.tobytes())
    return records


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin"])
def test_reads_the_records(tmp_path, inner):
    records = _write_set(tmp_path / inner)
    train, test = cifar10(tmp_path)
    assert (train.images.shape, test.images.shape) == ((10, 3, 32, 32), (2, 3, 32, 32))
    assert train.labels.tolist() == records[:5, :, 0].ravel().tolist()
    red, green, blue = test.images[1] * 255
    assert red[0, :3].round().tolist() == records[5, 1, 1:4].tolist()
    assert green[1, 0].round() == records[5, 1, 1 + 1024 + 32]
    assert blue[31, 31].round() == records[5, 1, 3072]


def test_a_missing_file_says_what_to_fetch(tmp_path):
    _write_set(tmp_path)
    (tmp_path / "data_batch_3.bin").unlink()
    with pytest.raises(FileNotFoundError) as err:
        cifar10(tmp_path)
    assert str(err.value) == (
        f"cifar10: file not found: expected data_batch_3.bin in {tmp_path}, got none; "
        "download=True or --download fetches it; or put cifar-10-binary.tar.gz or cifar-10-python.tar.gz of "
        "https://www.cs.toronto.edu/~kriz/cifar.html there"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "wrong length: expected whole records of 3073 bytes, got 0 bytes"),
        (bytes(3072), "wrong length: expected whole records of 3073 bytes, got 3072 bytes"),
        (b"\x0a" + bytes(3072), "label out of range: expected 0 to 9, got 10"),
    ],
)
def test_damaged_files(tmp_path, content, problem):
    _write_set(tmp_path)
    path = tmp_path / "test_batch.bin"
    path.write_bytes(content)
    with pytest.raises(FormatError) as err:
        cifar10(tmp_path)
    assert str(err.value) == f"{path}: {problem}"


# --- the Python version -----------------------------------------------------------------------


class Python2(pickle._Pickler):
    """Writes what Python 2 wrote: its strings were bytes."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, value):
        data = value if isinstance(value, bytes) else value.encode("latin-1")
        short = len(data) < 256
        self.write((b"U" + bytes([len(data)]) if short else b"T" + struct.pack("<i", len(data))) + data)
        self.memoize(value)

    dispatch[bytes] = dispatch[str] = save_string


def _pickled(value):
    file = io.BytesIO()
    Python2(file, 2).dump(value)
    return file.getvalue().replace(b"numpy._core", b"numpy.core")


def _batch(records):
    names = [f"{number}.png" for number in range(len(records))]
    return {
        "batch_label": "a batch",
        "labels": records[:, 0].tolist(),
        "data": records[:, 1:].copy(),
        "filenames": names,
    }


def _tar(path, contents):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_all_versions_hold_the_same(tmp_path):
    records = _write_set(tmp_path / "bin")
    names = [name.removesuffix(".bin") for name in NAMES]
    pickles = {name: _pickled(_batch(rows)) for name, rows in zip(names, records, strict=True)}
    (tmp_path / "py" / "cifar-10-batches-py").mkdir(parents=True)
    for name, content in pickles.items():
        (tmp_path / "py" / "cifar-10-batches-py" / name).write_bytes(content)
    for folder, archive, contents in (
        ("a", "cifar-10-binary.tar.gz", {name: (tmp_path / "bin" / name).read_bytes() for name in NAMES}),
        ("b", "cifar-10-python.tar.gz", pickles),
    ):
        (tmp_path / folder).mkdir()
        _tar(tmp_path / folder / archive, {f"inner/{name}": content for name, content in contents.items()})
    expected = cifar10(tmp_path / "bin")
    for folder in ("py", "a", "b"):
        for part, other in zip(cifar10(tmp_path / folder), expected, strict=True):
            assert np.array_equal(part.images, other.images)
            assert np.array_equal(part.labels, other.labels)


class Evil:
    def __reduce__(self):
        return (print, ("run",))


@for_each(
    "content, problem",
    [
        (b"", "a damaged pickle"),
        (b"\x80\x02}", "a damaged pickle"),
        (b"\x80\x02K\x01.", "not a pickle as CIFAR's Python version has them: expected a dict, got int"),
        (b"\x80\x02T\xff\xff\xff\xff.", "a damaged pickle"),
        (b"\x80\x02cnumpy\nndarray\n)R.", "a damaged pickle"),
        (_pickled({"data": np.zeros(2)}), "not an array of bytes: expected u1, got f8"),
        (_pickled({"data": Evil()}), "the pickle asks for __builtin__.print, which is not read; nothing of it was run"),
        (_pickled({}), "not a batch of images: expected labels (N,) and data (N, 3072), got NoneType and NoneType"),
        (_pickled({"labels": [1], "data": np.zeros((1, 9), np.uint8)}),
         "not a batch of images: expected labels (N,) and data (N, 3072), got list and (1, 9)"),
        (_pickled({"labels": [-1], "data": np.zeros((1, 3072), np.uint8)}),
         "not a batch of images: expected labels (N,) and data (N, 3072), got list and (1, 3072)"),
        (_pickled({"labels": [10], "data": np.zeros((1, 3072), np.uint8)}), "label out of range: expected 0 to 9, got 10"),
    ],
)  # fmt: skip
def test_pickles_that_are_something_else(tmp_path, capsys, content, problem):
    for name in NAMES:
        (tmp_path / name.removesuffix(".bin")).write_bytes(content)
    with pytest.raises(FormatError) as err:
        cifar10(tmp_path)
    assert str(err.value) == f"{tmp_path / 'data_batch_1'}: {problem}"
    assert capsys.readouterr().out == ""


def test_arrays_in_columns_and_what_is_shared():
    columns = np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    many = [*range(300), 70_000]
    found = read_pickle(_pickled({"a": columns, "b": many, "c": [many, True, None, (), (1, 2, 3, 4)]}))
    assert found["a"].tolist() == columns.tolist()
    assert found["b"] == many
    assert found["c"] == [many, True, None, (), (1, 2, 3, 4)]
    assert found["c"][0] is found["b"]


@for_each(
    "contents, problem",
    [
        (None, "a damaged archive; fetch it again"),
        ({}, f"not this archive: expected {', '.join(NAMES)}, got no file data_batch_1.bin"),
        ({"../../data_batch_1.bin": b"\0" * 3073},
         f"not this archive: expected {', '.join(NAMES)}, got no file data_batch_2.bin"),
    ],
)  # fmt: skip
def test_damaged_archives(tmp_path, contents, problem):
    path = tmp_path / "cifar-10-binary.tar.gz"
    if contents is None:
        path.write_bytes(b"\x1f\x8bnothing of the kind")
    else:
        _tar(path, contents)
    with pytest.raises(FormatError) as err:
        cifar10(tmp_path)
    assert str(err.value) == f"{path}: {problem}"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
