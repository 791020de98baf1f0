"""Sample calls of products."""

from autograd_cnn import ops
from autograd_cnn.ops.linalg import _einsum
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

normal = Draw("linalg").normal

add_samples(
    ops.matmul,
    sample(normal(2, 3), normal(3, 4)),
    sample(normal(3), normal(3)),
    sample(normal(3), normal(3, 4)),
    sample(normal(2, 3), normal(3)),
    sample(normal(3), normal(2, 3, 4)),
    sample(normal(5, 2, 3), normal(3)),
    sample(normal(5, 2, 3), normal(5, 3, 4)),
    sample(normal(5, 2, 3), normal(3, 4)),
    sample(normal(2, 3), normal(5, 3, 4)),
    sample(normal(2, 1, 2, 3), normal(5, 3, 1)),
    sample(normal(1, 1), normal(1, 1)),
    sample(normal(0, 3), normal(3, 2)),
    sample(normal(2, 0), normal(0, 2)),
    linear="x1 x2",
)
add_samples(
    ops.linear,
    sample(normal(2, 3), normal(4, 3), normal(4)),
    sample(normal(2, 3), normal(4, 3), None),
    sample(normal(3), normal(4, 3), normal(4)),
    sample(normal(2, 5, 3), normal(4, 3), normal(4)),
    sample(normal(0, 3), normal(4, 3), normal(4)),
    linear="x w bias",
)
add_samples(
    _einsum,
    sample(normal(2, 3), normal(3, 4), terms=("ij", "jk"), out="ik"),
    sample(normal(2, 3), terms=("ij",), out="ji"),
    sample(normal(2, 3), terms=("ij",), out=""),
    sample(normal(2, 3), normal(3), normal(2), terms=("ij", "j", "i"), out="i"),
    sample(normal(2, 3), normal(4), terms=("ij", "k"), out="k"),
    sample(normal(1, 3), normal(2, 3), terms=("ij", "ij"), out="j"),
    sample(normal(0, 3), normal(3), terms=("ij", "j"), out="i"),
    linear="operands",
)
