"""Datasets of images, a loader that makes batches of them, and transforms of the images."""

from typing import TYPE_CHECKING
from typing import NoReturn as _NoReturn

from autograd_cnn.data.cifar import cifar10
from autograd_cnn.data.dataset import Dataset, Split
from autograd_cnn.data.digits import digits
from autograd_cnn.data.idx import fashion_mnist, mnist, read_idx
from autograd_cnn.data.loader import Loader
from autograd_cnn.data.transforms import Transform, random_shift
from autograd_cnn.spelling import missing as _missing

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


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> _NoReturn:
        """Say what takes the place of another library's name, or which name was meant."""
        raise _missing(__name__, name, __all__)
