"""Networks: published ones, and those that a pattern describes."""

from autograd_cnn.nn.models.build import build
from autograd_cnn.nn.models.char_lstm import char_lstm
from autograd_cnn.nn.models.lenet import digits_net, lenet5, lenet1998
from autograd_cnn.nn.models.mobilenet import mobilenet_v2
from autograd_cnn.nn.models.resnet import resnet18, resnet20
from autograd_cnn.nn.models.unet import unet
from autograd_cnn.nn.models.vgg import small_vgg
from autograd_cnn.nn.models.vit import tiny_vit

__all__ = [
    "build",
    "char_lstm",
    "digits_net",
    "lenet5",
    "lenet1998",
    "mobilenet_v2",
    "resnet18",
    "resnet20",
    "small_vgg",
    "tiny_vit",
    "unet",
]
