import numpy as np
import pytest

from autograd_cnn.data import cifar10
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
        "unpack cifar-10-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html there"
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
