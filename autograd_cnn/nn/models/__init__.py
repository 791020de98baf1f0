"""Networks: published ones, and ones that a pattern describes."""

from autograd_cnn.nn.models.build import build as build
from autograd_cnn.nn.models.char_lstm import char_lstm as char_lstm
from autograd_cnn.nn.models.lenet import digits_net as digits_net
from autograd_cnn.nn.models.lenet import lenet5 as lenet5
from autograd_cnn.nn.models.lenet import lenet1998 as lenet1998
from autograd_cnn.nn.models.mobilenet import mobilenet_v2 as mobilenet_v2
from autograd_cnn.nn.models.resnet import resnet18 as resnet18
from autograd_cnn.nn.models.resnet import resnet20 as resnet20
from autograd_cnn.nn.models.unet import unet as unet
from autograd_cnn.nn.models.vgg import small_vgg as small_vgg
from autograd_cnn.nn.models.vit import tiny_vit as tiny_vit
from autograd_cnn.spelling import announce as _announce

_announce(globals())
