"""Datasets of images, a loader that makes batches of them, and transforms of the images."""

from autograd_cnn.data.cifar import cifar10
from autograd_cnn.data.dataset import Dataset, Split
from autograd_cnn.data.digits import digits
from autograd_cnn.data.idx import fashion_mnist, mnist, read_idx
from autograd_cnn.data.loader import Loader
from autograd_cnn.data.transforms import Transform, random_shift

__all__ = [
    "Dataset",
    "Loader",
    "Split",
    "Transform",
    "cifar10",
    "digits",
    "fashion_mnist",
    "mnist",
    "random_shift",
    "read_idx",
]
