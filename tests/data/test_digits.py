from importlib.resources import files

import numpy as np
import pytest

from autograd_cnn.data import digits


@pytest.fixture
def stored():
    with np.load(str(files("autograd_cnn.data") / "digits.npz"), allow_pickle=False) as archive:
        return dict(archive)


def test_shapes_types_and_range():
    for split, n in zip(digits(), (1437, 360), strict=True):
        assert (split.images.shape, split.images.dtype) == ((n, 1, 8, 8), np.float32)
        assert (split.labels.shape, split.labels.dtype) == ((n,), np.int64)
        assert (split.images.min(), split.images.max()) == (0, 1)


def test_every_original_image_is_in_exactly_one_part(stored):
    train, test = digits()
    images = np.concatenate([train.images, test.images])[:, 0] * 16
    labels = np.concatenate([train.labels, test.labels])
    back = np.argsort(stored["order"])
    assert np.array_equal(images[back], stored["images"])
    assert np.array_equal(labels[back], stored["labels"])


def test_each_digit_has_its_share_in_the_test_part(stored):
    share = np.bincount(stored["labels"]) * 360 / 1797
    assert np.all(np.abs(np.bincount(digits().test.labels) - share) < 1)


def test_the_order_is_what_its_recipe_makes(stored):
    labels = stored["labels"]
    priority = np.random.default_rng(1998).permutation(1797)
    place = np.empty(1797)
    for digit in range(10):
        members = np.flatnonzero(labels == digit)
        members = members[np.argsort(priority[members])]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    assert np.array_equal(stored["order"], np.lexsort((priority, place)))


def test_the_data_are_the_original(stored):
    # The first rows of the original file, and sums over all of it.
    assert stored["images"][0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert stored["labels"][:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert np.bincount(stored["labels"]).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert int(stored["images"].sum(dtype=np.int64)) == SUM_OF_PIXELS


def test_is_read_once_and_read_only():
    assert digits() is digits()
    with pytest.raises(ValueError, match="read-only"):
        digits().train.images[0] = 0


SUM_OF_PIXELS = 561718


def test_the_attribution_is_shipped():
    text = (files("autograd_cnn.data") / "DIGITS.md").read_text("utf-8")
    assert "Alpaydin" in text
    assert "CC BY 4.0" in text
