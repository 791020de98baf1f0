"""Sample calls of selection and comparison."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.ops.selection import _damped
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw, broadcasting, elementwise

_draw = Draw("selection")
normal, spaced, off_grid = _draw.normal, _draw.spaced, _draw.off_grid

add_samples(ops.maximum, *broadcasting(spaced, off_grid), sample(spaced(3), 0))
add_samples(ops.minimum, *broadcasting(spaced, off_grid), sample(spaced(3), 0))
add_samples(ops.heaviside, *broadcasting(spaced, normal))
add_samples(ops.clip, *elementwise(spaced, min=-0.5, max=0.5), sample(spaced(5), min=0), sample(spaced(5), max=0))
add_samples(
    ops.where,
    sample(normal(3, 4) > 0, normal(3, 4), normal(3, 4)),
    sample(normal(3, 1) > 0, normal(4), normal(1, 1)),
    sample(np.ones((), bool), normal(), normal(2, 2)),
    sample(normal(4) > 0, normal(4), 0),
    sample(normal(0, 2) > 0, normal(0, 2), normal(2)),
    linear="x1 x2",
)
add_samples(
    ops.selection.masked,
    sample(normal(3, 4), mask=normal(3, 4) > 0),
    sample(normal(), mask=np.ones((), bool)),
    linear="x",
)
add_samples(
    _damped,
    sample(normal(3, 4), mask=normal(3, 4) > 0, factor=0.25),
    sample(normal(), mask=np.zeros((), bool), factor=2.0),
    linear="x",
)

add_samples(ops.equal, *broadcasting(spaced, off_grid))
add_samples(ops.not_equal, *broadcasting(spaced, off_grid))
add_samples(ops.less, *broadcasting(spaced, off_grid))
add_samples(ops.less_equal, *broadcasting(spaced, off_grid))
add_samples(ops.greater, *broadcasting(spaced, off_grid))
add_samples(ops.greater_equal, *broadcasting(spaced, off_grid))
