import numpy as np
import pytest
from tables import for_each

from autograd_cnn.data.dataset import as_split, split


def test_scales_to_float32_and_int64():
    pixels = np.array([0, 128, 255], np.uint8).reshape(3, 1, 1, 1)
    split = as_split(pixels, np.array([2, 0, 1], np.uint8))
    assert split.images.dtype == np.float32
    assert split.labels.dtype == np.int64
    assert split.images.ravel().tolist() == [0.0, float(np.float32(128) / np.float32(255)), 1.0]


def test_is_read_only():
    split = as_split(np.zeros((1, 1, 2, 2), np.uint8), np.zeros(1, np.uint8))
    for array in split:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1


def test_a_share_of_each_class_is_held_out():
    labels = np.repeat([0, 1, 2], [50, 10, 2])
    dataset = split(np.arange(62), labels, test=0.2, classes=("a", "b", "c"))
    assert [np.bincount(part.labels).tolist() for part in dataset] == [[40, 8, 1], [10, 2, 1]]
    assert sorted(np.concatenate([part.images for part in dataset])) == list(range(62))
    assert all(np.array_equal(labels[part.images], part.labels) for part in dataset)
    again, other = (split(np.arange(62), labels, seed=seed) for seed in (0, 1))
    assert np.array_equal(again.test.images, dataset.test.images)
    assert not np.array_equal(other.test.images, dataset.test.images)
    assert again.classes == ("0", "1", "2")


@for_each("labels, options, told", [
    (np.zeros(3, int), {}, "split: the numbers of images and labels differ: expected labels (4,), got (3,)"),
    (np.zeros(4), {}, "split: a label is not a class: expected ints from 0, got float64"),
    (np.arange(4) - 1, {}, "split: a label is not a class: expected ints from 0, got -1"),
    (np.zeros(4, int), {"test": 0}, "split: a part is empty: expected images to learn from and images to test on, got 4 and 0"),
    (np.arange(4), {}, "split: a part is empty: expected images to learn from and images to test on, got 4 and 0"),
    (np.arange(4), {"test": 2}, "split: test is out of range: expected a number from 0 to 1, got 2"),
])  # fmt: skip
def test_what_can_not_be_parted(labels, options, told):
    with pytest.raises((ValueError, TypeError)) as error:
        split(np.zeros(4), labels, **options)
    assert str(error.value) == told


def test_images_in_a_list_are_an_array_and_a_generator_is_none():
    images, labels = np.arange(8.0).reshape(4, 2), np.arange(4) % 2
    one, other = split(list(images), labels), split(images, labels)
    assert np.array_equal(one.train.images, other.train.images)
    with pytest.raises(TypeError) as error:
        split((image for image in images), labels)
    assert str(error.value) == (
        "split: images are not an array: expected one whose first axis counts the examples, got generator"
    )
