"""Sample calls of every primitive in `autograd_cnn.ops`, family by family.

Importing this gives them to the laws. A new primitive needs one entry, in the file of its family: a few calls, and the
operands in which it is linear.
"""

from autograd_cnn.testing.samples import (
    activation,
    attention,
    correlation,
    decomposition,
    elementwise,
    fourier,
    indexing,
    inverse,
    layer_norm,
    linalg,
    logic,
    loss,
    normalization,
    polynomial,
    pooling,
    recurrent,
    reduction,
    rounding,
    selection,
    shaping,
    softmax,
    sorting,
    trigonometric,
)

__all__ = [
    "activation",
    "attention",
    "correlation",
    "decomposition",
    "elementwise",
    "fourier",
    "indexing",
    "inverse",
    "layer_norm",
    "linalg",
    "logic",
    "loss",
    "normalization",
    "polynomial",
    "pooling",
    "recurrent",
    "reduction",
    "rounding",
    "selection",
    "shaping",
    "softmax",
    "sorting",
    "trigonometric",
]
