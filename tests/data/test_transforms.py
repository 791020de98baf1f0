"""What transforms do to images; shifts are in ``test_loader.py``."""

from functools import partial

import numpy as np
import pytest
from scipy import ndimage
from tables import for_each

from autograd_cnn import data
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError

TRANSFORMS = [
    data.color_jitter, data.random_brightness, data.random_crop, data.random_erasing, data.random_flip,
    data.random_rotation, data.random_shift,
]  # fmt: skip


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


def test_a_crop_is_scipys(rng):
    images = rng.random((4, 2, 9, 7))
    generator = np.random.default_rng(3)
    scale, places = generator.uniform(0.5, 1, 4), generator.random((2, 4, 1, 1))
    cropped = data.random_crop(images, np.random.default_rng(3), share=0.5)
    for image, result, part, (down, right) in zip(images, cropped, scale, places[..., 0, 0].T, strict=True):
        offset = [down * (1 - part) * 8, right * (1 - part) * 6]
        for channel, found in zip(image, result, strict=True):
            expected = ndimage.affine_transform(channel, [part, part], offset, order=1)
            assert np.allclose(found, expected)


def test_colours_change_and_gray_does_not(rng):
    gray = np.repeat(rng.random((3, 1, 4, 4), np.float32), 3, axis=1)
    turned = data.color_jitter(gray, np.random.default_rng(0), 0.0, 0.0, 1.0, 0.5)
    assert np.allclose(turned, gray, atol=2e-3)
    colours = rng.random((3, 3, 4, 4)) * 0.2 + 0.4
    same = data.color_jitter(colours, np.random.default_rng(0), 0.0, 0.0, 0.0, 0.0)
    assert np.allclose(same, colours)
    luma = np.array([0.299, 0.587, 0.114])
    turned = data.color_jitter(colours, np.random.default_rng(0), 0.0, 0.0, 0.0, 0.1)
    assert np.allclose(np.einsum("c,nchw->nhw", luma, turned), np.einsum("c,nchw->nhw", luma, colours))
    assert not np.allclose(turned, colours)
    with pytest.raises(ShapeError) as error:
        data.color_jitter(colours[:, :1], np.random.default_rng(0))
    assert str(error.value) == (
        "color_jitter: images have no colours: expected (N, 3, H, W), got (3, 1, 4, 4); "
        "random_brightness takes any number of channels"
    )


def test_normalized_channels(rng):
    images = rng.random((5, 3, 4, 4), np.float32)
    result = data.normalize(images, mean=images.mean(axis=(0, 2, 3)), std=images.std(axis=(0, 2, 3)))
    assert result.dtype == np.float32
    assert np.allclose(result.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    assert np.allclose(result.std(axis=(0, 2, 3)), 1, atol=1e-5)
    for numbers, kind, text in (
        ({"mean": [1, 2]}, ShapeError, "normalize: mean does not fit the channels: expected a number or 3 of them, got [1, 2]"),
        ({"std": np.inf}, ShapeError, "normalize: std does not fit the channels: expected a number or 3 of them, got inf"),
        ({"std": 0.0}, ArgumentError, "normalize: std is out of range: expected above 0, got 0.0"),
    ):  # fmt: skip
        with pytest.raises(kind) as error:
            data.normalize(images, **numbers)
        assert str(error.value) == text


def test_mixup_blends_images_and_labels_alike(rng):
    images, labels = np.eye(6, dtype=np.float32).reshape(6, 1, 2, 3), np.arange(6) % 3
    mixed, shares = data.mixup(images, labels, np.random.default_rng(1), classes=3, alpha=1.0)
    assert mixed.dtype == shares.dtype == np.float32
    assert np.allclose(shares.sum(axis=1), 1)
    weights = mixed.reshape(6, 6)  # of each image that went into the blend
    for label in range(3):
        assert np.allclose(weights[:, labels == label].sum(axis=1), shares[:, label])
    assert (shares > 0.01).sum() > 6
    loaders = [
        data.Loader(images, labels, batch_size=4, seed=2, mix=partial(data.mixup, classes=3), workers=n) for n in (0, 2)
    ]
    for one, two in zip(*loaders, strict=True):
        assert all(map(np.array_equal, one, two))
    with pytest.raises(ArgumentError) as error:
        data.mixup(images, labels, rng, classes=2)
    assert str(error.value) == "mixup: a label is not a class: expected 0 to 1, got 2"
    with pytest.raises(ShapeError) as error:
        next(iter(data.Loader(images, labels, mix=lambda images, labels, _: (images, labels[:1]))))
    assert str(error.value) == ("Loader: the mix does not return as many images as it took: expected 6, got shape (1,)")
    with pytest.raises(OperandError) as error:
        data.Loader(images, labels, mix=0.2)
    assert str(error.value) == "Loader: mix is not a function: expected one of images, labels and a generator, got 0.2"
