"""Networks: published ones, and those that a pattern describes."""

from autograd_cnn.nn.models.build import build
from autograd_cnn.nn.models.lenet import digits_net, lenet5, lenet1998
from autograd_cnn.nn.models.resnet import resnet20
from autograd_cnn.nn.models.vgg import small_vgg

__all__ = ["build", "digits_net", "lenet5", "lenet1998", "resnet20", "small_vgg"]
