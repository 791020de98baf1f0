"""Datasets of images, a loader that makes batches of them, and transforms of the images."""

from typing import TYPE_CHECKING

from autograd_cnn.data.arrays import from_csv, from_npz
from autograd_cnn.data.cifar import cifar10
from autograd_cnn.data.dataset import Dataset, Images, Split, split
from autograd_cnn.data.digits import digits
from autograd_cnn.data.fetch import fetch
from autograd_cnn.data.folder import ImageFiles, image_folder, read_image
from autograd_cnn.data.idx import fashion_mnist, mnist, read_idx
from autograd_cnn.data.loader import Loader
from autograd_cnn.data.transforms import (
    Mix,
    Transform,
    color_jitter,
    compose,
    mixup,
    normalize,
    random_brightness,
    random_crop,
    random_erasing,
    random_flip,
    random_rotation,
    random_shift,
)
from autograd_cnn.spelling import teller as _teller

__all__ = [
    "Dataset",
    "ImageFiles",
    "Images",
    "Loader",
    "Mix",
    "Split",
    "Transform",
    "cifar10",
    "color_jitter",
    "compose",
    "digits",
    "fashion_mnist",
    "fetch",
    "from_csv",
    "from_npz",
    "image_folder",
    "mixup",
    "mnist",
    "normalize",
    "random_brightness",
    "random_crop",
    "random_erasing",
    "random_flip",
    "random_rotation",
    "random_shift",
    "read_idx",
    "read_image",
    "split",
]


if not TYPE_CHECKING:  # a type checker would assume that every name exists
    __getattr__ = _teller(__name__, __all__)
