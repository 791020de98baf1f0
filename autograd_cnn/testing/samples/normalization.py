"""Sample calls of batch normalisation, in training and after, and its adjoints."""

from autograd_cnn import ops
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

_draw = Draw("normalization")
normal, positive = _draw.normal, _draw.positive

add_samples(
    ops.batch_norm,
    sample(normal(3, 2, 4, 3), normal(2), normal(2)),
    sample(normal(3, 2, 1, 2), normal(2), normal(2), eps=0.1),
    sample(normal(2, 1, 3, 3), None, normal(1)),
    sample(normal(4, 3, 1, 1), None, None),
    linear="weight bias",
)
add_samples(
    ops.batch_norm_wrt_input,
    sample(normal(3, 2, 4, 3), normal(3, 2, 4, 3), normal(2)),
    sample(normal(2, 3, 1, 2), normal(2, 3, 1, 2), None, eps=0.1),
    linear="g weight",
)
add_samples(
    ops.batch_norm_wrt_affine,
    sample(normal(3, 2, 4, 3), normal(3, 2, 4, 3)),
    sample(normal(2, 3, 1, 2), normal(2, 3, 1, 2), eps=0.1),
    linear="g",
)
add_samples(
    ops.batch_norm_inference,
    sample(normal(3, 2, 4, 3), normal(2), positive(2), normal(2), normal(2)),
    sample(normal(2, 1, 3, 3), normal(1), positive(1), None, None, eps=0.1),
    linear="weight bias",
)
