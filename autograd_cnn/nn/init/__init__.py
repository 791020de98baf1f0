"""First values for parameters: as arrays of a shape, or put into a tensor that there is, as in PyTorch.

Nothing here is global. ``rng`` is a `numpy.random.Generator`, which is used and moves on; an int,
which seeds a new one; or None, which takes fresh entropy from the system. To make a whole network
reproducible pass one generator to all of its layers, not one int, with which layers of the same
shape would start out equal.

Shapes: (F, C/G, KH, KW) for filters, (out, in) for a `Linear`.
"""

from typing import TYPE_CHECKING

from autograd_cnn.nn.init.in_place import (
    calculate_gain,
    constant_,
    dirac_,
    eye_,
    kaiming_normal_,
    kaiming_uniform_,
    normal_,
    ones_,
    orthogonal_,
    trunc_normal_,
    uniform_,
    xavier_normal_,
    xavier_uniform_,
    zeros_,
)
from autograd_cnn.nn.init.values import (
    Mode,
    Rng,
    constant,
    fans,
    generator,
    kaiming_normal,
    kaiming_uniform,
    normal,
    uniform,
    weight_and_bias,
    xavier_normal,
    xavier_uniform,
    zeros,
)
from autograd_cnn.spelling import teller as _teller

__all__ = [
    "Mode",
    "Rng",
    "calculate_gain",
    "constant",
    "constant_",
    "dirac_",
    "eye_",
    "fans",
    "generator",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "weight_and_bias",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros",
    "zeros_",
]

if not TYPE_CHECKING:  # a type checker would take it that every name is there
    __getattr__ = _teller(__name__, __all__)
