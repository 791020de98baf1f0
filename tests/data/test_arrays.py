"""Datasets in one file."""

import numpy as np
import pytest
from tables import for_each

from autograd_cnn import data
from autograd_cnn.errors import FormatError


@for_each("shape, expected", [
    ((6, 4, 5), (1, 4, 5)), ((6, 2, 4, 5), (2, 4, 5)), ((6, 4, 5, 3), (3, 4, 5)), ((6, 3, 4, 3), (3, 4, 3)),
    ((6, 4, 5, 1), (1, 4, 5)),
])  # fmt: skip
def test_layouts_of_images(tmp_path, shape, expected):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.savez(
        tmp_path / "x.npz", x_train=pixels, y_train=np.arange(6)[:, None] % 3, x_test=pixels, y_test=np.zeros(6, int)
    )
    train, test = data.from_npz(tmp_path / "x.npz")
    assert train.images.shape == (6, *expected)
    assert train.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert test.labels.tolist() == [0] * 6
    nchw = pixels.reshape(6, *expected) if expected[0] in (1, 2) or shape[1] == 3 else np.moveaxis(pixels, 3, 1)
    assert np.array_equal(train.images, (nchw / 255).astype(np.float32))


def test_a_part_is_held_out_where_the_file_has_none(tmp_path):
    np.savez(tmp_path / "x.npz", images=np.ones((10, 4, 4), np.float64), labels=np.arange(10) % 2)
    train, test = data.from_npz(tmp_path / "x.npz", test=0.4)
    assert (train.labels.sum(), test.labels.sum(), train.images.dtype) == (3, 2, np.float32)


@for_each("arrays, told", [
    ({"images": np.ones((2, 4, 4))}, "not a dataset: expected images and labels or x_train and y_train, got images"),
    ({"images": np.ones((2, 4)), "labels": np.ones(2, int)},
     "not images with their labels: expected images (N, C, H, W) and labels (N,), got (2, 4) and (2,)"),
    ({"images": np.ones((2, 4, 4)), "labels": np.ones(3, int)},
     "not images with their labels: expected images (N, C, H, W) and labels (N,), got (2, 1, 4, 4) and (3,)"),
    ({"images": np.ones((2, 4, 4)), "labels": np.ones(2)},
     "labels are not class numbers: expected ints from 0 to 65535, got float64"),
    ({"images": np.ones((2, 4, 4)), "labels": np.array([0, 2**64 - 1], np.uint64)},  # would be -1
     "labels are not class numbers: expected ints from 0 to 65535, got 18446744073709551615"),
    ({"images": np.ones((2, 4, 4)), "labels": np.array([0, -1])},
     "labels are not class numbers: expected ints from 0 to 65535, got -1"),
    ({"x_train": np.ones((2, 4, 4)), "y_train": np.array(["cat", "dog"])},
     "'y_train' is not an array of numbers: expected bools, ints or floats, got <U3"),
    ({"images": np.full((2, 4, 4), np.nan), "labels": np.ones(2, int)},
     "images are not understood: expected uint8 or finite floats, got float64"),
    ({"images": np.ones((2, 4, 4), int), "labels": np.ones(2, int)},
     "images are not understood: expected uint8 or finite floats, got int64"),
    ({"images": np.ones((2, 4, 4)), "labels": np.arange(2), "test_images": np.ones((2, 5, 5)), "test_labels": np.arange(2)},
     "test_images are of another shape: expected (N, *(1, 4, 4)), got (2, 1, 5, 5)"),
])  # fmt: skip
def test_what_is_not_a_dataset(tmp_path, arrays, told):
    path = tmp_path / "x.npz"
    np.savez(path, **arrays)
    with pytest.raises(FormatError) as error:
        data.from_npz(path)
    assert str(error.value) == f"{path}: {told}"


@for_each("text, told", [
    ("", "not a table of numbers; loadtxt: input contained no data: \"{path}\""),
    ("1,2,3\n", "not a table of square images: expected a label and H·H pixels in each line, got 3 numbers"),
    ("0,1,2,3,4\n0,1,2,3\n", "not a table of numbers; the number of columns changed from 5 to 4 at row 2"),
    ("0,1,2,3,256\n", "a pixel is out of range: expected 0 to 255, got 256.0"),
    ("0,1,2,3,4\n0,nan,2,3,4\n", "a pixel is out of range: expected 0 to 255, got nan"),
    ("kind,a,b,c,d\ncat,1,2,3,4\n", "the label in column 1 (kind) is not a number: expected 0 to 65535, got 'cat'"),
    ("0,1,2,3,4\n0,1,x,3,4\n", "a pixel in column 3 is not a number: expected 0 to 255, got 'x'"),
    ("kind\n0,1,x,3,4\n", "a pixel in column 3 is not a number: expected 0 to 255, got 'x'"),
    ("0.5,1,2,3,4\n", "a label is not a class: expected a whole number from 0 to 65535, got 0.5"),
    ("0,1,2,3,4\ninf,1,2,3,4\n", "a label is not a class: expected a whole number from 0 to 65535, got inf"),
    ("0,1,2,3,4\n1e9,1,2,3,4\n", "a label is not a class: expected a whole number from 0 to 65535, got 1e+09"),
])  # fmt: skip
def test_what_is_not_a_table(tmp_path, text, told):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(FormatError) as error:
        data.from_csv(path)
    assert str(error.value) == f"{path}: {told.format(path=path)}"


def test_a_table_with_and_without_names(tmp_path):
    rows = "0,0,51,102,255\n1,0,0,0,0\n" * 2
    for text in (rows, "label,a,b,c,d\n" + rows):
        (tmp_path / "x.csv").write_text(text)
        train, test = data.from_csv(tmp_path / "x.csv", test=0.5)
        assert train.images[train.labels == 0].ravel().tolist() == np.float32([0, 0.2, 0.4, 1]).tolist()
        assert len(test.labels) == 2
