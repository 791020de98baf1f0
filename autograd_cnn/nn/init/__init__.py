"""Initial values for parameters: as new arrays, or written into an existing tensor, as in PyTorch.

``rng`` is a `numpy.random.Generator`, which is advanced; an int, which seeds a new one; or None, for a
new one seeded by `autograd_cnn.manual_seed`, or by the system if that was not called. To make a whole
network reproducible without `manual_seed`, pass one generator to all of its layers, not one int: with
an int, layers of the same shape would start out equal.

Shapes: (F, C/G, KH, KW) for filters, (out, in) for a `Linear`.
"""

from autograd_cnn.nn.init.in_place import calculate_gain as calculate_gain
from autograd_cnn.nn.init.in_place import constant_ as constant_
from autograd_cnn.nn.init.in_place import dirac_ as dirac_
from autograd_cnn.nn.init.in_place import eye_ as eye_
from autograd_cnn.nn.init.in_place import kaiming_normal_ as kaiming_normal_
from autograd_cnn.nn.init.in_place import kaiming_uniform_ as kaiming_uniform_
from autograd_cnn.nn.init.in_place import normal_ as normal_
from autograd_cnn.nn.init.in_place import ones_ as ones_
from autograd_cnn.nn.init.in_place import orthogonal_ as orthogonal_
from autograd_cnn.nn.init.in_place import trunc_normal_ as trunc_normal_
from autograd_cnn.nn.init.in_place import uniform_ as uniform_
from autograd_cnn.nn.init.in_place import xavier_normal_ as xavier_normal_
from autograd_cnn.nn.init.in_place import xavier_uniform_ as xavier_uniform_
from autograd_cnn.nn.init.in_place import zeros_ as zeros_
from autograd_cnn.nn.init.values import Mode as Mode
from autograd_cnn.nn.init.values import Rng as Rng
from autograd_cnn.nn.init.values import constant as constant
from autograd_cnn.nn.init.values import fans as fans
from autograd_cnn.nn.init.values import generator as generator
from autograd_cnn.nn.init.values import kaiming_normal as kaiming_normal
from autograd_cnn.nn.init.values import kaiming_uniform as kaiming_uniform
from autograd_cnn.nn.init.values import normal as normal
from autograd_cnn.nn.init.values import uniform as uniform
from autograd_cnn.nn.init.values import weight_and_bias as weight_and_bias
from autograd_cnn.nn.init.values import xavier_normal as xavier_normal
from autograd_cnn.nn.init.values import xavier_uniform as xavier_uniform
from autograd_cnn.nn.init.values import zeros as zeros
from autograd_cnn.spelling import announce as _announce

_announce(globals())
