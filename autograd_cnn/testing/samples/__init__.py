"""Sample calls of every primitive in `autograd_cnn.ops`, family by family.

Importing this gives them to the laws. A new primitive needs one entry, in the file of its family: a few calls, and the
operands in which it is linear.
"""

from autograd_cnn.testing.samples import (
    activation,
    attention,
    correlation,
    elementwise,
    indexing,
    linalg,
    loss,
    normalization,
    pooling,
    recurrent,
    reduction,
    selection,
    shaping,
    softmax,
)

__all__ = [
    "activation",
    "attention",
    "correlation",
    "elementwise",
    "indexing",
    "linalg",
    "loss",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "selection",
    "shaping",
    "softmax",
]
