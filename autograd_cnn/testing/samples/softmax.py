"""Sample calls of the softmax and its logarithm."""

from autograd_cnn import ops
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

normal = Draw("softmax").normal

add_samples(
    ops.logsumexp,
    sample(normal(3, 4)),
    sample(normal(3, 4), axis=-1),
    sample(normal(2, 3, 4), axis=(0, 2), keepdims=True),
    sample(normal()),
    sample(normal(1)),
    sample(normal(0, 3), axis=1),
)
add_samples(
    ops.softmax,
    sample(normal(3, 4)),
    sample(normal(3, 4), axis=0),
    sample(normal(2, 3, 4), axis=(0, 2)),
    sample(normal(0, 3)),
)
add_samples(
    ops.log_softmax,
    sample(normal(3, 4)),
    sample(normal(3, 4), axis=0),
    sample(normal(2, 3, 4), axis=(0, 2)),
    sample(normal(0, 3)),
)
