"""Sample calls of primitives that rearrange elements without changing them."""

from autograd_cnn import ops
from autograd_cnn.ops.shaping import _concatenate
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

normal = Draw("shaping").normal

add_samples(
    ops.reshape,
    sample(normal(2, 6), shape=(3, 4)),
    sample(normal(2, 6), shape=(4, -1)),
    sample(normal(2, 3), shape=-1),
    sample(normal(1, 1), shape=()),
    sample(normal(), shape=(1,)),
    sample(normal(0, 4), shape=(2, 0)),
    linear="x",
)
add_samples(
    ops.transpose,
    sample(normal(2, 3)),
    sample(normal(2, 3, 4), axes=(1, 2, 0)),
    sample(normal(2, 3, 4), axes=[-1, 0, -2]),
    sample(normal()),
    sample(normal(0, 3)),
    linear="x",
)
add_samples(
    ops.broadcast_to,
    sample(normal(3), shape=(2, 3)),
    sample(normal(2, 1, 3), shape=(4, 2, 5, 3)),
    sample(normal(), shape=(2, 2)),
    sample(normal(2, 3), shape=(2, 3)),
    sample(normal(1), shape=(0,)),
    linear="x",
)
add_samples(
    _concatenate,
    sample(normal(2, 3), normal(1, 3), normal(4, 3)),
    sample(normal(2, 3), normal(2, 1), axis=-1),
    sample(normal(2, 3)),
    sample(normal(0, 3), normal(2, 3)),
    linear="arrays",
)
add_samples(
    ops.flip,
    sample(normal(2, 3)),
    sample(normal(2, 3), axis=0),
    sample(normal(2, 3, 2), axis=(0, -1)),
    sample(normal()),
    linear="x",
)
add_samples(
    ops.roll,
    sample(normal(2, 3), shift=2),
    sample(normal(2, 3), shift=-1, axis=-1),
    sample(normal(2, 3, 4), shift=(1, 5), axis=(0, 2)),
    sample(normal(0), shift=1),
    linear="x",
)
