"""Sample calls of the reductions."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.ops import reduction
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

_draw = Draw("reduction")
normal, spaced = _draw.normal, _draw.spaced

_WITH_ZEROS = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0], [0.0, 1.5, 0.0]])

add_samples(
    ops.sum,
    sample(normal(3, 4)),
    sample(normal(3, 4), axis=0),
    sample(normal(2, 3, 4), axis=(0, -1), keepdims=True),
    sample(normal(2, 3), axis=-1, keepdims=True),
    sample(normal()),
    sample(normal(1)),
    sample(normal(0, 3), axis=0),
    linear="x",
)
add_samples(
    ops.mean,
    sample(normal(3, 4)),
    sample(normal(3, 4), axis=-2),
    sample(normal(2, 3, 4), axis=(0, 2), keepdims=True),
    sample(normal()),
    sample(normal(1)),
    sample(normal(0, 3), axis=1),
    linear="x",
)
add_samples(
    ops.var,
    sample(normal(3, 4)),
    sample(normal(3, 4), axis=-1),
    sample(normal(2, 3, 4), axis=(0, 2), keepdims=True),
    sample(normal(4, 2), axis=0, ddof=1),
    sample(normal(1)),
    sample(normal(0, 3), axis=1),
)
add_samples(
    ops.max,
    sample(spaced(3, 4)),
    sample(spaced(3, 4), axis=0),
    sample(spaced(2, 3, 4), axis=(0, -1), keepdims=True),
    sample(spaced()),
    sample(spaced(1)),
    sample(spaced(0, 3), axis=1),
)
add_samples(
    reduction._extremum_backward,  # noqa: SLF001
    sample(normal(3, 1), spaced(3, 4), axis=1),
    sample(normal(1, 1, 4), spaced(2, 3, 4), axis=(0, 1), least=True),
    sample(normal(1, 1), spaced(3, 4)),
    linear="g",
)
add_samples(
    ops.min,
    sample(spaced(3, 4)),
    sample(spaced(3, 4), axis=-1),
    sample(spaced(2, 3, 4), axis=(1, 2), keepdims=True),
    sample(spaced()),
    sample(spaced(1)),
    sample(spaced(0, 3), axis=1),
)
add_samples(
    ops.argmax, sample(spaced(3, 4)), sample(spaced(3, 4), axis=-1), sample(spaced(2, 3), axis=0, keepdims=True)
)
add_samples(
    ops.argmin, sample(spaced(3, 4)), sample(spaced(3, 4), axis=-1), sample(spaced(2, 3), axis=0, keepdims=True)
)
add_samples(
    ops.prod,
    sample(normal(3, 4)),
    sample(normal(3, 4), axis=0),
    sample(normal(2, 3, 2), axis=(0, -1), keepdims=True),
    sample(_WITH_ZEROS, axis=1),
    sample(normal(3, 0), axis=1),
    sample(_WITH_ZEROS),
    sample(normal()),
    sample(normal(1)),
    sample(normal(0, 3), axis=1),
)
add_samples(
    ops.cumsum,
    sample(normal(3, 4)),
    sample(normal(3, 4), axis=0),
    sample(normal(2, 3, 4), axis=-1),
    sample(normal(1)),
    sample(normal(0, 3), axis=1),
    linear="x",
)
add_samples(
    ops.cumprod,
    sample(normal(3, 4)),
    sample(_WITH_ZEROS, axis=0),
    sample(normal(2, 3, 4), axis=-1),
    sample(_WITH_ZEROS, axis=1),
    sample(normal(1)),
    sample(normal(0, 3), axis=1),
)
_QUESTIONS = (
    sample(_WITH_ZEROS),
    sample(_WITH_ZEROS, axis=-1, keepdims=True),
    sample(normal(2, 3, 4), axis=(0, -1)),
    sample(normal(0, 3), axis=0),
)
add_samples(ops.any, *_QUESTIONS)
add_samples(ops.all, *_QUESTIONS)
add_samples(ops.count_nonzero, *_QUESTIONS)
