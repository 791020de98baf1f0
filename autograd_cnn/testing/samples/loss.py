"""Sample calls of the losses."""

import numpy as np

from autograd_cnn.ops.loss import _softmax_error, softmax_cross_entropy
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

normal = Draw("loss").normal

_CALLS = (
    sample(normal(3, 4), labels=np.array([1, 3, 1])),
    sample(normal(3, 4), labels=np.array([0, 3, 1]), label_smoothing=0.2),
    sample(normal(1, 1), labels=np.array([0])),
    sample(normal(0, 3), labels=np.zeros(0, int)),
)

add_samples(softmax_cross_entropy, *_CALLS)
add_samples(
    _softmax_error,
    *(sample(normal(len(call.arrays[0])), *call.arrays, **call.params) for call in _CALLS),
    linear="g",
)
