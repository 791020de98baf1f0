"""Sample calls of trigonometric and hyperbolic functions."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.ops.trigonometric import _sinc
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw, Numbers, broadcasting, elementwise

_draw = Draw("trigonometric")
normal, positive = _draw.normal, _draw.positive


def _inside(*shape: int) -> Numbers:
    """Return numbers from -0.75 to 0.75."""
    return np.array(positive(*shape) - 1.25)


add_samples(ops.sin, *elementwise(normal))
add_samples(ops.cos, *elementwise(normal))
add_samples(ops.tan, *elementwise(_inside))
add_samples(_sinc, *elementwise(normal, order=0), sample([0.0, 3.0, -1.0], order=2), sample([0.0, 2.5], order=1))
add_samples(ops.arcsin, *elementwise(_inside))
add_samples(ops.arccos, *elementwise(_inside))
add_samples(ops.arctan, *elementwise(normal))
add_samples(ops.arctan2, *broadcasting(positive, _inside))
add_samples(ops.hypot, *broadcasting(positive, normal))
add_samples(ops.sinh, *elementwise(normal))
add_samples(ops.cosh, *elementwise(normal))
add_samples(ops.arcsinh, *elementwise(normal))
add_samples(ops.arccosh, *elementwise(lambda *shape: np.array(positive(*shape) + 1.0)))
add_samples(ops.arctanh, *elementwise(_inside))
