"""Folders of images: what is read, and what is said of those that can't be."""

import os
import sys
from contextlib import suppress

import numpy as np
import pytest
from peak import memory
from PIL import Image
from tables import for_each

from autograd_cnn import data
from autograd_cnn.errors import ArgumentError, FormatError, MissingDependencyError


def _write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path):
    """A folder of two classes, five gray images each; the pixels tell the class and the number."""
    for label, name in enumerate(["cat", "dog"]):
        for number in range(5):
            _write(tmp_path / "set" / name / f"{number}.png", np.full((6, 4), 100 * label + number))
    return tmp_path / "set"


def _numbers(split):
    return sorted(np.rint(255 * split.images[:, 0, 0, 0]).astype(int).tolist())


def test_a_subfolder_is_a_class(root):
    (root / ".thumbnails").mkdir()
    (root / "cat" / "notes.txt").write_text("of cats")
    (root / "cat" / ".hidden.png").write_text("")
    dataset = data.image_folder(root, test=0.4)
    assert dataset.classes == ("cat", "dog")
    train, test = dataset
    assert train.images.shape == (6, 1, 6, 4)
    assert train.images.dtype == np.float32
    assert _numbers(train) + _numbers(test) != list(range(5))
    assert sorted(_numbers(train) + _numbers(test)) == [0, 1, 2, 3, 4, 100, 101, 102, 103, 104]
    for images, labels in dataset:
        assert np.array_equal(images[:, 0, 0, 0] > 0.2, labels)
    again = data.image_folder(root, test=0.4)
    other = data.image_folder(root, test=0.4, seed=1)
    assert _numbers(again.test) == _numbers(test) != _numbers(other.test)


def test_folders_to_learn_from_and_to_test_on(root):
    os.renames(root / "cat", root / "train" / "cat")
    os.renames(root / "dog", root / "train" / "dog")
    _write(root / "val" / "dog" / "x.png", np.full((6, 4), 200))
    _write(root / "val" / "cat" / "deep" / "x.png", np.full((6, 4), 50))
    dataset = data.image_folder(root)
    assert [len(split.labels) for split in dataset] == [10, 2]
    assert dataset.test.labels.tolist() == [0, 1]
    assert _numbers(dataset.test) == [50, 200]


def test_images_that_are_read_when_their_turn_comes(root):
    now, later = data.image_folder(root), data.image_folder(root, in_memory=False)
    for one, other in zip(now, later, strict=True):
        assert isinstance(other.images, data.ImageFiles)
        assert other.images.shape == one.images.shape
        batches = [data.Loader(*split, batch_size=3, workers=2) for split in (one, other)]
        for (images, labels), (read, same) in zip(*batches, strict=True):
            assert np.array_equal(images, read)
            assert np.array_equal(labels, same)
    files = now.train.images, later.train.images
    assert np.array_equal(files[0][2], files[1][2])
    assert np.array_equal(files[0][1:3], files[1][1:3])


def test_sizes_and_colours(root):
    _write(root / "dog" / "wide.jpg", np.full((8, 20, 3), [200, 0, 0]))
    dataset = data.image_folder(root, size=(3, 5))
    assert dataset.train.images.shape[1:] == (3, 3, 5)
    assert data.image_folder(root, size=4, channels=1).train.images.shape[1:] == (1, 4, 4)
    image = data.read_image(root / "dog" / "wide.jpg", size=8)
    assert np.allclose(image, np.array([200, 0, 0])[:, None, None] / 255, atol=0.02)


@for_each("mode, pixel, expected", [
    ("L", 51, 0.2), ("1", 1, 1.0), ("I;16", 51 * 257, 0.2), ("LA", (51, 9), 0.2), ("P", 51, None),
    ("RGBA", (51, 0, 255, 9), [0.2, 0, 1]), ("CMYK", (0, 255, 255, 0), [1, 0, 0]),
])  # fmt: skip
def test_every_kind_of_image(tmp_path, mode, pixel, expected):
    path = tmp_path / ("x.tif" if mode == "CMYK" else "x.png")
    Image.new(mode, (2, 2), pixel).save(path)
    image = data.read_image(path)
    if expected is not None:
        assert np.allclose(image, np.reshape(expected, (-1, 1, 1)), atol=1e-6)


@for_each("dtype, values, got", [
    (np.float32, [0, 1], "float32 from 0 to 1"), (np.int32, [0, 70_000], "int32 from 0 to 70000"),
    (np.int32, [-1, 255], "int32 from -1 to 255"),
])  # fmt: skip
def test_numbers_without_a_known_range(tmp_path, dtype, values, got):
    path = tmp_path / "x.tif"
    Image.fromarray(np.array([values], dtype)).save(path)
    with pytest.raises(FormatError) as error:
        data.read_image(path)
    assert str(error.value) == (
        f"{path}: its pixels have no known range: expected integers of 8 or 16 bits, got {got}; scale them to values "
        "from 0 to 1 yourself, and pass the arrays to data.split"
    )


def test_as_the_camera_was_held(tmp_path):
    image = Image.fromarray(np.array([[0, 255], [0, 255], [0, 255]], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right by a quarter
    image.save(tmp_path / "x.png", exif=exif)
    assert data.read_image(tmp_path / "x.png").tolist() == [[[0, 0, 0], [1, 1, 1]]]


def test_what_is_not_a_set_of_images(root, tmp_path):
    def said(error=FormatError, **options):
        with pytest.raises(error) as caught:
            data.image_folder(root, **options)
        return str(caught.value).replace(str(tmp_path), "~")

    _write(root / "dog" / "9.png", np.zeros((5, 7)))
    assert said() == (
        "~/set/dog/9.png: not of the same size as the other images: expected 6×4 as ~/set/cat/0.png, got 5×7; scale "
        "all to one size, such as size=4 or --size 4"
    )
    (root / "dog" / "9.png").write_bytes((root / "dog" / "0.png").read_bytes()[:-30])
    assert said() == "~/set/dog/9.png: a damaged image; image file is truncated"
    (root / "dog" / "9.png").write_bytes(b"no image")
    assert said() == "~/set/dog/9.png: not an image that Pillow can read"
    (root / "dog" / "9.png").unlink()
    (root / "bird").mkdir()
    (root / "bird" / "notes.txt").write_text("")
    assert said().startswith("~/set/bird: a class without images: expected files that end in .bmp, .gif,")
    assert said(ArgumentError, channels=2) == "image_folder: channels is out of range: expected 1 or 3, got 2"
    os.renames(root / "cat", tmp_path / "aside")
    os.renames(root / "bird", tmp_path / "gone")
    assert said() == "~/set: not a folder of classes: expected two or more subfolders, one for each class, got 1"
    with pytest.raises(FileNotFoundError) as error:
        data.image_folder("nowhere")
    assert str(error.value) == (
        "image_folder: no such folder: expected a folder with a subfolder for each class, got nowhere"
    )


def test_too_many_pixels(tmp_path, monkeypatch):
    _write(tmp_path / "x.png", np.zeros((20, 20)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    with pytest.raises(FormatError) as error:
        data.read_image(tmp_path / "x.png")
    assert str(error.value) == f"{tmp_path / 'x.png'}: too many pixels: expected at most 300, got more"


def test_damaged_files_are_told_and_nothing_else(tmp_path, rng):
    _write(tmp_path / "x.png", rng.integers(0, 255, (9, 9)))
    whole = np.frombuffer((tmp_path / "x.png").read_bytes(), np.uint8)
    problems = []
    for place in range(0, len(whole), 3):
        damaged = whole.copy()
        damaged[place] ^= rng.integers(1, 255, dtype=np.uint8)
        (tmp_path / "y.png").write_bytes(damaged.tobytes())
        try:
            data.read_image(tmp_path / "y.png")
        except FormatError as told:
            problems.append(str(told))
    assert problems
    assert all(told.startswith(str(tmp_path / "y.png")) for told in problems)


def test_without_pillow(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingDependencyError) as error:
        data.image_folder(root)
    assert str(error.value) == "reading images needs an extra; try: python -m pip install 'autograd-cnn[images]'"


def test_an_image_takes_no_more_memory_than_it_has_pixels_whatever_its_parts_claim(tmp_path):
    """A part of a PNG says how long it is, and Pillow would ask for as many bytes."""
    path = tmp_path / "x.png"
    Image.fromarray(np.arange(108, dtype=np.uint8).reshape(6, 6, 3)).save(path)
    whole = path.read_bytes()
    place = whole.index(b"IDAT") - 4
    path.write_bytes(whole[:place] + (1 << 31 - 1).to_bytes(4, "big") + whole[place + 4 :])
    with memory(1 << 20), suppress(FormatError):  # the pixels are all there
        assert data.read_image(path).shape == (3, 6, 6)
