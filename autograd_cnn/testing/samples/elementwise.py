"""Sample calls of arithmetic, powers, exponentials and logarithms."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw, broadcasting, elementwise

_draw = Draw("elementwise")
normal, positive, spaced = _draw.normal, _draw.positive, _draw.spaced

add_samples(ops.add, *broadcasting(normal, normal), sample(normal(3), 2.0), linear="x1 x2")
add_samples(ops.subtract, *broadcasting(normal, normal), sample(2, normal(3)), linear="x1 x2")
add_samples(ops.multiply, *broadcasting(normal, normal), sample(normal(3), 2.0), linear="x1 x2")
add_samples(ops.divide, *broadcasting(normal, positive), sample(1, positive(3)), linear="x1")
add_samples(ops.negative, *elementwise(normal), linear="x")
add_samples(ops.positive, *elementwise(normal), linear="x")
add_samples(ops.astype, *elementwise(normal, dtype=np.float64), linear="x")
add_samples(ops.absolute, *elementwise(spaced))
add_samples(ops.sign, *elementwise(spaced))

add_samples(
    ops.power,
    *broadcasting(positive, normal),
    sample(normal(3, 4), 3),
    sample(normal(3), 0),
    sample(positive(3), 0.5),
    sample(positive(3), -2),
    sample(2.0, normal(3)),
)
add_samples(ops.square, *elementwise(normal))
add_samples(ops.sqrt, *elementwise(positive))
add_samples(ops.exp, *elementwise(normal))
add_samples(ops.expm1, *elementwise(normal))
add_samples(ops.log, *elementwise(positive))
add_samples(ops.log1p, *elementwise(positive))
add_samples(ops.log2, *elementwise(positive))
add_samples(ops.log10, *elementwise(positive))
add_samples(ops.exp2, *elementwise(normal))
add_samples(ops.cbrt, *elementwise(positive), sample([-2.0, 0.5]))
add_samples(ops.ldexp, sample(normal(2, 3), [[1], [-2]]), sample(normal(), 3), linear="x1")
add_samples(ops.copysign, *broadcasting(spaced, spaced))
add_samples(ops.nextafter, *broadcasting(normal, normal))
