"""Sample calls of the softmax and its logarithm."""

from autograd_cnn import ops
from autograd_cnn.ops.softmax import _log_softmax_backward, _softmax_backward
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw, broadcasting

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
add_samples(ops.logaddexp, *broadcasting(normal, normal))
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
_GRIDS = ((3, 4), -1), ((3, 4), 0), ((2, 3, 4), (0, 2)), ((0, 3), -1)
add_samples(
    _softmax_backward,
    *(sample(normal(*shape), ops.softmax(normal(*shape), axis=axis), axis=axis) for shape, axis in _GRIDS),
    linear="g",
)
add_samples(
    _log_softmax_backward, *(sample(normal(*shape), normal(*shape), axis=axis) for shape, axis in _GRIDS), linear="g"
)
