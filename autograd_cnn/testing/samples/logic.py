"""Sample calls of predicates, and of logic."""

from autograd_cnn import ops
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw, broadcasting, elementwise

normal = Draw("logic").normal

_BITS = (sample([True, False], [True]), sample([[5], [6]], [3, 4]))

add_samples(ops.isnan, *elementwise(normal))
add_samples(ops.isinf, *elementwise(normal))
add_samples(ops.isfinite, *elementwise(normal))
add_samples(ops.signbit, *elementwise(normal))
add_samples(ops.logical_not, *elementwise(normal))
add_samples(ops.logical_and, *broadcasting(normal, normal))
add_samples(ops.logical_or, *broadcasting(normal, normal))
add_samples(ops.logical_xor, *broadcasting(normal, normal))
add_samples(ops.invert, sample([True, False]), sample([[5], [-6]]))
add_samples(ops.left_shift, sample([[5], [6]], [3, 4]))
add_samples(ops.right_shift, sample([[50], [60]], [3, 4]))
add_samples(ops.bitwise_and, *_BITS)
add_samples(ops.bitwise_or, *_BITS)
add_samples(ops.bitwise_xor, *_BITS)
