"""Sample calls of layer normalisation and its adjoints."""

from autograd_cnn import ops
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

normal = Draw("layer_norm").normal

add_samples(
    ops.layer_norm,
    sample(normal(2, 3, 12), normal(12), normal(12)),
    sample(normal(3, 5), normal(5), None, eps=0.1),
    sample(normal(2, 3, 4), normal(3, 4), normal(3, 4), axes=2),
    sample(normal(4, 2, 12), normal(2, 12), normal(2, 12)),  # numbers that repeat every two rows
    sample(normal(2, 2, 3, 4), normal(2, 3, 1), normal(2, 3, 1), axes=2),  # one for the whole last axis
    sample(normal(4), None, None),
    sample(normal(0, 4), normal(4), normal(4)),
    linear="weight bias",
)
add_samples(
    ops.layer_norm_wrt_input,
    sample(normal(2, 3, 12), normal(2, 3, 12), normal(12)),
    sample(normal(2, 3, 4), normal(2, 3, 4), None, eps=0.1, axes=2),
    sample(normal(4, 2, 12), normal(4, 2, 12), normal(2, 12)),
    sample(normal(2, 2, 3, 4), normal(2, 2, 3, 4), normal(2, 3, 1), axes=2),
    sample(normal(0, 4), normal(0, 4), normal(4)),
    linear="g weight",
)
add_samples(
    ops.layer_norm_wrt_affine,
    sample(normal(2, 3, 12), normal(2, 3, 12)),
    sample(normal(2, 3, 4), normal(2, 3, 4), eps=0.1, axes=2),
    sample(normal(4, 2, 12), normal(4, 2, 12), over=2),
    sample(normal(2, 2, 3, 4), normal(2, 2, 3, 4), axes=2, over=3, together=True),
    sample(normal(0, 4), normal(0, 4)),
    linear="g",
)
