"""Datasets of images, a loader that makes batches of them, and transforms of the images."""

from autograd_cnn.data.arrays import from_csv as from_csv
from autograd_cnn.data.arrays import from_npz as from_npz
from autograd_cnn.data.cifar import cifar10 as cifar10
from autograd_cnn.data.dataset import Dataset as Dataset
from autograd_cnn.data.dataset import Images as Images
from autograd_cnn.data.dataset import Split as Split
from autograd_cnn.data.dataset import split as split
from autograd_cnn.data.digits import digits as digits
from autograd_cnn.data.fetch import fetch as fetch
from autograd_cnn.data.folder import ImageFiles as ImageFiles
from autograd_cnn.data.folder import image_folder as image_folder
from autograd_cnn.data.folder import read_image as read_image
from autograd_cnn.data.idx import fashion_mnist as fashion_mnist
from autograd_cnn.data.idx import mnist as mnist
from autograd_cnn.data.idx import read_idx as read_idx
from autograd_cnn.data.loader import Loader as Loader
from autograd_cnn.data.transforms import Mix as Mix
from autograd_cnn.data.transforms import Transform as Transform
from autograd_cnn.data.transforms import color_jitter as color_jitter
from autograd_cnn.data.transforms import compose as compose
from autograd_cnn.data.transforms import mixup as mixup
from autograd_cnn.data.transforms import normalize as normalize
from autograd_cnn.data.transforms import random_brightness as random_brightness
from autograd_cnn.data.transforms import random_crop as random_crop
from autograd_cnn.data.transforms import random_erasing as random_erasing
from autograd_cnn.data.transforms import random_flip as random_flip
from autograd_cnn.data.transforms import random_rotation as random_rotation
from autograd_cnn.data.transforms import random_shift as random_shift
from autograd_cnn.spelling import announce as _announce

_announce(globals())
