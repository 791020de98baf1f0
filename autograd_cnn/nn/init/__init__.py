"""Initial values for parameters: as new arrays, or written into an existing tensor, as in PyTorch.

``rng`` is a `numpy.random.Generator`, which is advanced; an int, which seeds a new one; or None, for a
new one seeded by `autograd_cnn.manual_seed`, or by the system if that was not called. To make a whole
network reproducible without `manual_seed`, pass one generator to all of its layers, not one int: with
an int, layers of the same shape would start out equal.

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
