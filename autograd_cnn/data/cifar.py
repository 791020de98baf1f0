"""CIFAR-10, from the files of its binary version in a folder of yours.

A file is a sequence of records: one byte for the label, then 1,024 bytes each for red, green and blue
(Krizhevsky 2009). The Python version is not read, because it contains pickles, which can run code.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.data.dataset import Dataset, Split, as_split
from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.files import AnyPath, as_path

RECORD: Final = 1 + 3 * 32 * 32
TRAIN: Final = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST: Final = ("test_batch.bin",)
CLASSES: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@composite
def cifar10(root: AnyPath) -> Dataset:
    """The 60,000 colour photographs of 32×32 pixels by Krizhevsky (2009), in ten classes.

    Parameters
    ----------
    root : path
        The folder with ``data_batch_1.bin`` to ``data_batch_5.bin`` and ``test_batch.bin``, or the
        folder that contains it as ``cifar-10-batches-bin``.

    Returns
    -------
    Dataset
        Images (N, 3, 32, 32) in float32 from 0 to 1, labels (N,) in int64, all read-only.

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message says which one, and where to get it.
    FormatError
        If a file is damaged, or is not one of these files.
    """
    root = as_path("cifar10", root)
    inner = root / "cifar-10-batches-bin"
    folder = inner if inner.is_dir() else root
    for name in TRAIN + TEST:
        if not (folder / name).is_file():
            raise FileNotFoundError(
                sentence("cifar10", "file not found", expected=f"{name} in {folder}", got="none",
                         hint="unpack cifar-10-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html there")
            )  # fmt: skip
    return Dataset(_split(folder, TRAIN), _split(folder, TEST), CLASSES)


def _split(folder: Path, names: tuple[str, ...]) -> Split:
    records = np.concatenate([_records(folder / name) for name in names])
    return as_split(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0])


def _records(path: Path) -> NDArray[np.uint8]:
    size = path.stat().st_size
    if size == 0 or size % RECORD:
        raise FormatError(
            sentence(str(path), "wrong length", expected=f"whole records of {RECORD} bytes", got=f"{size} bytes")
        )
    records = np.fromfile(path, np.uint8).reshape(-1, RECORD)
    if records[:, 0].max() > 9:
        raise FormatError(sentence(str(path), "label out of range", expected="0 to 9", got=records[:, 0].max()))
    return records
