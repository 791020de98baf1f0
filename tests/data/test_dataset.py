import numpy as np
import pytest

from autograd_cnn.data.dataset import as_split


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
