"""Sample calls of attention and its adjoint."""

from autograd_cnn import ops
from autograd_cnn.ops.attention import _attention_backward
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

normal = Draw("attention").normal

add_samples(
    ops.attention,
    sample(normal(2, 3, 2), normal(2, 4, 2), normal(2, 4, 3), normal(1, 4)),
    sample(normal(3, 2), normal(3, 2), normal(3, 2), None, causal=True, scale=0.5),
)
add_samples(
    _attention_backward,
    sample(normal(2, 3, 3), normal(2, 3, 2), normal(2, 4, 2), normal(2, 4, 3), normal(3, 4), None, None),
    sample(normal(3, 2), normal(3, 2), normal(3, 2), normal(3, 2), None, None, None, causal=True, scale=0.5),
)
