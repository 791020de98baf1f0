"""What transforms do to images; shifts are in ``test_loader.py``."""

from functools import partial

import numpy as np
import pytest
from scipy import ndimage
from tables import for_each

from autograd_cnn import data
from autograd_cnn.errors import OperandError, ShapeError

TRANSFORMS = [data.random_brightness, data.random_erasing, data.random_flip, data.random_rotation, data.random_shift]


@for_each("transform", TRANSFORMS, ids=[f.__name__ for f in TRANSFORMS])
def test_laws_of_transforms(transform, rng):
    images = rng.random((5, 3, 7, 6), np.float32)
    before = images.copy()
    one, two, other = (transform(images, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.dtype == np.float32
    assert one.shape == images.shape
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert np.array_equal(images, before)
    assert one.min() >= 0
    assert one.max() <= 1
    alone = transform(images, np.random.default_rng(1))
    alone[...] = 0  # the result is nobody else's
    assert np.array_equal(images, before)
    with pytest.raises(ShapeError) as error:
        transform(images[0], rng)
    assert str(error.value) == (
        f"{transform.__name__}: images have the wrong shape: expected (N, C, H, W), got (3, 7, 6)"
    )
    with pytest.raises(OperandError) as error:
        transform(images, 3)
    assert str(error.value) == (
        f"{transform.__name__}: rng is not a generator: expected such as np.random.default_rng(0), got 3"
    )


def test_a_rotation_is_scipys(rng):
    images = rng.random((4, 2, 9, 9))
    turned = data.random_rotation(images, np.random.default_rng(3), degrees=60)
    angles = np.random.default_rng(3).uniform(-60, 60, 4)
    for image, result, angle in zip(images, turned, angles, strict=True):
        expected = ndimage.rotate(image, angle, axes=(2, 1), reshape=False, order=1, mode="grid-constant")
        assert np.allclose(result, expected)


def test_one_after_the_other(rng):
    images = rng.random((3, 1, 5, 5))
    both = data.compose(data.random_flip, partial(data.random_shift, pixels=2))
    generator = np.random.default_rng(0)
    expected = data.random_shift(data.random_flip(images, generator), generator, 2)
    assert np.array_equal(both(images, np.random.default_rng(0)), expected)
    with pytest.raises(OperandError) as error:
        data.compose("flip")
    assert str(error.value) == (
        "compose: a transform is not a function: expected one of images and a generator, got 'flip'"
    )


def test_an_erased_rectangle():
    images = data.random_erasing(np.ones((50, 2, 8, 8)), np.random.default_rng(0), share=0.5)
    for image in images:
        rows, columns = np.nonzero(image[0] == 0)
        assert np.array_equal(image[0], image[1])
        if len(rows):
            box = image[0, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert not box.any()
            assert max(box.shape) <= 4
